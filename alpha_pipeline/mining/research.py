"""
Interactive research: propose or improve factors and measure them on train.

Validation and the sealed test are never used here, since attempts are not counted as trials.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from alpha_pipeline.backtesting import Bars, EvaluationBars, measure_factor
from alpha_pipeline.backtesting.splits import market_split, recent_history
from alpha_pipeline.errors import ExpressionError, SettingError
from alpha_pipeline.expressions import Node, lookback
from alpha_pipeline.factors.values import evaluate_one
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.factor_types import FACTOR_TYPES, available
from alpha_pipeline.mining.formula_search import FormulaIndex
from alpha_pipeline.mining.prompts import EXAMPLES
from alpha_pipeline.mining.stages import parse_proposal
from alpha_pipeline.mining.task import STEPS, Parent, Proposal, Proposer, Task
from alpha_pipeline.validation import validate


@dataclass(frozen=True)
class TrainMeasures:
    """Mean rank IC, its Newey-West t, annual net Sharpe ratio and turnover per day on train."""

    rank_ic: float
    t_stat: float
    sharpe: float
    turnover: float


@dataclass(frozen=True)
class Attempt:
    """
    One proposal and its result.

    Args:
        proposal: as written.
        canonical: DSL; empty if it was refused.
        refused: error or failed check; empty if it was not refused.
        measures: on train; None without data or after a failed check.
        step: number of the improvement; 0 for the original factor.
    """

    proposal: Proposal
    canonical: str = ""
    refused: str = ""
    measures: TrainMeasures | None = None
    step: int = 0

    @property
    def summary(self) -> str:
        """The measures in one line."""
        if self.measures is None:
            return "not measured"
        ic, t, sharpe = self.measures.rank_ic, self.measures.t_stat, self.measures.sharpe
        turnover = self.measures.turnover
        return f"rank IC {ic:+.3f} (t {t:+.1f}), net Sharpe {sharpe:+.2f} on train, turnover {turnover:.2f} a day"


def propose_and_measure(proposer: Proposer, task: Task, train: Panel | None, repairs: int = 1) -> list[Attempt]:
    """
    Request factors, parse and measure them.

    Args:
        proposer: language model or control.
        task: of the request.
        train: bars to measure on, of `train_bars`; None only parses.
        repairs: times a refused proposal goes back to its writer.

    Raises:
        ModelError: the model cannot answer.
        BudgetError: the request could pass a limit.
    """
    return [_attempt(proposer, task, proposal, train, repairs) for proposal in proposer.propose(task)]


def improve(proposer: Proposer, task: Task, node: Node, train: Panel, steps: int = STEPS) -> Iterator[Attempt]:
    """
    Improve a factor step by step.

    Args:
        proposer: language model or control.
        task: market, fields, window, seed.
        node: the original factor.
        train: bars to measure on, of `train_bars`.
        steps: number of improvements.

    Yields:
        The original factor as step 0, then each improvement. Each step starts from the best so far, by net Sharpe ratio
        on train, and its prompt holds the results of earlier steps.
    """
    best = _measure(node, Proposal("the factor given", str(node)), task.market, train)
    yield best
    notes: list[str] = []
    for step in range(1, steps + 1):
        parent = Parent("", best.canonical, best.summary, step)
        seed = task.seed + 10 * step
        request = replace(task, prompt_mode="optimize", count=1, seed=seed, parent=parent, notes=tuple(notes))
        attempt = replace(propose_and_measure(proposer, request, train)[0], step=step)
        notes.append(f"{(attempt.canonical or attempt.proposal.source)[:160]} -> {attempt.summary}")
        yield attempt
        best = max(best, attempt, key=_sharpe)


def train_bars(panel: Panel, market: Market) -> Panel:
    """
    The train segment of the recent history.

    Raises:
        DataError: too few bars to split.
    """
    history = recent_history(panel, market)
    return history.rows(*market_split(history.timestamps, market).train)


def task_for(market: Market, fields: Sequence[str], factor_type: str, lookback_bars: int, seed: int) -> Task:
    """
    The task of a research command.

    Raises:
        SettingError: unknown factor type, or none of its fields is available.
    """
    if factor_type not in FACTOR_TYPES:
        raise SettingError(f"factor type {factor_type!r} is unknown; expected one of {', '.join(FACTOR_TYPES)}")
    if factor_type not in available(fields):
        needed = " or ".join(FACTOR_TYPES[factor_type].fields)
        raise SettingError(
            f"factor type {factor_type!r} needs the field {needed}; available are {', '.join(sorted(fields))}"
        )
    return Task(market, tuple(sorted(fields)), factor_type, lookback_bars, seed)


def _attempt(proposer: Proposer, task: Task, proposal: Proposal, train: Panel | None, repairs: int) -> Attempt:
    for left in range(repairs, -1, -1):
        try:
            node = parse_proposal(proposal, task)
            break
        except ExpressionError as error:
            similar = _similar_examples(proposal.source) if left else ()
            repaired = proposer.repair(task, proposal, error, similar) if left else None
            if repaired is None:
                return Attempt(proposal, refused=str(error))
            proposal = repaired
    return _measure(node, proposal, task.market, train) if train else Attempt(proposal, str(node))


def _measure(node: Node, proposal: Proposal, market: Market, train: Panel) -> Attempt:
    values = evaluate_one(node, train)
    checks = validate(partial(evaluate_one, node), train, lookback(node))
    failed = next((check for check in checks if check.blocking and not check.passed), None)
    if failed is not None:
        return Attempt(proposal, str(node), refused=f"{failed.name} check: {failed.detail}")
    measures = measure_factor(values, EvaluationBars.of(Bars.of(train, market)), False, None)
    train_measures = TrainMeasures(measures.rank_ic, measures.t_stat, measures.sharpe, measures.turnover)
    return Attempt(proposal, str(node), measures=train_measures)


def _sharpe(attempt: Attempt) -> float:
    sharpe = attempt.measures.sharpe if attempt.measures else np.nan
    return sharpe if np.isfinite(sharpe) else -np.inf


def _similar_examples(source: str) -> tuple[str, ...]:
    order = np.argsort(-FormulaIndex(EXAMPLES).similarity_to(source), kind="stable")[:3]
    return tuple(EXAMPLES[position] for position in order)
