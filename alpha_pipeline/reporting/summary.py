"""
The summary at the top of the nightly report: today's positions, status of the run, issues.

The sections below it are in `sections` and `operations`.
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
    """Title, today's positions per market, status of the run and key figures."""
    trials = [proposals(m.trials) for m in markets]
    proposed = sum(len(t) for t in trials)
    accepted = sum(int((t["verdict"] == "accepted").sum()) for t in trials)
    pairs = [pair for t in trials for pair in zip(t["proposer"], t["model"], strict=True)]
    proposers = {proposer_label(p, m): p == CONTROL for p, m in pairs}
    badges = [badge(f"proposed by {label}", warning=control) for label, control in sorted(proposers.items())]
    trades = int((latest["decision"] != "HOLD").sum())
    hits = hit_rate(record)
    control = "The factors of this run date were drawn at random from the grammar: a control without a language model."
    usd = sum(float(m.trials["usd"].sum()) for m in markets)
    return [
        f'<div class="soft">{run_date:%A}, {day(run_date)}, UTC</div>',
        "<h1>Positions for today</h1>",
        paragraph(
            f"{trades} of {plural(len(latest), 'symbol')} {'is' if trades == 1 else 'are'} LONG or SHORT.", "lead"
        ),
        f'<div class="cards">{"".join(_today(m, latest) for m in markets)}</div>',
        _status(latest, record, markets),
        paragraph(control, "notice") if proposers and all(proposers.values()) else "",
        tiles(
            [
                (f"{accepted} / {proposed}", "factors accepted / proposed"),
                (percent(hits.hit_rate), f"hit rate of {plural(hits.decisions, 'past decision')}"),
                (f"${usd:,.2f}", "model cost of the run date"),
            ]
        ),
        f"<div>{''.join(badges) or badge('no proposals that run date', warning=True)}</div>",
        paragraph(
            f"{accepted} of {plural(proposed, 'proposed factor')} {'was' if proposed == 1 else 'were'} admitted "
            f"to the library. {_active_factors(markets)}",
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
    """One decision with its symbols; empty without symbols."""
    decision, named, more = line
    return orders(decision, named, more) if named else ""


def _status(latest: pd.DataFrame, record: pd.DataFrame, markets: Sequence[MarketReport]) -> str:
    """A line without issues, or the list of issues."""
    missing = [m.market.name for m in markets if not (latest["market"] == m.market.name).any()]
    issues = [f"{name}: no signal was stored." for name in missing]
    issues += [sentence for m in markets for sentence in troubles(m)]
    hits = hit_rate(record)
    if hits.decisions and hits.high < 0.5:
        issues.append(
            f"Hit rate of past decisions significantly below 50 %: {percent(hits.hit_rate)} of {hits.decisions:,}."
        )
    if not issues:
        return notice("The run completed without issues.", [], good=True)
    return notice(f"{plural(len(issues), 'issue needs', 'issues need')} attention", issues)


def _active_factors(markets: Sequence[MarketReport]) -> str:
    """Number of library factors with a weight in the decisions, or the sources used without any."""
    active = [m.library[m.library["status"].isin(["accepted", "probation"])] for m in markets]
    count = sum(map(len, active))
    if count:
        return f"{plural(count, 'library factor')} {'contributes' if count == 1 else 'contribute'} to the decisions."
    sources = sorted({humanize(source) for m in markets for source in m.signals["source"].unique()})
    rest = f"; the sources are {', '.join(sources)}" if sources else ""
    return f"No library factor contributes to the decisions yet{rest}."
