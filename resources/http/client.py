"""
HTTP client with rate limit, retries and time-out, for vendors without a client library.

The meaning of an answer is left to the source that requests it.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from alpha_pipeline.errors import SourceError
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import AttemptFailedError, RetryPolicy, with_retry

AGENT = "alpha-pipeline (research; one request at a time)"
LARGEST_BYTES = 200_000_000
CHUNK_BYTES = 1 << 16
EXCERPT_CHARACTERS = 120  # of an unexpected answer, shown in error messages


@dataclass(frozen=True)
class HttpClient:
    """
    Client of one vendor's base address.

    Args:
        base: prefix of every path; may be a stand-in on loopback.
        rate_limit: limit on requests to the vendor.
        retry_policy: attempts, waits and the time-out.
        headers: sent with every request, after ours; API keys belong here, never in an address. They are never shown in
            a message and never sent to another address: with headers, redirects are refused.
    """

    base: str
    rate_limit: RateLimit
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def json(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """
        GET `base + path` and parse the answer as JSON.

        Raises:
            SourceError: unreachable, refused, late, too large, cut short, or no JSON; after all attempts.
        """
        return with_retry(partial(self._parsed, path, query), self.retry_policy, self.address(path))

    def content(self, path: str, query: Mapping[str, object] | None = None) -> bytes:
        """GET `base + path` and return the bytes; raises as `json`."""
        return with_retry(partial(self._once, path, query), self.retry_policy, self.address(path))

    def address(self, path: str) -> str:
        """Full address of a path, for messages."""
        return self.base.rstrip("/") + path

    def _parsed(self, path: str, query: Mapping[str, object] | None) -> Any:
        content = self._once(path, query)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            excerpt = self._excerpt(content)
            raise AttemptFailedError(
                f"the answer is no JSON (cut short, or a web page in between): {excerpt!r}", retryable=True
            ) from error

    def _once(self, path: str, query: Mapping[str, object] | None) -> bytes:
        import requests  # imported by live runs only

        self.rate_limit.wait()
        parameters = {name: str(value) for name, value in (query or {}).items() if value is not None}
        try:
            with requests.get(
                self.address(path),
                params=parameters,
                headers={"User-Agent": AGENT, **self.headers},
                timeout=self.retry_policy.timeout_seconds,
                allow_redirects=not self.headers,  # requests would send our keys to the new address
                stream=True,
            ) as response:
                content = self._body(response)
        except requests.Timeout as error:
            raise AttemptFailedError("no answer in time", retryable=True) from error
        except requests.exceptions.ChunkedEncodingError as error:
            raise AttemptFailedError("the answer was cut short", retryable=True) from error
        except requests.exceptions.ContentDecodingError as error:
            raise AttemptFailedError("the answer cannot be decompressed", retryable=True) from error
        except ValueError as error:  # invalid address or header: the error text would show its value
            raise AttemptFailedError(f"invalid request: {type(error).__name__}", retryable=False) from None
        except requests.RequestException as error:
            late = "Read timed out" in str(error)  # requests reports a stall within the answer as a lost connection
            reason = "no answer in time" if late else f"not reachable: {type(error).__name__}"
            raise AttemptFailedError(reason, retryable=True) from error
        if response.status_code != 200:
            raise self._refused(response, content)
        return content

    def _body(self, response: Any) -> bytes:
        """Read the answer, within the size limit and, also for a server that drips bytes, the time-out."""
        began, chunks, size = time.monotonic(), [], 0
        for chunk in response.iter_content(CHUNK_BYTES):
            chunks.append(chunk)
            size += len(chunk)
            if size > LARGEST_BYTES:
                raise AttemptFailedError(f"the answer has more than {LARGEST_BYTES:,} bytes", retryable=False)
            if time.monotonic() - began > self.retry_policy.timeout_seconds:
                raise AttemptFailedError(f"no complete answer in time, {size:,} bytes received", retryable=True)
        return b"".join(chunks)

    def _refused(self, response: Any, content: bytes) -> "StatusError":
        status = response.status_code
        reason = f"HTTP {status} {self._excerpt(content)!r}"
        if response.is_redirect:
            reason = f"HTTP {status}: redirect refused, as it would send our headers to another address"
        return StatusError(reason, status in (408, 429) or status >= 500, _wait_seconds(response.headers), status)

    def _excerpt(self, content: bytes) -> str:
        """Beginning of an answer, with the API keys it may repeat masked."""
        text = content[: 4 * EXCERPT_CHARACTERS].decode("utf-8", "replace")
        for value in sorted(self.headers.values(), key=len, reverse=True):
            for word in (value, *value.split()):  # "Bearer KEY": the key alone as well
                text = text.replace(word, "***") if len(word) > 3 else text
        return text[:EXCERPT_CHARACTERS].strip()


class StatusError(AttemptFailedError):
    """
    The answer has an HTTP status other than 200.

    Args:
        status: the HTTP status.
    """

    def __init__(self, reason: str, retryable: bool, wait_seconds: float | None, status: int) -> None:
        super().__init__(reason, retryable, wait_seconds)
        self.status = status


def status_of(error: SourceError) -> int | None:
    """HTTP status behind an error of `HttpClient`; None when the error has another cause."""
    return error.__cause__.status if isinstance(error.__cause__, StatusError) else None


def _wait_seconds(headers: Mapping[str, str]) -> float | None:
    """Seconds asked for by Retry-After (seconds, or a date by the vendor's clock if given); None when unreadable."""
    wait = headers.get("Retry-After", "").strip()
    if wait.isascii() and wait.isdigit():
        return float(wait)
    try:
        until = parsedate_to_datetime(wait)
        now = parsedate_to_datetime(headers["Date"]) if "Date" in headers else datetime.now(UTC)
        return max((until - now).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None


def rows_of(answer: Any, key: str, subject: str) -> list[Any]:
    """The list under `key` of a JSON answer; SourceError with an excerpt when there is none."""
    rows = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise SourceError(f"{subject}: expected an object with a list {key!r}; found {str(answer)[:200]}")
    return rows
