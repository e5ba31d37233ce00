"""Each status change with its reason, and the statuses of simulated factors over two years of run dates."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.library.lifecycle import (
    LifeRules,
    decaying_factors,
    library_as_of,
    live_rank_ic_history,
    status_changes,
    update_statuses,
)
from alpha_pipeline.library.live_performance import WINDOW_DAYS
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.tables import LIBRARY, TRIALS
from benchmarks.life import DAY, DIES, FIRST, held, led, lived, reached

RUN_DATE = FIRST + 200 * DAY
# As validated: rank IC 0.05 with a standard error of 0.01, break-even above the 6 bps that trading costs here.
SOUND = {
    "live_bars": 120, "live_rank_ic": 0.05, "live_t_stat": 5.0, "live_net_t_stat": 2.0, "live_turnover": 0.8,
    "live_break_even_bps": 12.0, "live_half_life_days": np.nan,
}  # fmt: skip
BELOW = {"live_rank_ic": 0.02, "live_t_stat": 2.0}
LOSING = {"live_break_even_bps": 3.0, "live_net_t_stat": -2.1}
RESTLESS = {"live_turnover": 1.3}


def moved(status: str = "accepted", days: int = 50, weight: float = 0.05, **showed: float) -> pd.Series:
    """A factor with these live measures after a run date, `days` after its last status change."""
    library = held(RUN_DATE, a="edge").assign(status=status, status_since=RUN_DATE - days * DAY, weight=weight)
    measures = pd.DataFrame([SOUND | showed], index=["a"])
    updated = update_statuses(library, measures, EQUITIES)
    assert LIBRARY.conform(updated).num_rows == 1
    return updated.iloc[0]


@pytest.mark.parametrize(
    ("showed", "reason"),
    [
        (BELOW, "live rank IC below expected: +0.020 over 120 bars, expected +0.050, t of the difference -3.0"),
        (LOSING, "loses after costs: break-even 3.0 bps, trading costs 6.0, t -2.1"),
        (RESTLESS, "turnover above validated: 1.30 a day, 1.6 times as much"),
    ],
    ids=["below expected", "loses after costs", "turnover"],
)
def test_an_accepted_factor_that_fails_goes_on_probation(showed: dict[str, float], reason: str) -> None:
    """With reason and date, and half of its weight."""
    factor = moved(**showed)
    assert (factor["status"], factor["reason"], factor["status_since"]) == ("probation", reason, RUN_DATE)
    assert factor["weight"] == 0.025


@pytest.mark.parametrize(
    ("status", "days", "showed"),
    [
        ("accepted", 50, {}),
        ("accepted", 50, BELOW | {"live_bars": 29}),
        ("accepted", 50, {"live_rank_ic": 0.03, "live_t_stat": 3.0}),
        ("accepted", 50, LOSING | {"live_net_t_stat": -1.9}),
        ("accepted", 50, {"live_turnover": 1.1}),
        ("probation", 9, {}),
        ("probation", 9, {"live_rank_ic": -0.05, "live_t_stat": -5.0}),
        ("probation", 50, BELOW),
        ("probation", 50, {"live_rank_ic": -0.02, "live_t_stat": -2.0}),
        ("probation", 50, {"live_rank_ic": 0.034, "live_t_stat": 3.4}),
        ("probation", 50, {"live_rank_ic": 0.024, "live_t_stat": 1.2}),
        ("probation", 50, LOSING | {"live_net_t_stat": -1.1}),
        ("probation", 50, {"live_turnover": 1.1}),
        ("probation", WINDOW_DAYS - 1, BELOW),
        ("probation", WINDOW_DAYS, {"live_rank_ic": 0.03, "live_t_stat": 3.0}),
        ("probation", WINDOW_DAYS, {"live_turnover": 1.1}),
        ("retired", 500, {}),
        ("reference", 500, BELOW | LOSING | RESTLESS),
    ],
)
def test_insignificant_measures_change_no_status(status: str, days: int, showed: dict[str, float]) -> None:
    """Nor do too few bars, values between the thresholds of probation and recovery, or too short a probation."""
    factor = moved(status, days, **showed)
    assert (factor["status"], factor["reason"]) == (status, "admitted")
    assert factor["status_since"] == RUN_DATE - days * DAY


@pytest.mark.parametrize(
    ("status", "days", "showed", "expected"),
    [
        ("accepted", 50, BELOW | {"live_bars": 30}, "probation"),
        ("accepted", 50, {"live_rank_ic": 0.025, "live_t_stat": 2.5}, "probation"),
        ("accepted", 50, LOSING | {"live_net_t_stat": -2.0}, "probation"),
        ("accepted", 50, LOSING | {"live_break_even_bps": 6.0}, "accepted"),
        ("accepted", 50, {"live_turnover": 1.5 * 0.8}, "probation"),
        ("probation", 10, {"live_rank_ic": -0.03, "live_t_stat": -2.5}, "retired"),
        ("probation", 50, {"live_rank_ic": 0.025, "live_t_stat": 1.25}, "accepted"),
        ("probation", 50, LOSING | {"live_net_t_stat": -1.0}, "probation"),
        ("probation", 50, LOSING | {"live_break_even_bps": 6.0}, "accepted"),
        ("probation", 50, {"live_rank_ic": 0.03125, "live_t_stat": 2.5}, "probation"),
        ("probation", 50, {"live_turnover": 1.25 * 0.8}, "accepted"),
    ],
)
def test_a_value_at_its_threshold_counts(status: str, days: int, showed: dict[str, float], expected: str) -> None:
    """A measure equal to a threshold changes the status, or keeps it, as the rule says."""
    assert moved(status, days, **showed)["status"] == expected


@pytest.mark.parametrize(
    ("status", "showed"), [("accepted", {"live_turnover": 0.75}), ("probation", {"live_rank_ic": 0.3125})]
)
def test_an_exact_ratio_at_its_threshold_counts(status: str, showed: dict[str, float]) -> None:
    """1.5 times the validated turnover is too much; 1.5 standard errors below the expected rank IC is no recovery."""
    library = held(RUN_DATE, a="edge").assign(
        status=status, status_since=RUN_DATE - 50 * DAY, expected_turnover=0.5, expected_rank_ic=0.5
    )
    exact = SOUND | {"live_rank_ic": 0.5, "live_t_stat": 2.5, "live_turnover": 0.5} | showed
    assert update_statuses(library, pd.DataFrame([exact], index=["a"]), EQUITIES)["status"].item() == "probation"


@pytest.mark.parametrize("status", ["accepted", "probation"])
def test_undefined_measures_change_no_status(status: str) -> None:
    """NaN is evidence neither for nor against a factor."""
    nothing = dict.fromkeys(SOUND, np.nan) | {"live_bars": 120}
    assert moved(status, **nothing)["status"] == status


@pytest.mark.parametrize(
    ("days", "showed", "status", "reason"),
    [
        (10, {}, "accepted", "recovered on probation: +0.050 over 120 bars, expected +0.050"),
        (10, {"live_rank_ic": 0.026, "live_t_stat": 1.3}, "accepted", "recovered on probation: +0.026"),
        (10, {"live_rank_ic": -0.03, "live_t_stat": -3.0}, "retired", "live rank IC below zero: -0.030"),
        (WINDOW_DAYS, BELOW, "retired", "no recovery on probation: 182 days, +0.020 over 120 bars, expected +0.050"),
        (WINDOW_DAYS, LOSING, "retired", "no recovery on probation: 182 days, +0.050"),
        (WINDOW_DAYS, {}, "accepted", "recovered on probation"),
    ],
)
def test_probation_ends_in_recovery_or_retirement(
    days: int, showed: dict[str, float], status: str, reason: str
) -> None:
    """With reason and weight of the new status."""
    factor = moved("probation", days, 0.025, **showed)
    assert factor["status"] == status
    assert str(factor["reason"]).startswith(reason)
    assert factor["weight"] == {"accepted": 0.05, "retired": 0.0}[status]


def test_a_negative_weight_keeps_its_sign() -> None:
    """Probation and recovery restore the weight exactly."""
    fallen = moved(weight=-0.05, **BELOW)
    assert fallen["weight"] == -0.025
    assert moved("probation", weight=fallen["weight"])["weight"] == -0.05


def test_a_retired_factor_keeps_its_last_measures() -> None:
    """Those of the run date of its retirement."""
    library = held(RUN_DATE, a="edge").assign(status="retired", weight=0.0, live_rank_ic=-0.07, live_bars=77)
    factor = update_statuses(library, pd.DataFrame(columns=list(SOUND)), EQUITIES).iloc[0]
    assert (factor["live_rank_ic"], factor["live_bars"], factor["weight"]) == (-0.07, 77, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"probation_weight": 0.0},
        {"recovery_turnover": 2.0},
        {"recovery_loss_t": 3.0},
        {"recovery_shortfall": 3.0},
        {"recovery_share": -0.1},
        {"shortest_probation_days": 300},
    ],
)
def test_contradictory_rules_are_refused(wrong: dict[str, float]) -> None:
    """A weight share of 0, or a recovery threshold beyond that of probation."""
    with pytest.raises(SettingError, match="expected; found LifeRules"):
        LifeRules(**wrong)  # type: ignore[arg-type]  # counts among fractions


def test_the_ends_of_a_range_are_allowed() -> None:
    """The full weight on probation, no recovery share, no shortest probation, and one of a fixed length."""
    LifeRules(probation_weight=1.0, recovery_share=0.0, shortest_probation_days=0)
    LifeRules(shortest_probation_days=20, longest_probation_days=20)


def test_status_changes_are_listed_by_run_date() -> None:
    """With the previous status; an entry is no change."""
    run_dates = [
        held(FIRST, a="edge"),
        held(FIRST + DAY, a="edge", b="edge"),
        held(FIRST + 2 * DAY, a="edge", b="edge"),
    ]
    run_dates[1]["status"] = ["probation", "accepted"]
    run_dates[2]["status"] = ["probation", "retired"]
    changes = status_changes(pd.concat(run_dates, ignore_index=True))
    assert changes[["factor_id", "previous", "status"]].to_numpy().tolist() == [
        ["a", "accepted", "probation"],
        ["b", "accepted", "retired"],
    ]
    assert changes["run_date"].tolist() == [FIRST + DAY, FIRST + 2 * DAY]


def test_decaying_factors_are_on_probation_recently_retired_or_weak() -> None:
    """In that order; sound factors, factors retired long ago and references have no row."""
    library = held(RUN_DATE, weak="edge", well="edge", fallen="edge", gone="edge", forgotten="edge", compared="edge")
    library["status"] = ["accepted", "accepted", "probation", "retired", "retired", "reference"]
    library["status_since"] = [FIRST, FIRST, RUN_DATE, RUN_DATE - 30 * DAY, RUN_DATE - 31 * DAY, FIRST]
    library["live_rank_ic"] = [0.024, 0.025, 0.04, -0.1, -0.1, -0.1]
    decaying = decaying_factors(library)
    assert decaying["factor_id"].tolist() == ["fallen", "gone", "weak"]
    assert list(decaying.columns[:4]) == ["factor_id", "status", "since", "status_since"]
    assert decaying_factors(LIBRARY.empty()).empty


def test_live_rank_ic_starts_with_the_minimum_of_live_bars() -> None:
    """Traded factors first; means of fewer bars are NaN."""
    run_dates = [
        held(FIRST + k * DAY, r="edge", a="edge").assign(live_bars=29 + k, live_rank_ic=0.1 * k) for k in (0, 1)
    ]
    run_dates = [run_date.assign(status=["reference", "accepted"]) for run_date in run_dates]
    history = live_rank_ic_history(pd.concat(run_dates), EQUITIES)
    assert list(history.columns) == ["a", "r"]
    np.testing.assert_array_equal(history["a"], [np.nan, 0.1])
    assert live_rank_ic_history(pd.concat(run_dates), EQUITIES, most=1).shape == (2, 1)
    assert live_rank_ic_history(LIBRARY.empty(), EQUITIES).empty


def test_a_library_without_lifecycle_columns_is_completed() -> None:
    """Its status dates from entry, and its weight is the expected rank IC."""
    panel = led({"edge": np.full(450, 0.15)})
    lifecycle_columns = ("status_since", "expected_rank_ic", "expected_turnover", "half_life_days")
    old = held(FIRST + 139 * DAY, -0.05, a="edge")
    old = old[[name for name in old.columns if name not in lifecycle_columns and not name.startswith("live")]]
    run_date = FIRST + 140 * DAY
    row = library_as_of(run_date, EQUITIES, panel, old, TRIALS.empty()).iloc[0]
    assert (row["expected_rank_ic"], row["live_bars"]) == (0.05, 138)
    assert (row["status"], row["weight"], row["status_since"]) == ("probation", -0.025, run_date)


EACH, RANK_IC = 10, 0.06


@pytest.fixture(scope="module")
def run_dates() -> pd.DataFrame:
    """Two years, one run date a week: ten factors of constant rank IC, ten that lose it on day 200, ten of noise."""
    return lived(EACH, RANK_IC, symbols=40, every=7)


def test_a_factor_with_a_constant_rank_ic_is_not_retired(run_dates: pd.DataFrame) -> None:
    """None in two years; at the end most have their full weight."""
    assert reached(run_dates, "true", "retired").isna().all()
    last = run_dates[
        (run_dates["run_date"] == run_dates["run_date"].max()) & run_dates["factor_id"].str.startswith("true")
    ]
    assert (last["weight"] == RANK_IC).mean() >= 0.8


def test_a_factor_that_loses_its_rank_ic_is_retired(run_dates: pd.DataFrame) -> None:
    """On probation within half a year, most retired within a year, none before the loss."""
    probation, retired = (reached(run_dates, "dies", status) - DIES for status in ("probation", "retired"))
    assert (probation <= 182).all()
    assert (retired <= 365).mean() >= 0.8 and (retired.dropna() > 0).all()


def test_a_factor_of_noise_is_retired(run_dates: pd.DataFrame) -> None:
    """Most within a year."""
    assert (reached(run_dates, "luck", "retired") <= 365).mean() >= 0.9


def test_a_status_does_not_oscillate(run_dates: pd.DataFrame) -> None:
    """Few status changes per factor in two years."""
    assert len(status_changes(run_dates)) / (3 * EACH) < 2.5
