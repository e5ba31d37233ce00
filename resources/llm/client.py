"""
One question over the OpenAI protocol: what is sent, what is taken for an answer, what each failure means.

Tries and back-off are the client's; parameters a server does not take are left out from then on.
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

# Characters of an answer that are kept; no factor needs more.
LONGEST_ANSWER = 100_000
WAITS = 250.0  # seconds of back-off a question may spend between its tries; the client obeys a server up to 120 each
# What one can do without, and what newer models call it.
SPARE = {"max_tokens": "max_completion_tokens", "temperature": "", "seed": "", "response_format": ""}
WRONG_URL = "is ALPHA_PIPELINE_MODEL_URL the base of an OpenAI-compatible API, such as http://127.0.0.1:11434/v1?"


@dataclass
class Wire:
    """
    A `Chat` over HTTP.

    Args:
        model: its name on the server.
        timeout_seconds: of one try.
        attempts: tries of one question when the server is busy or unreachable.
        address: gives base URL, key, and whether it is this machine; asked with the first question.
        stack: what has to be closed at the end is entered here.
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

    def ask(self, request: ChatRequest) -> ChatReply:
        """See `Chat.ask`; not a moment longer than the question has, however slowly a server drips."""
        most = min(request.seconds, self.attempts * self.timeout_seconds + WAITS)
        found: list[ChatReply | BaseException] = []
        worker = threading.Thread(target=self._into, args=(found, request), daemon=True)
        started = time.perf_counter()
        worker.start()
        worker.join(most)
        if not found:  # whoever still waits is left behind with the old client
            self.client = None
            failed = self._failed(f"no whole answer within {most:.3g} s", "check the server's load")
            failed.seconds, failed.tries = round(min(time.perf_counter() - started, most), 3), max(1, self.tries)
            raise failed
        if isinstance(found[0], BaseException):
            raise found[0].with_traceback(None)
        return found[0]

    def _into(self, found: "list[ChatReply | BaseException]", request: ChatRequest) -> None:
        try:
            found.append(self._ask(request))
        except BaseException as error:  # handed to who asked
            found.append(error)

    def _ask(self, request: ChatRequest) -> ChatReply:
        import openai  # half a second that run dates without a model do not pay

        if self.client is None:
            self._connect(openai)
        started, self.tries = time.perf_counter(), 0
        try:
            reply = self._reply(self._create(openai, _arguments(self.model, request)), request.digest(self.model))
            return replace(reply, seconds=round(time.perf_counter() - started, 3), tries=max(1, self.tries))
        except ModelError as error:
            failed = error
        except openai.APIStatusError as error:
            failed = self._failed(f"HTTP {error.status_code}: {_said(error)}", _remedy(error))
        except openai.APITimeoutError:
            limit = f"no answer within {self.timeout_seconds:g} s"
            failed = self._failed(limit, "check the server's load or raise the time limit")
        except openai.APIConnectionError:
            failed = self._failed("cannot be reached", "check the address and that the server runs")
        except (openai.OpenAIError, ValueError, TypeError, AttributeError, RecursionError) as error:
            failed = self._failed(f"answered outside the protocol ({type(error).__name__})", WRONG_URL)
        # Outside the handlers: the client's own errors may quote the key, and a chain is logged whole.
        failed.seconds, failed.tries = round(time.perf_counter() - started, 3), max(1, self.tries)
        raise failed.with_traceback(None) from None

    def _create(self, openai: Any, arguments: dict[str, Any]) -> Any:
        """The server's answer; what it says it does not take is renamed or left out, now and later."""
        while True:
            taken = {self.renamed.get(name, name): value for name, value in arguments.items()}
            taken.pop("", None)
            try:
                return self.client.chat.completions.create(**taken)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                name = _not_taken(error, set(taken))
                if not name:
                    raise
                self.renamed[name] = SPARE[name]
                self.tries -= 1  # refused before any model read it: no call

    def _connect(self, openai: Any) -> None:
        if not self.url:
            self.url, self.key, self.local = self.address(self.stack)
        hooks = {"request": [self._tried], "response": [_give_up_on_quota]}
        # A proxy of the environment must not stand between us and our own loopback.
        transport = openai.DefaultHttpx2Client(event_hooks=hooks, trust_env=not self.local)
        self.client = openai.OpenAI(
            base_url=self.url,
            api_key=self.key,
            timeout=self.timeout_seconds,
            max_retries=max(0, self.attempts - 1),
            http_client=transport,
        )
        self.stack.callback(self.client.close)

    def _tried(self, request: Any) -> None:
        self.tries += 1

    def _reply(self, answer: Any, digest: str) -> ChatReply:
        choices = getattr(answer, "choices", None)
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = getattr(choice, "message", None)
        if message is None:
            told = getattr(answer, "error", None) or f"{type(answer).__name__} without choices"
            raise self._failed(f"answered without a choice: {str(told)[:200]}", WRONG_URL)
        usage = getattr(answer, "usage", None)
        finish = str(getattr(choice, "finish_reason", None) or "")
        text = _text(getattr(message, "content", None))
        if text is None and finish != "length":  # a limit spent on hidden reasoning is the limit's fault
            told = getattr(message, "refusal", None) or f"finish {finish!r}"
            failed = self._failed(f"answered without text: {str(told)[:200]}", "ask another model, or without a schema")
            failed.prompt_tokens = _count(getattr(usage, "prompt_tokens", 0))
            failed.completion_tokens = _count(getattr(usage, "completion_tokens", 0))
            raise failed
        # The local engine would say where the file lies.
        told = None if self.local else getattr(answer, "model", None)
        return ChatReply(
            text=(text or "")[:LONGEST_ANSWER].encode("utf-8", "replace").decode(),
            model=told if isinstance(told, str) and told else self.model,
            request_hash=digest,
            prompt_tokens=_count(getattr(usage, "prompt_tokens", 0)),
            completion_tokens=_count(getattr(usage, "completion_tokens", 0)),
            finish=finish,
        )

    def _failed(self, found: str, remedy: str) -> ModelError:
        message = clean_line(f"model {self.model!r} at {shown(self.url)}: {found}; {remedy}")
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
        wanted = {"name": "factor", "strict": True, "schema": request.schema}
        arguments["response_format"] = {"type": "json_schema", "json_schema": wanted}
    return arguments


def _not_taken(error: Any, sent: set[str]) -> str:
    """The parameter a server refuses, by the field or the words of its error; empty when it is about something else."""
    param, said = str(getattr(error, "param", None) or ""), _said(error).lower()
    named = [name for name in SPARE if name in sent and param.split(".")[0].split("[")[0] == name]
    if not named and any(word in said for word in ("support", "unknown", "unrecognized", "not permitted", "extra")):
        named = [name for name in SPARE if name in sent and name in said]
    return named[0] if named else ""


def _text(content: object) -> str | None:
    """The text of a message, also where it comes in parts; None when there is none."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(part for part in parts if isinstance(part, str)) or None
    return content if isinstance(content, str) else None


def _count(tokens: object) -> int:
    return tokens if isinstance(tokens, int) and 0 < tokens <= 10**9 else 0


def _give_up_on_quota(response: Any) -> None:
    """Tell the client not to repeat a call that no waiting can help: an account without means answers 429 as well."""
    if response.status_code == 429:
        response.read()
        if b"insufficient_quota" in response.content:
            response.headers["x-should-retry"] = "false"


def _said(error: Any) -> str:
    """What the server said of the failure, without anything of the request."""
    body = error.body if isinstance(error.body, dict) else {}
    return str(body.get("message") or body.get("detail") or body.get("code") or "no reason given")[:200]


def _remedy(error: Any) -> str:
    if error.code == "insufficient_quota":
        return "the account has no means left: top it up, or name another model"
    remedies = {
        400: "check the model's context length, or set ALPHA_PIPELINE_CONSTRAIN=none if it refuses the schema",
        401: "check ALPHA_PIPELINE_MODEL_KEY",
        403: "check ALPHA_PIPELINE_MODEL_KEY and its rights",
        404: "check ALPHA_PIPELINE_MODEL and ALPHA_PIPELINE_MODEL_URL",
        429: "too many calls: wait, then run the same command with retry",
    }
    return remedies.get(error.status_code, "the same command with retry succeeds once the server does")
