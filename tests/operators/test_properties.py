"""What holds for every operator of the registry, by itself and without being listed."""

import numpy as np
import pytest

from alpha_pipeline.expressions import Node, evaluate, parse, walk
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.operators import Operator, operators
from alpha_pipeline.typing import Array

BARS, SYMBOLS = 700, 6
ALL = list(operators().values())


def _make_panel(seed: int = 3) -> Panel:
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, (BARS, SYMBOLS)), axis=0))
    opened = close * np.exp(rng.normal(0, 0.004, close.shape))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.003, close.shape)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.003, close.shape)))
    fields = {
        "open": opened, "high": high, "low": low, "close": close, "volume": rng.lognormal(3, 1, close.shape),
        "funding": rng.normal(0, 1e-4, close.shape), "sector": np.tile(np.arange(SYMBOLS) % 2.0, (BARS, 1)),
    }  # fmt: skip
    return Panel(np.arange(BARS).astype("datetime64[us]"), tuple("abcdef"[:SYMBOLS]), fields)


PANEL = _make_panel()


def _values(node: Node, panel: Panel) -> Array:
    ((_, values),) = evaluate([node], panel, 1)
    return values


def _is_recursive(node: Node) -> bool:
    return any(operators()[n.operator].recursive for n in walk(node) if n.arguments)


@pytest.fixture(params=ALL, ids=lambda operator: operator.name)
def example(request: pytest.FixtureRequest) -> Node:
    return parse(request.param.example, fields=PANEL.fields)


@pytest.mark.parametrize("operator", ALL, ids=lambda operator: operator.name)
def test_documented(operator: Operator) -> None:
    """Each has a sentence, an example that parses to it, and prints back to itself."""
    assert operator.doc and "\n" not in operator.doc and operator.doc.endswith(".")
    node = parse(operator.example, fields=PANEL.fields)
    assert operator.formula or operator.name in {n.operator for n in walk(node)}
    assert parse(str(node)) is node


def test_shape_and_finiteness(example: Node) -> None:
    """Same shape as the panel; values are finite or NaN, and there are some."""
    values = _values(example, PANEL)
    assert values.shape == PANEL.shape and values.dtype == np.float64
    assert not np.isinf(values).any() and not np.isnan(values[-1]).all()


def test_altered_future_changes_nothing(example: Node) -> None:
    """Values up to a bar stay bit for bit when all that follows is replaced."""
    full, other = _values(example, PANEL), _make_panel(seed=99)
    for cut in (1, 7, 25, 333):
        fields = {name: np.vstack([PANEL[name][:cut], other[name][cut:]]) for name in PANEL.fields}
        altered = Panel(PANEL.timestamps, PANEL.symbols, fields)
        np.testing.assert_array_equal(_values(example, altered)[:cut], full[:cut])


def test_a_slice_with_its_lookback_equals_full_history(example: Node) -> None:
    """Bit for bit wherever the slice begins; recursive operators to 1e-9 after their warm-up."""
    full = _values(example, PANEL)
    for stop in (BARS, BARS - 1, BARS - 6):
        subsample_breakdown = _values(example, PANEL.rows(stop - 1 - example.lookback, stop))[-1]
        if _is_recursive(example):
            np.testing.assert_allclose(subsample_breakdown, full[stop - 1], rtol=1e-9, atol=1e-12)
        else:
            np.testing.assert_array_equal(subsample_breakdown, full[stop - 1])


def test_float32_is_one_rounding_away(example: Node) -> None:
    """On the same float32 inputs both types have the same gaps; a kernel rounds once, a formula once in each step."""
    narrow = {name: values.astype(np.float32).astype(np.float64) for name, values in PANEL.fields.items()}
    panel = Panel(PANEL.timestamps, PANEL.symbols, narrow)
    wide = _values(example, panel)
    ((_, values),) = evaluate([example], panel, 1, np.float32)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(values), np.isnan(wide))
    steps = sum(bool(node.arguments) for node in walk(example))
    share = 2e-7 if steps == 1 else 1e-3  # in a formula a rounded difference of close prices is divided by a small one
    np.testing.assert_allclose(values, wide, rtol=share, atol=share * float(np.nanmax(np.abs(wide))))


def test_lookback_is_exact(example: Node) -> None:
    """With one bar of history less there is no value, for operators that need all of their window."""
    if example.lookback == 0 or _is_recursive(example) or "present" in str(example) or "ffill" in str(example):
        return
    short = _values(example, PANEL.rows(BARS - example.lookback, BARS))[-1]
    assert np.isnan(short).all()


def test_a_missing_value_touches_only_its_windows(example: Node) -> None:
    """A NaN changes nothing before it, nothing of other symbols (along time), nothing once its windows have passed."""
    operator = operators()[example.operator]
    if _is_recursive(example) or "gaps" in operator.group or operator.name in {"fill", "is_missing"}:
        return
    hole = 400
    fields = {name: values.copy() for name, values in PANEL.fields.items()}
    for values in fields.values():
        values[hole, 2] = np.nan
    full, holed = _values(example, PANEL), _values(example, Panel(PANEL.timestamps, PANEL.symbols, fields))
    np.testing.assert_array_equal(holed[:hole], full[:hole])
    np.testing.assert_array_equal(holed[hole + example.lookback + 1 :], full[hole + example.lookback + 1 :])
    assert np.isnan(holed[hole, 2]) or operator.name == "delay" or "_present" in operator.name
    groups = {operators()[n.operator].group for n in walk(example) if n.arguments}
    if "cross section" not in groups:
        np.testing.assert_array_equal(np.delete(holed, 2, axis=1), np.delete(full, 2, axis=1))


def test_groups_are_neutralised() -> None:
    """Within each group the mean is zero, and ranks run to one."""
    demeaned = _values(parse("group_demean(volume, sector)"), PANEL)
    ranked = _values(parse("group_rank(volume, sector)"), PANEL)
    for group in (0, 1):
        np.testing.assert_allclose(demeaned[:, group::2].mean(axis=1), 0, atol=1e-9)
        np.testing.assert_allclose(np.sort(ranked[:, group::2], axis=1)[0], [1 / 3, 2 / 3, 1])
