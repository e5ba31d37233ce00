"""
Sentiment resource: scores headlines and posts by the lexicon (default) or by the configured language model.

Scorer protocol: `alpha_pipeline.text`; prompt and parser: `alpha_pipeline.text.sentiment_prompt`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np

from alpha_pipeline.errors import BudgetError, CorruptFileError, ModelError
from alpha_pipeline.llm.budget import PRICES, Budget, MeteredChat, SpendMeter, Spent, read_prices
from alpha_pipeline.llm.chat import Chat
from alpha_pipeline.resources.configuration import Resource, described
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.llm.resource import LOCAL_ANSWER, LanguageModel
from alpha_pipeline.settings import SentimentSettings
from alpha_pipeline.text.lexicon import LexiconScorer
from alpha_pipeline.text.scorer import SentimentScorer
from alpha_pipeline.text.sentiment_prompt import EDITION, batches, parse_scores, question
from alpha_pipeline.text.untrusted import normalize
from alpha_pipeline.typing import Array

ANSWER = 4_096  # tokens; twenty scores are some 300, the rest is for hidden reasoning
# Failed requests in a row, each retried as the model's settings say, after which no further one is made.
FAILURES = 2


class ModelScorer:
    """
    Sentiment scores of a language model, requested once per title.

    Scores are stored in the lake by model, rules and text, also when the model gave none, so no title is requested
    twice. Titles without a score of the model get the lexicon's score and are counted in `notes`. A model trained on
    text after a headline has hindsight: its scores of old headlines must not be used as history.

    Args:
        chat: the model; a meter in it raises BudgetError at its limits.
        lake: files under `sentiment/`, one per title.
        constrained: the server constrains answers to a JSON schema.
        counted: and to as many entries as there are titles.
        answer_tokens: limit of one answer.
        retry: request titles again that have no score of the model.
    """

    def __init__(
        self,
        chat: Chat,
        lake: Lake,
        constrained: bool = True,
        counted: bool = False,
        answer_tokens: int = ANSWER,
        retry: bool = False,
    ) -> None:
        self.chat, self.lake, self.retry = chat, lake, retry
        self.constrained, self.counted, self.answer_tokens = constrained, counted, answer_tokens
        self.lexicon = LexiconScorer()
        self._counts: Counter[str] = Counter()
        self._ended = ""
        self._failures = 0

    @property
    def name(self) -> str:
        """See `SentimentScorer.name`."""
        return f"model {self.chat.model}, rules {EDITION}"

    @property
    def notes(self) -> Mapping[str, int]:
        """See `SentimentScorer.notes`; each title counts once per call of `score`."""
        return dict(self._counts)

    def score(self, texts: Sequence[str]) -> Array:
        """
        See `SentimentScorer.score`.

        Raises:
            CorruptFileError: a stored sentiment is not readable.
        """
        titles = [normalize(text) for text in texts]
        sentiments = self._stored(dict.fromkeys(title for title in titles if title))
        new = [title for title in dict.fromkeys(titles) if title and title not in sentiments]
        for batch in batches(new):
            sentiments |= self._request(batch)
        without = [title for title in sentiments if sentiments[title] is None]
        lexicon = dict(zip(without, self.lexicon.score(without), strict=True))
        return np.array([lexicon.get(title, sentiments.get(title, np.nan)) for title in titles], dtype=float)

    def _stored(self, titles: Mapping[str, None]) -> dict[str, float | None]:
        stored: dict[str, float | None] = {}
        for title in titles:
            path = self._path(title)
            if self.lake.exists(path):
                sentiment = _load(self.lake.read_bytes(path), path)
                if sentiment is not None or not self.retry:
                    stored[title] = sentiment
        self._count("by the model, stored", sum(sentiment is not None for sentiment in stored.values()))
        self._count("by the lexicon: the model gave no score", sum(sentiment is None for sentiment in stored.values()))
        return stored

    def _request(self, batch: tuple[str, ...]) -> dict[str, float | None]:
        """Request and store scores of one batch; None, and nothing stored, without an answer."""
        unscored: dict[str, float | None] = dict.fromkeys(batch)
        if not self._ended:
            try:
                reply = self.chat.complete(question(batch, self.constrained, self.counted, self.answer_tokens))
            except BudgetError:
                self._ended = "by the lexicon: beyond the budget"
            except ModelError:
                self._failures += 1
                self._count("by the lexicon: the model did not answer", len(batch))
                self._ended = "by the lexicon: the model did not answer" if self._failures == FAILURES else ""
                return unscored
        if self._ended:
            self._count(self._ended, len(batch))
            return unscored
        self._failures = 0
        sentiments = dict(zip(batch, parse_scores(reply.text, len(batch)), strict=True))
        for title, sentiment in sentiments.items():
            content = {"model": self.chat.model, "rules": EDITION, "text": title, "sentiment": sentiment}
            self.lake.atomic_write(self._path(title), json.dumps(content, sort_keys=True, indent=1).encode())
        self._count("by the model", sum(sentiment is not None for sentiment in sentiments.values()))
        self._count(
            "by the lexicon: the model gave no score", sum(sentiment is None for sentiment in sentiments.values())
        )
        return sentiments

    def _path(self, title: str) -> str:
        digest = hashlib.sha256(json.dumps([self.chat.model, EDITION, title]).encode()).hexdigest()
        return f"sentiment/{digest[:2]}/{digest}.json"

    def _count(self, note: str, titles: int) -> None:
        if titles:
            self._counts[note] += titles


class SentimentResource(Resource):
    """Scorer of sentiment, and the budget of a model for it: by default enough for about 900 new titles."""

    sentiment: Literal["lexicon", "model"] = described(SentimentSettings, "scorer")
    calls: int = described(SentimentSettings, "calls")
    tokens: int = described(SentimentSettings, "tokens")
    seconds: float = described(SentimentSettings, "seconds")
    usd: float = described(SentimentSettings, "usd")

    @classmethod
    def of(cls, settings: SentimentSettings) -> "SentimentResource":
        """The configured scorer and its limits."""
        return cls(
            sentiment=settings.scorer,
            calls=settings.calls,
            tokens=settings.tokens,
            seconds=settings.seconds,
            usd=settings.usd,
        )

    @contextmanager
    def scorer(self, model: LanguageModel, lake: Lake, retry: bool = False) -> Iterator[SentimentScorer]:
        """
        Open a scorer for the length of the block; a local model starts with the first title without a stored score.

        Args:
            model: used when `sentiment` is "model".
            lake: stores scores under `sentiment/` and requests under `calls/`.
            retry: request titles again that have no score of the model.
        """
        if self.sentiment == "lexicon":
            yield LexiconScorer()
            return
        price = read_prices(Path(model.prices) if model.prices else PRICES).get(model.name())
        budget = Budget(self.calls, self.tokens, self.seconds, self.usd, self.tokens, self.usd)
        # Fresh, since an answer without a score is stored as an answer; only titles without a score are requested.
        with model.open(lake, fresh=retry) as chat:
            metered = MeteredChat(chat, SpendMeter(budget, price, Spent()))
            constrained, local = model.constrain != "none", not model.base_url
            yield ModelScorer(metered, lake, constrained, local, LOCAL_ANSWER if local else ANSWER, retry)


def _load(content: bytes, path: str) -> float | None:
    try:
        sentiment = json.loads(content)["sentiment"]
        if sentiment is None or -1 <= sentiment <= 1:
            return sentiment
        raise ValueError(f"sentiment {sentiment!r}")
    except (TypeError, ValueError, KeyError) as error:
        raise CorruptFileError(
            f"the stored sentiment {path} is not readable ({error}); delete it to call the model again"
        ) from error
