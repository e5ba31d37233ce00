"""Backtest metrics of the library: direction, deflation, and the bars they use."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.backtesting import split
from alpha_pipeline.backtesting.splits import Segment
from alpha_pipeline.library.library_backtests import LibraryBacktest, holdout_segment, validation_segment
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.tables import BREAKDOWN, LIBRARY, METRICS, TRIALS

BARS = 500
Cut = Callable[[int, int], Segment]
RUN_DATE = pd.Timestamp("2019-07-01", tz="UTC")


def panel(altered: slice | None = None) -> Panel:
    """Returns predicted by a field; bars may be replaced."""
    rng = np.random.default_rng(2)
    edge = rng.normal(0, 0.01, (BARS, 8))
    returns = rng.normal(0, 0.01, (BARS, 8))
    returns[2:] += 0.3 * edge[:-2]
    fields = {"close": 100 * np.exp(np.cumsum(returns, axis=0)), "edge": edge}
    if altered:
        for values in fields.values():
            values[altered] *= rng.uniform(0.5, 2.0, values[altered].shape)
    times = pd.date_range("2018-01-01 21:00", periods=BARS, freq="D").to_numpy("datetime64[us]")
    return Panel(times, tuple("ABCDEFGH"), fields)


def library(weight: float = 0.02, status: str = "accepted", expression: str = "edge") -> pd.DataFrame:
    """One factor."""
    row = {"run_date": RUN_DATE, "factor_id": "f", "expression": expression, "status": status, "weight": weight}
    return pd.DataFrame([row]).reindex(columns=[c.name for c in LIBRARY.columns])


def trials(**deflated: float) -> pd.DataFrame:
    """A ledger of trials with these deflated Sharpe ratios by factor_id."""
    rows = {"factor_id": list(deflated), "deflated_sharpe": list(deflated.values())}
    return pd.DataFrame(rows).reindex(columns=[c.name for c in TRIALS.columns])


def measured(
    held: pd.DataFrame, ledger: pd.DataFrame | None = None, on: Panel | None = None, segment: Cut = holdout_segment
) -> pd.Series:
    """Metrics of one factor."""
    table = LibraryBacktest.of(held, on or panel(), EQUITIES, segment).metrics(
        trials(f=0.5) if ledger is None else ledger
    )
    assert METRICS.conform(table).num_rows == 1
    return table.iloc[0]


def test_a_negative_weight_reverses_the_factor() -> None:
    """It is measured as it is traded: as its negative with a positive weight."""
    reversed_factor = measured(library(-0.02, expression="-edge"))
    plain = measured(library(0.02, expression="edge"))
    pd.testing.assert_series_equal(reversed_factor, plain)
    assert plain["rank_ic"] > 0.1
    assert measured(library(-0.02, expression="edge"))["rank_ic"] == pytest.approx(-plain["rank_ic"])


def test_a_reference_is_measured_as_written() -> None:
    """Weight 0 does not reverse it."""
    pd.testing.assert_series_equal(
        measured(library(0.0, "reference")).drop("status"), measured(library(0.02)).drop("status")
    )


def test_the_deflated_sharpe_ratio_is_that_of_the_ledger() -> None:
    """One number of the name, of the bars and the trials of the admission; NaN where the ledger has no such factor."""
    assert measured(library(), trials(g=0.1, f=0.7))["deflated_sharpe"] == 0.7
    assert np.isnan(measured(library(), trials(g=0.1))["deflated_sharpe"])


def test_only_the_holdout_segment_is_measured() -> None:
    """Earlier bars change no measure of a factor without look-back; its own bars do."""
    start = split(BARS, EQUITIES.horizon_bars).open_test()[0]
    pd.testing.assert_series_equal(measured(library(), on=panel(slice(0, start))), measured(library()))
    assert measured(library(), on=panel(slice(start + 10, None)))["sharpe"] != measured(library())["sharpe"]


def test_the_holdout_changes_no_validation_metric() -> None:
    """Validation uses no bar after its segment."""
    start = split(BARS, EQUITIES.horizon_bars).open_test()[0]
    plain = measured(library(), segment=validation_segment)
    pd.testing.assert_series_equal(
        measured(library(), on=panel(slice(start - 1, None)), segment=validation_segment), plain
    )
    assert plain["bars"] < split(BARS, EQUITIES.horizon_bars).valid[1] - split(BARS, EQUITIES.horizon_bars).valid[0]


def test_holders_pay_funding() -> None:
    """A constant rate on one symbol changes the return and no rank IC."""
    stamps = pd.DatetimeIndex(panel().timestamps).tz_localize("UTC") + pd.Timedelta(hours=1)
    rows = pd.DataFrame({"timestamp": stamps, "symbol": "A", "available_at": stamps, "funding": 0.001})
    free = LibraryBacktest.of(library(), panel(), EQUITIES, validation_segment)
    paid = LibraryBacktest.of(library(), panel(), EQUITIES, validation_segment, rows)
    a, b = (library_backtest.metrics(trials(f=0.5)).iloc[0] for library_backtest in (free, paid))
    assert a["annual_return"] != b["annual_return"] and a["rank_ic"] == b["rank_ic"]
    assert b["turnover"] == pytest.approx(a["turnover"], rel=1e-3)


def test_bars_after_the_training_cutoff_are_measured_separately() -> None:
    """With a cutoff the bars after it have their own Sharpe ratio; without one it is NaN."""
    closes = pd.DatetimeIndex(panel().timestamps).tz_localize("UTC")
    held = library().assign(model="m")
    start, stop = split(BARS, EQUITIES.horizon_bars).valid
    cutoff = closes[(start + stop) // 2]
    row = (
        LibraryBacktest.of(held, panel(), EQUITIES, validation_segment, cutoff_of={"m": cutoff}.get)
        .metrics(trials(f=0.5))
        .iloc[0]
    )
    assert row["training_cutoff"] == cutoff and 0 < row["bars_after_cutoff"] < row["bars"]
    assert np.isfinite(row["sharpe_after_cutoff"]) and row["sharpe_after_cutoff"] != row["sharpe"]
    unknown = measured(held, segment=validation_segment)
    assert pd.isna(unknown["training_cutoff"]) and unknown["bars_after_cutoff"] == 0


def test_the_breakdown_conforms_to_its_table() -> None:
    """Subsamples and assumptions of every factor; the first subsample is the full sample."""
    library_backtest = LibraryBacktest.of(library(), panel(), EQUITIES, validation_segment)
    table = library_backtest.breakdown()
    assert BREAKDOWN.conform(table).num_rows == len(table)
    assert table["sharpe"].iloc[0] == library_backtest.metrics(trials(f=0.5))["sharpe"].iloc[0]
    assert {"all", "year", "trend", "symbols", "assumption: cost", "assumption: delay"} <= set(table["kind"]) | {
        "symbols"
    }
    curves = {kind: table[table["kind"] == kind] for kind in ("horizon", "quantile")}
    assert curves["horizon"]["rank_ic"].notna().any() and curves["quantile"]["mean_return"].notna().any()
    assert curves["quantile"]["subsample"].unique().tolist() == [f"{number} of 5" for number in range(1, 6)]


def test_history_before_the_segment_warms_up() -> None:
    """A long look-back uses up no bar of the segment."""
    assert measured(library(expression="ts_mean(edge, 60)"))["bars"] == measured(library())["bars"]


def test_retired_factors_are_not_measured() -> None:
    """Without active factors the tables are empty with all columns."""
    for held in (library(status="retired"), LIBRARY.empty()):
        table = LibraryBacktest.of(held, panel(), EQUITIES, holdout_segment).metrics(trials())
        assert len(table) == 0
        assert list(table.columns) == [c.name for c in METRICS.columns]
        assert (
            BREAKDOWN.conform(LibraryBacktest.of(held, panel(), EQUITIES, validation_segment).breakdown()).num_rows == 0
        )
