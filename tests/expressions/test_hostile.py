# ruff: noqa: E501, RUF001  # a list of attacks reads better in blocks; look-alike letters are among them
"""Hostile text: every refusal is an ExpressionError, quickly, whatever the length."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import Node, parse

FIELDS = ("open", "high", "low", "close", "volume")
LONG = 100_000
ATTACKS = [
    "(" * LONG, ")" * LONG, "-" * LONG, "-" * 15_000 + "close", "close" * LONG, "close+" * 3_000 + "close", "1" * LONG,
    "1" * 19_000, "9" * 300 + "*close", "9e9999*close", "close" + "^2" * 5_000, "close" + "?close" * 5_000, "not " * 4_000 + "close",
    "abs(" * 60 + "close" + ")" * 60, "(" * 60 + "close" + ")" * 61, "ema(" * 40 + "close" + ", 60)" * 40,
    "ts_mean(close, 99999999999999999999)", "ts_mean(close, 1e300)", "ts_mean(close, -1e300)", "ts_mean(close, 1e-300)",
    "\x00close", "clo\u200bse", "\u202eclose", "\ud800", "close\u0000", "ｃｌｏｓｅ", "сlose", "a=" * 5_000, "a=close " * 3_000, ";" * 9_000,
    "'" * LONG, '"' * 9_999, "close '5d'", "ts_mean(close, '" + "9" * 5_000 + "d')", "ts_mean(close, '999999999d')",
    "__import__('os').system('x')", "close.__class__", "[close]", "{close}", "lambda: 0", "close if 1 else 2", "close\\\n", "\n" * LONG,
    "\t" * 19_999, "macd_hist(macd_hist(macd_hist(macd_hist())))", "1/0", "log(0)*close", "close/0*0/0",
]  # fmt: skip
CODE = [
    "x = df.close\n" + "x = x * x\n" * 500, "x = " + "-" * 15_000 + "df.close", "(" * 300, "[" * 60 + "]" * 60, "df." * 5_000 + "close",
    "df" + ".close" * 3_000, "x = 1\n" + "x = x + 1\n" * 1_900 + "df.close * x", "0x" + "f" * 15_000, "1_0" * 5_000, "9" * 15_000,
    "9**9**9**9", "def f(df):\n    return f(df) + f(df)\n", "def f(df):\n    def g(n):\n        return g(n) * g(n)\n    return g(1)",
    "for a in range(64):\n  for b in range(64):\n    for c in range(64):\n      x = a", "range(10**9)", "for a in range(999999999): pass",
    "if x:\n" * 100, "df.close.rolling(10**30).mean()", "df.close.shift(10**300)", "df.close.shift(-10**300)", "df['close'" + "]" * 100,
    "df['" + "x" * 15_000 + "']", "x" * 15_000, "f(n=1, n=2)", "#" * 19_000, "'''" + "x" * 15_000, "\x0c", "def f(df, /): return df.close",
    "def f(*, df): return df.close", "async def f(df): return df.close", "df.close = df.open", "x: int", "assert df", "raise df", "yield",
    "def f(df): yield df.close", "await df", "nonlocal x", "df @ df", "df.close // 2", "df.close % 2", "df.close << 2", "df.close if df else 0",
    "{**df}", "{1: df.close}", "{df.close}", "df.close and df.open", "not df.close", "df.close is None", "df.close in df", "1 < df.close < 2",
    "type(df)", "df.close.map(str)", "df.close.pipe(print)", "df.query('close>1')", "pd.read_csv('x')", "np.load('x')", "pd.eval('1')",
    "np.ctypeslib", "df.to_csv('x')", "df.close.apply(print)", "df.close.agg('mean')", "df.close.rolling('5d').mean()", "...", "b'x'", "1j",
    "1e400 * df.close", "range(10**30)", "np.arange(10**30)", "for a in np.arange(5000): list(np.arange(5000))", "df.close * True ** 1e300",
    "w = np.arange(1000)\n" + "w = w * w + w\n" * 500, "w = [1] * 10**9", "x = 'a' * 10**9", "x = []\n" + "x = [x, x]\n" * 500 + "x",
    "def a(z): return z + z\n" + "".join(f"def {b}(z): return {a}({a}(z))\n" for a, b in zip("abcdefghijklmn", "bcdefghijklmno", strict=True)) + "o(df.close)",
    "def a(z): return 1\n" + "".join(f"def {b}(z): return {a}(z) + {a}(z)\n" for a, b in zip("abcdefghijklmn", "bcdefghijklmno", strict=True)) + "df.close * o(1)",
    "f = lambda f: f(f)\nf(f)", "f = lambda x: f(x)\nf(df.close)", "(lambda f: f(f))(lambda f: f(f))", "def f(df, x=f(df)): return x", "def f(a, a): return a\nf(df.close, 1)",
    "def np(x): return x\nnp(df.close)", "np = df\nnp.close", "df = 5\ndf.close", "pd = np = df\npd.where(np, df)", "df = np\ndf.where(df, df, df)", "int = df.close\nint(3)",
    "def f(df):\n    def g():\n        return g\n    return g()()()", "def f(df):\n    return\n", "return df.close", "return df.close\nreturn df.open", "lambda: (yield)",
    "x = df.close\n" + "x = x.rolling(5).apply(lambda v: v.mean())\n" * 60 + "x", "c = df.close > df.open\n" + "c = c & c.shift(1)\n" * 300 + "c",
    "c = df.close > df.open\n" + "c = c & (df.close > 1)\n" * 40 + "for i in range(64):\n  for j in range(64):\n    d = c & c\nc.astype(int)",
    "df.close.rolling(5).apply(eval)", "df.close.rolling(5).apply(lambda v: __import__('os'))", "df.close.rolling(4999).apply(lambda v: np.dot(v, np.arange(1000) ** 2))",
    "df.close.rolling(900).apply(lambda v: np.dot(v, np.arange(900) ** 2))", "df.close.pipe(lambda x: x.pipe(lambda y: y.shift(-1)))", "[[[n for n in [1]] for n in [1]] for n in [1]]",
    "x, *y = df", "[df.close for a in range(64) for b in range(64)]", "df['close']['close']", "df[['close']][['close']]['close']", "df['clo\\x73e']", "df['\\N{BULLET}']",
    "df.close\r\rdf.open", "d\u0131f.close", "\uff44\uff46.close", "df['\u0441lose']", "# \u0441\ndf.close.shift(-1)", "a: print(1) = df.close", "def f(df: print(1)): return df.close",
    "with np.errstate():\n" + "    " + "df.close", "with open('x') as f:\n    pass", "np.errstate().__class__", "np.log.__globals__", "np.core", "pd.io.common.os.system('x')", "df.close.loc.obj",
    "x = df.close\nx[x] = 1", "x[0] = 1", "df.loc[0] = 1", "df.loc[:, 'x'] = eval", "df.close[df.close > 1] = 0", "{'a': df}['a']['close']", "{**{}}", "df.assign(**{})", "f(*df)", "x = y = z = df.close",
    "a = 1\n" * 6_000, "".join(f"a{i} = {i}\n" for i in range(1_700)) + "def f(n): return n\n" + "f(1)\n" * 20, "import numpy as np, os", "from . import x", "from typing import *", "import numpy.linalg as la",
]  # fmt: skip


@pytest.mark.parametrize("dialect", ["dsl", "math", "pandas"])
@pytest.mark.parametrize("number", range(len(ATTACKS) + len(CODE)))
def test_attacks_end_quickly_in_a_refusal(number: int, dialect: str) -> None:
    """Within two seconds: a node within the limits, or an ExpressionError; never another exception."""
    text = (ATTACKS + CODE)[number]
    started = time.thread_time()
    try:
        node = parse(text, dialect, fields=FIELDS)
        assert node.size <= 2_000 and node.lookback <= 5_000
    except ExpressionError as error:
        assert len(str(error)) < 3_000
    assert time.thread_time() - started < 5.0


REFUSED = [
    "ts_mean(close, nan)", "ts_mean(close, None)", "ts_mean(close,, 5)", "((close)", "close)", "()", "close open", "not", "close and",
    "1 < 2", "a = a", "close % 2", "close // 2", "close # x", "clo\u00adse", "\ufeffclose", "🚀", "ts_mean(close, ⑤)", "1.2.3", "$",
    "'; drop table factors; --", "close ? open", "log(-1)", "1/0", "(-8)^(1/3)*close", "exp(1000)", "close^volume", "a" * 65, "x" * 64,
    "+".join(["close"] * 80), "v = close / open\n" + "v = v * v\n" * 12, "rsi(rsi(rsi(rsi(14))))", "rsi('90d')", "delay(delay(close, 4000), 4000)",
    "macd(26, 12, 9, 1)", "close.open", "df['close']", "lambda x: x", "%" * 20_001, "(" * 70, "rank)close(", "ts_mean(close 5)", "min(1, 2)", "",
]  # fmt: skip


@pytest.mark.parametrize("dialect", ["dsl", "math"])
@pytest.mark.parametrize("text", REFUSED, ids=lambda text: repr(text[:20]))
def test_every_refusal_has_a_caret_and_a_remedy(text: str, dialect: str) -> None:
    """The error has a position and a remedy, within a fifth of a second."""
    parse("close / open", dialect, fields=FIELDS)
    started = time.thread_time()
    with pytest.raises(ExpressionError) as caught:
        parse(text, dialect, fields=FIELDS)
    assert time.thread_time() - started < 1.0
    assert caught.value.position is not None and caught.value.suggestion
    assert "Write instead: " in str(caught.value) and ("^" in str(caught.value) or not text)


@pytest.mark.parametrize("text", ["x = df.close\n", "(", "#", "\u0441", "df.close.shift(-1);", "'"])
def test_ten_megabytes_are_refused_by_their_length(text: str) -> None:
    """Length is checked first, at no cost."""
    started = time.thread_time()
    with pytest.raises(ExpressionError, match="characters; the limit is 20,000"):
        parse(text * (10_000_000 // len(text)), "pandas", fields=FIELDS)
    assert time.thread_time() - started < 2.0


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.text(max_size=60), st.sampled_from(["dsl", "math", "pandas"]))
def test_any_text_is_a_node_or_a_refusal(text: str, dialect: str) -> None:
    """Arbitrary characters never cause anything but an ExpressionError."""
    try:
        assert isinstance(parse(text, dialect, fields=FIELDS), Node)
    except ExpressionError as error:
        assert error.kind in {"syntax", "unknown", "type", "leak", "limit"}


WORDS = [*FIELDS, *"()+-*/^<>=,?:;!&|.", "ts_mean", "rank", "where", "delay", "20", "-1", "0.5", "'5d'", "and", "not", "df", "shift",
         "rolling", "mean", "=", "\n", "def", "return", "[", "]"]  # fmt: skip


def test_token_soup_is_refused_or_read() -> None:
    """Thousands of random sequences of tokens of the language raise only ExpressionError; parsed text prints back."""
    rng = np.random.default_rng(2)
    for _ in range(4_000):
        text = " ".join(WORDS[i] for i in rng.integers(len(WORDS), size=int(rng.integers(1, 12))))
        for dialect in ("math", "pandas"):
            try:
                node = parse(text, dialect, fields=FIELDS)
            except ExpressionError:
                continue
            assert parse(str(node)) is node
