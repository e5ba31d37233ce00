"""Translation of pandas code to nodes with the values of pandas; look-ahead and unknown names are refused."""

import inspect
import textwrap
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import evaluate, parse
from alpha_pipeline.market.panel import Panel

FIELDS = ("open", "high", "low", "close", "volume")


def volume_momentum(df):
    """The momentum of the last bars, weighted by volume."""
    momentum = (df["close"] - df["close"].shift(5)) / df["close"].shift(5)
    vol_ma = df["volume"].rolling(20).mean()
    vol_ratio = df["volume"] / vol_ma
    factor = momentum * np.log(vol_ratio + 1) * np.sign(momentum)
    return factor


def rsi_signal(df):
    def rsi(close, n=14):
        delta = close.diff()
        gain = delta.clip(lower=0).rolling(n).mean()
        loss = (-delta.clip(upper=0)).rolling(n).mean()
        return 100 - 100 / (1 + gain / loss)

    df = df.copy()
    df["rsi"] = rsi(df["close"])
    signal = np.where(df["rsi"] < 40, 1.0, np.where(df["rsi"] > 60, -1, 0))
    return pd.Series(signal, index=df.index)


def true_range(df):
    tr = pd.concat(
        [df.high - df.low, (df.high - df.close.shift()).abs(), (df.low - df.close.shift(1)).abs()], axis=1
    ).max(axis=1)
    atr = tr.rolling(window=14, min_periods=3).mean()
    return (atr / df.close).replace([np.inf, -np.inf], np.nan).fillna(0)


def macd_like(df):
    fast = df.close.ewm(span=12, adjust=False).mean()
    slow = df.close.ewm(span=26).mean()
    return (fast - slow) / df.close.rolling(10).std()


def loops(df):
    total = 0
    for n in [5, 10, 20]:
        total = total + df.close.pct_change(n)
    total /= 3
    return total.rolling(20).rank(pct=True)


def conditions(df):
    up = (df.close > df.open) & ~(df.volume < df.volume.rolling(5).mean())
    x = df.close.pct_change().where(up, 0.0)
    y = df.close.pct_change().mask(df.close <= df.open)
    return x.rolling(5).sum() + y.fillna(0) + up.astype(int) + df.volume.rolling(10).corr(df.close)


def replaced(df):
    span = (df.high - df.low).replace(0, np.nan)
    return ((df.close - df.low) - (df.high - df.close)) / span * df.volume.rolling(5).median() / df.volume


FUNCTIONS = [volume_momentum, rsi_signal, true_range, macd_like, loops, conditions, replaced]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_translated_code_equals_pandas(function: Callable[[pd.DataFrame], pd.Series]) -> None:
    """The source of a function, translated, gives what the function itself gives on each symbol."""
    rng = np.random.default_rng(11)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (120, 3)), axis=0))
    opened = close * np.exp(rng.normal(0, 0.01, close.shape))
    high, low = np.maximum(opened, close) * 1.01, np.minimum(opened, close) * 0.99
    high[50], low[50] = close[50], close[50]
    fields = {"open": opened, "high": high, "low": low, "close": close, "volume": rng.lognormal(3, 1, close.shape)}
    panel = Panel(np.arange(120).astype("datetime64[us]"), ("a", "b", "c"), fields)
    node = parse(textwrap.dedent(inspect.getsource(function)), "pandas", fields=FIELDS)
    ((_, values),) = evaluate([node], panel, 1)
    for symbol in range(3):
        expected = function(pd.DataFrame({name: values[:, symbol] for name, values in fields.items()}))
        expected = expected.replace([np.inf, -np.inf], np.nan).astype(float)
        np.testing.assert_allclose(values[:, symbol], expected, rtol=1e-9, atol=1e-9)


SAME = [
    (
        "(df.close - df.close.rolling(20).mean()) / df.close.rolling(20).std()",
        "(close - sma(close, 20)) / std(close, 20)",
    ),
    ("factor = df['close'].pct_change(5)", "ts_return(close, 5)"),
    ("df.close.shift(periods=2)", "delay(close, 2)"),
    ("np.tanh(df.close / df.open - 1)", "tanh(close / open - 1)"),
    ("df.volume.rank(axis=1, pct=True)", "cs_rank(volume)"),
    ("a, b = df.close, df.open\na - b", "close - open"),
    ("import numpy as np\ndef f(d):\n    x = d.close\n    x *= 2\n    return x", "close * 2"),
    ("df.volume.rolling(10).quantile(0.9)", "ts_quantile(volume, 10, 0.9)"),
]


@pytest.mark.parametrize(("code", "text"), SAME)
def test_three_dialects_are_one_node(code: str, text: str) -> None:
    """The same factor in pandas and in the DSL is the same object."""
    assert parse(code, "pandas", fields=FIELDS) is parse(text, fields=FIELDS)


REFUSED = [
    ("df.close.shift(-1)", "leak"),
    ("df.close.diff(-1)", "leak"),
    ("df.close.pct_change(-5)", "leak"),
    ("df.close.rolling(5, center=True).mean()", "leak"),
    ("df.close.bfill()", "leak"),
    ("df.close.fillna(method='bfill')", "leak"),
    ("df.close.interpolate()", "leak"),
    ("df.close / df.close.mean()", "leak"),
    ("df.close.fillna(df.close.mean())", "leak"),
    ("df.close.rank(pct=True)", "leak"),
    ("df.close[::-1]", "leak"),
    ("df.close.iloc[-1]", "leak"),
    ("df.close.resample('1D').last()", "leak"),
    ("df.close.cumsum()", "leak"),
    ("df.close.expanding().mean()", "leak"),
    ("df.close.sort_values()", "leak"),
    ("np.roll(df.close, -1)", "leak"),
    ("np.fft.fft(df.close)", "leak"),
    ("df.close.rolling(5).apply(lambda v: v[:2].mean())", "syntax"),
    ("(df.close > 1).shift(1) + (df.open > 1)", "type"),
    ("(df.close > 1).shift(1).fillna(False) * (df.open > 1)", "type"),
    ("np.where((df.close > 1).rolling(3).max(), 1, 0)", "type"),
    ("df.clsoe", "unknown"),
    ("x + 1", "unknown"),
    ("df.close.rolling(20)", "syntax"),
    ("df.close.rolling(20.5).mean()", "type"),
    ("df.close + df.volume", "type"),
    ("if True:\n    x = df.close", "syntax"),
    ("while True: pass", "syntax"),
    ("import os", "syntax"),
    ("from os import system", "syntax"),
    ("[x for x in df]", "syntax"),
    ("(lambda: df.close)()", "syntax"),
    ("df.close.__class__", "unknown"),
    ("df.eval('close')", "unknown"),
    ("df.__dict__", "unknown"),
    ("open('x').read()", "unknown"),
    ("eval('1')", "unknown"),
    ("getattr(df, 'close')", "unknown"),
    ("exec('1')", "unknown"),
    ("f'{df}'", "syntax"),
    ("(y := df.close)", "syntax"),
    ("print(df.close)", "unknown"),
    ("df.close.to_pickle('x')", "unknown"),
    ("df.close.shift(n=1)", "syntax"),
    ("df.close.shift(1, 2)", "syntax"),
    ("df.close.shift(*[1])", "syntax"),
    ("@a\ndef f(df): return df.close", "syntax"),
    ("def f(df, *a): return df.close", "syntax"),
    ("def f(df): return f(df)", "limit"),
    ("del df", "syntax"),
    ("global df", "syntax"),
    ("class A: pass", "syntax"),
    ("try:\n    1\nexcept* ValueError:\n    pass", "syntax"),
    ("match df:\n    case _: pass", "syntax"),
    ("", "syntax"),
    ("1 + 1", "syntax"),
    ("df", "syntax"),
    ("9**9**9*df.close", "limit"),
    ("x = df.close\n" + "x = x + x\n" * 60 + "x", "limit"),
]


@pytest.mark.parametrize(("code", "kind"), REFUSED)
def test_refusals(code: str, kind: str) -> None:
    """Each construct is refused with its kind and a place or a limit."""
    with pytest.raises(ExpressionError) as caught:
        parse(code, "pandas", fields=FIELDS)
    assert caught.value.kind == kind, str(caught.value)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("try:\n        return df['close']\n    except* ValueError:\n        pass", "`try` is not translated"),
        ("yield df['close']", "`yield` is not translated"),
    ],
)
def test_what_is_refused_anyway_is_named_before_a_missing_return(body: str, named: str) -> None:
    """A refused construct is reported before a missing return."""
    with pytest.raises(ExpressionError, match=named):
        parse(f"def calculate_factor(df):\n    {body}", "pandas")
