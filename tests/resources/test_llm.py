"""The model's door, with the real client, against a real server on loopback that speaks the protocol or breaks it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from alpha_pipeline.errors import ModelError, SettingError
from alpha_pipeline.expressions import parse
from alpha_pipeline.market import CRYPTO
from alpha_pipeline.mining import ModelWriter
from alpha_pipeline.mining.chat import ChatRequest, Message
from alpha_pipeline.mining.task import Task
from resources.lake import Lake
from resources.llm import LanguageModel
from resources.local_server import EMBEDDED_MODEL, serve

QUESTION = ChatRequest((Message("user", "a factor, please"),), seed=7)
KEY = "sk-very-secret"
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


class StandIn:
    """A server that answers from a queue of (status, body), then properly; it keeps what it was asked."""

    def __init__(self) -> None:
        self.queue: list[tuple[int, bytes]] = []
        self.asked: list[dict[str, Any]] = []
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                stand_in.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                status, body = stand_in.queue.pop(0) if stand_in.queue else (200, json.dumps(ANSWER).encode())
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
    thread = threading.Thread(target=server.server.serve_forever, daemon=True)
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


def test_an_unreachable_server_is_named(lake: Lake) -> None:
    """Nobody listens on port 9."""
    nobody = LanguageModel(base_url="http://127.0.0.1:9/v1", model="m", attempts=1)
    with nobody.open(lake) as chat, pytest.raises(ModelError, match="127.0.0.1:9/v1: cannot be reached"):
        chat.ask(QUESTION)


@pytest.mark.parametrize(("content", "named"), [(None, "no model file at"), (b"<html>", "is no GGUF file")])
def test_a_wrong_model_file_is_named(tmp_path: Path, content: bytes | None, named: str) -> None:
    """Missing, or something else under that name."""
    file = tmp_path / "model.gguf"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ModelError, match=named), serve(file):
        pass


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


@pytest.mark.slow
def test_the_embedded_model_writes_formulas_that_parse(lake: Lake, tmp_path: Path) -> None:
    """The real weights on the real engine: every constrained answer is in the language; same seed, same text."""
    fields = ("close", "high", "low", "open", "volume")
    tasks = [Task(CRYPTO, fields, theme, 20, seed) for seed, theme in enumerate(("momentum", "volume", "breakout"))]
    with LanguageModel().open(lake) as chat:
        assert chat.model == EMBEDDED_MODEL
        drafts = [ModelWriter(chat).propose(task) for task in tasks]
    for draft in drafts:
        parse(draft.source, fields=fields)
    with LanguageModel().open(Lake(str(tmp_path / "other"))) as chat:
        assert [ModelWriter(chat).propose(task).source for task in tasks] == [draft.source for draft in drafts]
