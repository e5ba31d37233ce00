"""
Chat protocol of language models: messages in, text and token usage out.

The clients are in `alpha_pipeline.resources.llm`.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Message:
    """One turn: role ("system", "user" or "assistant") and its text."""

    role: str
    text: str


@dataclass(frozen=True)
class ChatRequest:
    """
    One request.

    Args:
        messages: the conversation so far.
        seed: for reproducible answers where the server supports it.
        max_tokens: limit of the answer.
        temperature: 0 is greedy.
        schema: JSON schema of the answer; None for free text.
        seconds: time limit, retries and waits included; not part of the digest.
    """

    messages: tuple[Message, ...]
    seed: int
    max_tokens: int = 160
    temperature: float = 0.8
    schema: dict[str, Any] | None = None
    seconds: float = math.inf

    def digest(self, model: str) -> str:
        """SHA-256 of the model name and all fields that determine the answer."""
        body = {
            "model": model,
            "messages": [[m.role, m.text] for m in self.messages],
            "seed": self.seed,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "schema": self.schema,
        }
        return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


@dataclass(frozen=True)
class ChatReply:
    """
    One reply.

    Args:
        text: as written.
        model: model name as reported by the server.
        request_hash: digest of the request.
        prompt_tokens: input tokens; 0 when the server does not report them.
        completion_tokens: output tokens; 0 when the server does not report them.
        finish: finish reason ("stop", "length", ...).
        replayed: True when it came from the cache, without a call.
        seconds: duration of the call.
        tries: number of requests.
    """

    text: str
    model: str
    request_hash: str
    prompt_tokens: int
    completion_tokens: int
    finish: str
    replayed: bool = False
    seconds: float = 0.0
    tries: int = 1


class Chat(Protocol):
    """A language model; `complete` raises `ModelError` without an answer."""

    @property
    def model(self) -> str:
        """Name of the model, for the ledger."""
        ...

    @property
    def attempts(self) -> int:
        """Maximum number of requests per call."""
        ...

    def complete(self, request: ChatRequest) -> ChatReply:
        """The reply to a request, from the cache when it was answered before."""
        ...
