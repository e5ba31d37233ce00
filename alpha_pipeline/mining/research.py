"""
A person at a desk: ask for factors, or have one improved, and see at once what they are worth on train.

Validation and the sealed bars are left to the run dates: what a person tries here is counted nowhere, so nothing here may
be measured on bars that decide.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from alpha_pipeline.backtesting import Bars, EvaluationBars, measure_factor, split
from alpha_pipeline.backtesting.splits import HISTORY_BARS
from alpha_pipeline.errors import ExpressionError, SettingError
from alpha_pipeline.expressions import Node, lookback
from alpha_pipeline.factors.values import evaluate_one
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.factor_types import FACTOR_TYPES, available
from alpha_pipeline.mining.formula_search import Similarity
from alpha_pipeline.mining.prompts import EXAMPLES
from alpha_pipeline.mining.task import STEPS, Parent, Proposal, Proposer, Task
from alpha_pipeline.mining.trial import read
from alpha_pipeline.validation import validate


@dataclass(frozen=True)
class Attempt:
    """
    One factor as it came back and what became of it.

    Args:
        proposal: as written.
        canonical: DSL; empty when it was refused.
        refused: why, caret and all; empty when it was read.
        measures: train rank IC, its t, net Sharpe ratio and turnover; empty without data or when a check failed.
        step: of an improvement, from 0 for the factor it starts from.
    """

    proposal: Proposal
    canonical: str = ""
    refused: str = ""
    measures: dict[str, float] | None = None
    step: int = 0

    @property
    def measured(self) -> str:
        """The measures in words."""
        if not self.measures:
            return "not measured"
        ic, t, sharpe, turnover = (self.measures[key] for key in ("rank_ic", "t_stat", "sharpe", "turnover"))
        return f"rank IC {ic:+.3f} (t {t:+.1f}), net Sharpe {sharpe:+.2f} on train, turnover {turnover:.2f} a day"


def ask(proposer: Proposer, task: Task, train: Panel | None, repairs: int = 1) -> list[Attempt]:
    """
    Have factors proposed, read and measured.

    Args:
        proposer: who writes.
        task: what is wanted.
        train: bars to measure on, of `train_bars`; None only reads.
        repairs: times a refused proposal goes back.

    Raises:
        ModelError: the model cannot answer.
        BudgetError: it may not be asked.
    """
    return [_find(proposer, task, proposal, train, repairs) for proposal in proposer.propose(task)]


def improve(proposer: Proposer, task: Task, node: Node, train: Panel, steps: int = STEPS) -> Iterator[Attempt]:
    """
    Improve a factor step by step, each told what the one before it earned.

    Args:
        proposer: who writes.
        task: market, fields, window, seed.
        node: the factor to start from.
        train: bars to measure on, of `train_bars`.
        steps: improvements to try.

    Yields:
        The factor itself as step 0, then each improvement. The next step starts from the best so far, by net Sharpe
        ratio on train.
    """
    best = _measured(node, Proposal("the factor given", str(node)), task.market, train)
    yield best
    told: list[str] = []
    for step in range(1, steps + 1):
        parent = Parent("", best.canonical, best.measured, step)
        asked = replace(
            task, prompt_mode="optimize", count=1, seed=task.seed + 10 * step, parent=parent, notes=tuple(told)
        )
        found = replace(ask(proposer, asked, train)[0], step=step)
        told.append(f"{(found.canonical or found.proposal.source)[:160]} -> {found.measured}")
        yield found
        best = max(best, found, key=_sharpe)


def train_bars(panel: Panel, market: Market) -> Panel:
    """
    The part of the recent history on which a writer may see measures.

    Raises:
        DataError: too few bars to split.
    """
    known = panel.rows(-min(panel.shape[0], HISTORY_BARS), None)
    return known.rows(*split(known.shape[0], market.horizon_bars).train)


def task_for(market: Market, fields: Sequence[str], factor_type: str, lookback_bars: int, seed: int) -> Task:
    """
    A person's assignment.

    Raises:
        SettingError: no such family, or none of the fields it lives on.
    """
    if factor_type not in FACTOR_TYPES:
        raise SettingError(f"factor type {factor_type!r} is unknown; expected one of {', '.join(FACTOR_TYPES)}")
    if factor_type not in available(fields):
        needed = " or ".join(FACTOR_TYPES[factor_type].fields)
        raise SettingError(
            f"factor type {factor_type!r} needs the field {needed}; there are {', '.join(sorted(fields))}"
        )
    return Task(market, tuple(sorted(fields)), factor_type, lookback_bars, seed)


def _find(proposer: Proposer, task: Task, proposal: Proposal, train: Panel | None, repairs: int) -> Attempt:
    for left in range(repairs, -1, -1):
        try:
            node = read(proposal, task)
            break
        except ExpressionError as error:
            better = proposer.repair(task, proposal, error, _near(proposal.source)) if left else None
            if better is None:
                return Attempt(proposal, refused=str(error))
            proposal = better
    return _measured(node, proposal, task.market, train) if train else Attempt(proposal, str(node))


def _measured(node: Node, proposal: Proposal, market: Market, train: Panel) -> Attempt:
    values = evaluate_one(node, train)
    found = validate(partial(evaluate_one, node), train, lookback(node))
    failed = next((check for check in found if check.blocking and not check.passed), None)
    if failed is not None:
        return Attempt(proposal, str(node), refused=f"{failed.name} check: {failed.detail}")
    row = measure_factor(values, EvaluationBars.of(Bars.of(train, market)), False, None).to_row()
    return Attempt(proposal, str(node), measures={key: row[key] for key in ("rank_ic", "t_stat", "sharpe", "turnover")})


def _sharpe(find: Attempt) -> float:
    sharpe = find.measures["sharpe"] if find.measures else np.nan
    return sharpe if np.isfinite(sharpe) else -np.inf


def _near(source: str) -> tuple[str, ...]:
    order = np.argsort(-Similarity(EXAMPLES).to(source), kind="stable")[:3]
    return tuple(EXAMPLES[position] for position in order)
