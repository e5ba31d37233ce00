"""
Which run dates the graph has, by its settings: from the first day to the last one that is over.

Read by the partitions of the graph and by the shell, which refuses a run date before any process starts.
"""

from datetime import UTC, date, datetime, timedelta

from alpha_pipeline.errors import SettingError
from alpha_pipeline.settings import load_settings


def is_live() -> bool:
    """Whether prices come from vendors, not from the embedded sample."""
    return load_settings().live


def first_day() -> str:
    """ISO day the graph begins."""
    return load_settings().days.first


def end_day() -> str | None:
    """First ISO day that is not part of the graph any more; None without an end."""
    return load_settings().days.end or None


def last_run_date() -> str:
    """The latest ISO day that is over and that the graph has."""
    today = datetime.now(UTC).date()
    end = end_day()
    return str(min(today, date.fromisoformat(end) if end else today) - timedelta(days=1))


def require_run_date(run_date: str) -> str:
    """
    The run date as an ISO day.

    Raises:
        SettingError: it is no day, or the graph has no such day.
    """
    day, first, last = _day(run_date, "run date"), first_day(), last_run_date()
    if not first <= str(day) <= last:
        which = "lies before the first day of the graph" if str(day) < first else "is after the last day of the graph"
        raise SettingError(f"run date {day} {which}; it has the days {first} ... {last}")
    return str(day)


def _day(text: str, what: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise SettingError(f"{what} {text!r} is not a day; expected YYYY-MM-DD") from None
