"""One POST to one address: tried while that helps, told apart by a key, its address never shown."""

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread, Timer
from time import monotonic

import pytest

from alpha_pipeline.errors import SettingError, SourceError
from resources.http.webhook import SignalWebhook
from tests.resources.conftest import StandIn

SECRET = "hook-5ecre7"
BODY, KEY = b'{"night": "2019-09-30"}', "2019-09-30-abc"


@pytest.fixture
def receiver(stand_in: Callable[..., StandIn]) -> StandIn:
    """Takes everything."""
    return stand_in(lambda path, query: {"ok": True})


def hook(receiver: StandIn, **patience: float) -> SignalWebhook:
    """An address with a secret in its path and in its query."""
    settings = {"attempts": 3, "wait_seconds": 0.01, "timeout_seconds": 0.3, **patience}
    return SignalWebhook(url=f"{receiver.url}/{SECRET}?token={SECRET}", **settings)


def test_the_document_arrives_as_it_is(receiver: StandIn) -> None:
    """Body, content type and key; once."""
    assert hook(receiver).send(BODY, KEY) == 200
    assert receiver.posted == [BODY]
    told = {name.lower(): value for name, value in receiver.told[0].items()}
    assert (told["content-type"], told["idempotency-key"]) == ("application/json", KEY)


def test_without_an_address_nothing_is_sent(receiver: StandIn) -> None:
    """The default."""
    assert SignalWebhook().send(BODY, KEY) is None
    assert receiver.posted == []


def test_a_receiver_that_stumbles_is_asked_again_with_the_same_key(receiver: StandIn) -> None:
    """500 and 429, then 200: the receiver can tell that it is one delivery."""
    receiver.faults.extend(["500", "429"])
    assert hook(receiver).send(BODY, KEY) == 200
    assert receiver.posted == [BODY] * 3
    assert {told["Idempotency-Key" if "Idempotency-Key" in told else "Idempotency-key"] for told in receiver.told} == {
        KEY
    }


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
def test_a_lasting_fault_ends_after_bounded_tries(
    receiver: StandIn, caplog: pytest.LogCaptureFixture, fault: object, tries: int, words: str
) -> None:
    """It says what came, and nowhere, not even in the logs of libraries, where it was sent."""
    receiver.faults.extend([fault] * 5)
    caplog.set_level(logging.DEBUG)
    began = monotonic()
    with pytest.raises(SourceError) as caught:
        hook(receiver).send(BODY, KEY)
    assert str(caught.value) == f"the signal webhook: {words}"
    assert len(receiver.asked) == tries and monotonic() - began < 4
    assert SECRET not in caplog.text and SECRET not in repr(caught.value.__cause__)


def test_a_redirection_is_not_followed(receiver: StandIn, stand_in: Callable[..., StandIn]) -> None:
    """The signal is for the address that was set."""
    other = stand_in(lambda path, query: {})
    for status in (301, 302, 307, 308):
        receiver.headers = {"Location": f"{other.url}/{SECRET}"}
        receiver.faults.append((status, ""))
        with pytest.raises(SourceError, match=f"HTTP {status}: sent elsewhere"):
            hook(receiver).send(BODY, KEY)
    assert other.asked == [] and len(receiver.posted) == 4


def test_an_answer_that_drips_is_late() -> None:
    """A byte now and then keeps a socket alive, not a delivery."""
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


def test_nobody_listening_is_told() -> None:
    """The kind of failure, not the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        closed = SignalWebhook(url=f"http://127.0.0.1:{port}/{SECRET}", attempts=2, wait_seconds=0.01)
        with pytest.raises(SourceError) as caught:
            closed.send(BODY, KEY)
    assert str(caught.value) == "the signal webhook: not reachable: ConnectionRefusedError (tried 2 times)"


@pytest.mark.parametrize(
    "url", [SECRET, f"file:///{SECRET}", f"http:///{SECRET}", f"http://host:{SECRET}/", "http://["]
)
def test_an_address_that_is_none_is_refused_unshown(url: str) -> None:
    """Before anything is sent."""
    with pytest.raises(SettingError, match="ALPHA_PIPELINE_SIGNAL_WEBHOOK is no address") as caught:
        SignalWebhook(url=url).send(BODY, KEY)
    assert SECRET not in str(caught.value)


def test_the_address_stays_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The definition holds the variable's name."""
    monkeypatch.setenv("ALPHA_PIPELINE_SIGNAL_WEBHOOK", f"http://127.0.0.1:9/{SECRET}")
    assert SECRET not in repr(SignalWebhook.from_environment())
    monkeypatch.delenv("ALPHA_PIPELINE_SIGNAL_WEBHOOK")
    assert SignalWebhook.from_environment().url == ""
