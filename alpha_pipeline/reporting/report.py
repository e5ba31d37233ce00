"""
The morning page of one run date: what was decided and why, what was mined and refused, how past decisions did.

The chapters come from `chapters`; nothing is measured here.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from alpha_pipeline.market.markets import Market
from alpha_pipeline.reporting.formatting import UNDEFINED, percent, plural
from alpha_pipeline.reporting.markup import bullets, links, navigation, page, paragraph, section, table
from alpha_pipeline.reporting.model_comparison import HEAD, comparison_rows
from alpha_pipeline.reporting.operations import cost, data, life
from alpha_pipeline.reporting.sections import MarketReport, decisions, library, mining, track_record
from alpha_pipeline.reporting.summary import summary_section
from alpha_pipeline.reporting.terminal import latest_decisions
from alpha_pipeline.tables import PAPER_LEDGER

# Anchor, title and a line on what the chapter shows.
_CHAPTERS = (
    ("decisions", "Decisions", "The value is the sum of what the sources add; beyond both thresholds it is acted on."),
    (
        "fusion",
        "Fusion",
        "Every method walked forward, as of the last comparison: fitted on the past, tried on what came next. Held is "
        "what every value as a weight earned after costs, before any threshold.",
    ),
    ("record", "Track record", "Past decisions, scored when their outcome was known and never rewritten."),
    ("mining", "Mining", "Every proposal is a trial, refused ones too; a bar shows how many passed that stage."),
    (
        "library",
        "Library",
        "Validation bars before the run date: long-short, next-bar execution, after costs. A reference is measured as "
        "written, here and on its tear sheet; in the ledger of trials every formula is measured in the direction that "
        "train found, so the same one may show the other sign there.",
    ),
    ("decay", "What decays", "Live bars alone: those after a factor entered the library."),
    ("cost", "Cost", ""),
    ("data", "Data", "What had become known by the end of the run date."),
    ("method", "Method", ""),
)


def nightly_page(
    run_date: pd.Timestamp,
    fused: pd.DataFrame,
    record: pd.DataFrame,
    markets: Sequence[MarketReport],
    pictures: Sequence[tuple[str, str]] = (),
    took_seconds: float = np.nan,
    paper: pd.DataFrame | None = None,
    comparison: pd.DataFrame | None = None,
) -> str:
    """
    One self-contained HTML page: inline style and SVG, no scripts, nothing loaded from anywhere.

    Args:
        run date: start of the day the run date belongs to.
        fused: the run date's rows of `fused_signal`, all markets; only each symbol's latest row counts.
        record: rows of `signal_track_record` up to the run date, all markets.
        markets: the other frames, market by market; all may be empty.
        pictures: PNG charts beside the page: (address relative to it, title).
        took_seconds: of the run so far; NaN when not known.
        paper: rows of `paper_ledger` up to the run date, all markets.
        comparison: rows of `fusion_comparison` of the last run date that compared.

    Returns:
        HTML. All texts of models, news and sources are escaped; undefined numbers show as "–".
    """
    latest = latest_decisions(fused)
    bodies = {
        "decisions": [part for m in markets for part in decisions(m, latest)],
        "fusion": _fusion(comparison),
        "mining": [part for m in markets for part in mining(m)],
        "library": library(markets),
        "record": track_record(record, PAPER_LEDGER.empty() if paper is None else paper),
        "decay": life(markets),
        "cost": cost(markets, took_seconds),
        "data": [*data(markets), bullets(_covered(latest))],
        "method": [bullets(_method(markets))],
    }
    chapters = [section(anchor, title, bodies[anchor], intro) for anchor, title, intro in _CHAPTERS]
    head = [
        "<header>",
        *summary_section(run_date, latest, record, markets),
        navigation((anchor, title) for anchor, title, _ in _CHAPTERS),
        "</header>",
    ]
    foot = (
        ["<footer>Charts of this page as pictures, for mail and chat:", links(pictures), "</footer>"]
        if pictures
        else []
    )
    return page(f"Nightly report, {run_date:%Y-%m-%d}", [*head, *chapters, *foot])


def _fusion(comparison: pd.DataFrame | None) -> list[str]:
    rows = [] if comparison is None else comparison_rows(comparison)
    return [table(HEAD, rows) if rows else paragraph("No comparison of the methods was made in the last weeks.")]


def _covered(latest: pd.DataFrame) -> list[str]:
    return [
        f"{market}: {percent(share)} of the weight table had something to say, on average over the symbols; "
        "the weights of silent sources are shared out among the others."
        for market, share in latest.groupby("market")["coverage"].mean().items()
    ]


def _method(markets: Sequence[MarketReport]) -> list[str]:
    return [
        "Returns, Sharpe ratios and equity are net of costs unless a column says gross.",
        "Sharpe ratios are per year, turnover per day; break-even is the cost of turnover that eats the whole return.",
        "A return a year is the mean per bar times the bars of a year, not compounded, so that a losing one may pass "
        f"{percent(-1.0)}; the return in all is compounded.",
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
