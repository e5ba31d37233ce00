# %% [markdown]
# A factor on a file: long rows of timestamp, symbol and one column per field.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

import alpha_pipeline as ap

# %% A small file, as another tool may have written it.
rng = np.random.default_rng(7)
days = pd.bdate_range("2024-01-02", periods=60, tz="UTC")
rows = [(day, symbol, 100 * np.exp(rng.normal(0, 0.02))) for day in days for symbol in ("AAA", "BBB", "CCC")]
folder = TemporaryDirectory()
file = Path(folder.name) / "prices.csv"
pd.DataFrame(rows, columns=["timestamp", "symbol", "close"]).to_csv(file, index=False)

# %% Read it into a panel; a missing bar would be NaN.
table = pd.read_csv(file, parse_dates=["timestamp"])
panel = ap.Panel.from_table(table)

# %% One factor in three dialects is one node.
dsl = ap.parse("-ts_zscore(close, 20)")
math = ap.parse("-((close − SMA(close, 20)) / STD(close, 20))", dialect="math")
code = ap.parse("c = df['close']\nreturn -((c - c.rolling(20).mean()) / c.rolling(20).std())", dialect="pandas")
print(ap.identity(dsl) == ap.identity(math) == ap.identity(code))

# %% Values of the last two bars.
values = ap.evaluate_one(dsl, panel)
print(pd.DataFrame(values[-2:], columns=panel.symbols).round(2))
folder.cleanup()

# %% What looks ahead is refused, with a caret and a remedy.
try:
    ap.parse("delay(close, -1)")
except ap.errors.ExpressionError as error:
    print(error)
