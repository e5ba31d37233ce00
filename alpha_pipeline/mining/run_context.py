"""
Measurement of factors on the bars of a run date: values, checks, train and validation measures, active factors.

Factors are measured in parallel; what follows from the numbers is decided in `judge`.
"""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import Bars, EvaluationBars, measures_and_returns
from alpha_pipeline.backtesting.bar_ranks import ranks
from alpha_pipeline.expressions import Node, evaluate, fields_used, lookback, parse
from alpha_pipeline.factors.values import evaluate_all, evaluate_one, named_expressions
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.judge import Admission, thresholds
from alpha_pipeline.mining.ledger import TrialHistory
from alpha_pipeline.mining.trial import TrialMeasures
from alpha_pipeline.statistics import probabilistic_sharpe, sharpe_moments
from alpha_pipeline.statistics.sampling_error import rank_ic_error
from alpha_pipeline.statistics.sharpe import NORMAL
from alpha_pipeline.tables import REFERENCE, STATED_RANK_IC
from alpha_pipeline.typing import Array
from alpha_pipeline.validation import CheckResult, SampledRanks, ScreeningPanel, validate


@dataclass(frozen=True)
class RunContext:
    """
    All that is fixed for a run date.

    Args:
        run_date: start of the day, UTC.
        market: calendar, horizon and costs.
        panel: bars of train and validation; the sealed test is not among them.
        train, valid: first and last bar (exclusive) of each segment.
        regime: market regime at the end of train.
        admission: the admission rule.
        threads: factors measured in parallel.
        funding: (bars, symbols), funding paid by holders, fraction per bar; None where nothing is paid.
    """

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
    def segments(self) -> tuple[EvaluationBars, EvaluationBars]:
        """Train and validation, prepared for measurement."""
        return self._segment(self.train), self._segment(self.valid)

    def _segment(self, bounds: tuple[int, int]) -> EvaluationBars:
        funding = None if self.funding is None else self.funding[slice(*bounds)]
        return EvaluationBars.of(Bars.of(self.panel.rows(*bounds), self.market, funding=funding))

    @cached_property
    def screening_panel(self) -> ScreeningPanel:
        """The bars on which every proposal is screened for look-ahead; accepted factors are checked on all bars."""
        return ScreeningPanel.of(self.panel)


@dataclass(frozen=True)
class ActiveFactor:
    """Values of an active factor on the bars of the run date, and their sampled ranks for correlations."""

    values: Array
    ranks: SampledRanks

    @classmethod
    def of(cls, values: Array) -> "ActiveFactor":
        """Rank the values."""
        return cls(values, SampledRanks.of(values))


_NAMED = ["factor_id", "name", "expression"]
ActiveFactors = dict[str, ActiveFactor]  # by factor_id


@dataclass(frozen=True)
class Measurement:
    """Values, checks and measures of one factor; the measures are NaN if a blocking check failed."""

    factor: ActiveFactor
    checks: list[CheckResult]
    measures: TrialMeasures = field(default_factory=TrialMeasures)


def discovery_power(context: RunContext, history: TrialHistory, rank_ic: float = STATED_RANK_IC) -> float:
    """
    Probability that the next proposal, of this true rank IC on every bar, is significant on train and on validation.

    Args:
        context: bars and admission rule; costs and correlations are not part of the answer.
        history: the trials so far, for which the next one is corrected.
        rank_ic: mean rank correlation with the forward return.

    Returns:
        In [0, 1]; NaN where a segment has no bar with enough symbols.
    """
    power = 1.0
    needed = thresholds(history, context.admission)
    for segment, measured, threshold in zip(context.segments, history.rank_ic_errors(), needed, strict=True):
        error = rank_ic_error(segment.forward_ranks, context.market.horizon_bars)
        error = float(np.fmax(error, measured))  # symbols that move together are fewer than they are many
        power *= NORMAL.cdf(rank_ic / error - threshold) if error > 0 else np.nan
    return power


def load_active_factors(ledger: pd.DataFrame, context: RunContext) -> ActiveFactors:
    """Every factor that was accepted and not replaced, if the market still has its fields; references are not."""
    accepted = _accepted(ledger[ledger["proposer"] != REFERENCE])
    nodes = {str(row.factor_id): parse(str(row.canonical), bar=context.market.clock) for row in accepted.itertuples()}
    usable = {name: node for name, node in nodes.items() if fields_used(node) <= set(context.panel.fields)}
    return {name: ActiveFactor.of(values) for name, values in evaluate_all(usable, context.panel).items()}


def admitted_factors(ledger: pd.DataFrame, retired: Collection[str] = ()) -> dict[str, str]:
    """
    Canonical DSL of every admitted factor by factor_id and, where it is unique, by name.

    Args:
        ledger: rows of `tables.TRIALS`.
        retired: factor_ids that live performance has retired.
    """
    accepted = _accepted(ledger)
    accepted = accepted[~accepted["factor_id"].isin(list(retired))]
    return named_expressions(accepted[["factor_id", "name", "canonical"]].set_axis(_NAMED, axis=1))


def _accepted(ledger: pd.DataFrame) -> pd.DataFrame:
    accepted = ledger[ledger["verdict"] == "accepted"].drop_duplicates("factor_id")
    return accepted[~accepted["factor_id"].isin(ledger["replaces"])]


def measure(context: RunContext, nodes: Sequence[Node], checked: bool = True) -> Iterator[Measurement]:
    """
    Measure factors, in order; common sub-expressions are evaluated once.

    Args:
        context: bars and segments.
        nodes: the factors.
        checked: run the checks, and measure only what passes them.
    """
    values = dict(evaluate(nodes, context.panel, threads=context.threads))
    with ThreadPoolExecutor(context.threads) as pool:
        work = partial(_measure_one, context, checked=checked)
        yield from pool.map(work, nodes, [values[position] for position in range(len(nodes))])


def train_and_valid(values: Array, context: RunContext, fractions: Array | None = None) -> TrialMeasures:
    """
    Measures on train and validation, traded in the direction of the rank IC on train.

    Args:
        values: (bars, symbols), of the factor on the panel of the run date.
        context: bars and segments.
        fractions: `ranks(values)` if the caller has them already.
    """
    train_bars, valid_bars = context.segments
    fractions = ranks(values) if fractions is None else fractions
    train_rows, valid_rows = slice(*context.train), slice(*context.valid)
    train, train_returns = measures_and_returns(values[train_rows], train_bars, False, None, fractions[train_rows])
    direction = -1.0 if train.rank_ic < 0 else 1.0
    valid, valid_returns = measures_and_returns(values[valid_rows], valid_bars, False, direction, fractions[valid_rows])
    per_bar, skewness, kurtosis, bars = sharpe_moments(np.concatenate([train_returns, valid_returns]))
    return TrialMeasures(
        train_rank_ic=train.rank_ic,
        train_t_stat=train.t_stat,
        train_sharpe=train.sharpe,
        valid_rank_ic=valid.rank_ic,
        valid_t_stat=valid.t_stat,
        valid_sharpe=valid.sharpe,
        valid_max_drawdown=valid.max_drawdown,
        valid_turnover=valid.turnover,
        train_valid_sharpe=per_bar * np.sqrt(context.market.periods_per_year),
        probabilistic_sharpe=probabilistic_sharpe(per_bar, bars, skewness, kurtosis),
        sharpe_per_bar=per_bar,
        skewness=skewness,
        kurtosis=kurtosis,
        bars=bars,
    )


def _measure_one(context: RunContext, node: Node, values: Array, checked: bool) -> Measurement:
    checks = []
    if checked:
        evaluate_node = partial(evaluate_one, node)
        screen = context.screening_panel
        checks = validate(evaluate_node, context.panel, lookback(node), values=values, screen=screen)
    if any(check.blocking and not check.passed for check in checks):
        return Measurement(ActiveFactor.of(values), checks)
    fractions = ranks(values)
    factor = ActiveFactor(values, SampledRanks.of(values, fractions))
    return Measurement(factor, checks, train_and_valid(values, context, fractions))
