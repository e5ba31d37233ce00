"""The HTTP client against a server on loopback with all kinds of faults."""

import gzip
import http.server
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alpha_pipeline.errors import SourceError
from alpha_pipeline.resources.http import client as module
from alpha_pipeline.resources.http.client import HttpClient, rows_of, status_of
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy

RETRY_POLICY = RetryPolicy(attempts=2, wait_seconds=0.01, longest_wait_seconds=0.02, timeout_seconds=2.0)
KEY = "sk-secret-4711"


@pytest.fixture
def vendor(stand_in: Callable[..., Any]) -> Any:
    return stand_in(lambda path, query: {"path": path, "query": query})


@pytest.fixture
def limit(tmp_path: Path) -> RateLimit:
    return RateLimit("vendor", 10_000, 1.0, str(tmp_path))


@pytest.fixture
def web(vendor: Any, limit: RateLimit) -> HttpClient:
    return HttpClient(vendor.url + "/", limit, RETRY_POLICY)


@pytest.fixture
def raw(limit: RateLimit) -> Iterator[Callable[[Callable[[Any], None]], HttpClient]]:
    """A server whose answers the test writes byte by byte."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(write: Callable[[Any], None]) -> HttpClient:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                write(self)

            def log_message(self, *args: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *args: object) -> None:
                pass  # clients disconnect in some tests

        server = Server(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return HttpClient(f"http://127.0.0.1:{server.server_port}", limit, RETRY_POLICY)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_path_and_query_arrive_and_nothing_else(web: HttpClient, vendor: Any) -> None:
    """Parameters that are None are left out; the others are sent as text."""
    assert web.json("/v1/bars", {"from": 3, "sort": None, "name": "a b&c"}) == {
        "path": "/v1/bars",
        "query": {"from": "3", "name": "a b&c"},
    }
    assert web.content("/v1/bars").startswith(b'{"path"')


@pytest.mark.parametrize("fault", ["429", "500", "html", "truncate", (503, "busy")], ids=str)
def test_a_temporary_fault_is_retried(web: HttpClient, vendor: Any, fault: object) -> None:
    """One fault, then the answer."""
    vendor.faults.append(fault)
    assert web.json("/v1")["path"] == "/v1"
    assert len(vendor.requests) == 2


@pytest.mark.parametrize(
    ("fault", "tries", "words"),
    [
        ("429", 2, "HTTP 429"),
        ("500", 2, "HTTP 500"),
        ((503, {"message": "maintenance"}), 2, "maintenance"),
        ("403", 1, "HTTP 403"),
        ((404, "no such chain"), 1, "HTTP 404 '\"no such chain\"'"),
        ((400, "bad"), 1, "HTTP 400"),
        ((204, ""), 1, "HTTP 204"),
        ("html", 2, "no JSON (cut short, or a web page in between): '<html><body>Please log in"),
        ("truncate", 2, "cut short"),
    ],
    ids=str,
)
def test_a_permanent_fault_is_an_error_with_address_and_cause(
    web: HttpClient, vendor: Any, fault: object, tries: int, words: str
) -> None:
    """The error names the address, the reason, and the number of attempts."""
    vendor.faults.extend([fault] * 2)
    with pytest.raises(SourceError) as caught:
        web.json("/v1")
    message = str(caught.value)
    assert words in message and message.startswith(f"{vendor.url}/v1: ")
    assert ("(tried 2 times)" in message) == (tries == 2) and len(vendor.requests) == tries


def test_an_error_has_its_http_status(web: HttpClient, vendor: Any) -> None:
    """A source can distinguish a forbidden request from a broken answer."""
    vendor.faults.extend(["403", "html", "html"])
    with pytest.raises(SourceError) as forbidden:
        web.json("/v1")
    with pytest.raises(SourceError) as broken:
        web.json("/v1")
    assert status_of(forbidden.value) == 403 and status_of(broken.value) is None
    assert status_of(SourceError("of another kind")) is None


def test_a_late_answer_and_an_absent_server_are_different_errors(web: HttpClient, vendor: Any) -> None:
    """A closed port and a time-out have different messages."""
    vendor.faults.extend(["slow"] * 2)
    hasty = replace(web, retry_policy=replace(RETRY_POLICY, timeout_seconds=0.1))
    with pytest.raises(SourceError, match="no answer in time"):
        hasty.json("/v1")
    vendor.close()
    with pytest.raises(SourceError, match="not reachable: ConnectionError"):
        web.json("/v1")


def test_an_answer_that_stalls_times_out(raw: Callable[..., HttpClient]) -> None:
    """A stall after the first bytes is a time-out, not a lost connection."""
    released = threading.Event()

    def write(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"[1, ")
        handler.wfile.flush()
        released.wait(5)

    hasty = replace(raw(write), retry_policy=replace(RETRY_POLICY, timeout_seconds=0.1))
    with pytest.raises(SourceError, match="no answer in time"):
        hasty.json("/v1")
    released.set()


def test_a_dripping_answer_times_out(raw: Callable[..., HttpClient]) -> None:
    """The time-out holds for the complete answer."""

    def write(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b" " * 1000)
            handler.wfile.flush()
            time.sleep(0.005)

    hasty = replace(raw(write), retry_policy=replace(RETRY_POLICY, attempts=1, timeout_seconds=0.2))
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"no complete answer in time, [\d,]+ bytes received"):
        hasty.json("/v1")
    assert time.monotonic() - began < 2.0


def test_reading_stops_at_the_size_limit(web: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is checked while reading."""
    monkeypatch.setattr(module, "LARGEST_BYTES", 10)
    with pytest.raises(SourceError, match="the answer has more than 10 bytes"):
        web.json("/v1")


def test_gzip_is_decompressed_and_broken_gzip_is_an_error(raw: Callable[..., HttpClient]) -> None:
    """Broken compression is reported as such."""
    packed = gzip.compress(b'{"data": [1, 2, 3]}')
    bodies = [packed, b"no gzip at all", b"no gzip at all"]

    def write(handler: Any) -> None:
        body = bodies.pop(0)
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    web = raw(write)
    assert web.json("/v1") == {"data": [1, 2, 3]}
    with pytest.raises(SourceError, match="cannot be decompressed"):
        web.json("/v1")


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"\xff\xfe\x00", b"", b"9" * 10_000], ids=["deep", "bytes", "empty", "long"]
)
def test_unreadable_json_is_an_error(raw: Callable[..., HttpClient], body: bytes) -> None:
    """Too deep, binary, empty, or too many digits: one message, no crash."""

    def write(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with pytest.raises(SourceError, match="the answer is no JSON"):
        raw(write).json("/v1")


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "\u00b2"}, None),  # a digit for `isdigit`, no number for `float`
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_retry_after_in_seconds(
    web: HttpClient, vendor: Any, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], wait: float | None
) -> None:
    """Seconds are obeyed; for a past date or an unreadable value our own wait holds."""
    waits: list[float] = []
    monkeypatch.setattr("alpha_pipeline.resources.http.retry.time.sleep", waits.append)
    vendor.headers.update(headers)
    vendor.faults.append("429")
    patient = replace(web, retry_policy=replace(RETRY_POLICY, longest_wait_seconds=60.0))
    assert patient.json("/v1")["path"] == "/v1"
    assert waits == [wait or RETRY_POLICY.wait_seconds]


def test_retry_after_as_a_date_is_relative_to_the_vendors_clock(
    raw: Callable[..., HttpClient], monkeypatch: Any
) -> None:
    """Nine seconds after the Date header, independent of the local clock."""
    waits: list[float] = []
    monkeypatch.setattr("alpha_pipeline.resources.http.retry.time.sleep", waits.append)

    def write(handler: Any) -> None:
        handler.send_response_only(429)
        handler.send_header("Date", "Wed, 21 Oct 2015 07:28:00 GMT")
        handler.send_header("Retry-After", "Wed, 21 Oct 2015 07:28:09 GMT")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    patient = raw(write)
    with pytest.raises(SourceError, match="HTTP 429"):
        replace(patient, retry_policy=replace(RETRY_POLICY, longest_wait_seconds=60.0)).json("/v1")
    assert waits == [9.0]


def test_a_long_retry_after_is_limited(web: HttpClient, vendor: Any) -> None:
    """No wait is longer than the retry policy allows."""
    vendor.headers["Retry-After"] = "86400"
    vendor.faults.append("429")
    began = time.monotonic()
    web.json("/v1")
    assert time.monotonic() - began < 1.0


def full_text(error: BaseException, web: HttpClient) -> str:
    """The message, the traceback with all causes, and the client's repr."""
    return "".join(traceback.format_exception(error)) + str(error) + repr(web)


@pytest.mark.parametrize(
    "fault", [(401, {"error": f"unknown key {KEY}"}), (200, f"{KEY} is no JSON")], ids=["401", "text"]
)
def test_an_api_key_repeated_by_the_vendor_is_masked(raw: Callable[..., HttpClient], fault: tuple[int, Any]) -> None:
    """With and without the word `Bearer`."""
    status, body = fault

    def write(handler: Any) -> None:
        assert handler.headers["Authorization"] == f"Bearer {KEY}"
        content = str(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    web = replace(raw(write), headers={"Authorization": f"Bearer {KEY}"})
    with pytest.raises(SourceError, match=r"\*\*\*") as caught:
        web.json("/v1")
    assert KEY not in full_text(caught.value, web)


@pytest.mark.parametrize("value", [f"{KEY}\n", f" {KEY}", f"{KEY}\u20ac"], ids=["newline", "blank", "euro"])
def test_an_invalid_api_key_is_not_shown(web: HttpClient, vendor: Any, value: str) -> None:
    """The error of the library would show it; nothing is sent or retried."""
    spoilt = replace(web, headers={"X-Key": value})
    with pytest.raises(SourceError, match="invalid request") as caught:
        spoilt.json("/v1")
    assert KEY not in full_text(caught.value, spoilt)
    assert not vendor.requests and "tried" not in str(caught.value)


def test_an_api_key_is_not_sent_to_another_address(raw: Callable[..., HttpClient], vendor: Any) -> None:
    """With headers a redirect is refused; without, it is followed."""

    def write(handler: Any) -> None:
        handler.send_response(302)
        handler.send_header("Location", f"{vendor.url}/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    web = raw(write)
    with pytest.raises(SourceError, match="HTTP 302: redirect refused"):
        replace(web, headers={"X-Key": KEY}).json("/v1")
    assert not vendor.requests
    assert web.json("/v1")["path"] == "/elsewhere"


@pytest.mark.parametrize("base", ["", "nowhere", "http://[broken"])
def test_an_invalid_address_is_not_retried(limit: RateLimit, base: str) -> None:
    """The first attempt is the last."""
    with pytest.raises(SourceError, match="invalid request") as caught:
        HttpClient(base, limit, RETRY_POLICY).json("/v1")
    assert "tried" not in str(caught.value)


def test_every_attempt_is_rate_limited(web: HttpClient, vendor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries count as requests, too."""
    counted: list[str] = []
    monkeypatch.setattr(RateLimit, "wait", lambda limit: counted.append(limit.vendor))
    vendor.faults.append("500")
    web.json("/v1")
    assert counted == ["vendor", "vendor"]


@pytest.mark.parametrize("answer", [None, [], "text", {"rows": []}, {"data": {}}, {"data": None}])
def test_an_unexpected_shape_is_an_error(answer: object) -> None:
    """With what was expected and an excerpt of the answer."""
    assert rows_of({"data": [1]}, "data", "here") == [1]
    with pytest.raises(SourceError, match="here: expected an object with a list 'data'; found"):
        rows_of(answer, "data", "here")
