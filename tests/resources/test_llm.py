"""The model's door, with the real client, against a real server on loopback that speaks the protocol or breaks it."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from alpha_pipeline.errors import CorruptFileError, ModelError, SettingError
from alpha_pipeline.mining.chat import ChatRequest, Message
from resources.lake import Lake
from resources.llm import LanguageModel

QUESTION = ChatRequest((Message("user", "a factor, please"),), seed=7)
KEY = "sk-very-secret"
SLOW = 0
ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 0,
    "model": "stand-in",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "-ts_zscore(close, 20)"}}
    ],
    "usage": {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16},
}


def _said(text: str | None, finish: str, **more: str) -> bytes:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **more}}
    return json.dumps({**ANSWER, "choices": [choice]}).encode()


class StandIn:
    """A server that answers from a queue of (status, body), then properly; it keeps what it was asked."""

    def __init__(self) -> None:
        self.queue: list[tuple[int, bytes]] = []
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                stand_in.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                stand_in.keys.append(str(self.headers["Authorization"]))
                status, body = stand_in.queue.pop(0) if stand_in.queue else (200, json.dumps(ANSWER).encode())
                if status == SLOW:
                    time.sleep(0.3)
                    return
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if body.startswith(b"<") else "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("retry-after-ms", "1")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    server = StandIn()
    thread = threading.Thread(target=server.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def door(server: StandIn, **settings: Any) -> LanguageModel:
    return LanguageModel(base_url=server.url, api_key=KEY, model="stand-in", **settings)


def test_an_answer_is_stored_and_replayed_without_a_call(stand_in: StandIn, lake: Lake) -> None:
    """The second time, and after a restart, the same question costs nothing and gives the same reply."""
    with door(stand_in).open(lake) as chat:
        first = chat.ask(QUESTION)
    with door(stand_in).open(lake) as chat:
        again = chat.ask(QUESTION)
    assert len(stand_in.asked) == 1
    assert (first.text, first.prompt_tokens, first.completion_tokens) == ("-ts_zscore(close, 20)", 11, 5)
    assert again.replayed and not first.replayed
    assert again.text == first.text and again.request_hash == first.request_hash


def test_fresh_asks_anew(stand_in: StandIn, lake: Lake) -> None:
    """And replaces what was stored."""
    for fresh in (False, True):
        with door(stand_in).open(lake, fresh=fresh) as chat:
            chat.ask(QUESTION)
    assert len(stand_in.asked) == 2


def test_the_request_carries_everything_that_decides_the_answer(stand_in: StandIn, lake: Lake) -> None:
    """Model, seed, temperature, limit and a strict schema."""
    schema = {"type": "object", "properties": {"expression": {"type": "string"}}}
    with door(stand_in).open(lake) as chat:
        chat.ask(ChatRequest(QUESTION.messages, seed=3, max_tokens=50, temperature=0.1, schema=schema))
    sent = stand_in.asked[0]
    assert (sent["model"], sent["seed"], sent["max_tokens"], sent["temperature"]) == ("stand-in", 3, 50, 0.1)
    assert sent["response_format"]["json_schema"] == {"name": "factor", "strict": True, "schema": schema}


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ((401, b'{"error": {"message": "bad key"}}'), "HTTP 401: bad key; check ALPHA_PIPELINE_MODEL_KEY"),
        ((404, b'{"error": {"message": "no such model"}}'), "check ALPHA_PIPELINE_MODEL"),
        ((400, b'{"error": {"message": "too long"}}'), "HTTP 400: too long"),
        ((200, b"<html>log in</html>"), "without choices"),
        ((200, b"{broken"), "outside the protocol"),
        ((200, b'{"choices": []}'), "without a choice"),
        ((200, b'{"error": {"message": "overloaded"}}'), "overloaded"),
        ((200, b"[]"), "without choices"),
        ((200, b'{"choices": [{}]}'), "without a choice"),
        ((200, b'{"choices": [1]}'), "without a choice"),
        ((200, b'{"choices": "none"}'), "without a choice"),
        ((200, _said(None, "tool_calls")), "without text: finish 'tool_calls'"),
        ((200, _said(None, "stop", refusal="I must not")), "without text: I must not"),
        ((403, b"<html>no</html>"), "HTTP 403: no reason given"),
    ],
)
def test_faults_name_the_model_the_address_and_the_remedy(
    stand_in: StandIn, lake: Lake, fault: tuple[int, bytes], named: str
) -> None:
    """And never the key; nothing is stored, so the same question succeeds once the cause is gone."""
    stand_in.queue = [fault]
    with door(stand_in).open(lake) as chat:
        with pytest.raises(ModelError) as caught:
            chat.ask(QUESTION)
        assert named in str(caught.value)
        assert "'stand-in' at http://127.0.0.1" in str(caught.value)
        assert KEY not in str(caught.value)
        assert chat.ask(QUESTION).text == "-ts_zscore(close, 20)"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again_but_not_for_ever(stand_in: StandIn, lake: Lake, status: int) -> None:
    """Two failures out of three tries are survived, three are not."""
    body = b'{"error": {"message": "busy"}}'
    stand_in.queue = [(status, body)] * 2
    with door(stand_in, attempts=3).open(lake) as chat:
        assert chat.ask(QUESTION).text
        stand_in.queue = [(status, body)] * 3
        with pytest.raises(ModelError, match="busy"):
            chat.ask(ChatRequest(QUESTION.messages, seed=8))


def test_an_account_without_means_is_not_asked_again(stand_in: StandIn, lake: Lake) -> None:
    """It answers 429 as a busy server does, but no waiting helps."""
    stand_in.queue = [(429, b'{"error": {"message": "quota exceeded", "code": "insufficient_quota"}}')] * 3
    with door(stand_in).open(lake) as chat, pytest.raises(ModelError, match="no means left"):
        chat.ask(QUESTION)
    assert len(stand_in.asked) == 1


def test_a_slow_server_is_named(stand_in: StandIn, lake: Lake) -> None:
    """With the time it was given."""
    stand_in.queue = [(SLOW, b"")]
    slow = door(stand_in, timeout_seconds=0.1, attempts=1)
    with slow.open(lake) as chat, pytest.raises(ModelError, match=r"no answer within 0.1 s"):
        chat.ask(QUESTION)


@pytest.mark.parametrize(("text", "read"), [('{"expres', '{"expres'), (None, "")])
def test_an_answer_cut_short_says_so(stand_in: StandIn, lake: Lake, text: str | None, read: str) -> None:
    """It is an answer: what to do about it is the caller's business."""
    stand_in.queue = [(200, _said(text, "length"))]
    with door(stand_in).open(lake) as chat:
        reply = chat.ask(QUESTION)
    assert (reply.text, reply.finish) == (read, "length")


def test_a_stored_answer_is_the_same_each_time(stand_in: StandIn, tmp_path: Path) -> None:
    """No address and no key in it, and of time only what the call took; its name is the request's digest."""
    stored = []
    for name in ("one", "two"):
        lake = Lake(str(tmp_path / name))
        with door(stand_in).open(lake) as chat:
            digest = chat.ask(QUESTION).request_hash
        stored.append(json.loads(lake.read_bytes(f"calls/{digest[:2]}/{digest}.json")))
    assert digest == QUESTION.digest("stand-in")
    assert all(0.0 < reply.pop("seconds") < 60.0 for reply in stored)
    assert stored[0] == stored[1]
    assert KEY.encode() not in stored[0] and stand_in.url.encode() not in stored[0]


def test_a_stored_answer_that_is_no_reply_is_named(stand_in: StandIn, lake: Lake) -> None:
    """With its place and the way out."""
    digest = QUESTION.digest("stand-in")
    lake.atomic_write(f"calls/{digest[:2]}/{digest}.json", b"{}")
    with door(stand_in).open(lake) as chat, pytest.raises(CorruptFileError, match=f"{digest}.json is not readable"):
        chat.ask(QUESTION)


def test_a_key_that_the_server_repeats_is_not_passed_on(stand_in: StandIn, lake: Lake) -> None:
    """Neither in the message nor in the chain of causes, which the run's log shows whole."""
    stand_in.queue = [(401, json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}}).encode())]
    with door(stand_in).open(lake) as chat, pytest.raises(ModelError, match=r"provided: \[key\]") as caught:
        chat.ask(QUESTION)
    assert caught.value.__cause__ is None and caught.value.__context__ is None


def test_a_key_that_no_header_carries_is_refused(stand_in: StandIn, lake: Lake) -> None:
    """A second line, a letter that looks like another: refused before the call, and not repeated."""
    for key in ("sk-one\nsk-two", "sk-s\u00e9cret"):
        broken = LanguageModel(base_url=stand_in.url, api_key=key, model="m")
        with broken.open(lake) as chat, pytest.raises(SettingError, match="ALPHA_PIPELINE_MODEL_KEY") as caught:
            chat.ask(QUESTION)
        assert "sk-" not in str(caught.value)
    assert not stand_in.asked


def test_the_key_stays_a_variable_until_it_is_used(
    stand_in: StandIn, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings hold its name, so the UI cannot show it; the call carries it, in a run and outside of one."""
    monkeypatch.setenv("ALPHA_PIPELINE_MODEL_URL", stand_in.url)
    monkeypatch.setenv("ALPHA_PIPELINE_MODEL", "stand-in")
    monkeypatch.setenv("ALPHA_PIPELINE_MODEL_KEY", KEY)
    settings = LanguageModel.from_environment()
    assert KEY not in repr(settings)

    @dg.asset
    def asked(model: LanguageModel) -> None:
        with model.open(lake) as chat:
            chat.ask(QUESTION)

    assert dg.materialize([asked], resources={"model": settings}).success
    with settings.open(lake, fresh=True) as chat:
        chat.ask(QUESTION)
    assert stand_in.keys == [f"Bearer {KEY}"] * 2


def test_a_password_in_the_address_is_not_shown(lake: Lake) -> None:
    """The host is."""
    with (
        LanguageModel(base_url="http://me:hidden@127.0.0.1:9/v1?k=hidden", model="m", attempts=1).open(lake) as chat,
        pytest.raises(ModelError, match="at http://127.0.0.1:9/v1: ") as caught,
    ):
        chat.ask(QUESTION)
    assert "hidden" not in str(caught.value)


def test_an_unreachable_server_is_named(lake: Lake) -> None:
    """Nobody listens on port 9."""
    nobody = LanguageModel(base_url="http://127.0.0.1:9/v1", model="m", attempts=1)
    with nobody.open(lake) as chat, pytest.raises(ModelError, match="127.0.0.1:9/v1: cannot be reached"):
        chat.ask(QUESTION)


def test_settings_that_cannot_work_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown proposer, an address without a model name."""
    monkeypatch.setenv("ALPHA_PIPELINE_PROPOSER", "oracle")
    with pytest.raises(SettingError, match="oracle"):
        LanguageModel.from_environment()
    monkeypatch.setenv("ALPHA_PIPELINE_PROPOSER", "model")
    monkeypatch.setenv("ALPHA_PIPELINE_MODEL_URL", "http://127.0.0.1:1/v1")
    monkeypatch.delenv("ALPHA_PIPELINE_MODEL", raising=False)
    with pytest.raises(SettingError, match="ALPHA_PIPELINE_MODEL"):
        LanguageModel.from_environment()
