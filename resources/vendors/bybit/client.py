"""
How Bybit is asked: paced, patiently, page by page, and what each of its refusals means.

`pybit` speaks to the exchange; what the rows say is left to the doors beside.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from alpha_pipeline.errors import SourceError
from resources.http.rate_limit import RateLimit
from resources.http.retry import AttemptFailedError, RetryPolicy, with_retry
from resources.vendors.batch import BannedError
from resources.vendors.protocols import utc_now

PUBLIC_URL = "https://api.bybit.com"
# The exchange allows 600 requests in 5 s per address and bans for ten minutes beyond. A twelfth of it leaves room for
# whatever else asks from the same address, and still gives three years of hours of twenty coins in a minute.
PACE = RateLimit("bybit", 50, 5.0)
MOST_PAGES = 100  # of a cursor; the exchange has fewer than a thousand perpetuals, and a page holds a thousand

# Server busy, request rate per second, server error, rate per address: the same question may be answered later.
BUSY_CODES = frozenset({10000, 10006, 10016, 10018})

Row = Any  # a list of strings (bars) or a dictionary (the rest), as the exchange sends it


@dataclass(frozen=True)
class Wire:
    """
    An open line to the exchange.

    Args:
        session: the client; its methods are the questions.
        url: where it leads, for messages.
        pace: waited on before every request.
        patience: tries and waits.
    """

    session: Any
    url: str
    pace: RateLimit
    patience: RetryPolicy

    def ask(self, method: str, query: dict[str, Any], asked: str) -> dict[str, Any]:
        """
        One answer.

        Args:
            method: name of the client's method.
            query: its arguments.
            asked: begins the message.

        Returns:
            The whole answer; its `result` is an object.

        Raises:
            SourceError: refused for good, after all tries, or another shape.
        """
        call = partial(getattr(self.session, method), **query)
        answer = with_retry(partial(_once, call, self.pace), self.patience, asked)
        if not isinstance(answer.get("result"), dict):
            raise SourceError(f"{asked}: the answer has another shape: no object 'result' in {str(answer)[:200]}")
        return answer

    def pages(
        self,
        method: str,
        query: dict[str, Any],
        bounds: tuple[str, str],
        stamp: Callable[[Row], Any],
        first_ms: int,
        last_ms: int,
        asked: str,
    ) -> Iterator[Row]:
        """
        Rows stamped in [first_ms, last_ms], page by page from the newest, until the oldest is there or a page is empty.

        A page shorter than its limit is no end: only an empty one is, so that a short answer loses no rows. Rows with
        an unreadable stamp, or one outside, are passed on for their door to count; they do not move the walk.

        Raises:
            SourceError: as `ask`; also when no row of a page is stamped where asked (other units, or a vendor that
                does not heed the bounds).
        """
        while last_ms >= first_ms:
            rows = _rows(self.ask(method, {**query, bounds[0]: first_ms, bounds[1]: last_ms}, asked), asked)
            if not rows:
                return
            stamps = [_stamp(row, stamp) for row in rows]
            inside = [found for found in stamps if found is not None and first_ms <= found <= last_ms]
            if not inside:
                raise SourceError(
                    f"{asked}: no row is stamped in the milliseconds asked for, {first_ms} to {last_ms}; "
                    f"found {stamps[:3]} in {str(rows)[:200]}"
                )
            yield from rows
            last_ms = min(inside) - 1

    def cursor_pages(self, method: str, query: dict[str, Any], asked: str) -> Iterator[Row]:
        """
        Rows of every page, following `nextPageCursor` until it is empty.

        Raises:
            SourceError: as `ask`; also when a cursor leads back, or on without end.
        """
        cursor, seen = "", set[str]()
        for _ in range(MOST_PAGES):
            answer = self.ask(method, {**query, **({"cursor": cursor} if cursor else {})}, asked)
            yield from _rows(answer, asked)
            cursor = str(answer["result"].get("nextPageCursor") or "")
            if not cursor:
                return
            if cursor in seen:
                raise SourceError(f"{asked}: the cursor {cursor!r} leads back to a page that was read")
            seen.add(cursor)
        raise SourceError(f"{asked}: more than {MOST_PAGES} pages; expected far fewer")


def open_wire(url: str, pace: RateLimit, patience: RetryPolicy) -> Wire:
    """
    A client that never waits or retries by itself: its wait fails when the vendor's clock is behind ours.

    Its address is a plain attribute, so a stand-in on loopback serves as well.
    """
    from pybit.unified_trading import HTTP  # half a second, paid by live runs only

    session = HTTP(timeout=patience.timeout_seconds, max_retries=1, retry_codes={0}, logging_level="CRITICAL")
    session.endpoint = url.rstrip("/")
    return Wire(session, url, pace, patience)


def _once(call: Callable[[], dict[str, Any]], pace: RateLimit) -> dict[str, Any]:
    """One request; every way it fails becomes `AttemptFailedError`."""
    import requests
    from pybit.exceptions import FailedRequestError, InvalidRequestError

    pace.wait()
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
        raise AttemptFailedError("the answer was cut short", retryable=True) from error
    except requests.RequestException as error:
        raise AttemptFailedError(f"not reachable: {error}", retryable=True) from error
    except (AttributeError, TypeError) as error:  # valid JSON that is no object breaks inside the client
        raise AttemptFailedError("the answer is no JSON object", retryable=False) from error
    if not isinstance(answer, dict):
        raise AttemptFailedError("the answer is no JSON object", retryable=False)
    return answer


def _refused_by_status(error: Any) -> AttemptFailedError:
    if error.status_code == 403:
        return BannedError("HTTP 403: address banned for ten minutes or more, or a country not served", retryable=False)
    if error.status_code == 409:  # the client's code for a body that is no JSON
        return AttemptFailedError("the answer is no JSON (cut short, or a web page in between)", retryable=True)
    again = error.status_code == 429 or error.status_code >= 500
    return AttemptFailedError(f"HTTP {error.status_code}", again, _reset_seconds(error))


def _reset_seconds(error: Any) -> float | None:
    """Seconds until the vendor's limit is reset, by its header; None without one or when it is past."""
    stamp = (error.resp_headers or {}).get("X-Bapi-Limit-Reset-Timestamp", "")
    return max(float(stamp) / 1000 - utc_now().timestamp(), 0.0) or None if stamp.isdigit() else None


def _rows(answer: dict[str, Any], asked: str) -> list[Row]:
    rows = answer["result"].get("list")
    if not isinstance(rows, list):
        raise SourceError(f"{asked}: the answer has another shape: no list 'list' in {str(answer)[:200]}")
    return rows


def _stamp(row: Row, stamp: Callable[[Row], Any]) -> int | None:
    try:
        return int(stamp(row))
    except (KeyError, TypeError, ValueError, IndexError):
        return None
