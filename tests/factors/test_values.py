"""Factor values of a window equal those of the full history, on run dates with the factor active."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import evaluate, lookback, parse
from alpha_pipeline.factors.values import factor_values, library_nodes
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.tables import FACTOR_VALUES, LIBRARY

BARS, SYMBOLS = 24 * 20, ("A", "B", "C", "D")
BEGIN = pd.Timestamp("2019-07-01", tz="UTC")
DAY = pd.Timedelta(1, "D")
FINITE = (
    "ts_zscore(close, 30)", "ts_std(close, 24)", "-ts_corr(close, volume, 20)", "ts_rank(volume, 24)",
    "cs_rank(ts_return(close, 24))", "ts_mean(close, 48) / close", "ts_skew(ts_return(close, 1), 36)",
)  # fmt: skip
RECURSIVE = ("ts_ema(close, 12) / close", "rsi(close, 14)")


def panel() -> Panel:
    """Twenty days of hours with gaps and one spike."""
    rng = np.random.default_rng(0)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (BARS, 4)), axis=0))
    close[100, 1] *= 1e3
    close[rng.random(close.shape) < 0.01] = np.nan
    times = pd.date_range(BEGIN + pd.Timedelta(1, "h"), periods=BARS, freq="h").tz_localize(None)
    fields = {"close": close, "volume": rng.lognormal(3, 1, close.shape)}
    return Panel(times.to_numpy("datetime64[us]"), SYMBOLS, fields)


def library(*rows: tuple[int, str, str, str]) -> pd.DataFrame:
    """Rows (day, factor, expression, status)."""
    table = pd.DataFrame(rows, columns=["day", "factor_id", "expression", "status"])
    table["run_date"] = BEGIN + table.pop("day") * DAY
    return table.reindex(columns=[c.name for c in LIBRARY.columns])


def full(expression: str) -> np.ndarray:
    """Values on the full panel."""
    return next(evaluate([parse(expression, bar="1h")], panel()))[1]


@pytest.mark.parametrize("expression", FINITE)
def test_a_window_of_finite_memory_is_bit_for_bit_the_full_history(expression: str) -> None:
    """With its look-back a window has the same bits as an evaluation from the first bar."""
    start, end = BEGIN + 12 * DAY, BEGIN + 14 * DAY
    held = library(*[(day, "f", expression, "accepted") for day in (12, 13)])
    table = factor_values(held, panel(), CRYPTO, start, end)
    expected = full(expression)[12 * 24 : 14 * 24].reshape(-1)
    np.testing.assert_array_equal(table["f"].to_numpy(), expected)
    assert np.isfinite(expected).mean() > 0.5


@pytest.mark.parametrize("expression", RECURSIVE)
def test_a_window_of_infinite_memory_is_the_full_history_to_a_billionth(expression: str) -> None:
    """After the warm-up of a recursive operator the start has no visible influence."""
    start, end = BEGIN + 18 * DAY, BEGIN + 19 * DAY
    assert lookback(parse(expression, bar="1h")) < 18 * 24
    table = factor_values(library((18, "f", expression, "accepted")), panel(), CRYPTO, start, end)
    np.testing.assert_allclose(table["f"], full(expression)[18 * 24 : 19 * 24].reshape(-1), rtol=1e-8)


def test_several_factors_are_independent_of_each_other() -> None:
    """A long look-back of one factor does not change another factor."""
    start, end = BEGIN + 12 * DAY, BEGIN + 13 * DAY
    rows = [(12, f"f{i}", expression, "accepted") for i, expression in enumerate((*FINITE, *RECURSIVE))]
    together = factor_values(library(*rows), panel(), CRYPTO, start, end)
    for row in rows[: len(FINITE)]:
        alone = factor_values(library(row), panel(), CRYPTO, start, end)
        np.testing.assert_array_equal(together[row[1]], alone[row[1]])


def test_bars_after_the_window_change_nothing() -> None:
    """A longer panel gives the same table."""
    start, end = BEGIN + 12 * DAY, BEGIN + 13 * DAY
    held = library((12, "f", FINITE[0], "accepted"))
    pd.testing.assert_frame_equal(
        factor_values(held, panel(), CRYPTO, start, end), factor_values(held, panel().until(end), CRYPTO, start, end)
    )


def test_a_night_without_the_factor_is_nan() -> None:
    """Each day has its own library; a day ends with the bar that closes at midnight."""
    rows = [(12, "a", "close", "accepted"), (13, "a", "close", "accepted"), (13, "b", "volume", "accepted")]
    table = factor_values(library(*rows), panel(), CRYPTO, BEGIN + 12 * DAY, BEGIN + 14 * DAY)
    first = table["timestamp"] <= BEGIN + 13 * DAY
    assert first.sum() == 24 * 4
    assert table.loc[first, "b"].isna().all()
    assert table.loc[~first, "b"].notna().all()
    np.testing.assert_array_equal(table["a"], full("close")[12 * 24 : 14 * 24].reshape(-1))


def test_retired_factors_are_left_out() -> None:
    """No column when retired on all run dates, NaN from the run date of retirement on."""
    rows = [(12, "a", "close", "accepted"), (13, "a", "close", "retired"), (12, "b", "volume", "retired")]
    table = factor_values(library(*rows), panel(), CRYPTO, BEGIN + 12 * DAY, BEGIN + 14 * DAY)
    assert "b" not in table.columns
    assert table.loc[table["timestamp"] > BEGIN + 13 * DAY, "a"].isna().all()
    assert table.loc[table["timestamp"] <= BEGIN + 13 * DAY, "a"].notna().any()


def test_labels_of_rows_do_not_matter() -> None:
    """Run dates concatenated without renumbering are read by their columns."""
    rows = [(12, "a", "close", "accepted"), (13, "b", "close", "accepted")]
    apart = pd.concat([library(row) for row in rows])
    assert apart.index.tolist() == [0, 0]
    window = (panel(), CRYPTO, BEGIN + 12 * DAY, BEGIN + 14 * DAY)
    pd.testing.assert_frame_equal(factor_values(apart, *window), factor_values(library(*rows), *window))


def test_an_empty_library_has_rows_but_no_factors() -> None:
    """The bars of the window are there."""
    table = factor_values(LIBRARY.empty(), panel(), CRYPTO, BEGIN + 12 * DAY, BEGIN + 13 * DAY)
    assert list(table.columns) == ["timestamp", "symbol"]
    assert len(table) == 24 * 4
    assert FACTOR_VALUES.conform(table).num_rows == 24 * 4


def test_a_window_without_bars_is_empty() -> None:
    """There are no rows beyond the panel."""
    held = library((30, "a", "close", "accepted"))
    assert len(factor_values(held, panel(), CRYPTO, BEGIN + 30 * DAY, BEGIN + 31 * DAY)) == 0


def test_a_window_at_the_first_bar_warms_up_as_nan() -> None:
    """Without history values are NaN."""
    table = factor_values(library((0, "a", "ts_mean(close, 24)", "accepted")), panel(), CRYPTO, BEGIN, BEGIN + DAY)
    assert table["a"].isna().sum() >= 23 * 4


def test_a_factor_whose_field_is_gone_has_no_values_and_stops_no_other() -> None:
    """A missing field makes its factors NaN and does not fail the run date."""
    rows = [(0, "a", "ts_zscore(funding, 24)", "accepted"), (0, "b", "close", "accepted")]
    table = factor_values(library(*rows), panel(), CRYPTO, BEGIN, BEGIN + DAY)
    assert table["a"].isna().all() and table["b"].notna().any()


def test_an_expression_that_no_longer_parses_is_an_error() -> None:
    """The error names it."""
    with pytest.raises(ExpressionError, match="ts_wonder"):
        library_nodes(library((0, "a", "ts_wonder(close, 24)", "accepted")), CRYPTO)
