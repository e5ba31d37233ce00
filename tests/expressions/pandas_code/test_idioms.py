"""Common pandas idioms are accepted and have the values of pandas, with gaps in the data."""

import re
import textwrap
import warnings

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.expressions import evaluate, parse, to_text
from alpha_pipeline.market.panel import Panel

FIELDS = ("open", "high", "low", "close", "volume")
IDIOMS = """
# simple momentum
df['close'].pct_change(10)
# log return over one bar
np.log(df['close'] / df['close'].shift(1))
# log difference
np.log(df.close).diff(3)
# relative strength with simple means
delta = df['close'].diff()
gain = delta.where(delta > 0, 0).rolling(window=14).mean()
loss = (-delta.where(delta < 0, 0)).rolling(window=14).mean()
rs = gain / loss
rsi = 100 - (100 / (1 + rs))
rsi / 100 - 0.5
# relative strength of three bars, where losses are often zero
delta = df['close'].diff()
gain = delta.clip(lower=0).rolling(3).mean()
loss = -delta.clip(upper=0).rolling(3).mean()
100 - 100 / (1 + gain / loss)
# relative strength by Wilder
delta = df['close'].diff()
up, down = delta.clip(lower=0), -1 * delta.clip(upper=0)
ma_up = up.ewm(com=13, adjust=False).mean()
ma_down = down.ewm(com=13, adjust=False).mean()
100 - (100 / (1 + ma_up / ma_down))
# relative strength by Wilder with a warm-up
delta = df['close'].diff().fillna(0)
up = np.where(delta > 0, delta, 0.0)
down = np.where(delta < 0, -delta, 0.0)
up = pd.Series(up, index=df.index).ewm(alpha=1 / 14, min_periods=14, adjust=False).mean()
down = pd.Series(down, index=df.index).ewm(alpha=1 / 14, min_periods=14, adjust=False).mean()
up / (up + down + 1e-10)
# MACD histogram over close
x = df['close'].ffill(limit=200)
ema_fast = x.ewm(span=12, adjust=False).mean()
ema_slow = x.ewm(span=26, adjust=False).mean()
macd = ema_fast - ema_slow
signal = macd.ewm(span=9, adjust=False).mean()
(macd - signal) / x
# ewm of returns by halflife and minimum
r = df['close'].pct_change().fillna(0)
r.ewm(halflife=5, min_periods=10).mean()
# Bollinger position
ma = df['close'].rolling(20).mean()
sd = df['close'].rolling(20).std()
upper = ma + 2 * sd
lower = ma - 2 * sd
(df['close'] - lower) / (upper - lower)
# Bollinger width with the population deviation
sma = df['close'].rolling(20).mean()
std = df['close'].rolling(20).std(ddof=0)
4 * std / sma
# average true range
high_low = df['high'] - df['low']
high_close = (df['high'] - df['close'].shift()).abs()
low_close = (df['low'] - df['close'].shift()).abs()
tr = pd.concat([high_low, high_close, low_close], axis=1).max(axis=1)
tr.rolling(14).mean() / df['close']
# true range by nested maximum
prev = df['close'].shift(1)
tr = np.maximum(df['high'] - df['low'], np.maximum(np.abs(df['high'] - prev), np.abs(df['low'] - prev)))
tr.rolling(10, min_periods=1).mean()
# stochastic
low_min = df['low'].rolling(window=14).min()
high_max = df['high'].rolling(window=14).max()
k = 100 * (df['close'] - low_min) / (high_max - low_min)
d = k.rolling(3).mean()
k - d
# Williams
hh = df['high'].rolling(14).max()
ll = df['low'].rolling(14).min()
-100 * ((hh - df['close']) / (hh - ll).replace(0, np.nan))
# on-balance volume in a window
direction = np.sign(df['close'].diff()).fillna(0)
(direction * df['volume']).rolling(20).sum() / df['volume'].rolling(20).sum()
# volume-weighted momentum
ret = df['close'].pct_change()
weight = df['volume'] / df['volume'].rolling(20, min_periods=5).mean()
(ret * weight).rolling(10, min_periods=3).mean()
# rolling volume-weighted price
typical = (df['high'] + df['low'] + df['close']) / 3
vwap = (typical * df['volume']).rolling(24).sum() / df['volume'].rolling(24).sum()
(df['close'] - vwap) / vwap
# z-score with a floor
x = df['close']
(x - x.rolling(30).mean()) / (x.rolling(30).std() + 1e-9)
# z-score through methods
x = df['volume']
x.sub(x.rolling(30).mean()).div(x.rolling(30).std())
# rolling sum with minimum
df['volume'].rolling(10, min_periods=4).sum()
# rolling sum of what is there
df['volume'].rolling(10, min_periods=0).sum()
# rolling deviation with minimum
df['close'].rolling(10, min_periods=2).std()
# rolling variance with minimum
df['close'].rolling(10, min_periods=3).var()
# population variance
df['close'].rolling(10).var(ddof=0)
# population deviation with minimum
df['close'].rolling(10, min_periods=1).std(ddof=0)
# rolling extremes with minimum
df['high'].rolling(12, min_periods=1).max() - df['low'].rolling(12, min_periods=1).min()
# rolling count
df['close'].rolling(10).count()
# rolling count with minimum
df['close'].rolling(10, min_periods=3).count()
# rolling standard error
df['close'].rolling(10).sem()
# median distance
df['close'] - df['close'].rolling(21).median()
# median with full minimum
df['close'].rolling(21, min_periods=21).median()
# skewness of returns
df['close'].pct_change().rolling(60).skew()
# kurtosis of returns
df['close'].pct_change().rolling(60).kurt()
# quantile spread
df['close'].rolling(30).quantile(0.8) - df['close'].rolling(30).quantile(0.2)
# rolling rank
df['close'].rolling(20).rank(pct=True)
# rolling rank, plain and descending
df['close'].rolling(20).rank() + df['volume'].rolling(15).rank(pct=True, ascending=False)
# correlation of price and volume
df['close'].pct_change().rolling(20).corr(df['volume'].pct_change())
# correlation with minimum
df['close'].rolling(20, min_periods=8).corr(df['volume'])
# covariance with minimum
df['close'].rolling(20, min_periods=8).cov(df['volume'])
# beta by covariance
r, v = df['close'].pct_change(), np.log(df['volume']).diff()
r.rolling(40).cov(v) / v.rolling(40).var()
# autocorrelation by shift
r = df['close'].pct_change()
r.rolling(30).corr(r.shift(1))
# aggregation by name
df['close'].rolling(10).agg('mean') / df['close'].rolling(30).agg("mean") - 1
# apply numpy mean
df['close'].rolling(10).apply(np.mean, raw=True)
# apply last over first
df['close'].rolling(10).apply(lambda x: x[-1] / x[0] - 1, raw=True)
# apply compound return
df['close'].pct_change().rolling(10).apply(lambda x: np.prod(1 + x) - 1, raw=True)
# apply slope by polyfit
df['close'].rolling(20).apply(lambda x: np.polyfit(np.arange(len(x)), x, 1)[0], raw=True)
# apply slope by a local function
def slope(v):
    t = np.arange(len(v))
    return np.polyfit(t, v, 1)[0]
df['close'].rolling(12).apply(slope, raw=True) / df['close']
# apply linear weights
weights = np.arange(1, 11)
df['close'].rolling(10).apply(lambda x: np.dot(x, weights) / weights.sum(), raw=True)
# apply share of rising bars
df['close'].diff().rolling(10).apply(lambda x: (x > 0).mean(), raw=True)
# apply z-score
df['close'].rolling(15).apply(lambda s: (s.iloc[-1] - s.mean()) / s.std(), raw=False)
# apply z-score on arrays, population deviation
df['close'].rolling(15).apply(lambda s: (s[-1] - s.mean()) / s.std(), raw=True)
# apply rank of the last
df['close'].rolling(15).apply(lambda s: s.rank(pct=True).iloc[-1])
# apply rank of the last by a series
df['close'].rolling(15).apply(lambda s: pd.Series(s).rank(pct=True).iloc[-1], raw=True)
# apply place of the high
df['high'].rolling(25).apply(lambda x: x.argmax(), raw=True) / 24
# apply range
df['close'].rolling(10).apply(np.ptp, raw=True)
# apply percentile
df['close'].rolling(10).apply(lambda x: np.percentile(x, 75), raw=True)
# where
ret = df['close'].pct_change()
ret.where(df['volume'] > df['volume'].rolling(20).mean(), 0)
# where without other
df['close'].where(df['close'] > df['open'])
# mask
df['volume'].mask(df['close'] < df['open'], -df['volume']).rolling(5).sum()
# boolean masks
cond = (df['close'] > df['open']) & ~(df['volume'] < df['volume'].shift(1)) | (df['high'] == df['low'])
cond.astype(int).rolling(10).sum()
# crossing up
fast, slow = df['close'].rolling(5).mean(), df['close'].rolling(20).mean()
((fast > slow) & (fast.shift(1) <= slow.shift(1))).astype(float)
# crossing by a shifted condition
above = df['close'] > df['close'].rolling(20).mean()
(above & ~above.shift(1, fill_value=False)).astype(int) - (~above & above.shift(1, fill_value=False)).astype(int)
# sum of conditions as numbers
(df['close'] > df['open']).astype(int) + (df['volume'] > df['volume'].shift(1)).astype(int)
# sum of conditions, which is or
((df['close'] > df['open']) + (df['volume'] > df['volume'].shift(1))).astype(int)
# product of a condition and a number
(df['close'] > df['open']) * df['volume'] - (df['close'] < df['open']) * df['volume']
# np.where of three states
np.where(df['close'] > df['open'], 1, np.where(df['close'] < df['open'], -1, 0))
# np.select
conditions = [df['close'] > df['high'].shift(1), df['close'] < df['low'].shift(1)]
pd.Series(np.select(conditions, [1.0, -1.0], default=0.0), index=df.index).rolling(5).mean()
# signal by assignment to parts
signal = pd.Series(0.0, index=df.index)
signal[df['close'] > df['open']] = 1.0
signal[df['close'] < df['open']] = -1.0
signal
# signal by loc
df['signal'] = 0.0
df.loc[df['close'] > df['open'], 'signal'] = 1.0
df.loc[df['close'] < df['open'], 'signal'] = df['volume'] / df['volume'].rolling(5).mean()
df['signal']
# np.sign and tanh
np.sign(df['close'].diff()) * np.tanh(df['close'].pct_change(5) * 10)
# clipping on both sides
z = (df['close'] - df['close'].rolling(20).mean()) / df['close'].rolling(20).std()
z.clip(-3, 3)
# np.clip
np.clip(df['close'].pct_change(), -0.01, 0.01)
# clipping by a series with gaps
df['close'].clip(lower=df['open'].shift(1), upper=df['high'].shift(1))
# infinities away
ratio = df['close'].diff() / df['volume'].diff()
ratio.replace([np.inf, -np.inf], np.nan).fillna(0)
# gaps replaced
df['volume'].replace(np.nan, 0)
# infinities replaced by zero
x = (df['high'] - df['low']) / (df['close'] - df['close'].shift(1))
x.replace([np.inf, -np.inf], 0)
# nan_to_num
np.nan_to_num(df['close'].pct_change(), nan=0.0, posinf=0.0, neginf=0.0)
# fill by another series
df['close'].fillna(df['open'])
# limited forward fill
df['close'].ffill(limit=5).pct_change(fill_method=None)
# fillna of a condition
(df['close'].pct_change().fillna(0) >= 0).astype(float)
# named operators
df['close'].mul(2).add(df['open']).div(3).pow(2).gt(df['high'].pow(2)).astype(int)
# reversed operators
df['close'].rsub(df['open']).rdiv(1)
# power and root
((df['high'] / df['low'] - 1) ** 2).rolling(20).mean() ** 0.5
# Parkinson
np.sqrt((np.log(df['high'] / df['low']) ** 2).rolling(20).mean() / (4 * np.log(2)))
# annualised volatility
np.log(df['close']).diff().rolling(24).std() * np.sqrt(24 * 365)
# np.log1p, log10, log2, expm1
np.log1p(df['volume']) + np.log10(df['volume']) - np.log2(df['volume']) + np.expm1(df['close'].pct_change())
# ceil, floor, square, reciprocal
x = df['close'] / df['open'] * 10
np.ceil(x) + np.floor(x) + np.square(x) + np.reciprocal(x)
# truncation
(df['close'].pct_change().fillna(0) * 1000).astype(int)
# between
df['close'].between(df['low'].shift(1), df['high'].shift(1)).astype(int)
# combine first
df['close'].shift(3).combine_first(df['open'])
# is missing
df['close'].isna().astype(int).rolling(5).mean() + df['open'].notnull().astype(int)
# shift with a fill
df['close'].pct_change().shift(3, fill_value=0.0)
# extremes of conditions are numbers
up, busy = df['close'] > df['open'], df['volume'] > df['volume'].shift(1)
up.rolling(3).max() + busy.rolling(4, min_periods=2).min()
# a shifted extreme of conditions with a fill
(df['close'] > df['open']).rolling(5).max().shift(13, fill_value=0)
# rename, copy, astype
df['close'].rename('x').copy().astype(float).diff()
# assign
df = df.assign(ret=df['close'].pct_change(), vol=df['volume'] * 2)
df['ret'].rolling(5).mean() * df['vol']
# assign with a function of the frame
df = df.assign(ret=lambda d: d['close'].pct_change())
df['ret'].rolling(5).mean()
# loc of a column
df.loc[:, 'close'] / df.loc[:, 'open'] - 1
# rows: mean over columns
df[['open', 'high', 'low', 'close']].mean(axis=1).pct_change()
# rows: sum and minimum over columns
df[['open', 'close']].min(axis=1) / df[['high', 'low']].sum(axis=1, skipna=False)
# a data frame of parts
parts = pd.DataFrame({'a': df['high'] - df['low'], 'b': (df['high'] - df['close'].shift(1)).abs()})
parts.max(axis=1).rolling(5).mean() + parts['a']
# augmented assignment
score = df['close'].pct_change(5)
score += df['close'].pct_change(10)
score /= 2
score **= 2
score
# loop over horizons
score = 0
for n in [3, 5, 8]:
    score = score + df['close'].pct_change(n) / n
score
# loop with weights
total = 0.0
for n, w in zip([3, 5, 8], [0.5, 0.3, 0.2]):
    total += w * df['close'].pct_change(n)
total
# defaults are read where a function is defined
n = 3
def momentum(x, lag=n):
    return x.diff(lag) / x.shift(n)
n = 5
momentum(df['close'])
# list of parts
parts = [df['close'].pct_change(n) for n in (3, 5, 8)]
sum(parts) / len(parts)
# appended parts
parts = []
for n in range(2, 5):
    parts.append(df['close'].diff(n))
pd.concat(parts, axis=1).mean(axis=1)
# np.where with missing
np.where(df['volume'] > 0, df['close'].diff() / df['volume'], np.nan)
# money flow
tp = (df['high'] + df['low'] + df['close']) / 3
mf = tp * df['volume']
pos = mf.where(tp > tp.shift(1), 0).rolling(14).sum()
neg = mf.where(tp < tp.shift(1), 0).rolling(14).sum()
100 - 100 / (1 + pos / neg)
# pipe and local lambda
ema = lambda s, n: s.ewm(span=n).mean()
x = df['close'].ffill(limit=200)
ema(x, 5) / ema(x, 20) - 1
# ndarray arithmetic
c = df['close'].values
o = df['open'].to_numpy()
pd.Series(c / o - 1, index=df.index)
# fractal efficiency
change = (df['close'] - df['close'].shift(10)).abs()
path = df['close'].diff().abs().rolling(10).sum()
(change / path.replace(0, np.nan)).fillna(0)
# ternary powers of minus one
(-1) * df['close'].diff() ** 3
# line continued
x = df['close'] / df['open'] \\
    - 1
x
"""

CODES = {
    "a docstring, hints, imports": '''
        import numpy as np
        import pandas as pd

        def calculate_factor(df: pd.DataFrame, window: int = 20) -> pd.Series:
            """
            Momentum \\sigma over `window` bars.

            Args:
                df: prices.
            """
            import numpy as np
            # the momentum, unscaled → ratio
            eps: float = 1e-9
            momentum = df["close"].diff(window) / (df["close"].shift(window) + eps)
            return momentum.rename("factor")
    ''',
    "helpers with defaults": """
        EPS = 1e-12

        def zscore(x, n=20, ddof=1):
            return (x - x.rolling(n).mean()) / (x.rolling(n).std(ddof=ddof) + EPS)

        def calculate_factor(df):
            def smooth(s, span=5):
                return s.rolling(span, min_periods=1).mean()
            a = zscore(df["close"], n=10)
            b = zscore(df["volume"], 15, ddof=0)
            return smooth(a - b, span=3)
    """,
    "columns added": """
        def calculate_factor(df):
            df = df.copy()
            df["ret"] = df["close"].pct_change()
            df["vol"] = df["ret"].rolling(20).std()
            df["factor"] = df["ret"].rolling(5).mean() / df["vol"]
            return df["factor"].replace([np.inf, -np.inf], np.nan).fillna(0.0)
    """,
    "chains in brackets": """
        def calculate_factor(df):
            return (
                df["close"]
                .pct_change(5)
                .rolling(20)
                .mean()
                .clip(lower=-1, upper=1)
                .fillna(0)
            )
    """,
    "called at the end": """
        from __future__ import annotations
        import numpy as np

        def momentum(close, n):
            return close / close.shift(n) - 1

        factor = momentum(df["close"], 10) - momentum(df["close"], 5)
    """,
    "a frame changed by a function": """
        def lagged(data):
            data["close"] = data["close"].shift(1)
            return data["close"]

        def calculate_factor(df):
            table = df[["open", "close"]]
            other = table.copy()
            other["open"] = df["high"]
            before = lagged(df.copy())
            return before - df["close"] + 2 * (lagged(df) - df["close"]) + table["open"] - other["open"]
    """,
    "conditions that became numbers": """
        rising, wide = df["close"] > df["open"], df["volume"] > 20
        votes = rising * 1 + wide * 1.0 + (rising + 0) - (wide + 1) + sum([rising, wide, rising])
        lasting = rising.rolling(3).max() + wide.rolling(3).min()
        chosen = rising.where(wide) + np.where(rising, wide, 0) + np.maximum(rising, 0)
        factor = votes + lasting + chosen + (rising + wide) - rising * 1
    """,
    "a condition of signs": """
        def calculate_factor(data):
            body = (data["close"] - data["open"]).abs()
            wick = data["high"] - data[["open", "close"]].max(axis=1)
            signal = np.where((wick > 2 * body) & (data["close"] < data["close"].shift(1)), -1.0, 0.0)
            return pd.Series(signal, index=data.index, name="wick")
    """,
}


def _snippets() -> dict[str, str]:
    parts = re.split(r"^# (.+)\n", IDIOMS, flags=re.MULTILINE)[1:]
    bodies = dict(zip(parts[::2], parts[1::2], strict=True))
    return bodies | {name: textwrap.dedent(code) for name, code in CODES.items()}


SNIPPETS = _snippets()


def _panel() -> Panel:
    """Prices with constant runs: one symbol complete, one with gaps, one listed late."""
    rng = np.random.default_rng(7)
    bars = 170
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (bars, 3)), axis=0)).round(3)
    close[60:66] = close[60]
    opened = (close * np.exp(rng.normal(0, 0.01, close.shape))).round(3)
    high, low = np.maximum(opened, close) * 1.01, np.minimum(opened, close) * 0.99
    for price in (opened, high, low):
        price[60:66] = close[60:66]
    fields = {"open": opened, "high": high, "low": low, "close": close, "volume": rng.lognormal(3, 1, close.shape)}
    for values in fields.values():
        values[rng.random(bars) < 0.04, 1] = np.nan
        values[:12, 2] = np.nan
    return Panel(np.arange(bars).astype("datetime64[us]"), ("a", "b", "c"), fields)


PANEL = _panel()


def _pandas(code: str, symbol: int) -> pd.Series:
    """Values of a snippet, executed by pandas."""
    frame = pd.DataFrame({name: PANEL.fields[name][:, symbol].copy() for name in FIELDS})
    names = {"np": np, "pd": pd, "df": frame}
    _body, _, last = code.strip().rpartition("\n")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if "def calculate_factor" in code:
            exec(code, names)
            result = names["calculate_factor"](frame)
        elif last.startswith("factor ="):
            exec(code, names)
            result = names["factor"]
        else:
            tree = __import__("ast").parse(code)
            last_line = tree.body[-1].lineno - 1
            lines = code.split("\n")
            exec("\n".join(lines[:last_line]), names)
            result = eval("\n".join(lines[last_line:]).strip(), names)
    return pd.Series(np.asarray(result, dtype=float)).replace([np.inf, -np.inf], np.nan)


@pytest.mark.parametrize("name", SNIPPETS)
def test_idiom_equals_pandas(name: str) -> None:
    """On every symbol, missing values included."""
    node = parse(SNIPPETS[name], "pandas", fields=FIELDS)
    ((_, values),) = evaluate([node], PANEL, 1)
    for symbol in range(3):
        np.testing.assert_allclose(values[:, symbol], _pandas(SNIPPETS[name], symbol), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", SNIPPETS)
def test_idiom_prints_back(name: str) -> None:
    """The printed code of an idiom translates to the same node."""
    node = parse(SNIPPETS[name], "pandas", fields=FIELDS)
    assert parse(to_text(node, "pandas"), "pandas", fields=FIELDS) is node


def test_infinities_are_missing_from_where_they_arise() -> None:
    """Deliberate difference from pandas: a division by zero is filled by fillna, not carried on as an infinity."""
    values = np.array([[1.0], [0.0]])
    panel = Panel(np.arange(2).astype("datetime64[us]"), ("a",), {"open": np.ones((2, 1)), "close": values})
    ((_, values),) = evaluate([parse("(df.open / df.close).fillna(0)", "pandas")], panel, 1)
    assert values[:, 0].tolist() == [1.0, 0.0]


def test_exponential_means_are_repeated_over_short_gaps_only() -> None:
    """Deliberate difference from pandas: the last mean is repeated over 24 missing bars, not without end."""
    values = np.full((40, 1), np.nan)
    values[:3] = 2.0
    panel = Panel(np.arange(40).astype("datetime64[us]"), ("a",), {"close": values})
    ((_, values),) = evaluate([parse("df.close.ewm(span=5).mean()", "pandas")], panel, 1)
    assert values[:27, 0].tolist() == [2.0] * 27 and np.isnan(values[27:, 0]).all()
