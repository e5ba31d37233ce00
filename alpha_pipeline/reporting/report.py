"""
The morning page of one night: what was decided and why, what was mined and refused, how past decisions did.

The chapters come from `chapters`; nothing is measured here.
"""

from collections.abc import Sequence

import pandas as pd

from alpha_pipeline.fusion.scores import hit_rate
from alpha_pipeline.market import Market
from alpha_pipeline.reporting.chapters import MarketNight, decisions, library, mining, track_record
from alpha_pipeline.reporting.funnel import CONTROL, proposals, proposer_label
from alpha_pipeline.reporting.markup import badge, bullets, navigation, page, paragraph, section, table, tiles
from alpha_pipeline.reporting.terminal import latest_decisions
from alpha_pipeline.reporting.wording import UNDEFINED, day, percent, plural, spoken

# Anchor, title and a line on what the chapter shows.
_CHAPTERS = (
    ("decisions", "Decisions", ""),
    ("mining", "Mining", "Every proposal is a trial, refused ones too; a bar shows how many passed that stage."),
    ("library", "Library", "Trailing window before the night: long-short, next-bar execution, after costs."),
    ("record", "Track record", "Past decisions, scored when their outcome was known and never rewritten."),
    ("sources", "Sources", ""),
    ("method", "Method", ""),
)


def nightly_page(night: pd.Timestamp, fused: pd.DataFrame, record: pd.DataFrame, markets: Sequence[MarketNight]) -> str:
    """
    One self-contained HTML page: inline style and SVG, no scripts, nothing loaded from anywhere.

    Args:
        night: start of the day the night belongs to.
        fused: the night's rows of `fused_signal`, all markets; only each symbol's latest row counts.
        record: rows of `signal_track_record` up to the night, all markets.
        markets: the other frames, market by market; all may be empty.

    Returns:
        HTML. All texts of models, news and sources are escaped; undefined numbers show as "–".
    """
    latest = latest_decisions(fused)
    bodies = {
        "decisions": [part for m in markets for part in decisions(m, latest)],
        "mining": [part for m in markets for part in mining(m)],
        "library": library(markets),
        "record": track_record(record),
        "sources": _sources(latest, markets),
        "method": [bullets(_method(markets))],
    }
    chapters = [section(anchor, title, bodies[anchor], intro) for anchor, title, intro in _CHAPTERS]
    return page(f"Nightly report, {night:%Y-%m-%d}", [*_head(night, latest, record, markets), *chapters])


def _head(night: pd.Timestamp, latest: pd.DataFrame, record: pd.DataFrame, markets: Sequence[MarketNight]) -> list[str]:
    trials = [proposals(m.trials) for m in markets]
    proposed = sum(len(t) for t in trials)
    accepted = sum(int((t["verdict"] == "accepted").sum()) for t in trials)
    who = {proposer_label(p, m): p == CONTROL for t in trials for p, m in zip(t["proposer"], t["model"], strict=True)}
    counts = latest["decision"].value_counts()
    acting = int(counts.get("LONG", 0) + counts.get("SHORT", 0))
    hits = hit_rate(record)
    lead = (
        f"{acting} of {plural(len(latest), 'symbol')} {'calls' if acting == 1 else 'call'} for a position. "
        f"{accepted} of {plural(proposed, 'proposed factor')} earned a place in the library."
    )
    badges = [badge(f"proposed by {label}", warning=control) for label, control in sorted(who.items())]
    control_only = bool(who) and all(who.values())
    notice = "Tonight's factors were drawn at random from the grammar: a scientific control, not the work of a model."
    return [
        f'<header><h1>Nightly report</h1><div class="soft">{night:%A}, {day(night)}, UTC</div>',
        f"<div>{''.join(badges) or badge('no proposals that night', warning=True)}</div>",
        paragraph(lead, "lead"),
        paragraph(notice, "notice") if control_only else "",
        tiles(
            [
                *((f"{counts.get(decision, 0)}", decision) for decision in ("LONG", "SHORT", "HOLD")),
                (f"{accepted} / {proposed}", "factors accepted / proposed"),
                (percent(hits.rate), f"hit rate of {plural(hits.decisions, 'past decision')}"),
            ]
        ),
        navigation((anchor, title) for anchor, title, _ in _CHAPTERS),
        "</header>",
    ]


def _sources(latest: pd.DataFrame, markets: Sequence[MarketNight]) -> list[str]:
    rows = [(m.market.name, spoken(source), reason) for m in markets for source, reason in sorted(m.absent.items())]
    coverage = latest.groupby("market")["coverage"].mean()
    covered = [
        f"{market}: {percent(share)} of the weight table had something to say, on average over the symbols; "
        "the weights of silent sources are shared out among the others."
        for market, share in coverage.items()
    ]
    notes = [f"{m.market.name}: {note}" for m in markets for note in m.notes]
    absent = table([("Market", "w"), ("Absent source", "w"), ("Reason", "long")], rows)
    return [absent or paragraph("No source was absent."), bullets([*covered, *notes])]


def _method(markets: Sequence[MarketNight]) -> list[str]:
    return [
        "Returns, Sharpe ratios and equity are net of costs unless a column says gross.",
        "Sharpe ratios are per year, turnover per day; break-even is the cost of turnover that eats the whole return.",
        *(_costs(m.market) for m in markets),
        "A decision taken at the close of a bar is executed on the next bar, never at the price it was made from.",
        "Factors are chosen on the train and validation stretches, and the numbers here are those of validation: they "
        "flatter what was chosen by them. The test stretch is sealed: no proposer, judge, weight or page reads it.",
        *(f"The sealed stretch of {m.market.name} was opened {plural(m.openings, 'time')} so far." for m in markets),
        "A factor is admitted when train makes it a discovery among everything ever tried (Benjamini-Yekutieli, 5 %), "
        "validation finds it again among all discoveries (Benjamini-Hochberg, 5 %), and it earns after costs.",
        "Every factor is recomputed on cut and altered data; one that sees the future is refused.",
        "The t-statistics allow for overlapping outcomes (Newey-West). Deflated is the probability that the true "
        "Sharpe ratio beats the best of all trials by luck alone.",
        f"Claims of the proposer are never shown as measurements. “{UNDEFINED}” means undefined or not measured.",
        "Equity of past decisions: equal capital on every symbol, cash for HOLD, one return per day, compounded.",
        "The random grammar is a control without a model: if it does as well as the model, the model added nothing.",
        "Research, not investment advice: past results say little about future ones.",
    ]


def _costs(market: Market) -> str:
    rate = market.borrow_bps_per_year
    borrow = f", {rate:g} bps a year to hold a short" if rate else ""
    return (
        f"{market.name.capitalize()}: {market.fee_bps:g} bps fee and {market.slippage_bps:g} bps slippage per unit of "
        f"turnover{borrow}; outcomes after {plural(market.horizon_bars, 'bar')} of {market.bar}."
    )
