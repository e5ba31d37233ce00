"""
The client of Bybit: rate limit, retries, pages, and the meaning of its error codes.

Requests go through `pybit`; rows are parsed by the sources beside.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from alpha_pipeline.errors import SourceError
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import AttemptFailedError, RetryPolicy, with_retry
from alpha_pipeline.resources.vendors.batch import BannedError
from alpha_pipeline.resources.vendors.protocols import utc_now

PUBLIC_URL = "https://api.bybit.com"
# The exchange allows 600 requests in 5 s per address and bans for ten minutes beyond. A twelfth of it leaves room for
# other programs at the same address, and still gives three years of hourly bars of twenty coins in a minute.
RATE_LIMIT = RateLimit("bybit", 50, 5.0)
MAXIMUM_PAGES = 100  # of a cursor; the exchange has fewer than a thousand perpetuals, and a page holds a thousand

# Server busy, request rate per second, server error, rate per address: the same request may succeed later.
BUSY_CODES = frozenset({10000, 10006, 10016, 10018})

Row = Any  # a list of strings (bars) or a dictionary (the rest), as the exchange sends it


@dataclass(frozen=True)
class BybitClient:
    """
    A client of the exchange.

    Args:
        session: of `pybit`; one method per endpoint.
        url: its address, for messages.
        rate_limit: waited on before every request.
        retry_policy: attempts and waits.
    """

    session: Any
    url: str
    rate_limit: RateLimit
    retry_policy: RetryPolicy

    def get(self, method: str, query: dict[str, Any], request: str) -> dict[str, Any]:
        """
        The answer to one request.

        Args:
            method: name of the session's method.
            query: its arguments.
            request: begins the error message.

        Returns:
            The complete answer; its `result` is an object.

        Raises:
            SourceError: refused for good, failed after all attempts, or malformed.
        """
        call = partial(getattr(self.session, method), **query)
        answer = with_retry(partial(_once, call, self.rate_limit), self.retry_policy, request)
        if not isinstance(answer.get("result"), dict):
            raise SourceError(f"{request}: malformed answer: no object 'result' in {str(answer)[:200]}")
        return answer

    def pages(
        self,
        method: str,
        query: dict[str, Any],
        bounds: tuple[str, str],
        stamp: Callable[[Row], Any],
        first_ms: int,
        last_ms: int,
        request: str,
    ) -> Iterator[Row]:
        """
        Rows stamped in [first_ms, last_ms], page by page from the newest to the oldest.

        Only an empty page is the end, so that a short page loses no rows. Rows with an unreadable or outside stamp are
        passed on for the source to count.

        Raises:
            SourceError: as `get`; also when no row of a page is stamped inside the bounds (other units, or bounds
                that were ignored).
        """
        while last_ms >= first_ms:
            rows = _rows(self.get(method, {**query, bounds[0]: first_ms, bounds[1]: last_ms}, request), request)
            if not rows:
                return
            stamps = [_stamp(row, stamp) for row in rows]
            inside = [value for value in stamps if value is not None and first_ms <= value <= last_ms]
            if not inside:
                raise SourceError(
                    f"{request}: no row is stamped in the requested milliseconds, {first_ms} to {last_ms}; "
                    f"found {stamps[:3]} in {str(rows)[:200]}"
                )
            yield from rows
            last_ms = min(inside) - 1

    def cursor_pages(self, method: str, query: dict[str, Any], request: str) -> Iterator[Row]:
        """
        Rows of every page, following `nextPageCursor` until it is empty.

        Raises:
            SourceError: as `get`; also when a cursor repeats, or has too many pages.
        """
        cursor, seen = "", set[str]()
        for _ in range(MAXIMUM_PAGES):
            answer = self.get(method, {**query, **({"cursor": cursor} if cursor else {})}, request)
            yield from _rows(answer, request)
            cursor = str(answer["result"].get("nextPageCursor") or "")
            if not cursor:
                return
            if cursor in seen:
                raise SourceError(f"{request}: the cursor {cursor!r} repeats")
            seen.add(cursor)
        raise SourceError(f"{request}: more than {MAXIMUM_PAGES} pages; expected far fewer")


def open_client(url: str, rate_limit: RateLimit, retry_policy: RetryPolicy) -> BybitClient:
    """
    A client whose session does not retry by itself: its wait fails when the vendor's clock is behind ours.
    """
    from pybit.unified_trading import HTTP  # half a second, spent by live runs only

    session = HTTP(timeout=retry_policy.timeout_seconds, max_retries=1, retry_codes={0}, logging_level="CRITICAL")
    session.endpoint = url.rstrip("/")
    return BybitClient(session, url, rate_limit, retry_policy)


def _once(call: Callable[[], dict[str, Any]], rate_limit: RateLimit) -> dict[str, Any]:
    """One request; every failure becomes `AttemptFailedError`."""
    import requests
    from pybit.exceptions import FailedRequestError, InvalidRequestError

    rate_limit.wait()
    try:
        answer = call()
    except InvalidRequestError as error:
        again = error.status_code in BUSY_CODES
        raise AttemptFailedError(f"code {error.status_code}: {error.message}", again, _reset_seconds(error)) from error
    except FailedRequestError as error:
        raise _refused_by_status(error) from error
    except requests.Timeout as error:
        raise AttemptFailedError("no answer in time", retryable=True) from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise AttemptFailedError("the answer was truncated", retryable=True) from error
    except requests.RequestException as error:
        raise AttemptFailedError(f"not reachable: {error}", retryable=True) from error
    except (AttributeError, TypeError) as error:  # valid JSON other than an object breaks inside the client
        raise AttemptFailedError("the answer is not a JSON object", retryable=False) from error
    if not isinstance(answer, dict):
        raise AttemptFailedError("the answer is not a JSON object", retryable=False)
    return answer


def _refused_by_status(error: Any) -> AttemptFailedError:
    if error.status_code == 403:
        return BannedError("HTTP 403: address banned for ten minutes or more, or a country not served", retryable=False)
    if error.status_code == 409:  # the client's code for a body that is not JSON
        return AttemptFailedError("the answer is not JSON (truncated, or a web page of a proxy)", retryable=True)
    again = error.status_code == 429 or error.status_code >= 500
    return AttemptFailedError(f"HTTP {error.status_code}", again, _reset_seconds(error))


def _reset_seconds(error: Any) -> float | None:
    """Seconds until the vendor's limit is reset, by its header; None without a header or when it has passed."""
    stamp = (error.resp_headers or {}).get("X-Bapi-Limit-Reset-Timestamp", "")
    return max(float(stamp) / 1000 - utc_now().timestamp(), 0.0) or None if stamp.isdigit() else None


def _rows(answer: dict[str, Any], request: str) -> list[Row]:
    rows = answer["result"].get("list")
    if not isinstance(rows, list):
        raise SourceError(f"{request}: malformed answer: no list 'list' in {str(answer)[:200]}")
    return rows


def _stamp(row: Row, stamp: Callable[[Row], Any]) -> int | None:
    try:
        return int(stamp(row))
    except (KeyError, TypeError, ValueError, IndexError):
        return None
