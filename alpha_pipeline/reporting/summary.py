"""
The first screen of the nightly page: what to do today, whether the run date went well, what needs attention.

The chapters below it are `chapters` and `upkeep`.
"""

from collections.abc import Sequence

import pandas as pd

from alpha_pipeline.outcomes.scores import hit_rate
from alpha_pipeline.reporting.formatting import clock, day, humanize, percent, plural
from alpha_pipeline.reporting.funnel import CONTROL, proposals, proposer_label
from alpha_pipeline.reporting.markup import badge, card, notice, orders, paragraph, tiles
from alpha_pipeline.reporting.model_comparison import why_held
from alpha_pipeline.reporting.operations import troubles
from alpha_pipeline.reporting.sections import MarketReport

_NAMED = 5


def summary_section(
    run_date: pd.Timestamp, latest: pd.DataFrame, record: pd.DataFrame, markets: Sequence[MarketReport]
) -> list[str]:
    """Title, today's orders per market, the verdict on the run date, and five figures."""
    trials = [proposals(m.trials) for m in markets]
    proposed = sum(len(t) for t in trials)
    accepted = sum(int((t["verdict"] == "accepted").sum()) for t in trials)
    who = {proposer_label(p, m): p == CONTROL for t in trials for p, m in zip(t["proposer"], t["model"], strict=True)}
    badges = [badge(f"proposed by {label}", warning=control) for label, control in sorted(who.items())]
    acting = int((latest["decision"] != "HOLD").sum())
    hits = hit_rate(record)
    control = "Tonight's factors were drawn at random from the grammar: a scientific control, not the work of a model."
    usd = sum(float(m.trials["usd"].sum()) for m in markets)
    return [
        f'<div class="soft">{run_date:%A}, {day(run_date)}, UTC</div>',
        "<h1>What to do today</h1>",
        paragraph(
            f"{acting} of {plural(len(latest), 'symbol')} {'calls' if acting == 1 else 'call'} for a position.", "lead"
        ),
        f'<div class="cards">{"".join(_today(m, latest) for m in markets)}</div>',
        _verdict(latest, record, markets),
        paragraph(control, "notice") if who and all(who.values()) else "",
        tiles(
            [
                (f"{accepted} / {proposed}", "factors accepted / proposed"),
                (percent(hits.hit_rate), f"hit rate of {plural(hits.decisions, 'past decision')}"),
                (f"${usd:,.2f}", "paid for the model on the run date"),
            ]
        ),
        f"<div>{''.join(badges) or badge('no proposals that run date', warning=True)}</div>",
        paragraph(
            f"{accepted} of {plural(proposed, 'proposed factor')} earned a place in the library. {_voters(markets)}",
            "soft",
        ),
    ]


def _today(m: MarketReport, latest: pd.DataFrame) -> str:
    rows = latest[latest["market"] == m.market.name]
    if rows.empty:
        return card(m.market.name, "no signal was stored", [])
    lines = []
    for decision in ("LONG", "SHORT"):
        chosen = rows[rows["decision"] == decision]
        chosen = chosen.loc[chosen["value"].abs().sort_values(ascending=False).index]
        named = [(str(r["symbol"]), percent(r["confidence"])) for r in chosen.head(_NAMED).to_dict("records")]
        lines.append((decision, named, len(chosen) - len(named)))
    held = len(rows) - sum(len(named) + more for _, named, more in lines)
    rest = why_held(rows) or (f"{plural(held, 'other symbol')}: HOLD" if held else "")
    return card(
        m.market.name,
        f"{plural(len(rows), 'symbol')}, decided at {clock(rows['timestamp'].max())}",
        [*map(orders_line, lines), paragraph(rest, "soft")],
    )


def orders_line(line: tuple[str, Sequence[tuple[str, str]], int]) -> str:
    """One decision with the symbols it holds for; nothing when it holds for none."""
    decision, named, more = line
    return orders(decision, named, more) if named else ""


def _verdict(latest: pd.DataFrame, record: pd.DataFrame, markets: Sequence[MarketReport]) -> str:
    """One line that says the run date went well, or all that did not."""
    silent = [m.market.name for m in markets if not (latest["market"] == m.market.name).any()]
    said = [f"{name}: no signal was stored." for name in silent]
    said += [sentence for m in markets for sentence in troubles(m)]
    hits = hit_rate(record)
    if hits.decisions and hits.high < 0.5:
        said.append(f"Past decisions are right less often than a coin: {percent(hits.hit_rate)} of {hits.decisions:,}.")
    if not said:
        return notice("The run date went well. Nothing needs attention.", [], good=True)
    return notice(f"{plural(len(said), 'thing needs', 'things need')} attention", said)


def _voters(markets: Sequence[MarketReport]) -> str:
    """Which factors have a vote in the decisions, or that none has."""
    voting = [m.library[m.library["status"].isin(["accepted", "probation"])] for m in markets]
    count = sum(map(len, voting))
    if count:
        return f"{plural(count, 'factor')} of the library {'votes' if count == 1 else 'vote'} in the decisions."
    said = sorted({humanize(source) for m in markets for source in m.signals["source"].unique()})
    rest = f": what decides is {', '.join(said)}" if said else ""
    return f"No factor of the library has a vote yet{rest}."
