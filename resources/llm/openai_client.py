"""
Client of the OpenAI protocol: request, answer, and a typed error for each failure.

The `openai` package does retries and back-off; parameters a server rejects are left out from then on.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from alpha_pipeline.errors import ModelError
from alpha_pipeline.llm.chat import ChatReply, ChatRequest
from alpha_pipeline.text.untrusted import clean_line

# Characters of an answer; the rest is cut off, as no factor needs more.
LONGEST_ANSWER = 100_000
WAITS = 250.0  # seconds of back-off between the attempts of a request; `openai` obeys Retry-After up to 120 each
# Optional parameters, with their names in newer models.
OPTIONAL = {"max_tokens": "max_completion_tokens", "temperature": "", "seed": "", "response_format": ""}
WRONG_URL = "is ALPHA_PIPELINE_MODEL_URL the base of an OpenAI-compatible API, such as http://127.0.0.1:11434/v1?"


@dataclass
class OpenAIClient:
    """
    A `Chat` over HTTP.

    Args:
        model: its name on the server.
        timeout_seconds: of one attempt.
        attempts: attempts per request when the server is busy or unreachable.
        address: returns base URL, key, and whether it is this machine; called with the first request.
        stack: closes the connection at the end.
    """

    model: str
    timeout_seconds: float
    attempts: int
    address: Callable[[ExitStack], tuple[str, str, bool]]
    stack: ExitStack
    url: str = ""
    local: bool = False
    key: str = field(default="", repr=False)
    client: Any = field(default=None, repr=False)
    renamed: dict[str, str] = field(default_factory=dict)
    tries: int = 0

    def complete(self, request: ChatRequest) -> ChatReply:
        """See `Chat.complete`; ends at the request's time limit, also when a server drips bytes."""
        limit = min(request.seconds, self.attempts * self.timeout_seconds + WAITS)
        results: list[ChatReply | BaseException] = []
        worker = threading.Thread(target=self._store_result, args=(results, request), daemon=True)
        started = time.perf_counter()
        worker.start()
        worker.join(limit)
        if not results:  # the thread still waits; leave it and its client behind
            self.client = None
            failed = self._failed(f"no complete answer within {limit:.3g} s", "check the server's load")
            failed.seconds, failed.tries = round(min(time.perf_counter() - started, limit), 3), max(1, self.tries)
            raise failed
        if isinstance(results[0], BaseException):
            raise results[0].with_traceback(None)
        return results[0]

    def _store_result(self, results: "list[ChatReply | BaseException]", request: ChatRequest) -> None:
        try:
            results.append(self._call(request))
        except BaseException as error:  # raised by `complete`
            results.append(error)

    def _call(self, request: ChatRequest) -> ChatReply:
        import openai  # half a second, needed only with a model

        if self.client is None:
            self._connect(openai)
        started, self.tries = time.perf_counter(), 0
        try:
            reply = self._reply(self._create(openai, _arguments(self.model, request)), request.digest(self.model))
            return replace(reply, seconds=round(time.perf_counter() - started, 3), tries=max(1, self.tries))
        except ModelError as error:
            failed = error
        except openai.APIStatusError as error:
            failed = self._failed(f"HTTP {error.status_code}: {_server_message(error)}", _remedy(error))
        except openai.APITimeoutError:
            limit = f"no answer within {self.timeout_seconds:g} s"
            failed = self._failed(limit, "check the server's load or raise the time limit")
        except openai.APIConnectionError:
            failed = self._failed("cannot be reached", "check the address and whether the server runs")
        except (openai.OpenAIError, ValueError, TypeError, AttributeError, RecursionError) as error:
            failed = self._failed(f"the answer violates the protocol ({type(error).__name__})", WRONG_URL)
        # Outside the handlers: errors of `openai` may contain the key, and their chain is logged.
        failed.seconds, failed.tries = round(time.perf_counter() - started, 3), max(1, self.tries)
        raise failed.with_traceback(None) from None

    def _create(self, openai: Any, arguments: dict[str, Any]) -> Any:
        """The server's answer; parameters it rejects are renamed or left out, for this and later requests."""
        while True:
            parameters = {self.renamed.get(name, name): value for name, value in arguments.items()}
            parameters.pop("", None)
            try:
                return self.client.chat.completions.create(**parameters)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                name = _rejected_parameter(error, set(parameters))
                if not name:
                    raise
                self.renamed[name] = OPTIONAL[name]
                self.tries -= 1  # rejected before any model read it: no call

    def _connect(self, openai: Any) -> None:
        if not self.url:
            self.url, self.key, self.local = self.address(self.stack)
        hooks = {"request": [self._count_attempt], "response": [_give_up_on_quota]}
        # Requests to this machine must not go through a proxy of the environment.
        transport = openai.DefaultHttpx2Client(event_hooks=hooks, trust_env=not self.local)
        self.client = openai.OpenAI(
            base_url=self.url,
            api_key=self.key,
            timeout=self.timeout_seconds,
            max_retries=max(0, self.attempts - 1),
            http_client=transport,
        )
        self.stack.callback(self.client.close)

    def _count_attempt(self, request: Any) -> None:
        self.tries += 1

    def _reply(self, answer: Any, digest: str) -> ChatReply:
        choices = getattr(answer, "choices", None)
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = getattr(choice, "message", None)
        if message is None:
            message = getattr(answer, "error", None) or f"{type(answer).__name__} without choices"
            raise self._failed(f"the answer has no choice: {str(message)[:200]}", WRONG_URL)
        usage = getattr(answer, "usage", None)
        finish = str(getattr(choice, "finish_reason", None) or "")
        text = _text(getattr(message, "content", None))
        if text is None and finish != "length":  # with "length" the limit was spent on hidden reasoning
            reason = getattr(message, "refusal", None) or f"finish {finish!r}"
            failed = self._failed(f"the answer has no text: {str(reason)[:200]}", "use another model, or no schema")
            failed.prompt_tokens = _count(getattr(usage, "prompt_tokens", 0))
            failed.completion_tokens = _count(getattr(usage, "completion_tokens", 0))
            raise failed
        # The local engine returns the path of the file.
        model = None if self.local else getattr(answer, "model", None)
        return ChatReply(
            text=(text or "")[:LONGEST_ANSWER].encode("utf-8", "replace").decode(),
            model=model if isinstance(model, str) and model else self.model,
            request_hash=digest,
            prompt_tokens=_count(getattr(usage, "prompt_tokens", 0)),
            completion_tokens=_count(getattr(usage, "completion_tokens", 0)),
            finish=finish,
        )

    def _failed(self, reason: str, remedy: str) -> ModelError:
        message = clean_line(f"model {self.model!r} at {shown(self.url)}: {reason}; {remedy}")
        return ModelError(message.replace(self.key, "[key]") if self.key not in ("", "none") else message)


def shown(url: str) -> str:
    """The address without user, password and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _arguments(model: str, request: ChatRequest) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "model": model,
        "messages": [{"role": m.role, "content": m.text} for m in request.messages],
        "temperature": request.temperature,
        "seed": request.seed,
        "max_tokens": request.max_tokens,
    }
    if request.schema is not None:
        json_schema = {"name": "factor", "strict": True, "schema": request.schema}
        arguments["response_format"] = {"type": "json_schema", "json_schema": json_schema}
    return arguments


def _rejected_parameter(error: Any, sent: set[str]) -> str:
    """The parameter a server rejects, by the field or the text of its error; empty for other errors."""
    param, text = str(getattr(error, "param", None) or ""), _server_message(error).lower()
    named = [name for name in OPTIONAL if name in sent and param.split(".")[0].split("[")[0] == name]
    if not named and any(word in text for word in ("support", "unknown", "unrecognized", "not permitted", "extra")):
        named = [name for name in OPTIONAL if name in sent and name in text]
    return named[0] if named else ""


def _text(content: object) -> str | None:
    """The text of a message, also of one in parts; None without text."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(part for part in parts if isinstance(part, str)) or None
    return content if isinstance(content, str) else None


def _count(tokens: object) -> int:
    return tokens if isinstance(tokens, int) and 0 < tokens <= 10**9 else 0


def _give_up_on_quota(response: Any) -> None:
    """Disable retries for an account without credit, which answers 429 as a busy server does."""
    if response.status_code == 429:
        response.read()
        if b"insufficient_quota" in response.content:
            response.headers["x-should-retry"] = "false"


def _server_message(error: Any) -> str:
    """The server's error message, without parts of the request."""
    body = error.body if isinstance(error.body, dict) else {}
    return str(body.get("message") or body.get("detail") or body.get("code") or "no reason given")[:200]


def _remedy(error: Any) -> str:
    if error.code == "insufficient_quota":
        return "the account has no credit left: top it up, or use another model"
    remedies = {
        400: "check the model's context length, or set ALPHA_PIPELINE_MODEL__CONSTRAIN=none if it refuses the schema",
        401: "check ALPHA_PIPELINE_MODEL_KEY",
        403: "check ALPHA_PIPELINE_MODEL_KEY and its rights",
        404: "check ALPHA_PIPELINE_MODEL and ALPHA_PIPELINE_MODEL_URL",
        429: "too many calls: wait, then run the same command with retry",
    }
    return remedies.get(error.status_code, "the same command with retry succeeds once the server does")
