"""
Which scorer gives headlines and posts their sentiment: words by default, the configured language model where asked for.

What a scorer promises is `alpha_pipeline.text`; how a model is asked and read, `alpha_pipeline.text.sentiment_prompt`.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import numpy as np

from alpha_pipeline.errors import BudgetError, CorruptFileError, ModelError, SettingError
from alpha_pipeline.llm.budget import PRICES, Budget, MeteredChat, SpendMeter, Spent, read_prices
from alpha_pipeline.llm.chat import Chat
from alpha_pipeline.text.lexicon import LexiconScorer
from alpha_pipeline.text.scorer import SentimentScorer
from alpha_pipeline.text.sentiment_prompt import EDITION, batches, parse_scores, question
from alpha_pipeline.text.untrusted import normalize
from alpha_pipeline.typing import Array
from resources.lake.lake import Lake
from resources.llm.resource import LOCAL_ANSWER, LanguageModel

MOODS = ("lexicon", "model")
ANSWER = 4_096  # tokens; twenty sentiment are some 300, the rest is room for hidden reasoning
# Questions in a row without an answer, each tried as often as the model's door says, after which none is asked.
FAILURES = 2


class ModelScorer:
    """
    Sentiment by a language model, each asked for once.

    A sentiment is kept in the lake by model, rules and text, also where the model gave none: a title once asked is not asked
    again. What has no sentiment of the model gets that of the words, on their scale, and is counted in `notes`. A model that
    has read what came after a headline knows more than its readers did: sentiment of old headlines are no history.

    Args:
        chat: who is asked; a meter in it ends the asking when its limits are reached.
        lake: files under `sentiments/`, one a title.
        held: the server holds answers to a JSON schema.
        counted: and to as many entries as there are titles.
        answer_tokens: limit of one answer.
        retry: ask again for titles that the model gave no sentiment.
    """

    def __init__(
        self,
        chat: Chat,
        lake: Lake,
        held: bool = True,
        counted: bool = False,
        answer_tokens: int = ANSWER,
        retry: bool = False,
    ) -> None:
        self.chat, self.lake, self.retry = chat, lake, retry
        self.held, self.counted, self.answer_tokens = held, counted, answer_tokens
        self.words = LexiconScorer()
        self._counts: Counter[str] = Counter()
        self._ended = ""
        self._failures = 0

    @property
    def name(self) -> str:
        """See `SentimentScorer.name`."""
        return f"model {self.chat.model}, rules {EDITION}"

    @property
    def notes(self) -> Mapping[str, int]:
        """See `SentimentScorer.notes`; of titles, each counted once a call of `score`."""
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
            sentiments |= self._ask(batch)
        without = [title for title in sentiments if sentiments[title] is None]
        by_words = dict(zip(without, self.words.score(without), strict=True))
        return np.array([by_words.get(title, sentiments.get(title, np.nan)) for title in titles], dtype=float)

    def _stored(self, titles: Mapping[str, None]) -> dict[str, float | None]:
        known: dict[str, float | None] = {}
        for title in titles:
            path = self._path(title)
            if self.lake.exists(path):
                sentiment = _load(self.lake.read_bytes(path), path)
                if sentiment is not None or not self.retry:
                    known[title] = sentiment
        self._count("by the model, asked before", sum(sentiment is not None for sentiment in known.values()))
        self._count("by words: the model gave no sentiment", sum(sentiment is None for sentiment in known.values()))
        return known

    def _ask(self, batch: tuple[str, ...]) -> dict[str, float | None]:
        """Sentiment of one question, kept; None, and nothing kept, where it could not be asked or got no answer."""
        nothing: dict[str, float | None] = dict.fromkeys(batch)
        if not self._ended:
            try:
                reply = self.chat.ask(question(batch, self.held, self.counted, self.answer_tokens))
            except BudgetError:
                self._ended = "by words: beyond the budget"
            except ModelError:
                self._failures += 1
                self._count("by words: the model did not answer", len(batch))
                self._ended = "by words: the model did not answer" if self._failures == FAILURES else ""
                return nothing
        if self._ended:
            self._count(self._ended, len(batch))
            return nothing
        self._failures = 0
        sentiments = dict(zip(batch, parse_scores(reply.text, len(batch)), strict=True))
        for title, sentiment in sentiments.items():
            kept = {"model": self.chat.model, "rules": EDITION, "text": title, "sentiment": sentiment}
            self.lake.atomic_write(self._path(title), json.dumps(kept, sort_keys=True, indent=1).encode())
        self._count("by the model", sum(sentiment is not None for sentiment in sentiments.values()))
        self._count(
            "by words: the model gave no sentiment", sum(sentiment is None for sentiment in sentiments.values())
        )
        return sentiments

    def _path(self, title: str) -> str:
        digest = hashlib.sha256(json.dumps([self.chat.model, EDITION, title]).encode()).hexdigest()
        return f"sentiment/{digest[:2]}/{digest}.json"

    def _count(self, what: str, titles: int) -> None:
        if titles:
            self._counts[what] += titles


class SentimentResource(dg.ConfigurableResource):
    """
    Which scorer gives sentiment, and what a model may cost for it.

    Fields:
        sentiment: "lexicon" (words; needs nothing) or "model" (the configured language model). The embedded model is not fit
            for it (it gives every title the same sentiment, or counts), and those of up to 1.5 billion parameters call most
            things good news.
        calls, tokens, seconds, usd: limits of one opening; titles beyond them get the sentiment of the words. Twenty titles
            take one call and some 800 tokens, so that the defaults reach for about 900 new titles.
    """

    sentiment: str = "lexicon"
    calls: int = 50
    tokens: int = 100_000
    seconds: float = 600.0
    usd: float = 0.5

    @classmethod
    def from_environment(cls) -> "SentimentResource":
        """
        Read `ALPHA_PIPELINE_MOOD`, `..._MOOD_CALLS`, `..._MOOD_TOKENS`, `..._MOOD_SECONDS` and `..._MOOD_USD`.

        Raises:
            SettingError: no such scorer, or a limit that is no number of at least 0.
        """
        limits = {name: _limit(name) for name in ("calls", "tokens", "seconds", "usd")}
        given = {name: value for name, value in limits.items() if value is not None}
        return cls(sentiment=_known(os.environ.get("ALPHA_PIPELINE_MOOD") or "lexicon"), **given)  # type: ignore[arg-type]  # by name

    @contextmanager
    def scorer(self, model: LanguageModel, lake: Lake, retry: bool = False) -> Iterator[SentimentScorer]:
        """
        The scorer for the length of the block; a local model starts with the first title that was never asked.

        Args:
            model: asked where `sentiment` says so, else left alone.
            lake: keeps sentiment under `sentiments/` and questions under `calls/`.
            retry: ask again where no sentiment came.

        Raises:
            SettingError: no such scorer.
        """
        if _known(self.sentiment) == "lexicon":
            yield LexiconScorer()
            return
        price = read_prices(Path(model.prices) if model.prices else PRICES).get(model.name())
        budget = Budget(self.calls, self.tokens, self.seconds, self.usd, self.tokens, self.usd)
        # Fresh, since an answer without sentiment is an answer: only titles without a sentiment are asked at all.
        with model.open(lake, fresh=retry) as chat:
            metered = MeteredChat(chat, SpendMeter(budget, price, Spent()))
            held, local = model.constrain != "none", not model.base_url
            yield ModelScorer(metered, lake, held, local, LOCAL_ANSWER if local else ANSWER, retry)


def _known(sentiment: str) -> str:
    if sentiment not in MOODS:
        raise SettingError(f"ALPHA_PIPELINE_MOOD is {sentiment!r}; expected one of {', '.join(MOODS)}")
    return sentiment


def _limit(name: str) -> float | None:
    variable = f"ALPHA_PIPELINE_MOOD_{name.upper()}"
    text = os.environ.get(variable, "").strip()
    try:
        value = float(text or "nan") if name in ("seconds", "usd") else int(text or "-1")
    except ValueError:
        value = -1.0
    if text and not 0 <= value < float("inf"):
        raise SettingError(f"{variable} is {text!r}; expected a number of at least 0")
    return value if text else None


def _load(content: bytes, path: str) -> float | None:
    try:
        sentiment = json.loads(content)["sentiment"]
        if sentiment is None or -1 <= sentiment <= 1:
            return sentiment
        raise ValueError(f"sentiment {sentiment!r}")
    except (TypeError, ValueError, KeyError) as error:
        raise CorruptFileError(
            f"the stored sentiment {path} is not readable ({error}); delete it to ask again"
        ) from error
