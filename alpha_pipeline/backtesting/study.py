"""One factor looked at closely on one stretch of bars: the series behind its measures, and where they come from."""

from dataclasses import dataclass

import pandas as pd

from alpha_pipeline.backtesting.breakdown import subsample_breakdown
from alpha_pipeline.backtesting.compare import protocol
from alpha_pipeline.backtesting.information import ic_decay, quantile_returns
from alpha_pipeline.backtesting.portfolio import BacktestConfig
from alpha_pipeline.backtesting.traded_factor import Outcome
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array

# Horizons of the decay, in multiples of the market's own.
DECAY = (0.25, 0.5, 1, 2, 5, 10, 20)


@dataclass(frozen=True)
class FactorStudy:
    """
    A factor in detail.

    Args:
        returns: `gross` and `net`, fraction per bar, and `turnover`, fraction of the equity per bar; by close, UTC.
        rank_ic: by close of the decision bar, UTC; NaN where undefined.
        ic_decay: mean rank IC by horizon in bars.
        quantiles: mean forward return per horizon by quantile of the factor, lowest first; NaN with few symbols.
        slices: as `slices.subsample_breakdown` gives them.
        protocol: as `compare.protocol` gives it.
    """

    returns: pd.DataFrame
    rank_ic: pd.Series
    ic_decay: dict[int, float]
    quantiles: Array
    slices: pd.DataFrame
    protocol: pd.DataFrame


def study(
    values: Array,
    panel: Panel,
    market: Market,
    config: BacktestConfig | None = None,
    funding: Array | None = None,
    cutoff: pd.Timestamp | None = None,
    start: int = 0,
) -> FactorStudy:
    """
    Look at a factor.

    Args:
        values: (bars, symbols), any unit; high is expected to earn.
        panel: prices on the same grid.
        market: calendar, horizon and costs.
        config: how it is traded; the market's way by default.
        funding: payments of `funding.funding_payments`; none by default.
        cutoff: until when the model that wrote it had read; None when nobody did or it is not known.
        start: first bar that is measured; those before it only say what kind of market it was.

    Raises:
        DataError: the shapes differ.
    """
    recent, later = panel.rows(start, None), values[start:]
    paid = None if funding is None else funding[start:]
    outcome = Outcome.of(later, recent, market, config, paid)
    result, closes = outcome.result, pd.DatetimeIndex(recent.timestamps).tz_localize("UTC")
    horizons = sorted({max(1, round(share * market.horizon_bars)) for share in DECAY})
    return FactorStudy(
        pd.DataFrame(
            {"gross": result.gross, "net": result.net, "turnover": result.turnover}, index=closes[outcome.held]
        ),
        pd.Series(outcome.rank_ic, index=closes),
        ic_decay(later, recent, horizons),
        quantile_returns(later, outcome.labels),
        subsample_breakdown(values, panel, market, config, funding, cutoff, start, outcome),
        protocol(later, recent, market, config, paid),
    )
