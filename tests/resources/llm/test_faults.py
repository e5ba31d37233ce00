"""What can go wrong between a model and its door; every fault is real bytes from a real server."""

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
from resources.lake.lake import Lake
from resources.llm.resource import LanguageModel
from tests.helpers.openai_server import Fault, OpenAIServer, completion, send, serving, slow

QUESTION = ChatRequest((Message("user", "a factor, please"),), seed=7, schema={"type": "object"})
KEY = "sk-very-secret"
ANSWER = "-ts_zscore(close, 20)"
MEGABYTES = 10_000_000


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with serving(OpenAIServer()) as found:
        yield found


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def door(server: OpenAIServer, attempts: int = 3) -> LanguageModel:
    return LanguageModel(base_url=server.url, api_key=KEY, model="m", timeout_seconds=0.2, attempts=attempts)


def cut_short(handler: BaseHTTPRequestHandler) -> None:
    """More was promised than is sent."""
    body = completion(ANSWER)
    send(handler, 200, body[: len(body) // 2], {"Content-Length": str(len(body))})
    handler.close_connection = True


def cut_stream(handler: BaseHTTPRequestHandler) -> None:
    """A chunk of the body, then nothing: the end mark never comes."""
    half = completion(ANSWER)[:60]
    chunk = b"%x\r\n%s\r\n" % (len(half), half)
    send(handler, 200, chunk, {"Content-Length": "", "Transfer-Encoding": "chunked"})
    handler.close_connection = True


def reset(handler: BaseHTTPRequestHandler) -> None:
    """The connection is torn down without a word."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def after(seconds: str, status: int = 429) -> Callable[[BaseHTTPRequestHandler], None]:
    def fault(handler: BaseHTTPRequestHandler) -> None:
        send(handler, status, b'{"error": {"message": "busy"}}', {"retry-after-ms": "", "Retry-After": seconds})

    return fault


def refused(message: str, **error: str) -> Fault:
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
def test_what_may_pass_is_tried_again(server: OpenAIServer, lake: Lake, fault: Fault) -> None:
    """Two failures out of three tries are survived, three are not; the failure tells how long it took."""
    server.queue = [fault, fault]
    with door(server).open(lake) as chat:
        assert chat.ask(QUESTION).text == ANSWER and len(server.asked) == 3
        server.queue = [fault] * 3
        with pytest.raises(ModelError, match=r"'m' at http://127\.0\.0\.1:\d+/v1: ") as caught:
            chat.ask(ChatRequest(QUESTION.messages, seed=8))
    assert len(server.asked) == 6 and 0 < caught.value.seconds < 30


def test_a_wait_that_is_too_long_is_not_waited_for(server: OpenAIServer, lake: Lake) -> None:
    """An hour of patience is not a run date's business."""
    server.queue = [after("3600")]
    started = time.monotonic()
    with door(server).open(lake) as chat, pytest.raises(ModelError, match="HTTP 429: busy; too many calls"):
        chat.ask(QUESTION)
    assert time.monotonic() - started < 5 and len(server.asked) == 1


NEVER = "outside the protocol|without a choice|without choices|without text|HTTP"


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ((401, b'{"error": {"message": "bad key"}}'), "HTTP 401: bad key; check ALPHA_PIPELINE_MODEL_KEY"),
        ((403, b"<html>no</html>"), "HTTP 403: no reason given"),
        ((404, b'{"error": {"message": "no such model"}}'), "check ALPHA_PIPELINE_MODEL"),
        (refused("too long"), "HTTP 400: too long"),
        ((200, b"<html>log in</html>"), "without choices"),
        ((200, b"{broken"), "outside the protocol"),
        ((200, b""), NEVER),
        ((200, b"null"), NEVER),
        ((200, b'"text"'), NEVER),
        ((200, b"17"), NEVER),
        ((200, b"[]"), "without choices"),
        ((200, b"[" * 100_000), NEVER),
        ((200, b'{"choices": []}'), "without a choice"),
        ((200, b'{"choices": [{}]}'), "without a choice"),
        ((200, b'{"choices": [1]}'), "without a choice"),
        ((200, b'{"choices": "none"}'), "without a choice"),
        ((200, b'{"choices": [{"message": 5}]}'), NEVER),
        ((200, b'{"error": {"message": "overloaded"}}'), "overloaded"),
        ((200, completion(None, "tool_calls")), "without text: finish 'tool_calls'"),
        ((200, completion(None, refusal="I must not")), "without text: I must not"),
        ((200, completion(17)), "without text"),
        ((200, completion([{"type": "image"}])), "without text"),
        ((200, completion("caf\u00e9").replace(b"caf\\u00e9", b"caf\xe9")), "outside the protocol"),
        ((200, b"\xff" * MEGABYTES), NEVER),
        ((200, b"x" * MEGABYTES), NEVER),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, tuple) else "",
)
def test_what_cannot_pass_is_named_once(server: OpenAIServer, lake: Lake, fault: Fault, named: str) -> None:
    """With model, address and remedy, never the key; asked again, the same question succeeds."""
    server.queue = [fault]
    with door(server).open(lake) as chat, pytest.raises(ModelError, match=named) as caught:
        chat.ask(QUESTION)
    assert "'m' at http://127.0.0.1" in str(caught.value) and KEY not in str(caught.value)
    assert len(str(caught.value)) < 600 and len(server.asked) == 1
    with door(server).open(lake, retry=True) as chat:
        assert chat.ask(QUESTION).text == ANSWER


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
    """And stored as they were read, cut where no factor is that long."""
    server.queue = [(200, body)]
    with door(server).open(lake) as chat:
        assert chat.ask(QUESTION).text == text
        assert chat.ask(QUESTION).text == text
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "usage", [{}, {"prompt_tokens": None}, {"prompt_tokens": -5, "completion_tokens": "many"}, 7, []]
)
def test_a_bill_that_makes_no_sense_counts_nothing(server: OpenAIServer, lake: Lake, usage: object) -> None:
    """The answer is worth more than its bill."""
    server.queue = [(200, completion(ANSWER, usage=usage))]
    with door(server).open(lake) as chat:
        reply = chat.ask(QUESTION)
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == (ANSWER, 0, 0)


def test_a_failure_is_stored_and_replayed(server: OpenAIServer, lake: Lake) -> None:
    """A run date that lived through it is replayed with it, without a call; only retry and fresh ask again."""
    server.queue = [(404, b'{"error": {"message": "gone"}}')]
    said = []
    for asked in ({}, {}, {"retry": True}, {"retry": True}, {"fresh": True}):
        with door(server).open(lake, **asked) as chat:
            try:
                said.append(chat.ask(QUESTION).text)
            except ModelError as failure:
                said.append(f"{failure} {failure.seconds > 0}")
    assert said[0] == said[1] and "gone" in said[0] and said[0].endswith("True")
    assert said[2:] == [ANSWER] * 3 and len(server.asked) == 3


NEWER = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
ONLY_ONE = (
    "Unsupported value: 'temperature' does not support 0.8 with this model. Only the default (1) value is supported."
)


@pytest.mark.parametrize(
    ("refusals", "missing", "there"),
    [
        ([refused(NEWER, param="max_tokens", code="unsupported_parameter")], {"max_tokens"}, {"max_completion_tokens"}),
        ([refused(ONLY_ONE, param="temperature", code="unsupported_value")], {"temperature"}, {"max_tokens", "seed"}),
        (
            [
                refused(NEWER, param="max_tokens", code="unsupported_parameter"),
                refused(ONLY_ONE, param="temperature", code="unsupported_value"),
                refused("Unrecognized request argument supplied: seed"),
                refused("bad schema", param="response_format.json_schema", code="invalid_json_schema"),
            ],
            {"max_tokens", "temperature", "seed", "response_format"},
            {"max_completion_tokens", "messages", "model"},
        ),
        ([(422, b'{"detail": "Extra inputs are not permitted: seed"}')], {"seed"}, {"max_tokens"}),
    ],
    ids=["renamed", "dropped", "all", "422"],
)
def test_what_a_server_does_not_take_is_left_out_from_then_on(
    server: OpenAIServer, lake: Lake, refusals: list[Fault], missing: set[str], there: set[str]
) -> None:
    """Reasoning models know other parameters; the server's own words say which, once."""
    server.queue = list(refusals)
    with door(server).open(lake) as chat:
        assert chat.ask(QUESTION).text == ANSWER
        chat.ask(ChatRequest(QUESTION.messages, seed=8, schema=QUESTION.schema))
    assert len(server.asked) == len(refusals) + 2
    for sent in server.asked[-2:]:
        assert not missing & set(sent) and there <= set(sent)


def test_a_server_that_is_never_content_is_given_up(server: OpenAIServer, lake: Lake) -> None:
    """Every spare parameter once, then the refusal stands."""
    server.queue = [refused("Unsupported: max_tokens temperature seed response_format max_completion_tokens")] * 20
    with door(server).open(lake) as chat, pytest.raises(ModelError, match="HTTP 400: Unsupported"):
        chat.ask(QUESTION)
    assert len(server.asked) == 5


def test_nobody_listening_is_named(lake: Lake) -> None:
    """With the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        closed = LanguageModel(base_url=url, model="m", attempts=1)
        with closed.open(lake) as chat, pytest.raises(ModelError, match="cannot be reached; check the address"):
            chat.ask(QUESTION)


@pytest.mark.parametrize(
    "fault",
    [
        (400, b'{"error": {"message": "bad \\ud800 \\u001b[31m x"}}'),
        (200, completion(None, refusal="\ud800")),
        (200, completion(ANSWER, usage={"prompt_tokens": 10**30, "completion_tokens": 1})),
    ],
    ids=["error", "refusal", "bill"],
)
def test_nothing_a_server_says_is_beyond_a_file(server: OpenAIServer, lake: Lake, fault: Fault) -> None:
    """Neither half a character nor an absurd number; asked again, it is told from the store."""
    server.queue = [fault]
    for _ in range(2):
        with door(server).open(lake) as chat:
            try:
                assert chat.ask(QUESTION).prompt_tokens == 0
            except ModelError as failure:
                assert str(failure).isprintable() and str(failure).encode()
    assert len(server.asked) == 1


def test_what_a_question_took_is_told_and_stored(server: OpenAIServer, lake: Lake) -> None:
    """Every request of it, and the tokens of an answer without text."""
    server.queue = [(429, b""), (503, b""), (200, completion(ANSWER)), (429, b""), (200, completion(None))]
    for _ in range(2):
        with door(server).open(lake) as chat:
            assert chat.ask(QUESTION).tries == 3
            with pytest.raises(ModelError) as caught:
                chat.ask(ChatRequest(QUESTION.messages, seed=8))
        assert (caught.value.tries, caught.value.prompt_tokens, caught.value.completion_tokens) == (2, 11, 5)
    assert len(server.asked) == 5


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then: never silent for long enough, never done."""
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


def test_a_question_ends_when_its_time_is_up(server: OpenAIServer, lake: Lake) -> None:
    """Also when the server drips; the next question is asked as if nothing had been."""
    server.queue = [drip]
    started = time.monotonic()
    with door(server).open(lake) as chat:
        with pytest.raises(ModelError, match=r"no whole answer within 0\.4 s") as caught:
            chat.ask(replace(QUESTION, seconds=0.4))
        assert time.monotonic() - started < 1.5 and caught.value.seconds <= 0.4
        assert chat.ask(ChatRequest(QUESTION.messages, seed=8)).text == ANSWER
    assert replace(QUESTION, seconds=0.4).digest("m") == QUESTION.digest("m")
