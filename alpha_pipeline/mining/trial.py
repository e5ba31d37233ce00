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
from alpha_pipeline.mining.ledger import Tried
from alpha_pipeline.mining.run_context import InForce, Measured, Night, among_all, measure, train_and_valid
from alpha_pipeline.mining.task import Draft, Task, Way
from alpha_pipeline.tables import MEASURES, UNANSWERED
from alpha_pipeline.validation import CheckResult, likeness, validate

Row = dict[str, object]


@dataclass(frozen=True)
class Proposal:
    """A draft on its way: its row so far, and its tree or the reason there is none."""

    row: Row
    node: Node | None
    error: ExpressionError | None = None


def blank(tonight: Night, draft: Draft, proposer: str, model: str, theme: str = "", way: Way = "generate") -> Row:
    """The row of a draft before anything is known of it."""
    return {
        "night": tonight.night,
        "trial": 0,
        "round": 0,
        "theme": theme,
        "way": way,
        "regime": tonight.regime,
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
        "claims": draft.claims,
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


def read(draft: Draft, task: Task) -> Node:
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


def try_out(tonight: Night, proposals: Sequence[Proposal], tried: Tried, in_force: InForce) -> list[Row]:
    """
    Walk proposals through the stages, each until it is refused or admitted.

    Args:
        tonight: market, bars, rule of admission.
        proposals: in order.
        tried: everything before them; grows by them.
        in_force: the factors in force by factor_id; admitted ones enter, those they replace leave.
    """
    rows = [_screen(proposal, tried, in_force) for proposal in proposals]
    open_ = [(row, p.node) for row, p in zip(rows, proposals, strict=True) if p.node is not None and not row["reason"]]
    for row in rows:
        if row["reason"]:
            tried.count(row)
    for (row, node), found in zip(open_, measure(tonight, [node for _, node in open_]), strict=True):
        row |= _judge(tonight, row, node, found, tried, in_force)
        tried.count(row)
    return rows


def references(tonight: Night, tried: Tried, in_force: InForce) -> list[Row]:
    """Measure the shipped references that the ledger does not know and whose fields the market has."""
    fresh = []
    for factor in REFERENCES:
        node = parse(factor.source, bar=tonight.market.bar)
        if fields_used(node) <= set(tonight.panel.fields) and not tried.twin(identity(node)):
            fresh.append((factor, node))
    rows: list[Row] = []
    for (factor, node), found in zip(fresh, measure(tonight, [node for _, node in fresh], checked=False), strict=True):
        draft = Draft(factor.name, factor.source, rationale=factor.rationale)
        row = blank(tonight, draft, "reference", "") | _named(draft.name, node)
        measures = among_all(found.measures, tonight, tried)
        points, said = rubric(measures)
        row |= {key: measures[key] for key in MEASURES if key in measures} | {"score": points}
        row |= {
            "stage": "accepted",
            "verdict": "accepted",
            "feedback": f"shipped reference; {said}",
        }
        tried.know(str(row["identity"]), str(row["factor_id"]))
        tried.count(row)
        in_force[str(row["factor_id"])] = found.standing
        rows.append(row)
    return rows


def _screen(proposal: Proposal, tried: Tried, in_force: InForce) -> Row:
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
    return row | _variant(str(row["canonical"]), tried, in_force)


def _variant(canonical: str, tried: Tried, in_force: InForce) -> Row:
    """The refusal of a formula tried before with nearly these numbers; one in force may still be beaten."""
    variants = tried.variants(canonical)
    if not variants or set(variants) & set(in_force):
        return {}
    feedback = f"the same formula as {variants[0]}, its numbers within a tenth"
    return {"stage": "type_valid", "reason": "too close to one tried before", "feedback": feedback}


def _named(name: str, node: Node) -> Row:
    print_of = identity(node)
    return {"canonical": str(node), "identity": print_of, "factor_id": factor_id(name, print_of)}


def _judge(tonight: Night, row: Row, node: Node, found: Measured, tried: Tried, in_force: InForce) -> Row:
    """Verdict over one measured factor; an admitted one enters the factors in force."""
    if variant := _variant(str(row["canonical"]), tried, in_force):  # of one that was measured beside it
        return variant
    failed = next((check for check in found.checks if check.blocking and not check.passed), None)
    if failed is not None:
        return _failed(failed)
    alike = likeness(found.standing.ranks, {name: other.ranks for name, other in in_force.items()})
    twin = next(iter(alike), "")
    closest = alike.get(twin, 0.0)
    measures = among_all(found.measures, tonight, tried) | {"max_correlation": closest}
    points, said = rubric(measures)
    known = {key: measures[key] for key in MEASURES} | {"score": points, "feedback": said}
    reason = refusal(measures, tonight.admission)
    close = {name for name, value in alike.items() if value >= tonight.admission.correlation}
    close |= set(tried.variants(str(row["canonical"]))) & set(in_force)
    replaces = ""
    if close:
        replaces = _beaten(close, measures, tonight, in_force)
        if not replaces:
            name = twin if twin in close else min(close)
            told = f"orders symbols like {name}, rank correlation {alike.get(name, np.nan):.2f}; {said}"
            return known | {"stage": "leak_clean", "reason": "too close to a factor in force", "feedback": told}
        known["feedback"] = f"replaces {replaces}, which it clearly beats; {said}"
    elif reason:
        stage = "significant" if discovered(measures, tonight.admission) else "leak_clean"
        return known | {"reason": reason, "stage": stage}
    whole = validate(partial(evaluate_one, node), tonight.panel, lookback(node), values=found.standing.values)
    failed = next((check for check in whole if check.blocking and not check.passed), None)
    if failed is not None:
        return known | _failed(failed)
    in_force.pop(replaces, None)
    in_force[str(row["factor_id"])] = found.standing
    return known | {"stage": "accepted", "verdict": "accepted", "replaces": replaces}


def _failed(check: CheckResult) -> Row:
    stage = "unique" if check.name == "no_lookahead" else "leak_clean"
    return {"stage": stage, "reason": f"{check.name} check", "feedback": check.detail}


def _beaten(close: set[str], measures: Mapping[str, float], tonight: Night, in_force: InForce) -> str:
    """The one factor in force that is too close and clearly worse on tonight's validation; empty when there is none."""
    rule = tonight.admission
    if len(close) != 1 or refusal({**measures, "max_correlation": 0.0}, rule):
        return ""
    (name,) = close
    theirs = train_and_valid(in_force[name].values, tonight)["valid_sharpe"]
    return name if measures["valid_sharpe"] >= theirs + rule.clearly_better else ""
