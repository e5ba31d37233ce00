"""Bounded insisting."""

import pytest

from alpha_pipeline.errors import SourceError
from resources.http import retry as patience
from resources.http.retry import AttemptFailedError, RetryPolicy, with_retry


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits asked for; none is really waited."""
    asked: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", asked.append)
    return asked


def test_waits_double_up_to_the_longest(waits: list[float]) -> None:
    """One, two, four seconds and so on, never more than allowed, and a vendor's wish is heard within that."""
    pending = [AttemptFailedError("busy", True, wish) for wish in (None, None, 9.0, 99.0)]

    def call() -> str:
        if pending:
            raise pending.pop(0)
        return "answer"

    assert with_retry(call, RetryPolicy(attempts=5, wait_seconds=1.0, longest_wait_seconds=10.0), "bars") == "answer"
    assert waits == [1.0, 2.0, 9.0, 10.0]


@pytest.mark.parametrize(
    ("again", "tries", "message"), [(True, 3, "bars: busy (tried 3 times)"), (False, 1, "bars: busy")]
)
def test_the_last_reason_is_the_message(waits: list[float], again: bool, tries: int, message: str) -> None:
    """Patience ends, or is not asked for at all: the error says why and how often."""
    calls = []

    def call() -> str:
        calls.append(1)
        raise AttemptFailedError("busy", again)

    with pytest.raises(SourceError) as caught:
        with_retry(call, RetryPolicy(attempts=3), "bars")
    assert str(caught.value) == message and len(calls) == tries


def test_no_attempt_is_no_answer(waits: list[float]) -> None:
    """Zero attempts is a setting that cannot work, and says so."""
    with pytest.raises(SourceError, match="0 attempts allowed; expected at least one"):
        with_retry(lambda: "answer", RetryPolicy(attempts=0), "bars")
