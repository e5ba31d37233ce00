"""
Every question to a model, stored with what became of it, so that a run date can be replayed without a single call.

Answers and failures alike: a run date that lived through an outage is replayed as it was lived.
"""

import json
from dataclasses import asdict, dataclass, replace

from alpha_pipeline.errors import CorruptFileError, ModelError
from alpha_pipeline.llm.chat import Chat, ChatReply, ChatRequest
from resources.lake.lake import Lake


@dataclass(frozen=True)
class CachedChat:
    """
    A chat that asks only what was never asked.

    Args:
        chat: who is asked then.
        lake: files under `calls/`, one a question, named by its digest.
        fresh: ask everything anew.
        retry: ask anew what went unanswered.
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

    def ask(self, request: ChatRequest) -> ChatReply:
        """
        See `Chat.ask`.

        Raises:
            CorruptFileError: what is stored is no answer.
        """
        digest = request.digest(self.model)
        path = f"calls/{digest[:2]}/{digest}.json"
        known = None if self.fresh or not self.lake.exists(path) else _load(self.lake.read_bytes(path), path)
        if isinstance(known, ChatReply):
            return replace(known, replayed=True)
        if known is not None and not self.retry:
            raise known
        try:
            reply = self.chat.ask(request)
        except ModelError as failure:
            self._store(path, {"failure": str(failure), **vars(failure), "question": _question(request)})
            raise
        self._store(path, {**asdict(reply), "question": _question(request)})
        return reply

    def _store(self, path: str, content: dict[str, object]) -> None:
        self.lake.atomic_write(path, json.dumps(content, sort_keys=True, indent=1).encode())


def _question(request: ChatRequest) -> dict[str, object]:
    """What was asked, for people; the time there was for it is none of it."""
    return {name: value for name, value in asdict(request).items() if name not in ("seconds", "schema")}


def prompt_of(lake: Lake, digest: str) -> str:
    """What was asked, as stored with its answer: each message after its role; empty when nothing is stored."""
    path = f"calls/{digest[:2]}/{digest}.json"
    if not digest or not lake.exists(path):
        return ""
    question = json.loads(lake.read_bytes(path)).get("question", {})
    return "\n\n".join(f"[{message['role']}]\n{message['text']}" for message in question.get("messages", ()))


def _load(content: bytes, path: str) -> ChatReply | ModelError:
    try:
        found = json.loads(content)
        found.pop("question", None)  # for people
        if "failure" in found:
            return ModelError(found.pop("failure"), **found)
        return ChatReply(**found)
    except (TypeError, ValueError, KeyError) as error:
        raise CorruptFileError(f"the stored answer {path} is not readable ({error}); delete it to ask again") from error
