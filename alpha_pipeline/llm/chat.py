"""
What the mining loop asks of a language model: messages in, text out, with the bill.

Which model answers, and how, is the door's business (`resources.llm.resource`).
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
    One question.

    Args:
        messages: the conversation so far.
        seed: makes the answer repeatable where the server supports it.
        max_tokens: limit of the answer.
        temperature: 0 is greedy.
        schema: JSON schema the answer must satisfy; None for free text.
        seconds: time there is for it, tries and waits included; no part of the question.
    """

    messages: tuple[Message, ...]
    seed: int
    max_tokens: int = 160
    temperature: float = 0.8
    schema: dict[str, Any] | None = None
    seconds: float = math.inf

    def digest(self, model: str) -> str:
        """SHA-256 of everything that decides the answer: the model's name and the whole question."""
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
    One answer.

    Args:
        text: as written.
        model: who wrote it, as the server says.
        request_hash: digest of the question.
        prompt_tokens: read; 0 when the server does not say.
        completion_tokens: written; 0 when the server does not say.
        finish: why it ended ("stop", "length", ...).
        replayed: True when it came from the store and no call was made.
        seconds: the call took.
        tries: requests it took.
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
    """A language model one can ask; `ask` raises `ModelError` when it cannot answer."""

    @property
    def model(self) -> str:
        """Name of the model, for the ledger."""
        ...

    @property
    def attempts(self) -> int:
        """Requests a question may take at most."""
        ...

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one question, from the store when the same was asked before."""
        ...
