"""
Plain HTTP for vendors without a client of their own: paced, patient, and never silent about what came instead.

What an answer means is its door's business.
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
from resources.http.rate_limit import RateLimit
from resources.http.retry import AttemptFailedError, RetryPolicy, with_retry

AGENT = "alpha-pipeline (research; one request at a time)"
LARGEST_BYTES = 200_000_000
CHUNK_BYTES = 1 << 16
TOLD_CHARACTERS = 120  # of an unwelcome answer, shown in a message


@dataclass(frozen=True)
class HttpClient:
    """
    One vendor's address.

    Args:
        base: what every path is put behind; a stand-in on loopback serves as well.
        pace: the most it is asked.
        patience: tries, waits and the time-out.
        headers: sent with every request, after ours; keys of vendors stand here and never in an address. They are never
            shown in a message, and never sent to another address: with headers, redirections are refused.
    """

    base: str
    pace: RateLimit
    patience: RetryPolicy = field(default_factory=RetryPolicy)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def json(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """
        The answer of GET `base + path` as JSON.

        Raises:
            SourceError: unreachable, refused, too long in coming, too large, cut short, or no JSON; after all tries.
        """
        return with_retry(partial(self._parsed, path, query), self.patience, self.address(path))

    def content(self, path: str, query: Mapping[str, object] | None = None) -> bytes:
        """The answer as bytes; errors as `json`."""
        return with_retry(partial(self._once, path, query), self.patience, self.address(path))

    def address(self, path: str) -> str:
        """Where a path leads, for messages."""
        return self.base.rstrip("/") + path

    def _parsed(self, path: str, query: Mapping[str, object] | None) -> Any:
        content = self._once(path, query)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            told = self._told(content)
            raise AttemptFailedError(
                f"the answer is no JSON (cut short, or a page in between): {told!r}", True
            ) from error

    def _once(self, path: str, query: Mapping[str, object] | None) -> bytes:
        import requests  # paid by live runs only

        self.pace.wait()
        asked = {name: str(value) for name, value in (query or {}).items() if value is not None}
        try:
            with requests.get(
                self.address(path),
                params=asked,
                headers={"User-Agent": AGENT, **self.headers},
                timeout=self.patience.timeout_seconds,
                allow_redirects=not self.headers,  # the client would hand our keys on to wherever it is sent
                stream=True,
            ) as response:
                content = self._body(response)
        except requests.Timeout as error:
            raise AttemptFailedError("no answer in time", again=True) from error
        except requests.exceptions.ChunkedEncodingError as error:
            raise AttemptFailedError("the answer was cut short", again=True) from error
        except requests.exceptions.ContentDecodingError as error:
            raise AttemptFailedError("the answer cannot be unpacked", again=True) from error
        except ValueError as error:  # no address, or no header: the client's own words would show its value
            raise AttemptFailedError(f"not a request one can send: {type(error).__name__}", again=False) from None
        except requests.RequestException as error:
            late = "Read timed out" in str(error)  # in mid-answer the client calls it a failed connection
            told = "no answer in time" if late else f"not reachable: {type(error).__name__}"
            raise AttemptFailedError(told, again=True) from error
        if response.status_code != 200:
            raise self._refused(response, content)
        return content

    def _body(self, response: Any) -> bytes:
        """The answer, read until its end, its largest size or its time; a vendor that drips is late, too."""
        began, chunks, size = time.monotonic(), [], 0
        for chunk in response.iter_content(CHUNK_BYTES):
            chunks.append(chunk)
            size += len(chunk)
            if size > LARGEST_BYTES:
                raise AttemptFailedError(f"an answer of more than {LARGEST_BYTES:,} bytes", again=False)
            if time.monotonic() - began > self.patience.timeout_seconds:
                raise AttemptFailedError(f"no answer in time, {size:,} bytes of it", again=True)
        return b"".join(chunks)

    def _refused(self, response: Any, content: bytes) -> "StatusError":
        status = response.status_code
        told = f"HTTP {status} {self._told(content)!r}"
        if response.is_redirect:
            told = f"HTTP {status}: sent elsewhere, where our headers must not go"
        return StatusError(told, status in (408, 429) or status >= 500, _wait_seconds(response.headers), status)

    def _told(self, content: bytes) -> str:
        """The beginning of an answer, without the keys a vendor may repeat in it."""
        text = content[: 4 * TOLD_CHARACTERS].decode("utf-8", "replace")
        for value in sorted(self.headers.values(), key=len, reverse=True):
            for word in (value, *value.split()):  # "Bearer KEY": the key alone as well
                text = text.replace(word, "***") if len(word) > 3 else text
        return text[:TOLD_CHARACTERS].strip()


class StatusError(AttemptFailedError):
    """
    An answer with a status other than 200.

    Args:
        status: of HTTP.
    """

    def __init__(self, reason: str, again: bool, wait_seconds: float | None, status: int) -> None:
        super().__init__(reason, again, wait_seconds)
        self.status = status


def status_of(error: SourceError) -> int | None:
    """The HTTP status an error of `HttpClient` comes from; None when no answer was refused."""
    return error.__cause__.status if isinstance(error.__cause__, StatusError) else None


def _wait_seconds(headers: Mapping[str, str]) -> float | None:
    """What Retry-After asks for: seconds, or until a moment, by the vendor's clock if told; None when unreadable."""
    wait = headers.get("Retry-After", "").strip()
    if wait.isascii() and wait.isdigit():
        return float(wait)
    try:
        until = parsedate_to_datetime(wait)
        now = parsedate_to_datetime(headers["Date"]) if "Date" in headers else datetime.now(UTC)
        return max((until - now).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None


def rows_of(answer: Any, key: str, asked: str) -> list[Any]:
    """The list under `key` of a JSON answer; SourceError that shows what came when there is none."""
    rows = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise SourceError(f"{asked}: expected an object with a list {key!r}; found {str(answer)[:200]}")
    return rows
