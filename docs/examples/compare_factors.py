# %% [markdown]
# Several factors on the same bars: rank IC and net Sharpe ratio, side by side.

# %%
from importlib.resources import files

import numpy as np
import pandas as pd

import alpha_pipeline as ap

bars = pd.read_parquet(files("alpha_pipeline.resources") / "data" / "crypto.parquet")
panel = ap.Panel.from_table(bars[bars["timestamp"] < "2018-07-01"])

# %% Windows may be durations: one text serves markets of any bar.
texts = {
    "reversal of a day": "-ts_return(close, 1d)",
    "momentum of a week": "ts_return(close, 7d)",
    "low volatility": "-ts_std(log_return(close, 1), 20d)",
    "volume breakout": "ts_zscore(volume, 5d) * sign(ts_return(close, 1d))",
}
nodes = [ap.parse(text, bar=ap.CRYPTO.bar) for text in texts.values()]

# %% One batch: shared sub-expressions are computed once.
forward = ap.forward_returns(panel, ap.CRYPTO.horizon_bars)
config, per_year = ap.BacktestConfig.of(ap.CRYPTO), ap.CRYPTO.periods_per_year
rows = {}
for position, values in ap.evaluate(nodes, panel):
    net = ap.backtest(values, ap.Bars.of(panel, ap.CRYPTO, config)).net
    rows[list(texts)[position]] = {
        "rank IC": np.nanmean(ap.rank_ic(values, forward)),
        "net Sharpe": net.mean() / net.std(ddof=1) * per_year**0.5,
    }
print(pd.DataFrame(rows).T.loc[list(texts)].round(3))
