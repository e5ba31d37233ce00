"""
One trial: the stages a draft passes until it is refused or admitted, and what is measured on the way.

What is asked for, and how often, is decided in `loop`; the numbers come from `backtest`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd

from alpha_pipeline.backtest import Stretch, score
from alpha_pipeline.errors import DataError, ExpressionError
from alpha_pipeline.expressions import Node, evaluate, fields_used, identity, lookback, parse
from alpha_pipeline.factor import factor_id
from alpha_pipeline.market import Market
from alpha_pipeline.mining.budget import Meter
from alpha_pipeline.mining.judge import Admission, refusal, rubric
from alpha_pipeline.mining.reference import REFERENCES
from alpha_pipeline.mining.task import Draft, Proposer, Task
from alpha_pipeline.panel import Array, Panel
from alpha_pipeline.statistics import deflated_sharpe
from alpha_pipeline.tables import MEASURES, TRIALS
from alpha_pipeline.validation import CheckResult, SampledRanks, likeness, validate
from alpha_pipeline.values import evaluate_one

Report = Callable[[str], None]
Row = dict[str, object]
Values = Mapping[str, Array]


@dataclass(frozen=True)
class Night:
    """Everything fixed for a night: the bars that may be seen, cut in train and validation."""

    night: pd.Timestamp
    market: Market
    panel: Panel
    train: tuple[int, int]
    valid: tuple[int, int]
    admission: Admission
    report: Report

    @cached_property
    def stretches(self) -> tuple[Stretch, Stretch]:
        """Train and validation, ready to be measured on."""
        train, valid = (Stretch.of(self.panel.rows(*segment), self.market) for segment in (self.train, self.valid))
        return train, valid


def blank(tonight: Night, trial: int, round_number: int, draft: Draft, proposer: Proposer, theme: str = "") -> Row:
    """The row of a draft before anything is known of it."""
    return {
        "night": tonight.night,
        "trial": trial,
        "round": round_number,
        "theme": theme,
        "factor_id": "",
        "name": draft.name,
        "proposer": proposer.name,
        "model": proposer.model,
        "request_hash": draft.request_hash,
        "parent": "",
        "replaces": "",
        "dialect": draft.dialect,
        "source": draft.source,
        "canonical": "",
        "identity": "",
        "rationale": draft.rationale,
        "claims": draft.claims,
        "stage": "proposed",
        "verdict": "refused",
        "reason": "",
        "feedback": "",
        "score": np.nan,
        "prompt_tokens": draft.prompt_tokens,
        "completion_tokens": draft.completion_tokens,
        "calls": 0,
        "model_seconds": 0.0,
        "usd": 0.0,
        **dict.fromkeys(MEASURES, np.nan),
    }


def walk_stages(
    tonight: Night,
    row: Row,
    draft: Draft,
    node: Node | None,
    error: ExpressionError | None,
    ledger: pd.DataFrame,
    in_force: dict[str, Array],
) -> Row:
    """Walk one draft through the stages until it is refused or admitted."""
    if error is not None or node is None:
        kind = error.kind if error else "syntax"
        stage = "parsed" if kind == "type" else "proposed"
        reason = error.reason if error else "no expression"
        return row | {"stage": stage, "reason": f"{kind}: {reason}"[:160], "feedback": str(error)[:1000]}
    print_of = identity(node)
    row |= {"canonical": str(node), "identity": print_of, "factor_id": factor_id(draft.name, print_of)}
    twin = ledger.loc[ledger["identity"] == print_of, "factor_id"]
    if len(twin):
        return row | {"stage": "type_valid", "reason": "tried before", "feedback": f"the same as {twin.iloc[0]}"}
    checks = _validate(node, tonight, in_force)
    failed = next((check for check in checks if check.blocking and not check.passed), None)
    if failed is not None:
        stage = "unique" if failed.name == "no_lookahead" else "leak_clean"
        return row | {"stage": stage, "reason": f"{failed.name} check", "feedback": failed.detail}
    twin_check = next(check for check in checks if check.name == "correlation")
    values = evaluate_one(node, tonight.panel)
    measures = _measure(values, tonight, ledger) | {"max_correlation": twin_check.value}
    points, said = rubric(measures)
    reason = refusal(measures, tonight.admission)
    row |= {**measures, "score": points, "feedback": said, "reason": reason}
    if reason.startswith("too close"):
        old = _beaten(values, measures, tonight, ledger, in_force)
        if not old:
            return row | {"stage": "leak_clean", "feedback": f"{twin_check.detail}; {said}"}
        del in_force[old]
        row |= {"replaces": old, "feedback": f"replaces {old}, which it clearly beats; {said}"}
        reason = row["reason"] = ""
    if reason:
        significant = reason.startswith(("loses", "deflated"))
        return row | {"stage": "significant" if significant else "leak_clean"}
    in_force[str(row["factor_id"])] = values
    return row | {"stage": "accepted", "verdict": "accepted"}


def _beaten(
    values: Array, measures: Mapping[str, float], tonight: Night, ledger: pd.DataFrame, in_force: dict[str, Array]
) -> str:
    """The one factor in force that is too close and clearly worse on tonight's validation; empty when there is none."""
    rule = tonight.admission
    alike = likeness(SampledRanks.of(values), _ranked(in_force))
    close = [name for name, size in alike.items() if size >= rule.correlation]
    if len(close) != 1 or refusal({**measures, "max_correlation": 0.0}, rule):
        return ""
    theirs = _measure(in_force[close[0]], tonight, ledger)["valid_sharpe"]
    return close[0] if measures["valid_sharpe"] >= theirs + rule.clearly_better else ""


def references(tonight: Night, ledger: pd.DataFrame, in_force: dict[str, Array]) -> list[Row]:
    """Measure the shipped references that the ledger does not know and whose fields the market has."""
    rows: list[Row] = []
    taken = set(ledger["identity"])
    for factor in REFERENCES:
        node = parse(factor.source, bar=tonight.market.bar)
        if not fields_used(node) <= set(tonight.panel.fields) or identity(node) in taken:
            continue
        values = evaluate_one(node, tonight.panel)
        measures = _measure(values, tonight, with_rows(ledger, rows)) | {"max_correlation": np.nan}
        points, said = rubric(measures)
        draft = Draft(factor.name, factor.source, rationale=factor.rationale)
        row = blank(tonight, len(rows), 0, draft, _Reference())
        name = factor_id(factor.name, identity(node))
        row |= {"canonical": str(node), "identity": identity(node), "factor_id": name, **measures, "score": points}
        rows.append(row | {"stage": "accepted", "verdict": "accepted", "feedback": f"shipped reference; {said}"})
        in_force[name] = values
    return rows


@dataclass(frozen=True)
class _Reference:
    """Label of the shipped factors in the ledger."""

    name: str = "reference"
    model: str = ""

    def within(self, meter: Meter) -> "_Reference":
        return self

    def propose(self, task: Task) -> Draft:
        raise DataError("references are shipped, not proposed")

    def repair(self, task: Task, draft: Draft, error: ExpressionError) -> Draft | None:
        return None


def _validate(node: Node, tonight: Night, in_force: Values) -> list[CheckResult]:
    return validate(partial(evaluate_one, node), tonight.panel, lookback(node), _ranked(in_force))


def _ranked(in_force: Values) -> dict[str, SampledRanks]:
    return {name: SampledRanks.of(values) for name, values in in_force.items()}


def _measure(values: Array, tonight: Night, ledger: pd.DataFrame) -> dict[str, float]:
    """Train and validation measures; the direction is chosen on train, the Sharpe ratio deflated by all trials."""
    train_stretch, valid_stretch = tonight.stretches
    train = score(values[slice(*tonight.train)], train_stretch, delayed=False, oriented=True)
    direction = -1.0 if train["rank_ic"] < 0 else 1.0
    valid = score(direction * values[slice(*tonight.valid)], valid_stretch, delayed=False)
    earlier = ledger["valid_sharpe"].dropna().to_numpy(float) / np.sqrt(tonight.market.periods_per_year)
    tried = np.append(earlier, valid["sharpe_per_bar"])
    tried = tried[np.isfinite(tried)]
    spread = float(np.var(tried, ddof=1)) if len(tried) > 1 else 0.0
    belief = deflated_sharpe(
        valid["sharpe_per_bar"], int(valid["bars"]), valid["skewness"], valid["kurtosis"], len(tried), spread
    )
    return {
        "train_rank_ic": train["rank_ic"],
        "train_t_stat": train["t_stat"],
        "train_sharpe": train["sharpe"],
        "valid_rank_ic": direction * valid["rank_ic"],
        "valid_t_stat": direction * valid["t_stat"],
        "valid_sharpe": valid["sharpe"],
        "valid_max_drawdown": valid["max_drawdown"],
        "valid_turnover": valid["turnover"],
        "deflated_sharpe": belief,
    }


def values_in_force(ledger: pd.DataFrame, tonight: Night) -> dict[str, Array]:
    """Values of every factor admitted and not replaced whose fields the market still has, by factor_id."""
    admitted = ledger[ledger["verdict"] == "accepted"].drop_duplicates("factor_id")
    admitted = admitted[~admitted["factor_id"].isin(ledger["replaces"])]
    nodes = {str(row.factor_id): parse(str(row.canonical), bar=tonight.market.bar) for row in admitted.itertuples()}
    usable = {name: node for name, node in nodes.items() if fields_used(node) <= set(tonight.panel.fields)}
    found = dict(evaluate(list(usable.values()), tonight.panel))
    return {name: found[position] for position, name in enumerate(usable)}


def with_rows(ledger: pd.DataFrame, rows: list[Row]) -> pd.DataFrame:
    """The ledger as it stands within the night: earlier rows, then tonight's so far."""
    columns = [column.name for column in TRIALS.columns]
    return pd.concat([ledger[columns], pd.DataFrame(rows, columns=columns)], ignore_index=True) if rows else ledger
