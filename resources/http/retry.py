"""
How long a door insists: a bounded number of tries with waits that double.

Which failures deserve another try is the door's knowledge; it says so with `AttemptFailedError`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from alpha_pipeline.errors import SourceError

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class RetryPolicy:
    """
    Limits on insisting.

    Args:
        attempts: tries in all, at least one.
        wait_seconds: wait before the second try; doubles with every further one.
        longest_wait_seconds: no single wait is longer, whatever the vendor asks for.
        timeout_seconds: how long one answer may take.
    """

    attempts: int = 4
    wait_seconds: float = 1.0
    longest_wait_seconds: float = 30.0
    timeout_seconds: float = 10.0


class AttemptFailedError(Exception):
    """
    One try failed.

    Args:
        reason: what came instead of an answer.
        again: another try may succeed.
        wait_seconds: how long the vendor asks to wait; None when it says nothing.
    """

    def __init__(self, reason: str, again: bool, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again
        self.wait_seconds = wait_seconds


def with_retry(call: Callable[[], Answer], patience: RetryPolicy, asked: str) -> Answer:
    """
    The answer of `call`, tried until it comes, is refused for good, or patience ends.

    Args:
        call: raises `AttemptFailedError` when it fails.
        patience: the limits.
        asked: what was asked of whom; begins the message.

    Raises:
        SourceError: with the last reason and the number of tries.
    """
    for attempt in range(1, patience.attempts + 1):
        try:
            return call()
        except AttemptFailedError as refused:
            if not refused.again or attempt == patience.attempts:
                tries = "" if attempt == 1 else f" (tried {attempt} times)"
                raise SourceError(f"{asked}: {refused.reason}{tries}") from refused
            wait = max(patience.wait_seconds * 2 ** (attempt - 1), refused.wait_seconds or 0.0)
            time.sleep(min(wait, patience.longest_wait_seconds))
    raise SourceError(f"{asked}: {patience.attempts} attempts allowed; expected at least one")
