"""Faults between model server and client, each as real bytes from a server on loopback."""

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from alpha_pipeline.errors import ModelError
from alpha_pipeline.llm.chat import ChatRequest, Message
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.llm.resource import LanguageModel
from tests.helpers.openai_server import Fault, OpenAIServer, completion, send, serving, slow

QUESTION = ChatRequest((Message("user", "a factor, please"),), seed=7, schema={"type": "object"})
KEY = "sk-very-secret"
ANSWER = "-ts_zscore(close, 20)"
MEGABYTES = 10_000_000


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with serving(OpenAIServer()) as running:
        yield running


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def language_model(server: OpenAIServer, attempts: int = 3) -> LanguageModel:
    return LanguageModel(base_url=server.url, api_key=KEY, model="m", timeout_seconds=0.2, attempts=attempts)


def cut_short(handler: BaseHTTPRequestHandler) -> None:
    """Less than Content-Length is sent."""
    body = completion(ANSWER)
    send(handler, 200, body[: len(body) // 2], {"Content-Length": str(len(body))})
    handler.close_connection = True


def cut_stream(handler: BaseHTTPRequestHandler) -> None:
    """A chunk of the body, but no last chunk."""
    half = completion(ANSWER)[:60]
    chunk = b"%x\r\n%s\r\n" % (len(half), half)
    send(handler, 200, chunk, {"Content-Length": "", "Transfer-Encoding": "chunked"})
    handler.close_connection = True


def reset(handler: BaseHTTPRequestHandler) -> None:
    """The connection is reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def after(seconds: str, status: int = 429) -> Callable[[BaseHTTPRequestHandler], None]:
    def fault(handler: BaseHTTPRequestHandler) -> None:
        send(handler, status, b'{"error": {"message": "busy"}}', {"retry-after-ms": "", "Retry-After": seconds})

    return fault


def rejected(message: str, **error: str) -> Fault:
    return 400, json.dumps({"error": {"message": message, "type": "invalid_request_error", **error}}).encode()


@pytest.mark.parametrize(
    "fault",
    [
        slow,
        cut_short,
        cut_stream,
        reset,
        after("0.05"),
        (429, b""),
        (500, b"<html>oops</html>"),
        (502, b""),
        (503, b"x"),
    ],
    ids=["slow", "cut short", "cut stream", "reset", "wait", "429", "500", "502", "503"],
)
def test_temporary_faults_are_retried(server: OpenAIServer, lake: Lake, fault: Fault) -> None:
    """Two failures of three attempts are no error, three are; the error has the duration."""
    server.queue = [fault, fault]
    with language_model(server).open(lake) as chat:
        assert chat.complete(QUESTION).text == ANSWER and len(server.requests) == 3
        server.queue = [fault] * 3
        with pytest.raises(ModelError, match=r"'m' at http://127\.0\.0\.1:\d+/v1: ") as caught:
            chat.complete(ChatRequest(QUESTION.messages, seed=8))
    assert len(server.requests) == 6 and 0 < caught.value.seconds < 30


def test_a_long_retry_after_is_not_obeyed(server: OpenAIServer, lake: Lake) -> None:
    """An hour is too long for a nightly run."""
    server.queue = [after("3600")]
    started = time.monotonic()
    with language_model(server).open(lake) as chat, pytest.raises(ModelError, match="HTTP 429: busy; too many calls"):
        chat.complete(QUESTION)
    assert time.monotonic() - started < 5 and len(server.requests) == 1


NO_ANSWER = "violates the protocol|has no choice|without choices|has no text|HTTP"


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ((401, b'{"error": {"message": "bad key"}}'), "HTTP 401: bad key; check ALPHA_PIPELINE_MODEL_KEY"),
        ((403, b"<html>no</html>"), "HTTP 403: no reason given"),
        ((404, b'{"error": {"message": "no such model"}}'), "check ALPHA_PIPELINE_MODEL"),
        (rejected("too long"), "HTTP 400: too long"),
        ((200, b"<html>log in</html>"), "without choices"),
        ((200, b"{broken"), "violates the protocol"),
        ((200, b""), NO_ANSWER),
        ((200, b"null"), NO_ANSWER),
        ((200, b'"text"'), NO_ANSWER),
        ((200, b"17"), NO_ANSWER),
        ((200, b"[]"), "without choices"),
        ((200, b"[" * 100_000), NO_ANSWER),
        ((200, b'{"choices": []}'), "has no choice"),
        ((200, b'{"choices": [{}]}'), "has no choice"),
        ((200, b'{"choices": [1]}'), "has no choice"),
        ((200, b'{"choices": "none"}'), "has no choice"),
        ((200, b'{"choices": [{"message": 5}]}'), NO_ANSWER),
        ((200, b'{"error": {"message": "overloaded"}}'), "overloaded"),
        ((200, completion(None, "tool_calls")), "has no text: finish 'tool_calls'"),
        ((200, completion(None, refusal="I must not")), "has no text: I must not"),
        ((200, completion(17)), "has no text"),
        ((200, completion([{"type": "image"}])), "has no text"),
        ((200, completion("caf\u00e9").replace(b"caf\\u00e9", b"caf\xe9")), "violates the protocol"),
        ((200, b"\xff" * MEGABYTES), NO_ANSWER),
        ((200, b"x" * MEGABYTES), NO_ANSWER),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, tuple) else "",
)
def test_permanent_faults_are_not_retried(server: OpenAIServer, lake: Lake, fault: Fault, named: str) -> None:
    """The error has model, address and remedy, never the key; the next request may succeed."""
    server.queue = [fault]
    with language_model(server).open(lake) as chat, pytest.raises(ModelError, match=named) as caught:
        chat.complete(QUESTION)
    assert "'m' at http://127.0.0.1" in str(caught.value) and KEY not in str(caught.value)
    assert len(str(caught.value)) < 600 and len(server.requests) == 1
    with language_model(server).open(lake, retry=True) as chat:
        assert chat.complete(QUESTION).text == ANSWER


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (completion([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), "ab"),
        (completion("nul \x00 and half \ud800 a pair"), "nul \x00 and half ? a pair"),
        (completion("x" * MEGABYTES), "x" * 100_000),
        (completion("caf\u00e9 \U0001f680"), "caf\u00e9 \U0001f680"),
        (completion(ANSWER).decode().encode("utf-16"), ANSWER),
        (b"\xef\xbb\xbf" + completion(ANSWER), ANSWER),
    ],
    ids=["parts", "broken characters", "ten megabytes", "unicode", "utf-16", "byte order mark"],
)
def test_odd_answers_are_read(server: OpenAIServer, lake: Lake, body: bytes, text: str) -> None:
    """And stored, cut at the limit of length."""
    server.queue = [(200, body)]
    with language_model(server).open(lake) as chat:
        assert chat.complete(QUESTION).text == text
        assert chat.complete(QUESTION).text == text
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "usage", [{}, {"prompt_tokens": None}, {"prompt_tokens": -5, "completion_tokens": "many"}, 7, []]
)
def test_invalid_usage_counts_as_zero(server: OpenAIServer, lake: Lake, usage: object) -> None:
    """The answer is used nevertheless."""
    server.queue = [(200, completion(ANSWER, usage=usage))]
    with language_model(server).open(lake) as chat:
        reply = chat.complete(QUESTION)
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == (ANSWER, 0, 0)


def test_a_failure_is_stored_and_replayed(server: OpenAIServer, lake: Lake) -> None:
    """Without a call; only `retry` and `fresh` call the model again."""
    server.queue = [(404, b'{"error": {"message": "no such model"}}')]
    outcomes = []
    for options in ({}, {}, {"retry": True}, {"retry": True}, {"fresh": True}):
        with language_model(server).open(lake, **options) as chat:
            try:
                outcomes.append(chat.complete(QUESTION).text)
            except ModelError as failure:
                outcomes.append(f"{failure} {failure.seconds > 0}")
    assert outcomes[0] == outcomes[1] and "no such model" in outcomes[0] and outcomes[0].endswith("True")
    assert outcomes[2:] == [ANSWER] * 3 and len(server.requests) == 3


NEWER = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
ONLY_ONE = (
    "Unsupported value: 'temperature' does not support 0.8 with this model. Only the default (1) value is supported."
)


@pytest.mark.parametrize(
    ("refusals", "missing", "there"),
    [
        (
            [rejected(NEWER, param="max_tokens", code="unsupported_parameter")],
            {"max_tokens"},
            {"max_completion_tokens"},
        ),
        ([rejected(ONLY_ONE, param="temperature", code="unsupported_value")], {"temperature"}, {"max_tokens", "seed"}),
        (
            [
                rejected(NEWER, param="max_tokens", code="unsupported_parameter"),
                rejected(ONLY_ONE, param="temperature", code="unsupported_value"),
                rejected("Unrecognized request argument supplied: seed"),
                rejected("bad schema", param="response_format.json_schema", code="invalid_json_schema"),
            ],
            {"max_tokens", "temperature", "seed", "response_format"},
            {"max_completion_tokens", "messages", "model"},
        ),
        ([(422, b'{"detail": "Extra inputs are not permitted: seed"}')], {"seed"}, {"max_tokens"}),
    ],
    ids=["renamed", "dropped", "all", "422"],
)
def test_rejected_parameters_are_left_out_from_then_on(
    server: OpenAIServer, lake: Lake, refusals: list[Fault], missing: set[str], there: set[str]
) -> None:
    """Reasoning models have other parameters; the error of the server names them."""
    server.queue = list(refusals)
    with language_model(server).open(lake) as chat:
        assert chat.complete(QUESTION).text == ANSWER
        chat.complete(ChatRequest(QUESTION.messages, seed=8, schema=QUESTION.schema))
    assert len(server.requests) == len(refusals) + 2
    for sent in server.requests[-2:]:
        assert not missing & set(sent) and there <= set(sent)


def test_a_server_that_rejects_everything_is_an_error(server: OpenAIServer, lake: Lake) -> None:
    """After each optional parameter was left out once."""
    server.queue = [rejected("Unsupported: max_tokens temperature seed response_format max_completion_tokens")] * 20
    with language_model(server).open(lake) as chat, pytest.raises(ModelError, match="HTTP 400: Unsupported"):
        chat.complete(QUESTION)
    assert len(server.requests) == 5


def test_a_closed_port_is_an_error(lake: Lake) -> None:
    """With the address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        closed = LanguageModel(base_url=url, model="m", attempts=1)
        with closed.open(lake) as chat, pytest.raises(ModelError, match="cannot be reached; check the address"):
            chat.complete(QUESTION)


@pytest.mark.parametrize(
    "fault",
    [
        (400, b'{"error": {"message": "bad \\ud800 \\u001b[31m x"}}'),
        (200, completion(None, refusal="\ud800")),
        (200, completion(ANSWER, usage={"prompt_tokens": 10**30, "completion_tokens": 1})),
    ],
    ids=["error", "refusal", "usage"],
)
def test_every_answer_can_be_stored(server: OpenAIServer, lake: Lake, fault: Fault) -> None:
    """Also half a character and an absurd number; the second time it is read from the store."""
    server.queue = [fault]
    for _ in range(2):
        with language_model(server).open(lake) as chat:
            try:
                assert chat.complete(QUESTION).prompt_tokens == 0
            except ModelError as failure:
                assert str(failure).isprintable() and str(failure).encode()
    assert len(server.requests) == 1


def test_the_cost_of_a_request_is_stored(server: OpenAIServer, lake: Lake) -> None:
    """All its attempts, and the tokens of an answer without text."""
    server.queue = [(429, b""), (503, b""), (200, completion(ANSWER)), (429, b""), (200, completion(None))]
    for _ in range(2):
        with language_model(server).open(lake) as chat:
            assert chat.complete(QUESTION).tries == 3
            with pytest.raises(ModelError) as caught:
                chat.complete(ChatRequest(QUESTION.messages, seed=8))
        assert (caught.value.tries, caught.value.prompt_tokens, caught.value.completion_tokens) == (2, 11, 5)
    assert len(server.requests) == 5


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then, without an end."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    try:
        for _ in range(40):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        handler.close_connection = True


def test_a_request_ends_at_its_time_limit(server: OpenAIServer, lake: Lake) -> None:
    """Also when the server drips bytes; the next request works normally."""
    server.queue = [drip]
    started = time.monotonic()
    with language_model(server).open(lake) as chat:
        with pytest.raises(ModelError, match=r"no complete answer within 0\.4 s") as caught:
            chat.complete(replace(QUESTION, seconds=0.4))
        assert time.monotonic() - started < 1.5 and caught.value.seconds <= 0.4
        assert chat.complete(ChatRequest(QUESTION.messages, seed=8)).text == ANSWER
    assert replace(QUESTION, seconds=0.4).digest("m") == QUESTION.digest("m")
