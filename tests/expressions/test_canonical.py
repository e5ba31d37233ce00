"""Equivalent spellings have the identity of the operator; values are unchanged."""

import numpy as np
import pytest

from alpha_pipeline.expressions import Node, evaluate, identity, parse, similarity
from alpha_pipeline.expressions.canonical import SPELLINGS, shortened
from alpha_pipeline.market.panel import Panel


@pytest.mark.parametrize(("long", "short"), SPELLINGS)
def test_spellings_have_the_same_values(long: Node, short: Node) -> None:
    """Each line of the table holds on random positive data."""
    x = np.random.default_rng(1).lognormal(0, 0.3, (40, 3))
    panel = Panel(np.arange(40).astype("datetime64[us]"), tuple("abc"), {"x": x, "close": x})
    long, short = (parse(str(node).replace("price", "close")) for node in (long, short))
    values = dict(evaluate([long, short], panel, 1))
    np.testing.assert_allclose(values[0], values[1], rtol=1e-9, atol=1e-12)
    assert shortened(long) is shortened(short)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("(close - SMA(close, 20)) / STD(close, 20)", "zscore(close, 20)"),
        ("rank((close - delay(close, 5)) / delay(close, 5))", "rank(ts_return(close, 5))"),
        ("log(close) - log(delay(close, 1))", "log_return(close, 1)"),
        ("log(close / delay(close, 1))", "log_return(close, 1)"),
        ("volume / (sum(volume, 20) / 20)", "volume / mean(volume, 20)"),
    ],
)
def test_one_factor_however_it_is_spelled(a: str, b: str) -> None:
    """Equivalent factors have one identity."""
    first, second = parse(a), parse(b)
    assert identity(first) == identity(second) and similarity(first, second) == 1.0


def test_other_windows_are_other_factors() -> None:
    """Different windows are no spelling of one operator."""
    assert identity(parse("(close - mean(close, 20)) / std(close, 10)")) != identity(parse("zscore(close, 20)"))
    assert identity(parse("sum(volume, 20) / 10")) != identity(parse("mean(volume, 20)"))


def test_logarithms_of_what_may_be_negative() -> None:
    """The ratio of two falls has a logarithm, a fall has none: two factors."""
    x = "(close - open)"
    assert identity(parse(f"log({x} / delay({x}, 1))")) != identity(parse(f"log_return({x}, 1)"))
