"""
What is measured of a factor on a run date's bars: values, checks, train and validation, correlation to those active.

Factors are computed and measured side by side; what follows from the numbers is decided in `trial`.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import Bars, EvaluationBars, measures_and_returns
from alpha_pipeline.backtesting.bar_ranks import ranks
from alpha_pipeline.expressions import Node, evaluate, fields_used, lookback, parse
from alpha_pipeline.factors.values import evaluate_all, evaluate_one
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.judge import Admission
from alpha_pipeline.mining.ledger import TrialHistory
from alpha_pipeline.statistics import deflated_sharpe, probabilistic_sharpe, sharpe_moments
from alpha_pipeline.typing import Array
from alpha_pipeline.validation import CheckResult, SampledRanks, ScreeningPanel, validate


@dataclass(frozen=True)
class Night:
    """Everything fixed for a run date: the bars that may be seen, cut in train and validation, and what holders paid."""

    run_date: pd.Timestamp
    market: Market
    panel: Panel
    train: tuple[int, int]
    valid: tuple[int, int]
    regime: str
    admission: Admission
    threads: int = 2
    funding: Array | None = None

    @cached_property
    def stretches(self) -> tuple[EvaluationBars, EvaluationBars]:
        """Train and validation, ready to be measured on."""
        return self._stretch(self.train), self._stretch(self.valid)

    def _stretch(self, segment: tuple[int, int]) -> EvaluationBars:
        paid = None if self.funding is None else self.funding[slice(*segment)]
        return EvaluationBars.of(Bars.of(self.panel.rows(*segment), self.market, funding=paid))

    @cached_property
    def screen(self) -> ScreeningPanel:
        """The bars on which every proposal is looked over for leaks; admitted ones are looked over on all."""
        return ScreeningPanel.of(self.panel)


@dataclass(frozen=True)
class ActiveFactor:
    """A factor active: its values on the run date's bars, and their ranks as correlation is measured."""

    values: Array
    ranks: SampledRanks

    @classmethod
    def of(cls, values: Array) -> "ActiveFactor":
        """Rank the values."""
        return cls(values, SampledRanks.of(values))


ActiveFactors = dict[str, ActiveFactor]


@dataclass(frozen=True)
class Measured:
    """What was found out about a factor by itself; `measures` is empty when a check refused it."""

    standing: ActiveFactor
    checks: list[CheckResult]
    measures: dict[str, float]


def standing(ledger: pd.DataFrame, context: Night) -> ActiveFactors:
    """Every factor admitted and not replaced whose fields the market still has, by factor_id."""
    admitted = ledger[ledger["verdict"] == "accepted"].drop_duplicates("factor_id")
    admitted = admitted[~admitted["factor_id"].isin(ledger["replaces"])]
    nodes = {str(row.factor_id): parse(str(row.canonical), bar=context.market.bar) for row in admitted.itertuples()}
    usable = {name: node for name, node in nodes.items() if fields_used(node) <= set(context.panel.fields)}
    return {name: ActiveFactor.of(values) for name, values in evaluate_all(usable, context.panel).items()}


def measure(context: Night, nodes: Sequence[Node], checked: bool = True) -> Iterator[Measured]:
    """
    Values, checks and measures of factors, in order; sub-expressions they share are computed once.

    Args:
        on the run date: bars and segments.
        nodes: the factors.
        checked: leave out what a check refuses.
    """
    found = dict(evaluate(nodes, context.panel, threads=context.threads))
    with ThreadPoolExecutor(context.threads) as pool:
        work = partial(_measure_one, context, checked=checked)
        yield from pool.map(work, nodes, [found[position] for position in range(len(nodes))])


def train_and_valid(values: Array, context: Night, fractions: Array | None = None) -> dict[str, float]:
    """
    Train and validation measures; the direction is chosen on train.

    `train_valid_sharpe`, `probabilistic_sharpe` and the moments are of the returns of both together.
    """
    first, second = context.stretches
    fractions = ranks(values) if fractions is None else fractions
    seen, unseen = slice(*context.train), slice(*context.valid)
    train, earned = measures_and_returns(values[seen], first, False, None, fractions[seen])
    direction = -1.0 if train.rank_ic < 0 else 1.0
    valid, later = measures_and_returns(values[unseen], second, False, direction, fractions[unseen])
    per_bar, skewness, kurtosis, bars = sharpe_moments(np.concatenate([earned, later]))
    return {
        "train_rank_ic": train.rank_ic,
        "train_t_stat": train.t_stat,
        "train_sharpe": train.sharpe,
        "valid_rank_ic": valid.rank_ic,
        "valid_t_stat": valid.t_stat,
        "valid_sharpe": valid.sharpe,
        "valid_max_drawdown": valid.max_drawdown,
        "valid_turnover": valid.turnover,
        "train_valid_sharpe": per_bar * np.sqrt(context.market.periods_per_year),
        "probabilistic_sharpe": probabilistic_sharpe(per_bar, bars, skewness, kurtosis),
        "sharpe_per_bar": per_bar,
        "skewness": skewness,
        "kurtosis": kurtosis,
        "bars": bars,
    }


def against_all_trials(measures: Mapping[str, float], context: Night, tried: TrialHistory) -> dict[str, float]:
    """The measures with what they are worth among all trials so far, this one included."""
    sharpe = measures["train_valid_sharpe"]
    counts = np.isfinite(sharpe)
    variance = tried.sharpe_variance(sharpe) / context.market.periods_per_year if counts else 0.0
    per_bar, bars, skewness, kurtosis = (measures[key] for key in ("sharpe_per_bar", "bars", "skewness", "kurtosis"))
    belief = deflated_sharpe(per_bar, int(bars), skewness, kurtosis, tried.sharpes + int(counts), variance)
    return {**measures, "deflated_sharpe": belief, **tried.q_values(measures, context.admission)}


def _measure_one(context: Night, node: Node, values: Array, checked: bool) -> Measured:
    checks = []
    if checked:
        evaluate_node = partial(evaluate_one, node)
        checks = validate(evaluate_node, context.panel, lookback(node), values=values, screen=context.screen)
    refused = any(check.blocking and not check.passed for check in checks)
    if refused:
        return Measured(ActiveFactor.of(values), checks, {})
    fractions = ranks(values)
    standing = ActiveFactor(values, SampledRanks.of(values, fractions))
    return Measured(standing, checks, train_and_valid(values, context, fractions))
