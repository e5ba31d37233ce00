"""Factors in detail: the series behind the measures of one, its sensitivity to assumptions, several side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from alpha_pipeline.backtesting import metrics
from alpha_pipeline.backtesting.bars import Bars
from alpha_pipeline.backtesting.breakdown import subsample_breakdown
from alpha_pipeline.backtesting.information import ic_decay, quantile_returns
from alpha_pipeline.backtesting.measures import EvaluationBars, measure_factor
from alpha_pipeline.backtesting.portfolio import backtest
from alpha_pipeline.backtesting.traded_factor import TradedFactor
from alpha_pipeline.errors import AlphaError
from alpha_pipeline.typing import Array

# Horizons of the decay, in multiples of the market's own.
DECAY = (0.25, 0.5, 1, 2, 5, 10, 20)
COSTS_BPS = (0.0, 5.0, 10.0, 20.0, 30.0)
YEARS_OF_DAYS = (252, 365)


@dataclass(frozen=True)
class FactorStudy:
    """
    A factor in detail.

    Args:
        returns: `gross` and `net`, fraction per bar, and `turnover`, fraction of the equity per bar; by close, UTC.
        rank_ic: by close of the decision bar, UTC; NaN where undefined.
        ic_decay: mean rank IC by horizon in bars.
        quantiles: mean forward return per horizon by quantile of the factor, lowest first; NaN with few symbols.
        breakdown: as `breakdown.subsample_breakdown` returns it.
        sensitivity: as `assumption_sensitivity` returns it.
    """

    returns: pd.DataFrame
    rank_ic: pd.Series
    ic_decay: dict[int, float]
    quantiles: Array
    breakdown: pd.DataFrame
    sensitivity: pd.DataFrame


def study_factor(values: Array, bars: Bars, cutoff: pd.Timestamp | None = None, start: int = 0) -> FactorStudy:
    """
    Study a factor.

    Args:
        values: (bars, symbols), any unit; high is expected to earn.
        bars: on the same grid.
        cutoff: end of the training data of the model that wrote the factor; None without a model or if unknown.
        start: first bar that is measured; those before it only determine the regimes.

    Raises:
        DataError: the shapes differ.
    """
    recent, later = bars.rows(start, None), values[start:]
    traded = TradedFactor.of(later, recent)
    result, closes = traded.result, pd.DatetimeIndex(recent.panel.timestamps).tz_localize("UTC")
    horizons = sorted({max(1, round(share * bars.market.horizon_bars)) for share in DECAY})
    return FactorStudy(
        pd.DataFrame(
            {"gross": result.gross, "net": result.net, "turnover": result.turnover}, index=closes[traded.held]
        ),
        pd.Series(traded.rank_ic, index=closes),
        ic_decay(later, recent.panel, horizons),
        quantile_returns(later, traded.labels),
        subsample_breakdown(values, bars, cutoff, start, traded),
        assumption_sensitivity(later, recent),
    )


def compare_factors(factors: Mapping[str, Array], bars: Bars) -> pd.DataFrame:
    """
    One row per factor, in the order given: its measures and a `status`.

    A factor that cannot be measured has NaN measures and the reason as its status; the others read "measured".
    """
    rows: list[dict[str, object]] = []
    evaluation = EvaluationBars.of(bars)
    for name, values in factors.items():
        try:
            rows.append({"factor": name, "status": "measured", **measure_factor(values, evaluation).to_row()})
        except AlphaError as error:
            rows.append({"factor": name, "status": str(error)})
    return pd.DataFrame(rows).set_index("factor")


def assumption_sensitivity(values: Array, bars: Bars) -> pd.DataFrame:
    """
    Sharpe ratio of one factor with one assumption of the backtest changed at a time.

    Args:
        values: (bars, symbols), any unit.
        bars: on the same grid; without funding that assumption has no row.

    Returns:
        Columns `assumption`, `setting`, `sharpe` (annualised, after costs), `difference` from the first row.
    """
    base, year = bars.config, bars.market.periods_per_year
    cases: list[tuple[str, str, Bars, float]] = [("as configured", "", bars, year)]
    if "open" in bars.panel.fields:
        fills = (replace(base, fill="open"), replace(base, fill="close"))
        cases += [("fill", config.fill, replace(bars, config=config), year) for config in fills]
    cases += [("delay", f"{n} bars", replace(bars, config=replace(base, delay_bars=n)), year) for n in (1, 2)]
    free = replace(base, fee_bps=0.0, slippage_bps=0.0)
    cases += [("cost", f"{bps:g} bps", replace(bars, config=replace(free, fee_bps=bps)), year) for bps in COSTS_BPS]
    if bars.funding is not None:
        cases.append(("funding", "ignored", replace(bars, funding=None), year))
    cases += [("year", f"{days} days", bars, days * bars.market.bars_per_day) for days in YEARS_OF_DAYS]
    rows = [
        {
            "assumption": assumption,
            "setting": setting,
            "sharpe": metrics.sharpe(backtest(values, changed).net, periods),
        }
        for assumption, setting, changed, periods in cases
    ]
    table = pd.DataFrame(rows)
    return table.assign(difference=table["sharpe"] - table["sharpe"].iloc[0])
