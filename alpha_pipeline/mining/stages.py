"""
The stages of a trial: parsed, screened for duplicates, checked, measured, judged.

Tasks and their number are decided in `loop`, numbers come from `run_context`, verdicts from `judge`. Proposals are
measured in parallel and judged one after the other, so that each counts those before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import Node, fields_used, identity, lookback, parse
from alpha_pipeline.factors.references import REFERENCES
from alpha_pipeline.factors.values import evaluate_one
from alpha_pipeline.mining.judge import against_all_trials, judge_factor, rubric
from alpha_pipeline.mining.ledger import TrialHistory
from alpha_pipeline.mining.run_context import ActiveFactors, Measurement, RunContext, measure, train_and_valid
from alpha_pipeline.mining.task import Proposal, Task
from alpha_pipeline.mining.trial import Stage, Trial
from alpha_pipeline.tables import REFERENCE, UNANSWERED
from alpha_pipeline.validation import CheckResult, rank_correlations, validate


@dataclass(frozen=True)
class ParsedProposal:
    """A trial before its stages, with the parsed expression or the reason why there is none."""

    trial: Trial
    node: Node | None
    error: ExpressionError | None = None


def parse_proposal(proposal: Proposal, task: Task) -> Node:
    """
    Parse a proposal.

    Raises:
        ExpressionError: the text is refused, or uses no field.
    """
    if not proposal.source:
        raise ExpressionError("the reply holds no expression", kind="syntax")
    node = parse(proposal.source, proposal.dialect, task.fields, task.market.clock, task.factors)
    if not fields_used(node):
        raise ExpressionError("the expression uses no field, so it is a constant", proposal.source, kind="type")
    return node


def run_stages(
    context: RunContext, proposals: Sequence[ParsedProposal], history: TrialHistory, active_factors: ActiveFactors
) -> list[Trial]:
    """
    Take proposals through the stages until each is refused or accepted.

    Args:
        context: market, bars, admission rule.
        proposals: in order.
        history: all trials before them; these are added.
        active_factors: by factor_id; accepted factors are added, those they replace are removed.
    """
    trials = [_screen(proposal, history, active_factors) for proposal in proposals]
    nodes = {i: p.node for i, p in enumerate(proposals) if p.node is not None and not trials[i].reason}
    for trial in trials:
        if trial.reason:
            history.add(trial)
    for (i, node), measurement in zip(nodes.items(), measure(context, list(nodes.values())), strict=True):
        trials[i] = _check_and_judge(context, trials[i], node, measurement, history, active_factors)
        history.add(trials[i])
    return trials


def measure_references(context: RunContext, history: TrialHistory) -> list[Trial]:
    """
    Measure the shipped references that are not in the ledger, whose fields the market has, and whose durations its bars
    can express: not five days of bars of a month, not sixty of bars of a minute.

    They are a benchmark beside the trials: no trial is compared with them and none is corrected for them.
    """
    fresh = []
    for reference in REFERENCES:
        try:
            node = parse(reference.source, bar=context.market.clock)
        except ExpressionError:
            continue
        if fields_used(node) <= set(context.panel.fields) and identity(node) not in history.references:
            fresh.append((reference, node))
    trials: list[Trial] = []
    measurements = measure(context, [node for _, node in fresh], checked=False)
    for (reference, node), measurement in zip(fresh, measurements, strict=True):
        proposal = Proposal(reference.name, reference.source, rationale=reference.rationale)
        trial = Trial(context.run_date, proposal, REFERENCE, regime=context.regime).with_expression(node)
        measures = against_all_trials(measurement.measures, trial.canonical, history, context.admission)
        score, summary = rubric(measures)
        feedback = f"shipped reference; {summary}"
        trial = replace(trial, stage="accepted", verdict="accepted", feedback=feedback, score=score, measures=measures)
        history.add_reference(trial)
        trials.append(trial)
    return trials


def _screen(proposal: ParsedProposal, history: TrialHistory, active_factors: ActiveFactors) -> Trial:
    """Refuse what does not parse and what was tried before, without evaluating it."""
    trial, node, error = proposal.trial, proposal.node, proposal.error
    if trial.verdict == UNANSWERED:
        return trial
    if node is None:
        kind, reason = (error.kind, error.reason) if error else ("syntax", "no expression")
        stage: Stage = "parsed" if kind == "type" else "proposed"
        return trial.refused(stage, f"{kind}: {reason}"[:160], str(error)[:1000])
    trial = trial.with_expression(node)
    duplicate = history.duplicate_of(trial.identity)
    history.register(trial.identity, trial.factor_id)
    if duplicate:
        return trial.refused("type_valid", "duplicate of an earlier trial", f"the same as {duplicate}")
    return _refuse_near_duplicate(trial, history, active_factors)


def _refuse_near_duplicate(trial: Trial, history: TrialHistory, active_factors: ActiveFactors) -> Trial:
    """Refuse a formula tried before with nearly the same numbers, unless that one is active and may be replaced."""
    matches = history.near_duplicates(trial.canonical)
    if not matches or set(matches) & set(active_factors):
        return trial
    feedback = f"the same formula as {matches[0]}, all numbers within a tenth"
    return trial.refused("type_valid", "near-duplicate of an earlier trial", feedback)


def _check_and_judge(
    context: RunContext,
    trial: Trial,
    node: Node,
    measurement: Measurement,
    history: TrialHistory,
    active_factors: ActiveFactors,
) -> Trial:
    """The verdict on one measured factor; an accepted one becomes active."""
    trial = _refuse_near_duplicate(trial, history, active_factors)  # of one that was measured with it
    if trial.reason:
        return trial
    if failed := _failed(measurement.checks):
        return _refuse_check(trial, failed)
    correlations = rank_correlations(
        measurement.factor.ranks, {name: other.ranks for name, other in active_factors.items()}
    )
    measures = against_all_trials(measurement.measures, trial.canonical, history, context.admission)
    measures = replace(measures, max_correlation=next(iter(correlations.values()), 0.0))
    judgement = judge_factor(
        measures,
        correlations,
        set(history.near_duplicates(trial.canonical)) & set(active_factors),
        context.admission,
        lambda name: train_and_valid(active_factors[name].values, context).valid_sharpe,
    )
    trial = replace(trial, measures=measures, score=judgement.score)
    if judgement.reason:
        return trial.refused(judgement.stage, judgement.reason, judgement.feedback)
    values = measurement.factor.values
    if failed := _failed(validate(partial(evaluate_one, node), context.panel, lookback(node), values=values)):
        return _refuse_check(trial, failed)
    active_factors.pop(judgement.replaces, None)
    active_factors[trial.factor_id] = measurement.factor
    return replace(
        trial, stage="accepted", verdict="accepted", feedback=judgement.feedback, replaces=judgement.replaces
    )


def _failed(checks: Sequence[CheckResult]) -> CheckResult | None:
    return next((check for check in checks if check.blocking and not check.passed), None)


def _refuse_check(trial: Trial, check: CheckResult) -> Trial:
    stage: Stage = "unique" if check.name == "no_lookahead" else "leakage_free"
    return trial.refused(stage, f"{check.name} check", check.detail)
