"""
The door to a language model: any OpenAI-compatible server, or the embedded model when none is named.

Every answer is stored in the lake by its request, so that a night can be replayed without a single call.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import dagster as dg

from alpha_pipeline.errors import ModelError, SettingError
from alpha_pipeline.mining.chat import Chat, ChatReply, ChatRequest
from resources.lake import Lake
from resources.local_server import EMBEDDED_MODEL, embedded_weights, serve

PROPOSERS = ("model", "random_grammar")


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
        constrain: hold answers to a JSON schema; off for servers that refuse one.
        proposer: "model", or "random_grammar" for the control that asks no model.
    """

    base_url: str = ""
    api_key: str = ""
    model: str = ""
    gguf: str = ""
    timeout_seconds: float = 120.0
    attempts: int = 3
    constrain: bool = True
    proposer: str = "model"

    @classmethod
    def from_environment(cls) -> "LanguageModel":
        """
        Read `ALPHA_PIPELINE_MODEL_URL`, `..._MODEL_KEY`, `..._MODEL`, `..._GGUF`, `..._CONSTRAIN`, `..._PROPOSER`.

        Raises:
            SettingError: the proposer is unknown, or a URL comes without a model name.
        """
        read = os.environ.get
        proposer = read("ALPHA_PIPELINE_PROPOSER", "model")
        if proposer not in PROPOSERS:
            raise SettingError(f"ALPHA_PIPELINE_PROPOSER is {proposer!r}; expected one of {', '.join(PROPOSERS)}")
        url, model = read("ALPHA_PIPELINE_MODEL_URL", ""), read("ALPHA_PIPELINE_MODEL", "")
        if url and not model:
            raise SettingError(
                f"ALPHA_PIPELINE_MODEL_URL is {url!r} but ALPHA_PIPELINE_MODEL, the model's name, is not set"
            )
        return cls(
            base_url=url,
            api_key=dg.EnvVar("ALPHA_PIPELINE_MODEL_KEY") if "ALPHA_PIPELINE_MODEL_KEY" in os.environ else "",
            model=model,
            gguf=read("ALPHA_PIPELINE_GGUF", ""),
            constrain=read("ALPHA_PIPELINE_CONSTRAIN", "yes").lower() not in {"no", "false", "0"},
            proposer=proposer,
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
            weights = Path(self.door.gguf) if self.door.gguf else None
            self.url = self.door.base_url or self.stack.enter_context(serve(weights or embedded_weights()))
            self.client = openai.OpenAI(
                base_url=self.url,
                api_key=self.door.api_key or "none",
                timeout=self.door.timeout_seconds,
                max_retries=max(0, self.door.attempts - 1),
            )
            self.stack.callback(self.client.close)
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
        try:
            answer = self.client.chat.completions.create(**arguments)
        except openai.APIStatusError as error:
            raise self._failed(f"HTTP {error.status_code}: {_said(error)}", _remedy(error.status_code)) from error
        except openai.APITimeoutError as error:
            limit = f"no answer within {self.door.timeout_seconds:g} s"
            raise self._failed(limit, "check the server's load or raise the time limit") from error
        except openai.APIConnectionError as error:
            raise self._failed("cannot be reached", "check the address and that the server runs") from error
        except (openai.OpenAIError, ValueError) as error:
            raise self._failed(f"answered outside the protocol ({type(error).__name__})", WRONG_URL) from error
        return self._reply(answer, digest)

    def _reply(self, answer: Any, digest: str) -> ChatReply:
        choices = getattr(answer, "choices", None)
        if not choices:
            told = getattr(answer, "error", None) or f"{type(answer).__name__} without choices"
            raise self._failed(f"answered without a choice: {str(told)[:200]}", WRONG_URL)
        usage = getattr(answer, "usage", None)
        return ChatReply(
            text=choices[0].message.content or "",
            model=self.model,
            request_hash=digest,
            prompt_tokens=int(getattr(usage, "prompt_tokens", 0) or 0),
            completion_tokens=int(getattr(usage, "completion_tokens", 0) or 0),
            finish=str(choices[0].finish_reason or ""),
        )

    def _failed(self, found: str, remedy: str) -> ModelError:
        return ModelError(f"model {self.model!r} at {self.url}: {found}; {remedy}")


WRONG_URL = "is ALPHA_PIPELINE_MODEL_URL the base of an OpenAI-compatible API, such as http://127.0.0.1:11434/v1?"


def _load(lake: Lake, path: str) -> ChatReply:
    try:
        return ChatReply(**json.loads(lake.read_bytes(path)))
    except (TypeError, ValueError) as error:
        raise ModelError(f"the stored answer {path} is not readable ({error}); delete it to ask again") from error


def _said(error: Any) -> str:
    """What the server said of the failure, without anything of the request."""
    body = error.body if isinstance(error.body, dict) else {}
    return str(body.get("message") or body.get("code") or "no reason given")[:200]


def _remedy(status: int) -> str:
    remedies = {
        401: "check ALPHA_PIPELINE_MODEL_KEY",
        403: "check ALPHA_PIPELINE_MODEL_KEY and its rights",
        404: "check ALPHA_PIPELINE_MODEL and ALPHA_PIPELINE_MODEL_URL",
        429: "wait, or check the account's quota",
    }
    return remedies.get(status, "the same command succeeds once the server does")
