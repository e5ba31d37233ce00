"""
What deserves waking a person: one function per condition, from plain facts to an alert or none.

Where the facts come from is `assets/automation/alert_sensors.py`, how an alert travels `resources/alerts.py`.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import pandas as pd

from alpha_pipeline.market.markets import Market, expected_closes
from alpha_pipeline.text.untrusted import truncate

# Checks that only warn, and that a person should see: what did not come, what looks odd, what knew too much.
WARNINGS_THAT_MATTER = ("complete", "healthy", "survives_delay")
CANARIES = "canaries"
LATE_HOURS = 6.0  # after the end of a day; the nightly schedules begin within its first
NEARLY = 0.8  # of a limit
DECAYED = {"probation_factors": "on probation", "retired_factors": "retired"}
LINES, CHARACTERS = 12, 300


@dataclass(frozen=True)
class Alert:
    """
    One message to a person.

    Args:
        kind: "failed run", "failed check", "canary", "stale data", "budget" or "decay".
        title: the whole in one line; may hold untrusted text, which whoever sends it escapes.
        lines: what else is known, likewise.
        run date: ISO day it is about; empty when about none.
        link: where to look, a path of the UI; empty when nowhere.
    """

    kind: str
    title: str
    lines: tuple[str, ...] = ()
    run_date: str = ""
    link: str = ""

    @property
    def digest(self) -> str:
        """The same for the same message, wherever it leads: what was said today is not said again."""
        said = {name: value for name, value in asdict(self).items() if name != "link"}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]

    def text(self) -> list[str]:
        """Title, lines and link as inert lines, shortened."""
        about = f" ({self.run_date})" if self.run_date else ""
        lines = [truncate(f"{self.kind}: {self.title}{about}", CHARACTERS)]
        lines += [truncate(line, CHARACTERS) for line in self.lines[:LINES]]
        hidden = len(self.lines) - LINES
        return [*lines, *([f"... {hidden} more"] if hidden > 0 else []), *([self.link] if self.link else [])]


def failed_run(job: str, run_id: str, run_dates: str, error: str, link: str = "") -> Alert:
    """A run ended in failure; `error` is its first words."""
    lines = [line for line in error.splitlines() if line.strip()]
    return Alert("failed run", f"{job or 'a selection of assets'}, run {run_id[:8]}", tuple(lines), run_dates, link)


def failed_check(asset: str, check: str, blocking: bool, description: str, run_date: str = "") -> Alert | None:
    """A check failed; None for one that only informs."""
    if not blocking and check not in WARNINGS_THAT_MATTER:
        return None
    told = tuple(filter(None, [description]))
    if check == CANARIES:
        return Alert(
            "canary", f"the checks of {asset} no longer catch cheaters or refuse honest factors", told, run_date
        )
    stops = "; what follows from it was not computed" if blocking else ""
    return Alert("failed check", f"{check} of {asset}{stops}", told, run_date)


def stale_data(market: Market, days: Sequence[str], stored: Collection[str], now: datetime) -> Alert | None:
    """
    Bars that should be there and are not; None in a lake that nobody feeds, and for days without a session.

    Args:
        market: whose bars.
        days: ISO days that are over, the recent ones, oldest first.
        stored: ISO days whose bars are stored.
        now: with a time zone.
    """
    if not set(days) & set(stored):
        return None
    missing = [day for day in days if day not in stored and _is_late(market, day, now)]
    if not missing:
        return None
    shown = tuple(f"missing: {day}" for day in missing)
    return Alert("stale data", f"{market.name} has no bars of {len(missing)} days, the last {missing[-1]}", shown)


def budget(market: str, run_date: str, used: float, limit: str) -> Alert | None:
    """Nearly all of the tightest limit is used; `used` is a share of it, NaN and less than four quintiles are no alert."""
    if not used >= NEARLY:
        return None
    return Alert("budget", f"{market} used {used:.0%} of {limit}; at 100% no model is asked any more", (), run_date)


def decay(market: str, run_date: str, now: Mapping[str, object], before: Mapping[str, object]) -> Alert | None:
    """
    More factors are on probation or retired than the run date before.

    Args:
        market: whose library.
        run date: ISO day.
        now, before: what the run date's library and the one before it tell: `probation_factors`, `retired_factors` (counts;
            none is zero) and `changes` (how many factors moved).
    """
    counts = {name: (_count(now.get(name)), _count(before.get(name))) for name in DECAYED}
    grown = [f"{new} {DECAYED[name]}, {old} the run date before" for name, (new, old) in counts.items() if new > old]
    if not grown:
        return None
    moved = _count(now.get("changes"))
    lines = (f"{moved} factors moved; why is in the metadata of {market}/factor_library",) if moved else ()
    return Alert("decay", f"factors of {market} lose what they had: {'; '.join(grown)}", lines, run_date)


def _is_late(market: Market, day: str, now: datetime) -> bool:
    start = pd.Timestamp(day, tz="UTC")
    end = start + pd.Timedelta(days=1)
    return pd.Timestamp(now) >= end + pd.Timedelta(hours=LATE_HOURS) and len(expected_closes(market, start, end)) > 0


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) and value == value else 0
