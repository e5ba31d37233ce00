"""The model client against a server on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from alpha_pipeline.errors import CorruptFileError, ModelError, SettingError
from alpha_pipeline.llm.chat import ChatRequest, Message
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.llm.resource import LanguageModel
from alpha_pipeline.settings import load_settings
from tests.helpers.openai_server import OpenAIServer, completion, serving, slow

QUESTION = ChatRequest((Message("user", "a factor, please"),), seed=7)
KEY = "sk-very-secret"


@pytest.fixture
def stand_in() -> Iterator[OpenAIServer]:
    with serving(OpenAIServer()) as server:
        yield server


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def language_model(server: OpenAIServer, **settings: Any) -> LanguageModel:
    return LanguageModel(base_url=server.url, api_key=KEY, model="stand-in", **settings)


def test_an_answer_is_stored_and_replayed_without_a_call(stand_in: OpenAIServer, lake: Lake) -> None:
    """The same request a second time, also after a restart, makes no call and gives the same reply."""
    with language_model(stand_in).open(lake) as chat:
        first = chat.complete(QUESTION)
    with language_model(stand_in).open(lake) as chat:
        again = chat.complete(QUESTION)
    assert len(stand_in.requests) == 1
    assert (first.text, first.prompt_tokens, first.completion_tokens) == ("-ts_zscore(close, 20)", 11, 5)
    assert again.replayed and not first.replayed
    assert again.text == first.text and again.request_hash == first.request_hash


def test_fresh_calls_the_model_again(stand_in: OpenAIServer, lake: Lake) -> None:
    """And replaces the stored answer."""
    for fresh in (False, True):
        with language_model(stand_in).open(lake, fresh=fresh) as chat:
            chat.complete(QUESTION)
    assert len(stand_in.requests) == 2


def test_the_request_has_all_parameters(stand_in: OpenAIServer, lake: Lake) -> None:
    """Model, seed, temperature, limit and a strict schema."""
    schema = {"type": "object", "properties": {"expression": {"type": "string"}}}
    with language_model(stand_in).open(lake) as chat:
        chat.complete(ChatRequest(QUESTION.messages, seed=3, max_tokens=50, temperature=0.1, schema=schema))
    sent = stand_in.requests[0]
    assert (sent["model"], sent["seed"], sent["max_tokens"], sent["temperature"]) == ("stand-in", 3, 50, 0.1)
    assert sent["response_format"]["json_schema"] == {"name": "factor", "strict": True, "schema": schema}


@pytest.mark.parametrize("url", ["http://[::1", "ftp://here/v1", "localhost:8000", "http://host:port/v1"])
def test_an_invalid_address_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Before anything is sent."""
    monkeypatch.setenv("ALPHA_PIPELINE_MODEL_URL", url)
    monkeypatch.setenv("ALPHA_PIPELINE_MODEL", "any")
    with pytest.raises(SettingError, match="expected an address"):
        LanguageModel.of(load_settings().model)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_retried_up_to_the_limit(stand_in: OpenAIServer, lake: Lake, status: int) -> None:
    """Two failures of three attempts are no error, three are."""
    body = b'{"error": {"message": "busy"}}'
    stand_in.queue = [(status, body)] * 2
    with language_model(stand_in, attempts=3).open(lake) as chat:
        assert chat.complete(QUESTION).text
        stand_in.queue = [(status, body)] * 3
        with pytest.raises(ModelError, match="busy"):
            chat.complete(ChatRequest(QUESTION.messages, seed=8))


def test_an_account_without_credit_is_not_retried(stand_in: OpenAIServer, lake: Lake) -> None:
    """It answers 429 as a busy server does, but waiting does not help."""
    stand_in.queue = [(429, b'{"error": {"message": "quota exceeded", "code": "insufficient_quota"}}')] * 3
    with language_model(stand_in).open(lake) as chat, pytest.raises(ModelError, match="no credit left"):
        chat.complete(QUESTION)
    assert len(stand_in.requests) == 1


def test_a_slow_server_is_an_error(stand_in: OpenAIServer, lake: Lake) -> None:
    """With the time-out."""
    stand_in.queue = [slow]
    hasty = language_model(stand_in, timeout_seconds=0.1, attempts=1)
    with hasty.open(lake) as chat, pytest.raises(ModelError, match=r"no answer within 0.1 s"):
        chat.complete(QUESTION)


@pytest.mark.parametrize(("text", "expected"), [('{"expres', '{"expres'), (None, "")])
def test_an_answer_cut_off_is_marked(stand_in: OpenAIServer, lake: Lake, text: str | None, expected: str) -> None:
    """By `finish`; the caller decides what to do."""
    stand_in.queue = [(200, completion(text, "length"))]
    with language_model(stand_in).open(lake) as chat:
        reply = chat.complete(QUESTION)
    assert (reply.text, reply.finish) == (expected, "length")


def test_stored_answers_are_reproducible(stand_in: OpenAIServer, tmp_path: Path) -> None:
    """No address, no key, and no time but the call's duration; the file name is the request's digest."""
    stored = []
    for name in ("first", "second"):
        lake = Lake(str(tmp_path / name))
        with language_model(stand_in).open(lake) as chat:
            digest = chat.complete(QUESTION).request_hash
        stored.append(json.loads(lake.read_bytes(f"calls/{digest[:2]}/{digest}.json")))
    assert digest == QUESTION.digest("stand-in")
    assert all(0.0 < reply.pop("seconds") < 60.0 for reply in stored)
    assert stored[0] == stored[1]
    assert KEY.encode() not in stored[0] and stand_in.url.encode() not in stored[0]


def test_an_unreadable_stored_answer_is_an_error(stand_in: OpenAIServer, lake: Lake) -> None:
    """With path and remedy."""
    digest = QUESTION.digest("stand-in")
    lake.atomic_write(f"calls/{digest[:2]}/{digest}.json", b"{}")
    with (
        language_model(stand_in).open(lake) as chat,
        pytest.raises(CorruptFileError, match=f"{digest}.json is not readable"),
    ):
        chat.complete(QUESTION)


def test_an_api_key_repeated_by_the_server_is_masked(stand_in: OpenAIServer, lake: Lake) -> None:
    """In the message, and in the chain of causes, which the run's log shows."""
    stand_in.queue = [(401, json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}}).encode())]
    with language_model(stand_in).open(lake) as chat, pytest.raises(ModelError, match=r"provided: \[key\]") as caught:
        chat.complete(QUESTION)
    assert caught.value.__cause__ is None and caught.value.__context__ is None


def test_an_api_key_with_invalid_characters_is_refused(stand_in: OpenAIServer, lake: Lake) -> None:
    """Before the call, without showing it."""
    for key in ("sk-one\nsk-two", "sk-s\u00e9cret"):
        broken = LanguageModel(base_url=stand_in.url, api_key=key, model="m")
        with broken.open(lake) as chat, pytest.raises(SettingError, match="ALPHA_PIPELINE_MODEL_KEY") as caught:
            chat.complete(QUESTION)
        assert "sk-" not in str(caught.value)
    assert not stand_in.requests


def test_the_api_key_is_read_at_run_time(stand_in: OpenAIServer, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings contain the variable's name only; the call has the key, within and outside a run."""
    monkeypatch.setenv("ALPHA_PIPELINE_MODEL_URL", stand_in.url)
    monkeypatch.setenv("ALPHA_PIPELINE_MODEL", "stand-in")
    monkeypatch.setenv("ALPHA_PIPELINE_MODEL_KEY", KEY)
    settings = LanguageModel.of(load_settings().model)
    assert KEY not in repr(settings)

    @dg.asset
    def request(model: LanguageModel) -> None:
        with model.open(lake) as chat:
            chat.complete(QUESTION)

    assert dg.materialize([request], resources={"model": settings}).success
    with settings.open(lake, fresh=True) as chat:
        chat.complete(QUESTION)
    assert stand_in.keys == [f"Bearer {KEY}"] * 2


def test_a_password_in_the_address_is_not_shown(lake: Lake) -> None:
    """The error shows the host only."""
    with (
        LanguageModel(base_url="http://me:hidden@127.0.0.1:9/v1?k=hidden", model="m", attempts=1).open(lake) as chat,
        pytest.raises(ModelError, match="at http://127.0.0.1:9/v1: ") as caught,
    ):
        chat.complete(QUESTION)
    assert "hidden" not in str(caught.value)


def test_an_unreachable_server_is_an_error(lake: Lake) -> None:
    """Port 9 is closed."""
    unreachable = LanguageModel(base_url="http://127.0.0.1:9/v1", model="m", attempts=1)
    with unreachable.open(lake) as chat, pytest.raises(ModelError, match="127.0.0.1:9/v1: cannot be reached"):
        chat.complete(QUESTION)


def test_invalid_settings_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown proposer, an address without a model name."""
    monkeypatch.setenv("ALPHA_PIPELINE_PROPOSER", "oracle")
    with pytest.raises(SettingError, match="oracle"):
        LanguageModel.of(load_settings().model)
    monkeypatch.setenv("ALPHA_PIPELINE_PROPOSER", "model")
    monkeypatch.setenv("ALPHA_PIPELINE_MODEL_URL", "http://127.0.0.1:1/v1")
    monkeypatch.delenv("ALPHA_PIPELINE_MODEL", raising=False)
    with pytest.raises(SettingError, match="ALPHA_PIPELINE_MODEL"):
        LanguageModel.of(load_settings().model)
