"""One factor looked at closely on one stretch of bars: the series behind its measures, and where they come from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.backtest.compare import protocol
from alpha_pipeline.backtest.information import quantile_returns, rank_ic
from alpha_pipeline.backtest.portfolio import BacktestConfig, backtest
from alpha_pipeline.backtest.returns import forward_returns
from alpha_pipeline.backtest.slices import sliced
from alpha_pipeline.market import Market
from alpha_pipeline.panel import Array, Panel

QUANTILES = 5
# Horizons of the decay, in multiples of the market's own.
DECAY = (0.25, 0.5, 1, 2, 5, 10, 20)


@dataclass(frozen=True)
class Study:
    """
    A factor in detail.

    Args:
        returns: `gross` and `net`, fraction per bar, and `turnover`, fraction of the equity per bar; by close, UTC.
        rank_ic: by close of the decision bar, UTC; NaN where undefined.
        ic_decay: mean rank IC by horizon in bars.
        quantiles: mean forward return per horizon by quantile of the factor, lowest first; NaN with few symbols.
        slices: as `slices.sliced` gives them.
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
) -> Study:
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
    config = config or BacktestConfig.of(market)
    slices = sliced(values, panel, market, config, funding, cutoff, start)
    values, panel = values[start:], panel.rows(start, None)
    funding = None if funding is None else funding[start:]
    result = backtest(values, panel, config, market.periods_per_year, funding)
    closes = pd.DatetimeIndex(panel.timestamps).tz_localize("UTC")
    labels = forward_returns(panel, market.horizon_bars, config.delay_bars, config.fill)
    held = closes[result.first : result.first + len(result.net)]
    horizons = sorted({max(1, round(share * market.horizon_bars)) for share in DECAY})
    return Study(
        pd.DataFrame({"gross": result.gross, "net": result.net, "turnover": result.turnover}, index=held),
        pd.Series(rank_ic(values, labels), index=closes),
        {horizon: _mean(rank_ic(values, forward_returns(panel, horizon))) for horizon in horizons},
        quantile_returns(values, labels, QUANTILES),
        slices,
        protocol(values, panel, market, config, funding),
    )


def _mean(ic: Array) -> float:
    return float(np.nanmean(ic)) if np.isfinite(ic).any() else np.nan
