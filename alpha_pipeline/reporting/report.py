"""
The nightly report of one run date as an HTML page: decisions, mining, library, track record, cost and data.

Sections come from `sections` and `operations`; nothing is measured here.
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

# Anchor, title and introduction.
_SECTIONS = (
    (
        "decisions",
        "Decisions",
        "The sum of the source contributions, traded if value and confidence exceed their thresholds.",
    ),
    (
        "fusion",
        "Fusion",
        "Walk-forward comparison of the methods at the last comparison date: fitted on the past, evaluated out "
        "of sample. "
        "Annual return and Sharpe are those of the fused value held as a weight, net of costs, before thresholds.",
    ),
    ("record", "Track record", "Past decisions, scored once their outcome was known and never revised."),
    ("mining", "Mining", "Every proposal counts as a trial, refused or not; bars show how many passed each stage."),
    (
        "library",
        "Library",
        "Validation bars before the run date: long-short, next-bar execution, net of costs. References are measured as "
        "written, here and on their tear sheets; the trial ledger measures every formula in the direction estimated on "
        "train, so its sign may differ there.",
    ),
    ("decay", "Factor decay", "Live bars only: those after a factor entered the library."),
    ("cost", "Cost", ""),
    ("data", "Data", "Data available by the end of the run date."),
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
        run_date: start of its day, UTC.
        fused: rows of `fused_signal` of the run date, all markets; only each symbol's latest row is used.
        record: rows of `signal_track_record` up to the run date, all markets.
        markets: the other frames by market; all may be empty.
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
    parts = [section(anchor, title, bodies[anchor], intro) for anchor, title, intro in _SECTIONS]
    head = [
        "<header>",
        *summary_section(run_date, latest, record, markets),
        navigation((anchor, title) for anchor, title, _ in _SECTIONS),
        "</header>",
    ]
    foot = ["<footer>Charts of this page as PNG:", links(pictures), "</footer>"] if pictures else []
    return page(f"Nightly report, {run_date:%Y-%m-%d}", [*head, *parts, *foot])


def _fusion(comparison: pd.DataFrame | None) -> list[str]:
    rows = [] if comparison is None else comparison_rows(comparison)
    return [table(HEAD, rows) if rows else paragraph("No comparison of the last two weeks is available.")]


def _covered(latest: pd.DataFrame) -> list[str]:
    return [
        f"{market}: sources with {percent(share)} of the total weight were active, on average over the symbols; "
        "weights are renormalized over active sources."
        for market, share in latest.groupby("market")["coverage"].mean().items()
    ]


def _method(markets: Sequence[MarketReport]) -> list[str]:
    return [
        "Returns, Sharpe ratios and equity are net of costs unless a column says gross.",
        "Sharpe ratios are annualized, turnover is per day; the break-even cost is the cost per turnover that "
        "reduces the return to zero.",
        "The annual return is the arithmetic mean per bar times the bars of a year and may be below "
        f"{percent(-1.0)}; the total return is compounded.",
        *(_costs(m.market) for m in markets),
        "A decision taken at the close of a bar is executed on the next bar, never at the close it is based on.",
        "Factors are selected on train and validation; the numbers here are from validation and are therefore biased "
        "upwards by selection. The holdout is sealed: no proposer, judge, weight or page reads it.",
        *(f"The sealed holdout of {m.market.name} was accessed {plural(m.holdout_accesses, 'time')}." for m in markets),
        "A factor is admitted if it is significant on train among all trials so far (Benjamini-Yekutieli, FDR 5 %), "
        "significant on validation among all discoveries (Benjamini-Hochberg, FDR 5 %), and profitable after costs.",
        "Every factor is recomputed on truncated and altered data; factors with look-ahead bias are refused.",
        "The t-statistics account for overlapping outcomes (Newey-West). The deflated Sharpe ratio is the probability "
        "that the true Sharpe ratio exceeds the best expected from that many trials by chance.",
        f"Performance expected by the proposer is never shown as a measurement. “{UNDEFINED}” means undefined or "
        "not measured.",
        "Equity of past decisions: equal capital per symbol, cash for HOLD, daily returns, compounded.",
        "The random grammar is a control without a model: a model that does not beat it adds no value.",
        "For research only, not investment advice; past performance does not predict future results.",
    ]


def _costs(market: Market) -> str:
    rate = market.borrow_bps_per_year
    borrow = f", {rate:g} bps a year borrow cost for shorts" if rate else ""
    return (
        f"{market.name.capitalize()}: {market.fee_bps:g} bps fee and {market.slippage_bps:g} bps slippage per unit of "
        f"turnover{borrow}; forward returns over {plural(market.horizon_bars, 'bar')} of {market.bar}."
    )
