"""The model's door, with the real client, against a real server on loopback that speaks the protocol or breaks it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from alpha_pipeline.errors import CorruptFileError, ModelError, SettingError
from alpha_pipeline.llm.chat import ChatRequest, Message
from resources.lake.lake import Lake
from resources.llm.resource import LanguageModel
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


def door(server: OpenAIServer, **settings: Any) -> LanguageModel:
    return LanguageModel(base_url=server.url, api_key=KEY, model="stand-in", **settings)


def test_an_answer_is_stored_and_replayed_without_a_call(stand_in: OpenAIServer, lake: Lake) -> None:
    """The second time, and after a restart, the same question costs nothing and gives the same reply."""
    with door(stand_in).open(lake) as chat:
        first = chat.ask(QUESTION)
    with door(stand_in).open(lake) as chat:
        again = chat.ask(QUESTION)
    assert len(stand_in.asked) == 1
    assert (first.text, first.prompt_tokens, first.completion_tokens) == ("-ts_zscore(close, 20)", 11, 5)
    assert again.replayed and not first.replayed
    assert again.text == first.text and again.request_hash == first.request_hash


def test_fresh_asks_anew(stand_in: OpenAIServer, lake: Lake) -> None:
    """And replaces what was stored."""
    for fresh in (False, True):
        with door(stand_in).open(lake, fresh=fresh) as chat:
            chat.ask(QUESTION)
    assert len(stand_in.asked) == 2


def test_the_request_carries_everything_that_decides_the_answer(stand_in: OpenAIServer, lake: Lake) -> None:
    """Model, seed, temperature, limit and a strict schema."""
    schema = {"type": "object", "properties": {"expression": {"type": "string"}}}
    with door(stand_in).open(lake) as chat:
        chat.ask(ChatRequest(QUESTION.messages, seed=3, max_tokens=50, temperature=0.1, schema=schema))
    sent = stand_in.asked[0]
    assert (sent["model"], sent["seed"], sent["max_tokens"], sent["temperature"]) == ("stand-in", 3, 50, 0.1)
    assert sent["response_format"]["json_schema"] == {"name": "factor", "strict": True, "schema": schema}


@pytest.mark.parametrize("url", ["http://[::1", "ftp://here/v1", "localhost:8000", "http://host:port/v1"])
def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Before anything is sent."""
    monkeypatch.setenv("ALPHA_PIPELINE_MODEL_URL", url)
    monkeypatch.setenv("ALPHA_PIPELINE_MODEL", "any")
    with pytest.raises(SettingError, match="expected an address"):
        LanguageModel.from_environment()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again_but_not_for_ever(stand_in: OpenAIServer, lake: Lake, status: int) -> None:
    """Two failures out of three tries are survived, three are not."""
    body = b'{"error": {"message": "busy"}}'
    stand_in.queue = [(status, body)] * 2
    with door(stand_in, attempts=3).open(lake) as chat:
        assert chat.ask(QUESTION).text
        stand_in.queue = [(status, body)] * 3
        with pytest.raises(ModelError, match="busy"):
            chat.ask(ChatRequest(QUESTION.messages, seed=8))


def test_an_account_without_means_is_not_asked_again(stand_in: OpenAIServer, lake: Lake) -> None:
    """It answers 429 as a busy server does, but no waiting helps."""
    stand_in.queue = [(429, b'{"error": {"message": "quota exceeded", "code": "insufficient_quota"}}')] * 3
    with door(stand_in).open(lake) as chat, pytest.raises(ModelError, match="no means left"):
        chat.ask(QUESTION)
    assert len(stand_in.asked) == 1


def test_a_slow_server_is_named(stand_in: OpenAIServer, lake: Lake) -> None:
    """With the time it was given."""
    stand_in.queue = [slow]
    hurried = door(stand_in, timeout_seconds=0.1, attempts=1)
    with hurried.open(lake) as chat, pytest.raises(ModelError, match=r"no answer within 0.1 s"):
        chat.ask(QUESTION)


@pytest.mark.parametrize(("text", "read"), [('{"expres', '{"expres'), (None, "")])
def test_an_answer_cut_short_says_so(stand_in: OpenAIServer, lake: Lake, text: str | None, read: str) -> None:
    """It is an answer: what to do about it is the caller's business."""
    stand_in.queue = [(200, completion(text, "length"))]
    with door(stand_in).open(lake) as chat:
        reply = chat.ask(QUESTION)
    assert (reply.text, reply.finish) == (read, "length")


def test_a_stored_answer_is_the_same_each_time(stand_in: OpenAIServer, tmp_path: Path) -> None:
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


def test_a_stored_answer_that_is_no_reply_is_named(stand_in: OpenAIServer, lake: Lake) -> None:
    """With its place and the way out."""
    digest = QUESTION.digest("stand-in")
    lake.atomic_write(f"calls/{digest[:2]}/{digest}.json", b"{}")
    with door(stand_in).open(lake) as chat, pytest.raises(CorruptFileError, match=f"{digest}.json is not readable"):
        chat.ask(QUESTION)


def test_a_key_that_the_server_repeats_is_not_passed_on(stand_in: OpenAIServer, lake: Lake) -> None:
    """Neither in the message nor in the chain of causes, which the run's log shows whole."""
    stand_in.queue = [(401, json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}}).encode())]
    with door(stand_in).open(lake) as chat, pytest.raises(ModelError, match=r"provided: \[key\]") as caught:
        chat.ask(QUESTION)
    assert caught.value.__cause__ is None and caught.value.__context__ is None


def test_a_key_that_no_header_carries_is_refused(stand_in: OpenAIServer, lake: Lake) -> None:
    """A second line, a letter that looks like another: refused before the call, and not repeated."""
    for key in ("sk-one\nsk-two", "sk-s\u00e9cret"):
        broken = LanguageModel(base_url=stand_in.url, api_key=key, model="m")
        with broken.open(lake) as chat, pytest.raises(SettingError, match="ALPHA_PIPELINE_MODEL_KEY") as caught:
            chat.ask(QUESTION)
        assert "sk-" not in str(caught.value)
    assert not stand_in.asked


def test_the_key_stays_a_variable_until_it_is_used(
    stand_in: OpenAIServer, lake: Lake, monkeypatch: pytest.MonkeyPatch
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
