"""
The nightly report of one run date as an HTML page: decisions, mining, library, track record, cost and data.

Sections come from `sections` and `operations`; nothing is measured here.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from alpha_pipeline.market.markets import Market
from alpha_pipeline.outcomes.scores import hit_rate
from alpha_pipeline.reporting.formatting import UNDEFINED, clock, day, humanize, percent, plural
from alpha_pipeline.reporting.funnel import CONTROL, proposals, proposer_label
from alpha_pipeline.reporting.markup import (
    badge,
    bullets,
    card,
    links,
    navigation,
    notice,
    orders,
    page,
    paragraph,
    section,
    table,
    tiles,
)
from alpha_pipeline.reporting.model_comparison import HEAD, comparison_rows, why_held
from alpha_pipeline.reporting.operations import cost, data, life, troubles
from alpha_pipeline.reporting.sections import MarketReport, decisions, library, mining, track_record
from alpha_pipeline.reporting.text_tables import latest_decisions
from alpha_pipeline.tables import PAPER_LEDGER

_NAMED = 5
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
        "that the true Sharpe ratio exceeds the best expected by chance from that many different formulas.",
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
        f"{market.name.capitalize()} ({market.currency}): {market.fee_bps:g} bps fee and {market.slippage_bps:g} bps "
        f"slippage per unit of turnover{borrow}; "
        f"forward returns over {plural(market.horizon_bars, 'bar')} of {market.bar}."
    )


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
