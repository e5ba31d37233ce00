"""
The door to a language model: any OpenAI-compatible server, or the embedded model when none is named.

Every answer is stored in the lake by its request, so that a night can be replayed without a single call.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast, get_args
from urllib.parse import urlsplit, urlunsplit

import dagster as dg

from alpha_pipeline.errors import CorruptFileError, ModelError, SettingError
from alpha_pipeline.mining import PROPOSERS, ModelWriter
from alpha_pipeline.mining.chat import Chat, ChatReply, ChatRequest
from alpha_pipeline.mining.prompts import Constrain
from resources.lake import Lake
from resources.local_server import EMBEDDED_MODEL, embedded_weights, serve

LOCAL_ANSWER = 1_000  # tokens; a small model that has not ended by then has lost its thread


class LanguageModel(dg.ConfigurableResource):
    """
    Which model writes factors.

    Fields:
        base_url: of an OpenAI-compatible server; empty for a model on this machine.
        api_key: of that server; read from the environment at run time, never stored or shown.
        model: its name there.
        gguf: a GGUF file to serve on this machine; empty for the embedded one.
        timeout_seconds: of one call.
        attempts: tries of one call when the server is busy or unreachable.
        constrain: how far the server holds answers: "pattern" (to the language), "schema" (to the shape of the JSON) or
            "none"; empty for "pattern" on this machine, where it is known to work, and "schema" elsewhere.
        proposer: "model", or a control that asks none: "random_grammar" or "mutation".
        prices: a TOML file of prices; empty for the one that ships.
    """

    base_url: str = ""
    api_key: str = ""
    model: str = ""
    gguf: str = ""
    timeout_seconds: float = 120.0
    attempts: int = 3
    constrain: str = ""
    proposer: str = "model"
    prices: str = ""

    @classmethod
    def from_environment(cls) -> "LanguageModel":
        """
        Read `ALPHA_PIPELINE_MODEL_URL`, `..._MODEL_KEY`, `..._MODEL`, `..._GGUF`, `..._CONSTRAIN`, `..._PROPOSER`,
        and `ALPHA_PIPELINE_PRICES`.

        Raises:
            SettingError: the proposer or the constraint is unknown, or a URL comes without a model name.
        """
        read = os.environ.get
        proposer = read("ALPHA_PIPELINE_PROPOSER", "model")
        if proposer not in PROPOSERS:
            raise SettingError(f"ALPHA_PIPELINE_PROPOSER is {proposer!r}; expected one of {', '.join(PROPOSERS)}")
        constrain = read("ALPHA_PIPELINE_CONSTRAIN", "")
        if constrain not in ("", *get_args(Constrain)):
            expected = ", ".join(get_args(Constrain))
            raise SettingError(f"ALPHA_PIPELINE_CONSTRAIN is {constrain!r}; expected one of {expected}")
        url, model = read("ALPHA_PIPELINE_MODEL_URL", ""), read("ALPHA_PIPELINE_MODEL", "")
        if url and not model:
            raise SettingError(
                f"ALPHA_PIPELINE_MODEL_URL is {_shown(url)!r} but ALPHA_PIPELINE_MODEL, the model's name, is not set"
            )
        return cls(
            base_url=url,
            api_key=dg.EnvVar("ALPHA_PIPELINE_MODEL_KEY") if "ALPHA_PIPELINE_MODEL_KEY" in os.environ else "",
            model=model,
            gguf=read("ALPHA_PIPELINE_GGUF", ""),
            constrain=constrain,
            proposer=proposer,
            prices=read("ALPHA_PIPELINE_PRICES", ""),
        )

    @contextmanager
    def open(self, lake: Lake, fresh: bool = False) -> Iterator[Chat]:
        """
        A chat for the length of the block; a local server starts with the first question the store cannot answer.

        Args:
            lake: where answers are stored, under `calls/`.
            fresh: ask again even where an answer is stored.
        """
        with ExitStack() as stack:
            yield _StoredChat(self, lake, fresh, stack)

    def writer(self, chat: Chat) -> ModelWriter:
        """The model as a proposer; one on this machine is held to the language and to short answers."""
        if self.base_url:
            return ModelWriter(chat, cast(Constrain, self.constrain or "schema"))
        return ModelWriter(chat, cast(Constrain, self.constrain or "pattern"), LOCAL_ANSWER)

    def name(self) -> str:
        """The model's name in the ledger and in the digest of a request."""
        if self.base_url:
            return self.model
        return Path(self.gguf).stem if self.gguf else EMBEDDED_MODEL


@dataclass
class _StoredChat:
    """A `Chat` that asks only what was never answered."""

    door: LanguageModel
    lake: Lake
    fresh: bool
    stack: ExitStack
    url: str = ""
    client: Any = field(default=None, repr=False)

    @property
    def model(self) -> str:
        return self.door.name()

    def ask(self, request: ChatRequest) -> ChatReply:
        """See `Chat.ask`."""
        digest = request.digest(self.model)
        path = f"calls/{digest[:2]}/{digest}.json"
        if not self.fresh and self.lake.exists(path):
            return replace(_load(self.lake, path), replayed=True)
        reply = self._call(request, digest)
        self.lake.atomic_write(path, json.dumps(asdict(reply), sort_keys=True, indent=1).encode())
        return reply

    def _call(self, request: ChatRequest, digest: str) -> ChatReply:
        import openai  # half a second that nights without a model do not pay

        if self.client is None:
            self._connect(openai)
        arguments: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": m.role, "content": m.text} for m in request.messages],
            "temperature": request.temperature,
            "seed": request.seed,
            "max_tokens": request.max_tokens,
        }
        if request.schema is not None:
            wanted = {"name": "factor", "strict": True, "schema": request.schema}
            arguments["response_format"] = {"type": "json_schema", "json_schema": wanted}
        started = time.perf_counter()
        try:
            reply = self._reply(self.client.chat.completions.create(**arguments), digest)
            return replace(reply, seconds=round(time.perf_counter() - started, 3))
        except openai.APIStatusError as error:
            failed = self._failed(f"HTTP {error.status_code}: {_said(error)}", _remedy(error))
        except openai.APITimeoutError:
            limit = f"no answer within {self.door.timeout_seconds:g} s"
            failed = self._failed(limit, "check the server's load or raise the time limit")
        except openai.APIConnectionError:
            failed = self._failed("cannot be reached", "check the address and that the server runs")
        except (openai.OpenAIError, ValueError) as error:
            failed = self._failed(f"answered outside the protocol ({type(error).__name__})", WRONG_URL)
        raise failed  # outside the handlers: the client's own errors may quote the key, and a chain is logged whole

    def _connect(self, openai: Any) -> None:
        """Start the local server unless an address is set, and make the client; both end with the block."""
        local = not self.door.base_url
        key = "none" if local else _key(self.door.api_key)
        if local:
            weights = Path(self.door.gguf).expanduser() if self.door.gguf else embedded_weights()
            self.url = self.stack.enter_context(serve(weights))
        else:
            self.url = self.door.base_url
        # A proxy of the environment must not stand between us and our own loopback.
        transport = openai.DefaultHttpx2Client(event_hooks={"response": [_give_up_on_quota]}, trust_env=not local)
        self.client = openai.OpenAI(
            base_url=self.url,
            api_key=key,
            timeout=self.door.timeout_seconds,
            max_retries=max(0, self.door.attempts - 1),
            http_client=transport,
        )
        self.stack.callback(self.client.close)

    def _reply(self, answer: Any, digest: str) -> ChatReply:
        choices = getattr(answer, "choices", None)
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = getattr(choice, "message", None)
        if message is None:
            told = getattr(answer, "error", None) or f"{type(answer).__name__} without choices"
            raise self._failed(f"answered without a choice: {str(told)[:200]}", WRONG_URL)
        usage = getattr(answer, "usage", None)
        finish = str(getattr(choice, "finish_reason", None) or "")
        text = getattr(message, "content", None)
        if text is None and finish != "length":  # a limit spent on hidden reasoning is the limit's fault
            told = getattr(message, "refusal", None) or f"finish {finish!r}"
            raise self._failed(f"answered without text: {str(told)[:200]}", "ask another model, or without a schema")
        return ChatReply(
            text=text or "",
            model=self._author(answer),
            request_hash=digest,
            prompt_tokens=int(getattr(usage, "prompt_tokens", 0) or 0),
            completion_tokens=int(getattr(usage, "completion_tokens", 0) or 0),
            finish=finish,
        )

    def _author(self, answer: Any) -> str:
        """As the server says; the local engine would say where the file lies."""
        told = getattr(answer, "model", None) if self.door.base_url else None
        return str(told or self.model)

    def _failed(self, found: str, remedy: str) -> ModelError:
        message = f"model {self.model!r} at {_shown(self.url)}: {found}; {remedy}"
        key = _plain(self.door.api_key)
        return ModelError(message.replace(key, "[key]") if key else message)


WRONG_URL = "is ALPHA_PIPELINE_MODEL_URL the base of an OpenAI-compatible API, such as http://127.0.0.1:11434/v1?"


def _load(lake: Lake, path: str) -> ChatReply:
    try:
        return ChatReply(**json.loads(lake.read_bytes(path)))
    except (TypeError, ValueError) as error:
        raise CorruptFileError(f"the stored answer {path} is not readable ({error}); delete it to ask again") from error


def _plain(key: str) -> str:
    """The key itself; outside Dagster's run nobody has resolved the variable that holds it."""
    return (key.get_value() or "") if isinstance(key, dg.EnvVar) else key


def _key(key: str) -> str:
    plain = _plain(key).strip()
    if not (plain.isascii() and plain.isprintable()):
        raise SettingError("ALPHA_PIPELINE_MODEL_KEY holds characters no header can carry; set it anew, in one line")
    return plain or "none"


def _shown(url: str) -> str:
    """The address without user, password and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _give_up_on_quota(response: Any) -> None:
    """Tell the client not to repeat a call that no waiting can help: an account without means answers 429 as well."""
    if response.status_code == 429:
        response.read()
        if b"insufficient_quota" in response.content:
            response.headers["x-should-retry"] = "false"


def _said(error: Any) -> str:
    """What the server said of the failure, without anything of the request."""
    body = error.body if isinstance(error.body, dict) else {}
    return str(body.get("message") or body.get("code") or "no reason given")[:200]


def _remedy(error: Any) -> str:
    if error.code == "insufficient_quota":
        return "the account has no means left: top it up, or name another model"
    remedies = {
        400: "check the model's context length, or set ALPHA_PIPELINE_CONSTRAIN=none if it refuses the schema",
        401: "check ALPHA_PIPELINE_MODEL_KEY",
        403: "check ALPHA_PIPELINE_MODEL_KEY and its rights",
        404: "check ALPHA_PIPELINE_MODEL and ALPHA_PIPELINE_MODEL_URL",
        429: "too many calls: wait, then run the same command",
    }
    return remedies.get(error.status_code, "the same command succeeds once the server does")
