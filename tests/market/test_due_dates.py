"""Due run dates."""

from datetime import UTC, datetime

import pytest

from alpha_pipeline.market.due_dates import days_to_join, missing_ranges
from alpha_pipeline.market.markets import CRYPTO, EQUITIES

DAYS = [f"2019-09-{day:02d}" for day in range(17, 31)]
FRIDAY, SATURDAY = "2019-09-27", "2019-09-28"
RUN_DATE, MORNING = datetime(2019, 9, 28, 1, tzinfo=UTC), datetime(2019, 9, 28, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("done", "ranges"),
    [
        (set(), [("2019-09-17", "2019-09-30")]),
        (set(DAYS), []),
        (set(DAYS[:-1]), [("2019-09-30", "2019-09-30")]),
        (
            set(DAYS) - {"2019-09-18", "2019-09-20", "2019-09-21"},
            [("2019-09-18", "2019-09-18"), ("2019-09-20", "2019-09-21")],
        ),
    ],
)
def test_gaps_become_ranges(done: set[str], ranges: list[tuple[str, str]]) -> None:
    """Ranges of consecutive missing days without overlap."""
    assert list(missing_ranges(DAYS, done)) == ranges


@pytest.mark.parametrize(
    ("day", "crypto", "equities", "fused", "report", "now", "due"),
    [
        (FRIDAY, 0, 0, 0, 0, RUN_DATE, False),  # no signals yet
        (FRIDAY, 1, 0, 0, 0, RUN_DATE, False),  # stocks are waited for
        (FRIDAY, 1, 2, 0, 0, RUN_DATE, True),  # both have signals
        (FRIDAY, 1, 0, 0, 0, MORNING, True),  # six hours are enough
        (FRIDAY, 0, 2, 0, 0, MORNING, True),  # either market may be late
        (FRIDAY, 0, 0, 0, 0, MORNING, False),  # nothing to join
        (FRIDAY, 1, 2, 3, 4, RUN_DATE, False),  # done
        (FRIDAY, 1, 2, 3, 0, RUN_DATE, True),  # the report is missing
        (FRIDAY, 1, 5, 3, 4, MORNING, True),  # late signals came after the report
        (FRIDAY, 6, 0, 3, 4, MORNING, True),  # or new signals
        (SATURDAY, 1, 0, 0, 0, RUN_DATE, True),  # no session: not waited for
        (SATURDAY, 1, 5, 3, 4, MORNING, False),  # its empty table changes nothing
        (SATURDAY, 0, 5, 0, 0, MORNING, False),  # and are nothing to join
    ],
)
def test_a_day_is_joined_once_no_market_is_waited_for(
    day: str, crypto: int, equities: int, fused: int, report: int, now: datetime, due: bool
) -> None:
    """Sequence numbers: 0 is never, larger numbers are later."""
    signals = {market: {day: number} if number else {} for market, number in ((CRYPTO, crypto), (EQUITIES, equities))}
    joined = [{day: number} if number else {} for number in (fused, report)]
    assert days_to_join([day], signals, joined, now) == ([day] if due else [])


def test_a_holiday_is_no_session() -> None:
    """Labour Day 2019: stocks are not waited for."""
    signals = {CRYPTO: {"2019-09-02": 1}, EQUITIES: {}}
    assert days_to_join(["2019-09-02"], signals, [{}], datetime(2019, 9, 3, 0, 31, tzinfo=UTC)) == ["2019-09-02"]
