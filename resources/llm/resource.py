"""
Language model resource: any OpenAI-compatible server, or the embedded model when none is configured.

Requests are made by `client`, stored answers by `cache`.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from alpha_pipeline.errors import SettingError
from alpha_pipeline.llm.chat import Chat
from alpha_pipeline.mining.proposers import ModelWriter
from alpha_pipeline.resources.configuration import AT_RUN_TIME, Resource, described
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.llm.cache import CachedChat
from alpha_pipeline.resources.llm.local_server import EMBEDDED_MODEL, embedded_weights, serve
from alpha_pipeline.resources.llm.openai_client import OpenAIClient
from alpha_pipeline.resources.secrets import reveal, secret
from alpha_pipeline.settings import ModelSettings

LOCAL_ANSWER = 1_000  # tokens; longer answers of a small model are useless


class LanguageModel(Resource):
    """The model that writes factors."""

    base_url: str = described(ModelSettings, "url")
    api_key: str = described(ModelSettings, "key", AT_RUN_TIME)
    model: str = described(ModelSettings, "name")
    gguf: str = described(ModelSettings, "gguf")
    timeout_seconds: float = described(ModelSettings, "timeout_seconds")
    attempts: int = described(ModelSettings, "attempts")
    constrain: Literal["", "pattern", "schema", "none"] = described(ModelSettings, "constrain")
    proposer: Literal["model", "random_grammar", "mutation"] = described(ModelSettings, "proposer")
    prices: str = described(ModelSettings, "prices")

    @classmethod
    def of(cls, settings: ModelSettings) -> "LanguageModel":
        """The configured model."""
        return cls(
            base_url=settings.url,
            api_key=secret(settings.key, "model", "key"),
            model=settings.name,
            gguf=settings.gguf,
            timeout_seconds=settings.timeout_seconds,
            attempts=settings.attempts,
            constrain=settings.constrain,
            proposer=settings.proposer,
            prices=settings.prices,
        )

    @contextmanager
    def open(self, lake: Lake, fresh: bool = False, retry: bool = False) -> Iterator[Chat]:
        """
        Open a chat for the length of the block; a local server starts with the first request without a stored answer.

        Args:
            lake: stores requests with answers and failures under `calls/`.
            fresh: ignore stored answers and failures.
            retry: ignore stored failures.
        """
        with ExitStack() as stack:
            yield CachedChat(
                OpenAIClient(self.name(), self.timeout_seconds, self.attempts, self._address, stack), lake, fresh, retry
            )

    def _address(self, stack: ExitStack) -> tuple[str, str, bool]:
        """Base URL, key, and whether it is this machine; a local server starts now and ends with the stack."""
        if self.base_url:
            return self.base_url, _key(self.api_key), False
        weights = Path(self.gguf).expanduser() if self.gguf else embedded_weights()
        return stack.enter_context(serve(weights)), "none", True

    def writer(self, chat: Chat) -> ModelWriter:
        """The model as a proposer; a local one is constrained to the factor language and to short answers."""
        if self.base_url:
            return ModelWriter(chat, self.constrain or "schema")
        return ModelWriter(chat, self.constrain or "pattern", LOCAL_ANSWER)

    def name(self) -> str:
        """The model's name in the ledger and in the digest of a request."""
        if self.base_url:
            return self.model
        return Path(self.gguf).stem if self.gguf else EMBEDDED_MODEL


def _key(key: str) -> str:
    """The API key; outside a Dagster run the environment variable is not resolved yet."""
    plain = reveal(key).strip()
    if not (plain.isascii() and plain.isprintable()):
        raise SettingError(
            "ALPHA_PIPELINE_MODEL_KEY has characters that are invalid in an HTTP header; set it again, in one line"
        )
    return plain or "none"
