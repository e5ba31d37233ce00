"""
Cache of model calls: requests are stored with answer or failure, so that a run date can be replayed without a call.

Failures are replayed, too, so that a run date with an outage is reproducible.
"""

import json
from dataclasses import asdict, dataclass, replace

from alpha_pipeline.errors import CorruptFileError, ModelError
from alpha_pipeline.llm.chat import Chat, ChatReply, ChatRequest
from alpha_pipeline.resources.lake.lake import Lake


@dataclass(frozen=True)
class CachedChat:
    """
    A chat that calls the model only for requests without a stored answer.

    Args:
        chat: the model.
        lake: files under `calls/`, one per request, named by its digest.
        fresh: ignore stored answers and failures.
        retry: ignore stored failures.
    """

    chat: Chat
    lake: Lake
    fresh: bool = False
    retry: bool = False

    @property
    def model(self) -> str:
        """See `Chat.model`."""
        return self.chat.model

    @property
    def attempts(self) -> int:
        """See `Chat.attempts`."""
        return self.chat.attempts

    def complete(self, request: ChatRequest) -> ChatReply:
        """
        See `Chat.complete`.

        Raises:
            CorruptFileError: the stored file is no answer.
        """
        digest = request.digest(self.model)
        path = f"calls/{digest[:2]}/{digest}.json"
        stored = None if self.fresh or not self.lake.exists(path) else _load(self.lake.read_bytes(path), path)
        if isinstance(stored, ChatReply):
            return replace(stored, replayed=True)
        if stored is not None and not self.retry:
            raise stored
        try:
            reply = self.chat.complete(request)
        except ModelError as failure:
            self._store(path, {"failure": str(failure), **vars(failure), "question": _question(request)})
            raise
        self._store(path, {**asdict(reply), "question": _question(request)})
        return reply

    def _store(self, path: str, content: dict[str, object]) -> None:
        self.lake.atomic_write(path, json.dumps(content, sort_keys=True, indent=1).encode())


def _question(request: ChatRequest) -> dict[str, object]:
    """The request in readable form, without its time limit."""
    return {name: value for name, value in asdict(request).items() if name not in ("seconds", "schema")}


def prompt_of(lake: Lake, digest: str) -> str:
    """The prompt stored with an answer: each message after its role; empty when nothing is stored."""
    path = f"calls/{digest[:2]}/{digest}.json"
    if not digest or not lake.exists(path):
        return ""
    question = json.loads(lake.read_bytes(path)).get("question", {})
    return "\n\n".join(f"[{message['role']}]\n{message['text']}" for message in question.get("messages", ()))


def _load(content: bytes, path: str) -> ChatReply | ModelError:
    try:
        fields = json.loads(content)
        fields.pop("question", None)
        if "failure" in fields:
            return ModelError(fields.pop("failure"), **fields)
        return ChatReply(**fields)
    except (TypeError, ValueError, KeyError) as error:
        raise CorruptFileError(
            f"the stored answer {path} is not readable ({error}); delete it to call the model again"
        ) from error
