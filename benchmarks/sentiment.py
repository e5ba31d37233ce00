"""
Accuracy of the sentiment scorers on labelled texts. Prints tables; asserts nothing.

    python -m benchmarks.sentiment --data FILE.csv [FILE.csv ...] [--model 100]

A file has the columns `text` and `label` (positive, neutral, negative; or 1, 0, -1). None is included:
the usual sets forbid commercial use (Financial PhraseBank) or state no terms. With `--model N` the configured model, or
else the embedded one, also scores N texts drawn by a fixed seed.

Accuracy and macro F1 (the mean over three classes) are of classes; `both signed` is the share of right signs where
neither label nor score is neutral; `correlation` is that of the score with the label.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from alpha_pipeline.errors import DataError
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.llm.resource import LanguageModel
from alpha_pipeline.resources.llm.sentiment import SentimentResource
from alpha_pipeline.settings import load_settings
from alpha_pipeline.text.lexicon import finance_words, lexicon_scores
from alpha_pipeline.text.scorer import NEUTRAL
from alpha_pipeline.typing import Array

UP = ("surge", "rally", "bullish", "upgrade", "breakthrough")
DOWN = ("crash", "drop", "bearish", "downgrade", "concern")
LABELS = {"positive": 1, "neutral": 0, "negative": -1, "1": 1, "0": 0, "-1": -1}
VADER_CUT = 0.05  # as proposed by its authors
EXAMPLES = (
    "gas fees drop 40 %", "Uniswap announces airdrop", "Bitcoin crashes 20 %", "Bitcoin hits record high",
    "SEC approves spot ETF", "Exchange hacked, withdrawals halted", "Operating profit rose", "Sales did not fall",
)  # fmt: skip
SEED = 0


def main() -> None:
    """Score the files and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FILE.csv", help="columns text, label")
    parser.add_argument("--model", type=int, default=0, metavar="N", help="N texts of each file, scored by the model")
    options = parser.parse_args()
    lexicon_scores(["loads the word lists before the clock starts"])
    for file in options.data:
        texts, labels = read(file)
        _say(f"\n{file.name}: {len(texts):,} texts, {_shares(labels)}")
        _table(texts, labels, SCORERS)
        if options.model:
            chosen = np.random.default_rng(SEED).permutation(len(texts))[: options.model]
            _say(f"\n{file.name}: {len(chosen):,} of them, drawn by seed {SEED}")
            _with_model([texts[i] for i in chosen], labels[chosen])
    _say("\nexamples scored by the word lists")
    for text, score in zip(EXAMPLES, lexicon_scores(EXAMPLES), strict=True):
        _say(f"  {text:<40}{score:+.2f}")


def read(file: Path) -> tuple[list[str], Array]:
    """
    Texts and labels (-1, 0, 1), each text once; rows without a label or text are dropped and counted.

    Raises:
        DataError: a column is missing, or no row is left.
    """
    table = pd.read_csv(file, dtype=str, encoding_errors="replace", keep_default_na=False)
    absent = {"text", "label"} - set(table.columns)
    if absent:
        raise DataError(f"{file} lacks {', '.join(sorted(absent))}; found {', '.join(table.columns)}")
    table["class"] = table["label"].str.strip().str.lower().map(LABELS)
    labelled = table[table["class"].notna() & (table["text"].str.strip() != "")].drop_duplicates("text")
    if labelled.empty:
        raise DataError(f"{file} has no text with a label of {', '.join(LABELS)}")
    if len(labelled) < len(table):
        _say(f"{file.name}: {len(table) - len(labelled):,} of {len(table):,} rows dropped (no label or text, repeated)")
    return labelled["text"].tolist(), labelled["class"].to_numpy(dtype=int)


def accuracy(labels: Array, classes: Array) -> float:
    """Share of texts in the right class."""
    return float((labels == classes).mean())


def macro_f1(labels: Array, classes: Array) -> float:
    """Mean over the three classes of the harmonic mean of precision and recall; 0 for a class that is never right."""
    hits = [((labels == k) & (classes == k)).sum() for k in (-1, 0, 1)]
    totals = [(labels == k).sum() + (classes == k).sum() for k in (-1, 0, 1)]
    return float(np.mean([2 * hit / total if total else 0.0 for hit, total in zip(hits, totals, strict=True)]))


def keywords(texts: Sequence[str]) -> Array:
    """Ten words matched anywhere in the text: (up - down) / (up + down), 0 without any."""
    counts = [[sum(word in text.lower() for word in words) for words in (UP, DOWN)] for text in texts]
    return np.array([(up - down) / max(1, up + down) for up, down in counts])


def word_list_scores(texts: Sequence[str], general: bool, lists: tuple[str, ...] = ()) -> Array:
    """The rules of VADER on its own lexicon, or none, and some of the finance lists."""
    reader = SentimentIntensityAnalyzer()
    joined = {**(reader.lexicon if general else {}), **finance_words(lists)}
    reader.lexicon = {word: weight for word, weight in joined.items() if weight}
    return np.array([reader.polarity_scores(text)["compound"] for text in texts])


Score = Callable[[Sequence[str]], Array]
SCORERS: dict[str, tuple[Score, float]] = {
    "always neutral": (lambda texts: np.zeros(len(texts)), 0.0),
    "ten keywords": (keywords, 0.0),
    "VADER": (partial(word_list_scores, general=True), VADER_CUT),
    "VADER + Henry": (partial(word_list_scores, general=True, lists=("henry",)), NEUTRAL),
    "VADER's rules, Henry only": (partial(word_list_scores, general=False, lists=("henry",)), NEUTRAL),
    "word lists (the default)": (lexicon_scores, NEUTRAL),
}


def _with_model(texts: list[str], labels: Array) -> None:
    unlimited = SentimentResource(sentiment="model", calls=10**9, tokens=10**12, seconds=1e9, usd=1e9)
    model = LanguageModel.of(load_settings().model)
    with tempfile.TemporaryDirectory() as folder, unlimited.scorer(model, Lake(folder)) as scorer:
        _table(texts, labels, {**SCORERS, f"model {model.name()}": (scorer.score, NEUTRAL)})
        _say(f"  the model: {', '.join(f'{titles} {what}' for what, titles in scorer.notes.items())}")


def _table(texts: list[str], labels: Array, scorers: dict[str, tuple[Score, float]]) -> None:
    _say(f"  {'':<34}{'cut':>5}{'accuracy':>10}{'macro F1':>10}{'both signed':>16}{'correlation':>13}{'ms a text':>11}")
    for name, (score, cut) in scorers.items():
        started = time.perf_counter()
        scores = np.nan_to_num(score(texts))
        spent = (time.perf_counter() - started) / len(texts) * 1e3
        classes = np.where(scores > cut, 1, np.where(scores < -cut, -1, 0))
        both = (labels != 0) & (classes != 0)
        signed = f"{accuracy(labels[both], classes[both]):.2f} of {both.sum():,}" if both.any() else "-"
        related = f"{np.corrcoef(labels, scores)[0, 1]:+.2f}" if scores.std() > 0 and labels.std() > 0 else "-"
        _say(
            f"  {name[:33]:<34}{cut:>5.2f}{accuracy(labels, classes):>10.3f}{macro_f1(labels, classes):>10.2f}"
            f"{signed:>16}{related:>13}{spent:>11.3f}"
        )


def _shares(labels: Array) -> str:
    names = {1: "positive", 0: "neutral", -1: "negative"}
    return ", ".join(f"{np.mean(labels == k):.0%} {name}" for k, name in names.items())


def _say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)


if __name__ == "__main__":
    main()
