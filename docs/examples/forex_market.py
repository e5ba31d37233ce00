# %% [markdown]
# A project of a forex market: hourly bars of a generated file, from Monday to Friday, measured on train.

# %%
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

import alpha_pipeline as ap
from alpha_pipeline.backtesting.splits import market_split
from alpha_pipeline.cli.data import bars_of
from alpha_pipeline.market.markets import configured_markets
from alpha_pipeline.settings import load_settings

PROJECT = """
[days]
first = 2024-06-03

[markets.forex]
asset_type = "forex"    # calendar 24/5, bars of 1h, costs of liquid pairs
horizons = ["1 day"]

[markets.forex.files]
path = "pairs.csv"
"""

# %% Hours that close from Monday 01:00 to Saturday 00:00 UTC.
hours = pd.date_range("2024-01-01 01:00", "2024-06-29", freq="h", tz="UTC")
hours = hours[(hours - pd.Timedelta("1us")).day_of_week < 5]
pairs = ["AUDUSD", "EURUSD", "GBPUSD", "NZDUSD", "USDCAD", "USDCHF", "USDJPY"]
moves = np.random.default_rng(3).normal(0, 0.001, (len(hours), len(pairs)))
closes = pd.DataFrame(np.exp(moves.cumsum(axis=0)), index=hours.rename("timestamp"), columns=pairs)

# %% The project: a file of bars and the table of a market.
folder = TemporaryDirectory()
closes.to_csv(Path(folder.name) / "pairs.csv")
(Path(folder.name) / "alpha_pipeline.toml").write_text(PROJECT)

# %% The market, with a year of 260 days of 24 hours, and its bars.
with chdir(folder.name):
    (market,) = configured_markets(load_settings())
    panel = bars_of("forex").panel
print(market.calendar, market.bar, market.periods_per_year, market.horizon_bars, panel.shape)

# %% A factor on train; the graph runs on the same file with `alpha-pipeline run`.
train = panel.rows(*market_split(panel.timestamps, market).train)
values = ap.evaluate_one(ap.parse("-ts_return(close, 1d)", bar=market.clock), train)
result = ap.backtest(values, ap.Bars.of(train, market))
print(f"{len(result.net)} bars held, mean net return {result.net.mean():+.6f}")
folder.cleanup()
