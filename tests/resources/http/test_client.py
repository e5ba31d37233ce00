"""Plain HTTP, through the real client, against a server on loopback that fails in every way."""

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
from resources.http import client as module
from resources.http.client import HttpClient, rows_of, status_of
from resources.http.rate_limit import RateLimit
from resources.http.retry import RetryPolicy

PATIENCE = RetryPolicy(attempts=2, wait_seconds=0.01, longest_wait_seconds=0.02, timeout_seconds=2.0)
KEY = "sk-do-not-tell-4711"


@pytest.fixture
def vendor(stand_in: Callable[..., Any]) -> Any:
    return stand_in(lambda path, query: {"path": path, "query": query})


@pytest.fixture
def pace(tmp_path: Path) -> RateLimit:
    return RateLimit("vendor", 10_000, 1.0, str(tmp_path))


@pytest.fixture
def web(vendor: Any, pace: RateLimit) -> HttpClient:
    return HttpClient(vendor.url + "/", pace, PATIENCE)


@pytest.fixture
def raw(pace: RateLimit) -> Iterator[Callable[[Callable[[Any], None]], HttpClient]]:
    """A server whose every answer is written byte by byte by the test."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(write: Callable[[Any], None]) -> HttpClient:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                write(self)

            def log_message(self, *args: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *args: object) -> None:
                pass  # a client that went away is part of the tests

        server = Server(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return HttpClient(f"http://127.0.0.1:{server.server_port}", pace, PATIENCE)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_path_and_query_arrive_and_nothing_else(web: HttpClient, vendor: Any) -> None:
    """A question left open (None) is not asked; the rest is sent as text."""
    assert web.json("/v1/bars", {"from": 3, "sort": None, "name": "a b&c"}) == {
        "path": "/v1/bars",
        "query": {"from": "3", "name": "a b&c"},
    }
    assert web.content("/v1/bars").startswith(b'{"path"')


@pytest.mark.parametrize("fault", ["429", "500", "html", "truncate", (503, "busy")], ids=str)
def test_a_passing_fault_is_survived(web: HttpClient, vendor: Any, fault: object) -> None:
    """One fault, then the answer: the caller sees nothing of it."""
    vendor.faults.append(fault)
    assert web.json("/v1")["path"] == "/v1"
    assert len(vendor.asked) == 2


@pytest.mark.parametrize(
    ("fault", "tries", "words"),
    [
        ("429", 2, "HTTP 429"),
        ("500", 2, "HTTP 500"),
        ((503, {"told": "maintenance"}), 2, "maintenance"),
        ("403", 1, "HTTP 403"),
        ((404, "no such chain"), 1, "HTTP 404 '\"no such chain\"'"),
        ((400, "bad"), 1, "HTTP 400"),
        ((204, ""), 1, "HTTP 204"),
        ("html", 2, "no JSON (cut short, or a page in between): '<html><body>Please log in"),
        ("truncate", 2, "cut short"),
    ],
    ids=str,
)
def test_a_lasting_fault_names_address_and_cause(
    web: HttpClient, vendor: Any, fault: object, tries: int, words: str
) -> None:
    """After bounded tries the error says what came instead of an answer, and from where."""
    vendor.faults.extend([fault] * 2)
    with pytest.raises(SourceError) as caught:
        web.json("/v1")
    message = str(caught.value)
    assert words in message and message.startswith(f"{vendor.url}/v1: ")
    assert ("(tried 2 times)" in message) == (tries == 2) and len(vendor.asked) == tries


def test_a_refusal_keeps_its_status(web: HttpClient, vendor: Any) -> None:
    """A door can tell what is forbidden from what is broken."""
    vendor.faults.extend(["403", "html", "html"])
    with pytest.raises(SourceError) as forbidden:
        web.json("/v1")
    with pytest.raises(SourceError) as broken:
        web.json("/v1")
    assert status_of(forbidden.value) == 403 and status_of(broken.value) is None
    assert status_of(SourceError("of another kind")) is None


def test_a_late_answer_and_an_absent_server_are_told_apart(web: HttpClient, vendor: Any) -> None:
    """Nobody listening, and no answer in time, are different messages."""
    vendor.faults.extend(["slow"] * 2)
    hasty = replace(web, patience=replace(PATIENCE, timeout_seconds=0.1))
    with pytest.raises(SourceError, match="no answer in time"):
        hasty.json("/v1")
    vendor.close()
    with pytest.raises(SourceError, match="not reachable: ConnectionError"):
        web.json("/v1")


def test_an_answer_that_stops_half_way_is_late(raw: Callable[..., HttpClient]) -> None:
    """Silence after the first bytes is no answer in time, not a lost connection."""
    released = threading.Event()

    def write(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"[1, ")
        handler.wfile.flush()
        released.wait(5)

    hasty = replace(raw(write), patience=replace(PATIENCE, timeout_seconds=0.1))
    with pytest.raises(SourceError, match="no answer in time"):
        hasty.json("/v1")
    released.set()


def test_an_answer_that_drips_is_late(raw: Callable[..., HttpClient]) -> None:
    """A byte now and then does not hold a run up forever."""

    def write(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b" " * 1000)
            handler.wfile.flush()
            time.sleep(0.005)

    hasty = replace(raw(write), patience=replace(PATIENCE, attempts=1, timeout_seconds=0.2))
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"no answer in time, [\d,]+ bytes of it"):
        hasty.json("/v1")
    assert time.monotonic() - began < 2.0


def test_an_answer_without_end_is_cut_off(web: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest size is a limit on reading, not a remark after it."""
    monkeypatch.setattr(module, "LARGEST_BYTES", 10)
    with pytest.raises(SourceError, match="an answer of more than 10 bytes"):
        web.json("/v1")


def test_a_packed_answer_is_unpacked_and_a_broken_one_named(raw: Callable[..., HttpClient]) -> None:
    """Packed with gzip is what vendors send; half of it is no answer."""
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
    with pytest.raises(SourceError, match="cannot be unpacked"):
        web.json("/v1")


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"\xff\xfe\x00", b"", b"9" * 10_000], ids=["deep", "bytes", "empty", "long"]
)
def test_json_that_cannot_be_read_is_no_json(raw: Callable[..., HttpClient], body: bytes) -> None:
    """Nested beyond depth, of another alphabet, nothing at all, digits without end: one message, no crash."""

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
def test_the_vendor_says_how_long_to_wait(
    web: HttpClient, vendor: Any, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], wait: float | None
) -> None:
    """Seconds are heard; a moment that is past, and what cannot be read, leave our own wait."""
    waits: list[float] = []
    monkeypatch.setattr("resources.http.retry.time.sleep", waits.append)
    vendor.headers.update(headers)
    vendor.faults.append("429")
    patient = replace(web, patience=replace(PATIENCE, longest_wait_seconds=60.0))
    assert patient.json("/v1")["path"] == "/v1"
    assert waits == [wait or PATIENCE.wait_seconds]


def test_a_moment_to_wait_for_is_read_by_the_vendors_clock(raw: Callable[..., HttpClient], monkeypatch: Any) -> None:
    """Nine seconds after the Date of the answer, whatever our clock says."""
    waits: list[float] = []
    monkeypatch.setattr("resources.http.retry.time.sleep", waits.append)

    def write(handler: Any) -> None:
        handler.send_response_only(429)
        handler.send_header("Date", "Wed, 21 Oct 2015 07:28:00 GMT")
        handler.send_header("Retry-After", "Wed, 21 Oct 2015 07:28:09 GMT")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    patient = raw(write)
    with pytest.raises(SourceError, match="HTTP 429"):
        replace(patient, patience=replace(PATIENCE, longest_wait_seconds=60.0)).json("/v1")
    assert waits == [9.0]


def test_a_long_wait_is_cut(web: HttpClient, vendor: Any) -> None:
    """No vendor makes us wait longer than our patience allows."""
    vendor.headers["Retry-After"] = "86400"
    vendor.faults.append("429")
    began = time.monotonic()
    web.json("/v1")
    assert time.monotonic() - began < 1.0


def all_that_is_told(error: BaseException, web: HttpClient) -> str:
    """The message, the traceback with all causes, and how the client prints."""
    return "".join(traceback.format_exception(error)) + str(error) + repr(web)


@pytest.mark.parametrize(
    "fault", [(401, {"error": f"unknown key {KEY}"}), (200, f"{KEY} is no JSON")], ids=["401", "text"]
)
def test_a_key_the_vendor_repeats_is_not_shown(raw: Callable[..., HttpClient], fault: tuple[int, Any]) -> None:
    """Neither with the word before it nor alone."""
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
    assert KEY not in all_that_is_told(caught.value, web)


@pytest.mark.parametrize("value", [f"{KEY}\n", f" {KEY}", f"{KEY}\u20ac"], ids=["newline", "blank", "euro"])
def test_a_key_that_cannot_be_sent_is_not_shown(web: HttpClient, vendor: Any, value: str) -> None:
    """The client's own words would repeat it; nothing is sent, nothing is tried again."""
    spoilt = replace(web, headers={"X-Key": value})
    with pytest.raises(SourceError, match="not a request one can send") as caught:
        spoilt.json("/v1")
    assert KEY not in all_that_is_told(caught.value, spoilt)
    assert not vendor.asked and "tried" not in str(caught.value)


def test_a_key_is_not_handed_on_to_another_address(raw: Callable[..., HttpClient], vendor: Any) -> None:
    """With headers of ours a redirection is refused; without, it is followed."""

    def write(handler: Any) -> None:
        handler.send_response(302)
        handler.send_header("Location", f"{vendor.url}/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    web = raw(write)
    with pytest.raises(SourceError, match="HTTP 302: sent elsewhere, where our headers must not go"):
        replace(web, headers={"X-Key": KEY}).json("/v1")
    assert not vendor.asked
    assert web.json("/v1")["path"] == "/elsewhere"


@pytest.mark.parametrize("base", ["", "nowhere", "http://[broken"])
def test_an_address_that_is_none_is_said_at_once(pace: RateLimit, base: str) -> None:
    """A setting that cannot work is not tried again."""
    with pytest.raises(SourceError, match="not a request one can send") as caught:
        HttpClient(base, pace, PATIENCE).json("/v1")
    assert "tried" not in str(caught.value)


def test_every_try_is_paced(web: HttpClient, vendor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vendor that is busy is not asked faster than one that answers."""
    counted: list[str] = []
    monkeypatch.setattr(RateLimit, "wait", lambda pace: counted.append(pace.vendor))
    vendor.faults.append("500")
    web.json("/v1")
    assert counted == ["vendor", "vendor"]


@pytest.mark.parametrize("answer", [None, [], "text", {"rows": []}, {"data": {}}, {"data": None}])
def test_an_answer_of_another_shape_is_shown(answer: object) -> None:
    """What was expected, and the beginning of what came."""
    assert rows_of({"data": [1]}, "data", "here") == [1]
    with pytest.raises(SourceError, match="here: expected an object with a list 'data'; found"):
        rows_of(answer, "data", "here")
