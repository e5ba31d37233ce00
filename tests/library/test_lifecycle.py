"""Accepted, on probation, retired: each move and its reason, and whom the rules find in two years of run dates."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.library.lifecycle import LifeRules, changes, decays, library_of, live_lines, live_on
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
    """The factor after a run date, `days` after its status last changed, having shown that."""
    library = held(RUN_DATE, a="edge").assign(status=status, status_since=RUN_DATE - days * DAY, weight=weight)
    measures = pd.DataFrame([SOUND | showed], index=["a"])
    found = live_on(library, measures, EQUITIES)
    assert LIBRARY.conform(found).num_rows == 1
    return found.iloc[0]


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
    """It says why, since when, and keeps half of its weight."""
    found = moved(**showed)
    assert (found["status"], found["reason"], found["status_since"]) == ("probation", reason, RUN_DATE)
    assert found["weight"] == 0.025


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
def test_what_is_not_clear_moves_nothing(status: str, days: int, showed: dict[str, float]) -> None:
    """Too few bars, noise, what lies between falling and rising again, too short a probation; who is not traded."""
    found = moved(status, days, **showed)
    assert (found["status"], found["reason"]) == (status, "admitted")
    assert found["status_since"] == RUN_DATE - days * DAY


@pytest.mark.parametrize("status", ["accepted", "probation"])
def test_what_cannot_be_measured_moves_nothing(status: str) -> None:
    """Undefined numbers are no evidence, for or against."""
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
    """With the weight that belongs to it, and why."""
    found = moved("probation", days, 0.025, **showed)
    assert found["status"] == status
    assert str(found["reason"]).startswith(reason)
    assert found["weight"] == {"accepted": 0.05, "retired": 0.0}[status]


def test_a_sold_factor_stays_sold() -> None:
    """The sign of the weight outlives a probation, to the last bit."""
    fallen = moved(weight=-0.05, **BELOW)
    assert fallen["weight"] == -0.025
    assert moved("probation", weight=fallen["weight"])["weight"] == -0.05


def test_who_is_retired_keeps_the_numbers_of_that_night() -> None:
    """They are what it was retired with."""
    library = held(RUN_DATE, a="edge").assign(status="retired", weight=0.0, live_rank_ic=-0.07, live_bars=77)
    found = live_on(library, pd.DataFrame(columns=list(SOUND)), EQUITIES).iloc[0]
    assert (found["live_rank_ic"], found["live_bars"], found["weight"]) == (-0.07, 77, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"probation_weight": 0.0},
        {"calm": 2.0},
        {"lost": 3.0},
        {"near": 3.0},
        {"recovered": -0.1},
        {"probation_days": 300},
    ],
)
def test_rules_that_contradict_themselves_are_refused(wrong: dict[str, float]) -> None:
    """A weight that forgets its sign, a threshold to rise below that to fall."""
    with pytest.raises(SettingError, match="expected; found LifeRules"):
        LifeRules(**wrong)  # type: ignore[arg-type]  # counts among fractions


def test_changes_are_told_night_by_night() -> None:
    """From what to what; who enters is no change."""
    run_dates = [
        held(FIRST, a="edge"),
        held(FIRST + DAY, a="edge", b="edge"),
        held(FIRST + 2 * DAY, a="edge", b="edge"),
    ]
    run_dates[1]["status"] = ["probation", "accepted"]
    run_dates[2]["status"] = ["probation", "retired"]
    found = changes(pd.concat(run_dates, ignore_index=True))
    assert found[["factor_id", "was", "status"]].to_numpy().tolist() == [
        ["a", "accepted", "probation"],
        ["b", "accepted", "retired"],
    ]
    assert found["run_date"].tolist() == [FIRST + DAY, FIRST + 2 * DAY]


def test_decays_are_those_on_probation_the_lately_retired_and_the_weak() -> None:
    """In that order; who does well, who was retired long ago, and references have no row."""
    library = held(RUN_DATE, weak="edge", well="edge", fallen="edge", gone="edge", forgotten="edge", compared="edge")
    library["status"] = ["accepted", "accepted", "probation", "retired", "retired", "reference"]
    library["status_since"] = [FIRST, FIRST, RUN_DATE, RUN_DATE - 30 * DAY, RUN_DATE - 31 * DAY, FIRST]
    library["live_rank_ic"] = [0.024, 0.025, 0.04, -0.1, -0.1, -0.1]
    found = decays(library)
    assert found["factor_id"].tolist() == ["fallen", "gone", "weak"]
    assert list(found.columns[:4]) == ["factor_id", "status", "since", "status_since"]
    assert decays(LIBRARY.empty()).empty


def test_lines_begin_where_there_are_bars_to_decide_by() -> None:
    """Traded factors first; a mean of few bars is noise and is not drawn."""
    run_dates = [
        held(FIRST + k * DAY, r="edge", a="edge").assign(live_bars=29 + k, live_rank_ic=0.1 * k) for k in (0, 1)
    ]
    run_dates = [run_date.assign(status=["reference", "accepted"]) for run_date in run_dates]
    found = live_lines(pd.concat(run_dates), EQUITIES)
    assert list(found.columns) == ["a", "r"]
    np.testing.assert_array_equal(found["a"], [np.nan, 0.1])
    assert live_lines(pd.concat(run_dates), EQUITIES, most=1).shape == (2, 1)
    assert live_lines(LIBRARY.empty(), EQUITIES).empty


def test_a_library_older_than_these_columns_lives_on() -> None:
    """Its status holds since it entered, and its weight is what is expected of it."""
    panel = led({"edge": np.full(450, 0.15)})
    told = ("status_since", "expected_rank_ic", "expected_turnover", "half_life_days")
    old = held(FIRST + 139 * DAY, -0.05, a="edge")
    old = old[[name for name in old.columns if name not in told and not name.startswith("live")]]
    run_date = FIRST + 140 * DAY
    row = library_of(run_date, EQUITIES, panel, old, TRIALS.empty()).iloc[0]
    assert (row["expected_rank_ic"], row["live_bars"]) == (0.05, 138)
    assert (row["status"], row["weight"], row["status_since"]) == ("probation", -0.025, run_date)


EACH, RANK_IC = 10, 0.06


@pytest.fixture(scope="module")
def run_dates() -> pd.DataFrame:
    """Two years, a run date a week: ten factors that stay true, ten that die on day 200, ten that are luck."""
    return lived(EACH, RANK_IC, symbols=40, every=7)


def test_a_factor_that_stays_true_is_not_retired(run_dates: pd.DataFrame) -> None:
    """None in two years; at the end most have their whole weight."""
    assert reached(run_dates, "true", "retired").isna().all()
    last = run_dates[
        (run_dates["run_date"] == run_dates["run_date"].max()) & run_dates["factor_id"].str.startswith("true")
    ]
    assert (last["weight"] == RANK_IC).mean() >= 0.8


def test_a_factor_that_dies_is_found_out(run_dates: pd.DataFrame) -> None:
    """On probation within half a year, most are retired within a year, none before it died."""
    probation, retired = (reached(run_dates, "dies", status) - DIES for status in ("probation", "retired"))
    assert (probation <= 182).all()
    assert (retired <= 365).mean() >= 0.8 and (retired.dropna() > 0).all()


def test_luck_is_found_out(run_dates: pd.DataFrame) -> None:
    """What was never there is retired within a year."""
    assert (reached(run_dates, "luck", "retired") <= 365).mean() >= 0.9


def test_a_status_does_not_flicker(run_dates: pd.DataFrame) -> None:
    """Few changes a factor in two years."""
    assert len(changes(run_dates)) / (3 * EACH) < 2.5
