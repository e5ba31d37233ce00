"""Parsing of texts to nodes, and errors with caret and kind."""

import pytest

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import identity, parse, to_text

FIELDS = ("open", "high", "low", "close", "volume", "funding")

SAME = [
    ("zscore(close, 20) * rank(volume)", "ts_zscore(close, 20) * cs_rank(volume)"),
    ("(close - SMA(close, 20)) / STD(close, 20)", "(close - ts_mean(close, 20)) / ts_std(close, 20)"),
    ("Abs(Log(close / open))", "abs(log(close / open))"),
    ("max(high, 20)", "ts_max(high, 20)"),
    ("max(high, low)", "maximum(low, high)"),
    ("rank(close, 10)", "ts_rank(close, 10)"),
    ("shift(close, 5)", "delay(close, 5)"),
    ("pct_change(close, 5)", "ts_return(close, 5)"),
    ("returns", "ts_return(close, 1)"),
    ("adv20", "ts_mean(volume, 20)"),
    ("rsi(14)", "rsi(close, 14)"),
    ("atr(14)", "atr(high, low, close, window=14)"),
    ("ts_mean(close, '5d')", "ts_mean(close, 120)"),
    ("close > open ? 1 : -1", "where(close > open, 1, -1)"),
    ("close ** 2 ^ 0.5", "close ^ (2 ^ 0.5)"),
    ("volume * close", "close * volume"),
    ("--close", "close"),
    ("-open + ts_mean(close, 5)", "ts_mean(close, 5) - open"),
    ("close + fill(2, 0)", "close + 2"),
    ("2 * 10 * close", "20 * close"),
    ("alpha = close - open", "close - open"),
    (
        "momentum = (close - close_lag_5) / close_lag_5 v = volume / SMA(volume, 20)\nfactor = momentum * log(v + 1)",
        "(close - delay(close, 5)) / delay(close, 5) * log(volume / ts_mean(volume, 20) + 1)",
    ),
    ("a = close; b = open; a - b", "close - open"),
    ("$close / $open", "close / open"),
    ("(close > open) & (volume > 1)", "close > open and volume > 1"),
]


@pytest.mark.parametrize(("text", "other"), SAME)
def test_synonyms_are_one_node(text: str, other: str) -> None:
    """Two spellings of one factor are the same object, and print back to it in both dialects."""
    node = parse(text, fields=FIELDS)
    assert node is parse(other, fields=FIELDS)
    assert parse(str(node), fields=FIELDS) is node
    assert parse(to_text(node, "math"), "math", fields=FIELDS) is node


def test_typography_is_tolerated() -> None:
    """Unicode minus and times signs and Greek letters are parsed."""
    text = "(close − μ(close, 20)) ÷ σ(close, 20)"  # noqa: RUF001  # the look-alikes are the test
    assert parse(text, "math") is parse("(close - mean(close, 20)) / std(close, 20)")


REFUSED = [
    ("rank(«clsoe»)", "unknown"),
    ("close «+» volume", "type"),
    ("delay(close, «-»1)", "leak"),
    ("ts_mean(close, «20.5»)", "type"),
    ("ts_mean(close, «0»)", "type"),
    ("ts_mean(close, «9999»)", "limit"),
    ("«lead»(close, 1)", "leak"),
    ("«frobnicate»(close)", "unknown"),
    ("tanh(«close»)", "type"),
    ("where(«close», 1, 2)", "type"),
    ("open < close «<» high", "syntax"),
    ("(close - open«»", "syntax"),
    ("close«)»", "syntax"),
    ("close «open»", "syntax"),
    ("close «@» open", "syntax"),
    ("ts_mean(close, «'3x'»)", "syntax"),
    ("«ts_mean»(close)", "type"),
    ("ts_mean(«5», 20)", "type"),
    ("9 «^» 9 ^ 9 * close", "limit"),
    ("«__import__»('os')", "unknown"),
    ("close«[»0]", "syntax"),
    ("«»", "syntax"),
    ("close «=» open", "syntax"),
    ("«close»(5)", "type"),
    ("close«.»rank()", "syntax"),
    ("ts_mean(close, «0x10»)", "syntax"),
    ("ts_mean(close, «1_000»)", "syntax"),
    ("ts_mean(close, «1e400»)", "limit"),
    ("ts_mean(close, «'99999d'»)", "limit"),
    ("ts_mean(close, «'90min'»)", "type"),
    ("ts_mean(close, 5, «window»=5)", "syntax"),
    ("ts_mean(x=close, «x»=open, window=5)", "syntax"),
    ("ts_mean(window=5, «close»)", "syntax"),
    ("yang_zhang(«1»)", "type"),
    ("bollinger(close, 20, «-»2)", "type"),
    ("cci(20, «scale»=0)", "type"),
    ("rsi(«-»14)", "leak"),
    ("ewm_mean(close, «0»)", "limit"),
    ("«adv0»", "type"),
    ("«close_lag_9999»", "limit"),
    ("where(close > open, «'5d'», 1)", "type"),
    ("close > open ? 1«»", "syntax"),
    ("rank(«close»)", "type"),
    ("rank(volume) * rank(close «-» open)", "type"),
    ("cs_zscore(«log»(close))", "type"),
    ("cs_demean(«ts_std»(close, 20))", "type"),
    ("scale(1 «/» close)", "type"),
    ("winsorize(«vwap»(20))", "type"),
    ("cs_residual(returns, «close»)", "type"),
    ("group_rank(«high», funding)", "type"),
    ("rank(«roll_spread»(20))", "type"),
]
COMPARABLE = [
    "rank(volume)", "rank(close * volume)", "rank(sqrt(volume))", "rank(amihud(20))", "rank(close / open)",
    "rank(rsi(14))", "cs_zscore(log_return(close, 5))", "cs_demean(log(close * volume))", "rank(plain(close))",
    "scale(delta(log(close), 5))", "rank(close > open)", "group_rank(volume, funding)", "winsorize(adv20 * returns)",
    "cs_residual(returns, log(volume))",
]  # fmt: skip


@pytest.mark.parametrize("text", COMPARABLE)
def test_symbols_are_compared_by_what_they_share(text: str) -> None:
    """Plain numbers, volumes, money and their powers may be ranked, and a price inside `plain`."""
    assert parse(text, fields=FIELDS).arguments


def test_a_price_across_symbols_is_refused_with_a_remedy_that_parses() -> None:
    """The error names the symbol's own past and `plain`; both are factors."""
    with pytest.raises(ExpressionError) as caught:
        parse("rank(close)", fields=FIELDS)
    reads_own_past, _, plain_form = str(caught.value.suggestion).partition(
        ", which compares with the symbol's own past; or "
    )
    assert reads_own_past == "close / ts_mean(close, 20)" and plain_form.startswith("plain(close)")
    for x in (reads_own_past, plain_form.split(" if ")[0]):
        assert parse(f"rank({x})", fields=FIELDS).operator == "cs_rank"


@pytest.mark.parametrize(("marked", "kind"), REFUSED)
def test_refusals_name_the_place(marked: str, kind: str) -> None:
    """Each error has its kind and its caret under the marked fault."""
    with pytest.raises(ExpressionError) as caught:
        parse(marked.replace("«", "").replace("»", ""), fields=FIELDS)
    assert (caught.value.kind, caught.value.position) == (kind, marked.index("«")), str(caught.value)


IDENTICAL = [
    ("close - open", "close + (-open)"),
    ("open + close + high", "high + (close + open)"),
    ("close / 4", "close * 0.25"),
    ("close > open", "open < close"),
    ("-(open - close)", "close - open"),
    ("(-close) * volume", "-(close * volume)"),
]


@pytest.mark.parametrize(("text", "other"), IDENTICAL)
def test_identity_sees_through_spelling(text: str, other: str) -> None:
    """Spellings of one factor have one identity."""
    assert identity(parse(text)) == identity(parse(other))


def test_identity_tells_factors_apart() -> None:
    """A sign, a window or an order of subtraction make another factor."""
    texts = ["close - open", "open - close", "ts_mean(close, 5)", "ts_mean(close, 6)", "close / open", "open / close"]
    assert len({identity(parse(text)) for text in texts}) == len(texts)
