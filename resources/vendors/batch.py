"""
Many questions to one vendor: what came is kept, what did not come is named, and a ban ends the asking.

How one question is asked, and how long one insists on it, is each door's business.
"""

import logging
from collections.abc import Callable, Mapping

import pandas as pd

from alpha_pipeline.errors import SourceError
from alpha_pipeline.tables import Table
from resources.http.retry import AttemptFailedError
from resources.vendors.protocols import FetchResult

Rows = pd.DataFrame
Notes = Mapping[str, int]
Answer = tuple[Rows, Notes] | tuple[Rows, Notes, Rows]  # rows of their table, notes on them, rows that cannot be true

_log = logging.getLogger(__name__)


class BannedError(AttemptFailedError):
    """The vendor will not answer this address for some time: after the last try, no other question is asked either."""


def gather(questions: Mapping[str, Callable[[], Answer]], table: Table, vendor: str) -> FetchResult:
    """
    Ask one question after the other.

    Args:
        questions: what is asked, such as a symbol -> how.
        table: whose columns the answers have.
        vendor: begins the message.

    Returns:
        All rows that came, sorted by the keys of the table; a question that failed, or was not asked any more after a
        ban, stands among the failures with its reason.

    Raises:
        SourceError: every question failed; other errors of a question, such as a setting that is none, pass through.
    """
    parts, aside, failures, notes = [], list[Rows](), dict[str, str](), dict[str, int]()
    banned = ""
    for name, ask in questions.items():
        if banned:
            failures[name] = f"not asked: {banned}"
            continue
        try:
            rows, remarks, *untrue = ask()
        except SourceError as error:
            failures[name] = str(error)
            banned = str(error) if isinstance(error.__cause__, BannedError) else ""
        else:
            parts.append(rows)
            aside.extend(part for part in untrue if len(part))
            notes.update(remarks)
    if failures and not parts:
        first = next(iter(failures.values()))
        raise SourceError(first if len(failures) == 1 else f"{vendor}: none of {len(failures)} answers came; {first}")
    found = [part for part in parts if len(part)]
    rows = pd.concat(found) if found else table.empty()
    exclusion_reason = pd.concat(aside, ignore_index=True) if aside else table.empty()
    return FetchResult(rows.sort_values(list(table.keys), ignore_index=True), failures, notes, exclusion_reason)


def table_of(fetched: FetchResult, vendor: str) -> pd.DataFrame:
    """The rows alone, for callers who ask for a table; what failed or was left out goes to the log."""
    for name, reason in fetched.failures.items():
        _log.warning("%s did not give %s: %s", vendor, name, reason)
    for remark, count in fetched.notes.items():
        _log.warning("%s, %s: %d", vendor, remark, count)
    return fetched.table
