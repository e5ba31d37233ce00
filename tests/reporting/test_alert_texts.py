"""What deserves an alert, and what does not."""

import math
from datetime import UTC, datetime

import pytest

from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market
from alpha_pipeline.reporting.alert_texts import Alert, budget, decay, failed_check, failed_run, stale_data

DAYS = ["2019-09-26", "2019-09-27", "2019-09-28", "2019-09-29"]  # Thursday to Sunday
NOON = datetime(2019, 9, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("market", "stored", "now", "title"),
    [
        (CRYPTO, DAYS, NOON, ""),
        (CRYPTO, [], NOON, ""),  # nobody feeds it
        (CRYPTO, DAYS[:2], NOON, "crypto has no bars on 2 days, most recently 2019-09-29"),
        (CRYPTO, DAYS[:3], datetime(2019, 9, 30, 5, tzinfo=UTC), ""),  # there is time until six
        (EQUITIES, DAYS[:2], NOON, ""),  # a weekend
        (EQUITIES, DAYS[:1], NOON, "equities has no bars on 1 days, most recently 2019-09-27"),
    ],
)
def test_bars_are_late_by_the_calendar_of_their_market(
    market: Market, stored: list[str], now: datetime, title: str
) -> None:
    """Weekends of an exchange are nobody's fault."""
    alert = stale_data(market, DAYS, stored, now)
    assert (alert.title if alert else "") == title


def test_a_holiday_is_not_late() -> None:
    """Labour Day 2019."""
    days = ["2019-08-30", "2019-09-02"]
    assert stale_data(EQUITIES, days, days[:1], datetime(2019, 9, 3, 12, tzinfo=UTC)) is None


@pytest.mark.parametrize(("used", "told"), [(0.0, False), (0.79, False), (0.8, True), (1.2, True), (math.nan, False)])
def test_four_fifths_of_a_limit_are_told(used: float, told: bool) -> None:
    """Unknown is not nearly used."""
    alert = budget("crypto", DAYS[0], used, "the month's money")
    assert (alert is not None) == told
    assert not alert or f"{used:.0%} of the month's money" in alert.title


@pytest.mark.parametrize(
    ("check", "blocking", "kind"),
    [
        ("no_lookahead", True, "failed check"),
        ("canaries", True, "canary"),
        ("complete", False, "failed check"),
        ("coverage", False, None),
    ],
)
def test_checks_that_matter(check: str, blocking: bool, kind: str | None) -> None:
    """All that block, and of those that warn the ones a person can do something about."""
    alert = failed_check("crypto/factor_values", check, blocking, "3 of 8 pass", DAYS[0])
    assert (alert.kind if alert else None) == kind


@pytest.mark.parametrize(
    ("now", "before", "title"),
    [
        ({"retired_factors": 1}, {}, "1 retired, 0 before"),
        ({"retired_factors": 1}, {"retired_factors": 1.0}, ""),
        ({}, {"retired_factors": 1}, ""),
        (
            {"probation_factors": 2, "retired_factors": 3},
            {"probation_factors": 1, "retired_factors": 3},
            "2 on probation",
        ),
        ({"probation_factors": math.nan}, {}, ""),
    ],
)
def test_a_library_that_loses_factors_is_told(now: dict[str, object], before: dict[str, object], title: str) -> None:
    """Growth of what is out of force; recovery is no alarm."""
    alert = decay("crypto", DAYS[0], now, before)
    assert (title in alert.title) if alert and title else (alert is None) == (not title)


def test_an_alert_is_one_message_of_inert_short_lines() -> None:
    """Control characters go, long errors are cut, and what is hidden is counted."""
    alert = failed_run(
        "nightly_crypto", "0123456789", DAYS[0], "\x1b[31mboom\n" + "x" * 999 + "\nline" * 30, "http://ui"
    )
    title, first, long, *_, hidden, link = alert.text()
    assert title == "failed run: nightly_crypto, run 01234567 (2019-09-26)"
    assert (first, link, hidden) == ("[31mboom", "http://ui", "... 20 more")
    assert len(long) <= 300 and "\n" not in "".join(alert.text())
    assert (
        alert.digest
        == Alert(alert.kind, alert.title, alert.lines, alert.run_date, "elsewhere").digest
        != Alert("a", "b").digest
    )
