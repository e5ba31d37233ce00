"""
Trials: the stages drafts pass until they are refused or admitted.

What is asked for, and how often, is decided in `loop`; the numbers come from `measuring`. Drafts are measured side by
side and judged one after the other, so that each counts those before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import Node, fields_used, identity, lookback, parse
from alpha_pipeline.factors.definition import factor_id
from alpha_pipeline.factors.references import REFERENCES
from alpha_pipeline.factors.values import evaluate_one
from alpha_pipeline.mining.judge import discovered, refusal, rubric
from alpha_pipeline.mining.ledger import TrialHistory
from alpha_pipeline.mining.run_context import (
    ActiveFactors,
    Measured,
    Night,
    against_all_trials,
    measure,
    train_and_valid,
)
from alpha_pipeline.mining.task import PromptMode, Proposal, Task
from alpha_pipeline.tables import MEASURES, UNANSWERED
from alpha_pipeline.validation import CheckResult, rank_correlations, validate

Row = dict[str, object]


@dataclass(frozen=True)
class ParsedProposal:
    """A draft on its way: its row so far, and its tree or the reason there is none."""

    row: Row
    node: Node | None
    error: ExpressionError | None = None


def blank(
    context: Night,
    draft: Proposal,
    proposer: str,
    model: str,
    factor_type: str = "",
    prompt_mode: PromptMode = "generate",
) -> Row:
    """The row of a draft before anything is known of it."""
    return {
        "run_date": context.run_date,
        "trial": 0,
        "round": 0,
        "factor_type": factor_type,
        "prompt_mode": prompt_mode,
        "regime": context.regime,
        "factor_id": "",
        "name": draft.name,
        "proposer": proposer,
        "model": model,
        "request_hash": draft.request_hash,
        "parent": draft.parent,
        "replaces": "",
        "dialect": draft.dialect,
        "source": draft.source,
        "canonical": "",
        "identity": "",
        "rationale": draft.rationale,
        "risks": draft.risks,
        "expected_performance": draft.expected_performance,
        "stage": "proposed",
        "verdict": "refused",
        "reason": "",
        "feedback": "",
        "critique": "",
        "score": np.nan,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "calls": 0,
        "model_seconds": 0.0,
        "usd": 0.0,
        **dict.fromkeys(MEASURES, np.nan),
    }


def read(draft: Proposal, task: Task) -> Node:
    """
    The tree of a draft.

    Raises:
        ExpressionError: the text is refused, or says nothing of the market.
    """
    if not draft.source:
        raise ExpressionError("the reply holds no expression", kind="syntax")
    node = parse(draft.source, draft.dialect, fields=task.fields, bar=task.market.bar)
    if not fields_used(node):
        raise ExpressionError("the expression uses no field, so it is a constant", draft.source, kind="type")
    return node


def try_out(
    context: Night, proposals: Sequence[ParsedProposal], tried: TrialHistory, active_factors: ActiveFactors
) -> list[Row]:
    """
    Walk proposals through the stages, each until it is refused or admitted.

    Args:
        on the run date: market, bars, rule of admission.
        proposals: in order.
        tried: everything before them; grows by them.
        in_force: the factors active by factor_id; admitted ones enter, those they replace leave.
    """
    rows = [_screen(proposal, tried, active_factors) for proposal in proposals]
    open_ = [(row, p.node) for row, p in zip(rows, proposals, strict=True) if p.node is not None and not row["reason"]]
    for row in rows:
        if row["reason"]:
            tried.count(row)
    for (row, node), found in zip(open_, measure(context, [node for _, node in open_]), strict=True):
        row |= _judge(context, row, node, found, tried, active_factors)
        tried.count(row)
    return rows


def references(context: Night, tried: TrialHistory, active_factors: ActiveFactors) -> list[Row]:
    """Measure the shipped references that the ledger does not know and whose fields the market has."""
    fresh = []
    for factor in REFERENCES:
        node = parse(factor.source, bar=context.market.bar)
        if fields_used(node) <= set(context.panel.fields) and not tried.twin(identity(node)):
            fresh.append((factor, node))
    rows: list[Row] = []
    for (factor, node), found in zip(fresh, measure(context, [node for _, node in fresh], checked=False), strict=True):
        draft = Proposal(factor.name, factor.source, rationale=factor.rationale)
        row = blank(context, draft, "reference", "") | _named(draft.name, node)
        measures = against_all_trials(found.measures, context, tried)
        points, said = rubric(measures)
        row |= {key: measures[key] for key in MEASURES if key in measures} | {"score": points}
        row |= {
            "stage": "accepted",
            "verdict": "accepted",
            "feedback": f"shipped reference; {said}",
        }
        tried.know(str(row["identity"]), str(row["factor_id"]))
        tried.count(row)
        active_factors[str(row["factor_id"])] = found.standing
        rows.append(row)
    return rows


def _screen(proposal: ParsedProposal, tried: TrialHistory, active_factors: ActiveFactors) -> Row:
    """Stop what does not parse and what was tried before; nothing of it is computed."""
    row, node, error = proposal.row, proposal.node, proposal.error
    if row["verdict"] == UNANSWERED:
        return row
    if error is not None or node is None:
        kind = error.kind if error else "syntax"
        stage = "parsed" if kind == "type" else "proposed"
        reason = error.reason if error else "no expression"
        return row | {"stage": stage, "reason": f"{kind}: {reason}"[:160], "feedback": str(error)[:1000]}
    row = row | _named(str(row["name"]), node)
    same = tried.twin(str(row["identity"]))
    tried.know(str(row["identity"]), str(row["factor_id"]))
    if same:
        return row | {"stage": "type_valid", "reason": "tried before", "feedback": f"the same as {same}"}
    return row | _variant(str(row["canonical"]), tried, active_factors)


def _variant(canonical: str, tried: TrialHistory, active_factors: ActiveFactors) -> Row:
    """The refusal of a formula tried before with nearly these numbers; one active may still be beaten."""
    variants = tried.variants(canonical)
    if not variants or set(variants) & set(active_factors):
        return {}
    feedback = f"the same formula as {variants[0]}, its numbers within a tenth"
    return {"stage": "type_valid", "reason": "too close to one tried before", "feedback": feedback}


def _named(name: str, node: Node) -> Row:
    print_of = identity(node)
    return {"canonical": str(node), "identity": print_of, "factor_id": factor_id(name, print_of)}


def _judge(
    context: Night, row: Row, node: Node, found: Measured, tried: TrialHistory, active_factors: ActiveFactors
) -> Row:
    """Verdict over one measured factor; an admitted one enters the factors active."""
    if variant := _variant(str(row["canonical"]), tried, active_factors):  # of one that was measured beside it
        return variant
    failed = next((check for check in found.checks if check.blocking and not check.passed), None)
    if failed is not None:
        return _failed(failed)
    alike = rank_correlations(found.standing.ranks, {name: other.ranks for name, other in active_factors.items()})
    twin = next(iter(alike), "")
    closest = alike.get(twin, 0.0)
    measures = against_all_trials(found.measures, context, tried) | {"max_correlation": closest}
    points, said = rubric(measures)
    known = {key: measures[key] for key in MEASURES} | {"score": points, "feedback": said}
    reason = refusal(measures, context.admission)
    close = {name for name, value in alike.items() if value >= context.admission.correlation}
    close |= set(tried.variants(str(row["canonical"]))) & set(active_factors)
    replaces = ""
    if close:
        replaces = _beaten(close, measures, context, active_factors)
        if not replaces:
            name = twin if twin in close else min(close)
            told = f"orders symbols like {name}, rank correlation {alike.get(name, np.nan):.2f}; {said}"
            return known | {"stage": "leakage_free", "reason": "too close to a factor active", "feedback": told}
        known["feedback"] = f"replaces {replaces}, which it clearly beats; {said}"
    elif reason:
        stage = "significant" if discovered(measures, context.admission) else "leakage_free"
        return known | {"reason": reason, "stage": stage}
    whole = validate(partial(evaluate_one, node), context.panel, lookback(node), values=found.standing.values)
    failed = next((check for check in whole if check.blocking and not check.passed), None)
    if failed is not None:
        return known | _failed(failed)
    active_factors.pop(replaces, None)
    active_factors[str(row["factor_id"])] = found.standing
    return known | {"stage": "accepted", "verdict": "accepted", "replaces": replaces}


def _failed(check: CheckResult) -> Row:
    stage = "unique" if check.name == "no_lookahead" else "leakage_free"
    return {"stage": stage, "reason": f"{check.name} check", "feedback": check.detail}


def _beaten(close: set[str], measures: Mapping[str, float], context: Night, active_factors: ActiveFactors) -> str:
    """The one factor active that is too close and clearly worse on the run date's validation; empty when there is none."""
    rule = context.admission
    if len(close) != 1 or refusal({**measures, "max_correlation": 0.0}, rule):
        return ""
    (name,) = close
    theirs = train_and_valid(active_factors[name].values, context)["valid_sharpe"]
    return name if measures["valid_sharpe"] >= theirs + rule.clearly_better else ""
