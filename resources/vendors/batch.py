"""
A batch of requests to one vendor: answers are kept, failures are named, and a ban ends the batch.

How a single request is made and retried is decided by each source.
"""

import logging
from collections.abc import Callable, Mapping

import pandas as pd

from alpha_pipeline.errors import SourceError
from alpha_pipeline.resources.http.retry import AttemptFailedError
from alpha_pipeline.resources.vendors.protocols import FetchResult
from alpha_pipeline.tables import Table

Answer = tuple[pd.DataFrame, Mapping[str, int]]  # rows of their table, counts of remarks

_log = logging.getLogger(__name__)


class BannedError(AttemptFailedError):
    """The vendor blocks this address for some time: after the last attempt no other request is made."""


def gather(requests: Mapping[str, Callable[[], Answer]], table: Table, vendor: str) -> FetchResult:
    """
    Make requests one after the other.

    Args:
        requests: name, such as a symbol -> call.
        table: whose columns the answers have.
        vendor: begins the error message.

    Returns:
        All rows, sorted by the keys of the table. A request that failed, or was skipped after a ban, is a failure with
        its reason.

    Raises:
        SourceError: every request failed. Other errors, such as an invalid setting, pass through.
    """
    parts, failures, counts = [], dict[str, str](), dict[str, int]()
    ban = ""
    for name, call in requests.items():
        if ban:
            failures[name] = f"not requested: {ban}"
            continue
        try:
            rows, remarks = call()
        except SourceError as error:
            failures[name] = str(error)
            ban = str(error) if isinstance(error.__cause__, BannedError) else ""
        else:
            parts.append(rows)
            counts.update(remarks)
    if failures and not parts:
        first = next(iter(failures.values()))
        raise SourceError(first if len(failures) == 1 else f"{vendor}: all {len(failures)} requests failed; {first}")
    filled = [part for part in parts if len(part)]
    rows = pd.concat(filled) if filled else table.empty()
    return FetchResult(rows.sort_values(list(table.keys), ignore_index=True), failures, counts)


def table_of(fetched: FetchResult, vendor: str) -> pd.DataFrame:
    """The rows alone, for callers that need a table; failures and counts are logged."""
    for name, reason in fetched.failures.items():
        _log.warning("%s failed for %s: %s", vendor, name, reason)
    for remark, count in fetched.counts.items():
        _log.warning("%s, %s: %d", vendor, remark, count)
    return fetched.table
