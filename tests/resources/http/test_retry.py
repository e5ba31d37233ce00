"""Bounded retries."""

import pytest

from alpha_pipeline.errors import SourceError
from alpha_pipeline.resources.http import retry
from alpha_pipeline.resources.http.retry import AttemptFailedError, RetryPolicy, with_retry


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Durations passed to a patched `time.sleep`."""
    durations: list[float] = []
    monkeypatch.setattr(retry.time, "sleep", durations.append)
    return durations


def test_waits_double_up_to_the_longest(waits: list[float]) -> None:
    """One, two, four seconds and so on, up to the limit; a vendor's Retry-After counts within the limit."""
    pending = [AttemptFailedError("busy", True, seconds) for seconds in (None, None, 9.0, 99.0)]

    def call() -> str:
        if pending:
            raise pending.pop(0)
        return "answer"

    assert with_retry(call, RetryPolicy(attempts=5, wait_seconds=1.0, longest_wait_seconds=10.0), "bars") == "answer"
    assert waits == [1.0, 2.0, 9.0, 10.0]


@pytest.mark.parametrize(
    ("retryable", "tries", "message"), [(True, 3, "bars: busy (tried 3 times)"), (False, 1, "bars: busy")]
)
def test_the_last_reason_is_the_message(waits: list[float], retryable: bool, tries: int, message: str) -> None:
    """The error has the last reason and the number of attempts."""
    calls = []

    def call() -> str:
        calls.append(1)
        raise AttemptFailedError("busy", retryable)

    with pytest.raises(SourceError) as caught:
        with_retry(call, RetryPolicy(attempts=3), "bars")
    assert str(caught.value) == message and len(calls) == tries


def test_zero_attempts_are_refused(waits: list[float]) -> None:
    """The error says that at least one attempt is expected."""
    with pytest.raises(SourceError, match="0 attempts allowed; expected at least one"):
        with_retry(lambda: "answer", RetryPolicy(attempts=0), "bars")
