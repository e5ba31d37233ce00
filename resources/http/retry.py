"""
Retries: a bounded number of attempts with waits that double.

The caller decides which failures deserve another attempt, by raising `AttemptFailedError`.
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
    Limits of the retries.

    Args:
        attempts: attempts in all, at least one.
        wait_seconds: wait before the second attempt; doubles with each further one.
        longest_wait_seconds: upper limit of a single wait, also of one the vendor asks for.
        timeout_seconds: time-out of one attempt.
    """

    attempts: int = 4
    wait_seconds: float = 1.0
    longest_wait_seconds: float = 30.0
    timeout_seconds: float = 10.0


class AttemptFailedError(Exception):
    """
    One attempt failed.

    Args:
        reason: what came instead of an answer.
        retryable: another attempt may succeed.
        wait_seconds: wait the vendor asks for; None without one.
    """

    def __init__(self, reason: str, retryable: bool, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable
        self.wait_seconds = wait_seconds


def with_retry(call: Callable[[], Answer], policy: RetryPolicy, subject: str) -> Answer:
    """
    Call until there is an answer, a failure that is not retryable, or no attempt left.

    Args:
        call: raises `AttemptFailedError` when it fails.
        policy: limits of the retries.
        subject: the address or the data requested; begins the error message.

    Raises:
        SourceError: with the last reason and the number of attempts.
    """
    for attempt in range(1, policy.attempts + 1):
        try:
            return call()
        except AttemptFailedError as failure:
            if not failure.retryable or attempt == policy.attempts:
                tries = "" if attempt == 1 else f" (tried {attempt} times)"
                raise SourceError(f"{subject}: {failure.reason}{tries}") from failure
            wait = max(policy.wait_seconds * 2 ** (attempt - 1), failure.wait_seconds or 0.0)
            time.sleep(min(wait, policy.longest_wait_seconds))
    raise SourceError(f"{subject}: {policy.attempts} attempts allowed; expected at least one")
