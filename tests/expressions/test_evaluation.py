"""Evaluation of a batch: once per distinct node, in reused memory, with independent results."""

import numpy as np
import pytest

from alpha_pipeline.errors import DataError
from alpha_pipeline.expressions import evaluate, parse
from alpha_pipeline.expressions.grammar import random_expression
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array


def _panel(bars: int = 150, symbols: int = 5) -> Panel:
    rng = np.random.default_rng(8)
    close = 10 * np.exp(np.cumsum(rng.normal(0, 0.01, (bars, symbols)), axis=0))
    fields = {"open": close * 1.01, "high": close * 1.02, "low": close * 0.98, "close": close, "volume": close**2}
    return Panel(np.arange(bars).astype("datetime64[us]"), tuple("abcdefgh"[:symbols]), fields)


PANEL = _panel()


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_kept_results_are_not_overwritten(threads: int) -> None:
    """Each position is yielded once; arrays the caller keeps equal a single evaluation of the factor."""
    rng = np.random.default_rng(6)
    nodes = [parse(random_expression(rng, list(PANEL.fields), 4)) for _ in range(120)]
    nodes += [nodes[3], parse("close"), nodes[3].arguments[0]]
    results: dict[int, Array] = {}
    for position, values in evaluate(nodes, PANEL, threads):
        assert position not in results
        results[position] = values
    assert sorted(results) == list(range(len(nodes)))
    for position in (0, 3, 57, 120, 121, 122):
        ((_, alone),) = evaluate([nodes[position]], PANEL, 1)
        np.testing.assert_array_equal(results[position], alone)


def test_results_are_read_only() -> None:
    """A result cannot be changed in place: it may be the panel's own field."""
    ((_, values),) = evaluate([parse("close")], PANEL, 1)
    with pytest.raises(ValueError, match="read-only"):
        values[0, 0] = 1.0


def test_a_missing_field_is_named() -> None:
    """The error lists the fields of the panel."""
    with pytest.raises(DataError, match="funding"):
        list(evaluate([parse("cs_rank(funding)")], PANEL, 2))


def test_what_float32_cannot_hold_is_missing() -> None:
    """A value beyond float32 counts as missing, in the result and in what is computed from it."""
    panel = Panel(PANEL.timestamps, PANEL.symbols, {"volume": PANEL["close"] * 10.0 ** np.array([3, 3, 3, 25, 3])})
    spread, rank = (
        v for _, v in evaluate([parse(f"{f}ts_var(volume, 5))") for f in ("(", "rank(")], panel, 1, np.float32)
    )
    assert np.isnan(spread[:, 3]).all() and np.isfinite(np.delete(spread, 3, axis=1)[4:]).all()
    np.testing.assert_allclose(np.delete(rank, 3, axis=1)[4:].sum(axis=1), 2.5, rtol=1e-6)


def test_infinite_and_read_only_fields() -> None:
    """Infinities of a field count as missing; read-only and strided fields are accepted."""
    close = PANEL["close"].copy()
    close[20, 1] = np.inf
    close.flags.writeable = False
    wide = np.repeat(PANEL["volume"], 2, axis=1)[:, ::2]
    panel = Panel(PANEL.timestamps, PANEL.symbols, {"close": close, "volume": wide})
    first, second = (
        values for _, values in evaluate([parse("ts_mean(close, 3)"), parse("ts_mean(volume, 3)")], panel, 1)
    )
    assert np.isnan(first[20:23, 1]).all() and not np.isnan(first[23, 1])
    assert not np.isnan(second[2:]).any()


def test_an_abandoned_batch_ends() -> None:
    """A caller may stop early; no thread keeps running."""
    batch = evaluate([parse(f"ts_mean(close, {n})") for n in range(2, 40)], PANEL, 2)
    next(iter(batch))
    batch.close()  # type: ignore[attr-defined]  # evaluate is a generator
