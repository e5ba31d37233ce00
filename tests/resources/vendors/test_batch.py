"""Many questions to one vendor: what came is kept, what did not is named."""

from collections.abc import Callable

import pandas as pd
import pytest

from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.resources.http.retry import AttemptFailedError, RetryPolicy, with_retry
from alpha_pipeline.resources.vendors.batch import Answer, BannedError, gather, table_of
from alpha_pipeline.tables import RAW_FUNDING

DAY = pd.Timestamp("2024-03-08", tz="UTC")
ONCE = RetryPolicy(attempts=1)


def row(symbol: str) -> Callable[[], Answer]:
    """A question answered by one row and one note."""
    table = pd.DataFrame({"timestamp": [DAY], "symbol": [symbol], "available_at": [DAY], "funding": [0.1]})
    return lambda: (table, {f"{symbol}: noted": 1})


def fails(error: Exception) -> Callable[[], Answer]:
    """A question that fails."""

    def ask() -> Answer:
        def once() -> Answer:
            raise error

        return with_retry(once, ONCE, "asked")

    return ask


def test_rows_failures_and_notes_come_together() -> None:
    """Sorted by the keys of the table, whatever the order of asking."""
    refused = fails(AttemptFailedError("no", retryable=False))
    fetched = gather({"B": row("B"), "X": refused, "A": row("A")}, RAW_FUNDING, "vendor")
    assert fetched.table["symbol"].tolist() == ["A", "B"]
    assert fetched.failures == {"X": "asked: no"} and fetched.counts == {"A: noted": 1, "B: noted": 1}


def test_after_a_ban_nothing_is_requested() -> None:
    """What was not asked is a failure too, with the reason of the ban."""
    banned = fails(BannedError("HTTP 403", retryable=False))
    fetched = gather({"A": row("A"), "B": banned, "C": row("C")}, RAW_FUNDING, "vendor")
    assert fetched.table["symbol"].tolist() == ["A"]
    assert fetched.failures == {"B": "asked: HTTP 403", "C": "not requested: asked: HTTP 403"}


def test_nothing_at_all_is_an_error() -> None:
    """One failed question speaks for itself; of many the first is told, with their number."""
    refused = fails(AttemptFailedError("no", retryable=False))
    with pytest.raises(SourceError, match="^asked: no$"):
        gather({"A": refused}, RAW_FUNDING, "vendor")
    with pytest.raises(SourceError, match="^vendor: all 2 requests failed; asked: no$"):
        gather({"A": refused, "B": refused}, RAW_FUNDING, "vendor")


def test_empty_answers_are_no_failure() -> None:
    """An empty day is an empty table of the right columns."""
    fetched = gather({"A": lambda: (RAW_FUNDING.empty(), {})}, RAW_FUNDING, "vendor")
    assert fetched.table.dtypes.equals(RAW_FUNDING.empty().dtypes) and fetched.failures == {}


def test_other_errors_pass_through() -> None:
    """A setting that is none is no failure of the vendor."""
    with pytest.raises(SettingError, match="none"):
        gather({"A": row("A"), "B": fails(SettingError("none"))}, RAW_FUNDING, "vendor")


def test_failures_are_logged_where_only_a_table_is_returned(caplog: pytest.LogCaptureFixture) -> None:
    """Failures and notes go to the log, each in a line."""
    refused = fails(AttemptFailedError("no", retryable=False))
    table = table_of(gather({"A": row("A"), "X": refused}, RAW_FUNDING, "vendor"), "vendor")
    assert table["symbol"].tolist() == ["A"]
    assert caplog.messages == ["vendor failed for X: asked: no", "vendor, A: noted: 1"]
