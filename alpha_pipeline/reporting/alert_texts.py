"""
Alert conditions: one function each, returning an alert or None.

Inputs come from `assets/automation/alert_sensors.py`; delivery is in `resources/alerts.py`.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import pandas as pd

from alpha_pipeline.market.markets import Market, expected_closes
from alpha_pipeline.text.untrusted import truncate

# Non-blocking checks that raise an alert: missing data, unhealthy feeds, results that do not survive a delay.
WARNINGS_THAT_MATTER = ("complete", "healthy", "survives_delay")
CANARIES = "canaries"
LATE_HOURS = 6.0  # after the end of a day; nightly schedules start within the first hour
NEARLY = 0.8  # of a limit
DECAYED = {"probation_factors": "on probation", "retired_factors": "retired"}
LINES, CHARACTERS = 12, 300


@dataclass(frozen=True)
class Alert:
    """
    One message to a person.

    Args:
        kind: "failed run", "failed check", "canary", "stale data", "budget" or "decay".
        title: one line; may contain untrusted text, escaped by the sender.
        lines: details, likewise.
        run_date: ISO day; empty without one.
        link: path in the UI; empty without one.
    """

    kind: str
    title: str
    lines: tuple[str, ...] = ()
    run_date: str = ""
    link: str = ""

    @property
    def digest(self) -> str:
        """Hash of the message without its link, to suppress repetitions within a day."""
        message = {name: value for name, value in asdict(self).items() if name != "link"}
        return hashlib.sha256(json.dumps(message, sort_keys=True).encode()).hexdigest()[:32]

    def text(self) -> list[str]:
        """Title, lines and link as inert lines, shortened."""
        about = f" ({self.run_date})" if self.run_date else ""
        lines = [truncate(f"{self.kind}: {self.title}{about}", CHARACTERS)]
        lines += [truncate(line, CHARACTERS) for line in self.lines[:LINES]]
        hidden = len(self.lines) - LINES
        return [*lines, *([f"... {hidden} more"] if hidden > 0 else []), *([self.link] if self.link else [])]


def failed_run(job: str, run_id: str, run_dates: str, error: str, link: str = "") -> Alert:
    """A run failed; `error` is the start of its message."""
    lines = [line for line in error.splitlines() if line.strip()]
    return Alert("failed run", f"{job or 'a selection of assets'}, run {run_id[:8]}", tuple(lines), run_dates, link)


def failed_check(asset: str, check: str, blocking: bool, description: str, run_date: str = "") -> Alert | None:
    """A check failed; None for an informational one."""
    if not blocking and check not in WARNINGS_THAT_MATTER:
        return None
    lines = tuple(filter(None, [description]))
    if check == CANARIES:
        return Alert(
            "canary", f"the checks of {asset} miss planted look-ahead factors or refuse clean ones", lines, run_date
        )
    stops = "; downstream assets were not computed" if blocking else ""
    return Alert("failed check", f"{check} of {asset}{stops}", lines, run_date)


def stale_data(market: Market, days: Sequence[str], stored: Collection[str], now: datetime) -> Alert | None:
    """
    Expected bars are missing; None for a lake without recent data and for days without a trading session.

    Args:
        market: whose bars.
        days: recent completed ISO days, oldest first.
        stored: ISO days whose bars are stored.
        now: with a time zone.
    """
    if not set(days) & set(stored):
        return None
    missing = [day for day in days if day not in stored and _is_late(market, day, now)]
    if not missing:
        return None
    shown = tuple(f"missing: {day}" for day in missing)
    return Alert("stale data", f"{market.name} has no bars on {len(missing)} days, most recently {missing[-1]}", shown)


def budget(market: str, run_date: str, used: float, limit: str) -> Alert | None:
    """The tightest limit is nearly used up: `used` is the used share; None below 80 % and for NaN."""
    if not used >= NEARLY:
        return None
    return Alert("budget", f"{market} used {used:.0%} of {limit}; at 100% no further requests are sent", (), run_date)


def decay(market: str, run_date: str, now: Mapping[str, object], before: Mapping[str, object]) -> Alert | None:
    """
    More factors are on probation or retired than on the previous run date.

    Args:
        market: whose library.
        run_date: ISO day.
        now, before: metadata of this library and the previous one: `probation_factors`, `retired_factors` (counts;
            missing is 0) and `changes` (number of status changes).
    """
    counts = {name: (_count(now.get(name)), _count(before.get(name))) for name in DECAYED}
    grown = [f"{new} {DECAYED[name]}, {old} before" for name, (new, old) in counts.items() if new > old]
    if not grown:
        return None
    moved = _count(now.get("changes"))
    lines = (f"{moved} factors changed status; reasons: metadata of {market}/factor_library",) if moved else ()
    return Alert("decay", f"factor decay in {market}: {'; '.join(grown)}", lines, run_date)


def _is_late(market: Market, day: str, now: datetime) -> bool:
    start = pd.Timestamp(day, tz="UTC")
    end = start + pd.Timedelta(days=1)
    return pd.Timestamp(now) >= end + pd.Timedelta(hours=LATE_HOURS) and len(expected_closes(market, start, end)) > 0


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) and value == value else 0
