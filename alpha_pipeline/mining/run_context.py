"""
What is measured of a factor on a night's bars: values, checks, train and validation, likeness to those in force.

Factors are computed and measured side by side; what follows from the numbers is decided in `trial`.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd

from alpha_pipeline.backtest import Stretch, scored
from alpha_pipeline.backtest.ranks import ranks
from alpha_pipeline.expressions import Node, evaluate, fields_used, lookback, parse
from alpha_pipeline.factors.values import evaluate_all, evaluate_one
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.judge import Admission
from alpha_pipeline.mining.ledger import Tried
from alpha_pipeline.statistics import deflated_sharpe, probabilistic_sharpe, sharpe_moments
from alpha_pipeline.typing import Array
from alpha_pipeline.validation import CheckResult, SampledRanks, Screen, validate


@dataclass(frozen=True)
class Night:
    """Everything fixed for a night: the bars that may be seen, cut in train and validation, and what holders paid."""

    night: pd.Timestamp
    market: Market
    panel: Panel
    train: tuple[int, int]
    valid: tuple[int, int]
    regime: str
    admission: Admission
    threads: int = 2
    funding: Array | None = None

    @cached_property
    def stretches(self) -> tuple[Stretch, Stretch]:
        """Train and validation, ready to be measured on."""
        return self._stretch(self.train), self._stretch(self.valid)

    def _stretch(self, segment: tuple[int, int]) -> Stretch:
        paid = None if self.funding is None else self.funding[slice(*segment)]
        return Stretch.of(self.panel.rows(*segment), self.market, funding=paid)

    @cached_property
    def screen(self) -> Screen:
        """The bars on which every draft is looked over for leaks; admitted ones are looked over on all."""
        return Screen.of(self.panel)


@dataclass(frozen=True)
class Standing:
    """A factor in force: its values on tonight's bars, and their ranks as likeness is measured."""

    values: Array
    ranks: SampledRanks

    @classmethod
    def of(cls, values: Array) -> "Standing":
        """Rank the values."""
        return cls(values, SampledRanks.of(values))


InForce = dict[str, Standing]


@dataclass(frozen=True)
class Measured:
    """What was found out about a factor by itself; `measures` is empty when a check refused it."""

    standing: Standing
    checks: list[CheckResult]
    measures: dict[str, float]


def standing(ledger: pd.DataFrame, tonight: Night) -> InForce:
    """Every factor admitted and not replaced whose fields the market still has, by factor_id."""
    admitted = ledger[ledger["verdict"] == "accepted"].drop_duplicates("factor_id")
    admitted = admitted[~admitted["factor_id"].isin(ledger["replaces"])]
    nodes = {str(row.factor_id): parse(str(row.canonical), bar=tonight.market.bar) for row in admitted.itertuples()}
    usable = {name: node for name, node in nodes.items() if fields_used(node) <= set(tonight.panel.fields)}
    return {name: Standing.of(values) for name, values in evaluate_all(usable, tonight.panel).items()}


def measure(tonight: Night, nodes: Sequence[Node], checked: bool = True) -> Iterator[Measured]:
    """
    Values, checks and measures of factors, in order; sub-expressions they share are computed once.

    Args:
        tonight: bars and segments.
        nodes: the factors.
        checked: leave out what a check refuses.
    """
    found = dict(evaluate(nodes, tonight.panel, threads=tonight.threads))
    with ThreadPoolExecutor(tonight.threads) as pool:
        work = partial(_measure_one, tonight, checked=checked)
        yield from pool.map(work, nodes, [found[position] for position in range(len(nodes))])


def train_and_valid(values: Array, tonight: Night, fractions: Array | None = None) -> dict[str, float]:
    """
    Train and validation measures; the direction is chosen on train.

    `seen_sharpe`, `probabilistic_sharpe` and the moments are of the returns of both together.
    """
    first, second = tonight.stretches
    fractions = ranks(values) if fractions is None else fractions
    seen, unseen = slice(*tonight.train), slice(*tonight.valid)
    train, earned = scored(values[seen], first, False, None, fractions[seen])
    direction = -1.0 if train["rank_ic"] < 0 else 1.0
    valid, later = scored(values[unseen], second, False, direction, fractions[unseen])
    per_bar, skewness, kurtosis, bars = sharpe_moments(np.concatenate([earned, later]))
    return {
        "train_rank_ic": train["rank_ic"],
        "train_t_stat": train["t_stat"],
        "train_sharpe": train["sharpe"],
        "valid_rank_ic": valid["rank_ic"],
        "valid_t_stat": valid["t_stat"],
        "valid_sharpe": valid["sharpe"],
        "valid_max_drawdown": valid["max_drawdown"],
        "valid_turnover": valid["turnover"],
        "seen_sharpe": per_bar * np.sqrt(tonight.market.periods_per_year),
        "probabilistic_sharpe": probabilistic_sharpe(per_bar, bars, skewness, kurtosis),
        "sharpe_per_bar": per_bar,
        "skewness": skewness,
        "kurtosis": kurtosis,
        "bars": bars,
    }


def among_all(measures: Mapping[str, float], tonight: Night, tried: Tried) -> dict[str, float]:
    """The measures with what they are worth among all trials so far, this one included."""
    sharpe = measures["seen_sharpe"]
    counts = np.isfinite(sharpe)
    variance = tried.sharpe_variance(sharpe) / tonight.market.periods_per_year if counts else 0.0
    per_bar, bars, skewness, kurtosis = (measures[key] for key in ("sharpe_per_bar", "bars", "skewness", "kurtosis"))
    belief = deflated_sharpe(per_bar, int(bars), skewness, kurtosis, tried.sharpes + int(counts), variance)
    return {**measures, "deflated_sharpe": belief, **tried.q_values(measures, tonight.admission)}


def _measure_one(tonight: Night, node: Node, values: Array, checked: bool) -> Measured:
    checks = []
    if checked:
        evaluate_node = partial(evaluate_one, node)
        checks = validate(evaluate_node, tonight.panel, lookback(node), values=values, screen=tonight.screen)
    refused = any(check.blocking and not check.passed for check in checks)
    if refused:
        return Measured(Standing.of(values), checks, {})
    fractions = ranks(values)
    standing = Standing(values, SampledRanks.of(values, fractions))
    return Measured(standing, checks, train_and_valid(values, tonight, fractions))
