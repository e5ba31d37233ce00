"""The signal webhook: retries, idempotency key, and an address that is never shown."""

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread, Timer
from time import monotonic

import pytest

from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.resources.http.webhook import SignalWebhook
from alpha_pipeline.settings import load_settings
from tests.resources.conftest import StandIn

SECRET = "hook-5ecre7"
BODY, KEY = b'{"run_date": "2019-09-30"}', "2019-09-30-abc"


@pytest.fixture
def receiver(stand_in: Callable[..., StandIn]) -> StandIn:
    """A receiver that accepts everything."""
    return stand_in(lambda path, query: {"ok": True})


def hook(receiver: StandIn, **settings: float) -> SignalWebhook:
    """A webhook with a secret in the path and query of its address."""
    settings = {"attempts": 3, "wait_seconds": 0.01, "timeout_seconds": 0.3, **settings}
    return SignalWebhook(url=f"{receiver.url}/{SECRET}?token={SECRET}", **settings)


def test_the_document_arrives_unchanged(receiver: StandIn) -> None:
    """Body, content type and key; once."""
    assert hook(receiver).send(BODY, KEY) == 200
    assert receiver.posted == [BODY]
    headers = {name.lower(): value for name, value in receiver.told[0].items()}
    assert (headers["content-type"], headers["idempotency-key"]) == ("application/json", KEY)


def test_without_an_address_nothing_is_sent(receiver: StandIn) -> None:
    """The default."""
    assert SignalWebhook().send(BODY, KEY) is None
    assert receiver.posted == []


def test_a_temporary_fault_is_retried_with_the_same_key(receiver: StandIn) -> None:
    """500 and 429, then 200: the receiver can recognise one delivery."""
    receiver.faults.extend(["500", "429"])
    assert hook(receiver).send(BODY, KEY) == 200
    assert receiver.posted == [BODY] * 3
    names = [{name.lower(): value for name, value in headers.items()} for headers in receiver.told]
    assert {headers["idempotency-key"] for headers in names} == {KEY}


@pytest.mark.parametrize(
    ("fault", "tries", "words"),
    [
        ("500", 3, "HTTP 500 (tried 3 times)"),
        ("slow", 3, "no answer in time (tried 3 times)"),
        ("403", 1, "HTTP 403"),
        ((404, ""), 1, "HTTP 404"),
    ],
    ids=str,
)
def test_a_permanent_fault_ends_after_bounded_attempts(
    receiver: StandIn, caplog: pytest.LogCaptureFixture, fault: object, tries: int, words: str
) -> None:
    """The error has the reason; the address appears nowhere, not even in the logs of libraries."""
    receiver.faults.extend([fault] * 5)
    caplog.set_level(logging.DEBUG)
    began = monotonic()
    with pytest.raises(SourceError) as caught:
        hook(receiver).send(BODY, KEY)
    assert str(caught.value) == f"the signal webhook: {words}"
    assert len(receiver.requests) == tries and monotonic() - began < 4
    assert SECRET not in caplog.text and SECRET not in repr(caught.value.__cause__)


def test_a_redirect_is_not_followed(receiver: StandIn, stand_in: Callable[..., StandIn]) -> None:
    """The signal is for the configured address."""
    other = stand_in(lambda path, query: {})
    for status in (301, 302, 307, 308):
        receiver.headers = {"Location": f"{other.url}/{SECRET}"}
        receiver.faults.append((status, ""))
        with pytest.raises(SourceError, match=f"HTTP {status}: redirect refused"):
            hook(receiver).send(BODY, KEY)
    assert other.requests == [] and len(receiver.posted) == 4


def test_a_dripping_answer_times_out() -> None:
    """The time-out holds for the complete answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = Event()

        def drip() -> None:
            with suppress(OSError), server.accept()[0] as caller:
                caller.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not over.wait(0.05):
                    caller.sendall(b"x")

        Thread(target=drip, daemon=True).start()
        slow = SignalWebhook(url=f"http://127.0.0.1:{server.getsockname()[1]}/", attempts=1, timeout_seconds=0.3)
        end = Timer(3.0, over.set)
        end.start()
        began = monotonic()
        with pytest.raises(SourceError, match="no answer in time"):
            slow.send(BODY, KEY)
        over.set()
        end.cancel()
        assert monotonic() - began < 2


def test_a_closed_port_is_an_error() -> None:
    """With the kind of failure, without the address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        closed = SignalWebhook(url=f"http://127.0.0.1:{port}/{SECRET}", attempts=2, wait_seconds=0.01)
        with pytest.raises(SourceError) as caught:
            closed.send(BODY, KEY)
    assert str(caught.value) == "the signal webhook: not reachable: ConnectionRefusedError (tried 2 times)"


@pytest.mark.parametrize(
    "url", [SECRET, f"file:///{SECRET}", f"http:///{SECRET}", f"http://host:{SECRET}/", "http://["]
)
def test_an_invalid_address_is_refused_without_showing_it(url: str) -> None:
    """Before anything is sent."""
    with pytest.raises(SettingError, match="ALPHA_PIPELINE_EXPORT__WEBHOOK is no address") as caught:
        SignalWebhook(url=url).send(BODY, KEY)
    assert SECRET not in str(caught.value)


def test_the_address_is_read_at_run_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The definition contains the name of the variable only."""
    monkeypatch.setenv("ALPHA_PIPELINE_EXPORT__WEBHOOK", f"http://127.0.0.1:9/{SECRET}")
    assert SECRET not in repr(SignalWebhook.of(load_settings().export))
    monkeypatch.delenv("ALPHA_PIPELINE_EXPORT__WEBHOOK")
    assert SignalWebhook.of(load_settings().export).url == ""
