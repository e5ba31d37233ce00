"""
How earlier trials are best found again: by which correlation of formulas.

A ledger of known and random factors on embedded prices. What should be found for a factor are the ones whose values
order the symbols like its own. Each way of comparing texts picks; the table says how alike in values its picks are.

    python -m benchmarks.retrieval [--random 400]
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from alpha_pipeline.cli.data import embedded
from alpha_pipeline.expressions import fields_used, identity, lookback, parse, similarity
from alpha_pipeline.expressions.grammar import random_expression
from alpha_pipeline.factors.alpha101 import ALPHA101
from alpha_pipeline.factors.alpha158 import ALPHA158
from alpha_pipeline.factors.values import evaluate_all
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.formula_search import FormulaIndex
from alpha_pipeline.typing import Array

BARS, SAMPLED, RESAMPLES = 700, 60, 2_000
Likeness = Callable[[Sequence[str]], Array]


def main() -> None:
    """Build the ledger, let every method pick, print how well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, default=400)
    options = parser.parse_args()
    panel = embedded("equities").rows(-BARS, None)
    formulas, truth = _ledger(panel, options.random)
    _say(f"{len(formulas)} factors; for each the most alike other one is looked for")
    np.fill_diagonal(truth, -1.0)
    best = np.sort(truth, axis=1)[:, ::-1]
    _say(f"{'':<34}{'top 1':>8}{'top 3':>8}{'in true 10':>12}{'ms a query':>12}")
    _say(f"{'the best possible':<34}{best[:, 0].mean():>8.3f}{best[:, :3].mean():>8.3f}{1:>12.0%}")
    found: dict[str, Array] = {}
    for name, method in _methods().items():
        started = time.process_time()
        scores = method(formulas)
        spent = 1000 * (time.process_time() - started) / len(formulas)
        np.fill_diagonal(scores, -1.0)
        picks = np.argsort(-scores, axis=1, kind="stable")[:, :3]
        values = np.take_along_axis(truth, picks, axis=1)
        found[name] = values.mean(axis=1)
        hits = (values[:, 0] >= best[:, 9]).mean()
        _say(f"{name:<34}{values[:, 0].mean():>8.3f}{values.mean():>8.3f}{hits:>12.0%}{spent:>12.2f}")
    ours = found["words and pairs (ours)"]
    rng = np.random.default_rng(0)
    _say("\ntop 3, ours less the other, with 95 % bootstrap interval over queries")
    for name, values in found.items():
        if values is not ours:
            draws = [(ours - values)[rng.integers(len(ours), size=len(ours))].mean() for _ in range(RESAMPLES)]
            low, high = np.quantile(draws, [0.025, 0.975])
            _say(f"  {name:<34}{(ours - values).mean():+.3f} [{low:+.3f}, {high:+.3f}]")


def _ledger(panel: Panel, count: int) -> tuple[list[str], Array]:
    """Formulas without duplicates whose values vary, and the mean size of their rank correlations per bar."""
    rng = np.random.default_rng(0)
    texts = [*ALPHA101.values(), *ALPHA158.values()]
    texts += [random_expression(rng, tuple(panel.fields), 3) for _ in range(count)]
    nodes = {}
    for text in texts:
        node = parse(text, bar=EQUITIES.bar)
        if fields_used(node) <= set(panel.fields) and lookback(node) < BARS // 2:
            nodes.setdefault(identity(node), node)
    values = evaluate_all(nodes, panel)
    rows = np.linspace(BARS // 2, panel.shape[0] - 1, SAMPLED).astype(int)
    kept, ranked = [], []
    for name, node in nodes.items():
        picked = values[name][rows]
        ranks = picked.argsort(axis=1).argsort(axis=1).astype(float)
        if np.isfinite(picked).mean() > 0.9 and (np.nanstd(picked, axis=1) > 0).mean() > 0.9:
            ranks -= ranks.mean(axis=1, keepdims=True)
            kept.append(str(node))
            ranked.append(ranks / np.sqrt((ranks**2).sum(axis=1, keepdims=True)))
    stack = np.array(ranked)
    truth = np.abs(np.einsum("ibs,jbs->ijb", stack, stack, optimize=True)).mean(axis=2)
    return kept, truth


def _methods() -> dict[str, Likeness]:
    return {
        "chance": lambda texts: np.random.default_rng(1).random((len(texts), len(texts))),
        "words": _tfidf(lambda text: re.findall(r"\w+", text)),
        "characters, 3 to 5": _tfidf(
            lambda text: [text[i : i + n] for n in (3, 4, 5) for i in range(len(text) - n + 1)]
        ),
        "words, pairs and triples": _tfidf(lambda text: _runs(text, 3)),
        "words and pairs, parsed by calls": _tfidf(_calls),
        "words and pairs (ours)": _ours,
        "common subtrees of parsed formulas": _subtrees,
    }


def _ours(texts: Sequence[str]) -> Array:
    index = FormulaIndex(texts)
    return np.array([index.similarity_to(text) for text in texts])


def _subtrees(texts: Sequence[str]) -> Array:
    nodes = [parse(text) for text in texts]
    return np.array([[similarity(a, b) for b in nodes] for a in nodes])


def _runs(text: str, longest: int) -> list[str]:
    words = re.findall(r"\w+", text)
    return [" ".join(words[i : i + n]) for n in range(1, longest + 1) for i in range(len(words) - n + 1)]


def _calls(text: str) -> list[str]:
    """Each word, and each with the call it stands in."""
    found: list[str] = []
    calls, last = [""], ""
    for token in re.findall(r"\w+|[^\s\w]", text):
        if token == "(":
            calls.append(last)
        elif token == ")":
            calls.pop()
        elif token != ",":
            found += [token, f"{calls[-1]} {token}"]
        last = token
    return found


def _tfidf(split: Callable[[str], list[str]]) -> Likeness:
    """Cosine of plain TF-IDF over whatever a text is split into."""

    def method(texts: Sequence[str]) -> Array:
        bags = [Counter(split(text)) for text in texts]
        documents = Counter(word for bag in bags for word in bag)
        columns = {word: i for i, word in enumerate(documents)}
        matrix = np.zeros((len(texts), len(columns)))
        for row, bag in enumerate(bags):
            for word, times in bag.items():
                matrix[row, columns[word]] = times * (1 + np.log((1 + len(texts)) / (1 + documents[word])))
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        return np.asarray(matrix @ matrix.T)

    return method


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
