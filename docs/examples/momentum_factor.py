# %% [markdown]
# A momentum factor on the embedded US stocks: values, rank IC, backtest after costs.

# %%
from importlib.resources import files

import numpy as np
import pandas as pd

import alpha_pipeline as ap

bars = pd.read_parquet(files("alpha_pipeline.resources") / "data" / "equities.parquet")
panel = ap.Panel.from_table(bars[bars["timestamp"] < "2012-01-01"])
print(f"{panel.shape[0]} bars of {panel.shape[1]} symbols")

# %% Momentum of six months, leaving out the last month.
node = ap.parse("delay(close, 20) / delay(close, 120) - 1", bar="1D")
values = ap.evaluate_one(node, panel)
print(f"look-back {ap.lookback(node)} bars, values for {np.isfinite(values).mean():.0%} of all cells")

# %% Rank IC against the forward return of the market's horizon.
ic = ap.rank_ic(values, ap.forward_returns(panel, ap.EQUITIES.horizon_bars))
print(f"mean rank IC {np.nanmean(ic):+.4f} over {np.isfinite(ic).sum()} bars")

# %% A long-short quintile portfolio after fees, slippage and borrow.
config = ap.BacktestConfig.of(ap.EQUITIES)
result = ap.backtest(values, ap.Bars.of(panel, ap.EQUITIES, config))
annual = result.net.mean() * ap.EQUITIES.periods_per_year
print(f"annual return {annual:+.1%} after costs, {result.gross.mean() * ap.EQUITIES.periods_per_year:+.1%} before")
