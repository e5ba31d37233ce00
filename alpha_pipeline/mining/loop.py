"""
One night of mining: propose, read, check, measure, judge; every trial becomes a row.

Deterministic given the night, the seed and the proposer's answers; sees nothing after the night and never the sealed
segment before it.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from alpha_pipeline.backtest import score, split
from alpha_pipeline.backtest.splits import HISTORY_BARS
from alpha_pipeline.errors import BudgetError, DataError, ExpressionError, ModelError
from alpha_pipeline.expressions import Node, evaluate, fields_used, identity, lookback, parse
from alpha_pipeline.factor import factor_id
from alpha_pipeline.market import Market
from alpha_pipeline.mining.budget import Budget, Meter, Price, Spent, month_so_far, read_prices
from alpha_pipeline.mining.judge import Admission, refusal, rubric
from alpha_pipeline.mining.knowledge import knowledge
from alpha_pipeline.mining.reference import REFERENCES
from alpha_pipeline.mining.task import THEMES, WINDOWS, Draft, Proposer, Task
from alpha_pipeline.panel import Array, Panel
from alpha_pipeline.statistics import deflated_sharpe
from alpha_pipeline.tables import MEASURES, TRIALS
from alpha_pipeline.validation import CheckResult, validate
from alpha_pipeline.values import evaluate_one

Report = Callable[[str], None]
Row = dict[str, object]
Values = Mapping[str, Array]

PATIENCE = 3  # questions in a row without an answer before the model is left alone for the night


@dataclass(frozen=True)
class MiningSettings:
    """
    Knobs of a night.

    Args:
        rounds: inner-loop rounds; each sees what the earlier ones measured.
        proposals_per_round: drafts a round.
        repairs: times a refused draft goes back to its writer.
        seed: start of every proposal's seed.
        history_bars: bars before the night that are looked at.
        budget: what the model may cost.
        prices: USD per million tokens, by model.
        admission: what a factor must show.
    """

    rounds: int = 2
    proposals_per_round: int = 6
    repairs: int = 1
    seed: int = 0
    history_bars: int = HISTORY_BARS
    budget: Budget = field(default_factory=Budget)
    prices: Mapping[str, Price] = field(default_factory=read_prices)
    admission: Admission = field(default_factory=Admission)


@dataclass(frozen=True)
class _Night:
    """Everything fixed for a night: the bars that may be seen, cut in train and validation."""

    night: pd.Timestamp
    market: Market
    panel: Panel
    train: tuple[int, int]
    valid: tuple[int, int]
    admission: Admission
    report: Report


def mine(
    night: pd.Timestamp,
    market: Market,
    panel: Panel,
    ledger: pd.DataFrame,
    proposer: Proposer,
    settings: MiningSettings,
    report: Report = lambda message: None,
) -> pd.DataFrame:
    """
    Mine for one night.

    Args:
        night: start of the night's day, UTC.
        market: where factors are traded.
        panel: bars up to the end of the night.
        ledger: rows of `tables.TRIALS` of all earlier nights.
        proposer: who writes.
        settings: how much.
        report: told about progress, a line at a time.

    Returns:
        Rows of `tables.TRIALS`. On the first night the references come first, then the proposals in order. A proposal
        the model did not answer is a row too, but no trial; after three in a row the night goes on without the model.

    Raises:
        DataError: too few bars to split.
    """
    past = panel.until(night + pd.Timedelta(1, "D"))  # should the caller hand over more, it is not looked at
    known = past.rows(-min(past.shape[0], settings.history_bars), None)
    cut = split(known.shape[0], market.horizon_bars)
    seen = known.rows(0, cut.valid[1])  # the sealed segment does not exist for this function
    tonight = _Night(night, market, seen, cut.train, cut.valid, settings.admission, report)
    in_force = _in_force(ledger, tonight)
    rows = _references(tonight, ledger, in_force)
    meter = Meter(settings.budget, settings.prices.get(proposer.model), month_so_far(ledger, night))
    metered = proposer.within(meter)
    for round_number in range(settings.rounds):
        so_far = _concat(ledger, rows)
        for position in range(settings.proposals_per_round):
            task = _task(tonight, so_far, settings, round_number, position)
            before = meter.night
            try:
                draft, node, error = _draft(metered, task, settings.repairs)
            except BudgetError as limit:
                report(f"stopped, with what there is: {limit}")
                return _ledger(rows)
            except ModelError as failure:
                row = _blank(tonight, len(rows), round_number, Draft(f"{task.theme}_{task.window}", ""), proposer)
                reason = f"no answer: {failure}"
                rows.append({**row, "verdict": "unanswered", "reason": reason[:160], **_bill(before, meter)})
                report(reason)
                if [row["verdict"] for row in rows[-PATIENCE:]] == ["unanswered"] * PATIENCE:
                    report(f"{PATIENCE} questions in a row without an answer: the night goes on without the model")
                    return _ledger(rows)
                continue
            row = _blank(tonight, len(rows), round_number, draft, proposer) | _bill(before, meter)
            rows.append(_trial(tonight, row, draft, node, error, _concat(ledger, rows), in_force))
        report(_progress(round_number, settings, rows, meter))
    return _ledger(rows)


def _ledger(rows: list[Row]) -> pd.DataFrame:
    return TRIALS.conform(pd.DataFrame(rows) if rows else TRIALS.empty()).to_pandas()


def _bill(before: Spent, meter: Meter) -> Row:
    """What the model used since `before`."""
    now = meter.night
    known = meter.price is not None or now.calls == before.calls
    return {
        "calls": now.calls - before.calls,
        "model_seconds": now.seconds - before.seconds,
        "usd": now.usd - before.usd if known else np.nan,
    }


def _task(tonight: _Night, ledger: pd.DataFrame, settings: MiningSettings, round_number: int, position: int) -> Task:
    label = f"{settings.seed}/{tonight.market.name}/{tonight.night:%Y-%m-%d}/{round_number}/{position}"
    seed = int(hashlib.sha256(label.encode()).hexdigest()[:7], 16)
    theme = THEMES[(round_number * settings.proposals_per_round + position) % len(THEMES)]
    window = WINDOWS[seed % len(WINDOWS)]
    notes = knowledge(ledger, theme).notes if round_number else ()
    return Task(tonight.market, tuple(sorted(tonight.panel.fields)), theme, window, seed, notes)


def _draft(proposer: Proposer, task: Task, repairs: int) -> tuple[Draft, Node | None, ExpressionError | None]:
    """A draft and its tree; a refused one goes back with the error a bounded number of times."""
    draft = proposer.propose(task)
    for left in range(repairs, -1, -1):
        try:
            return draft, _parse(draft, task), None
        except ExpressionError as error:
            better = _repaired(proposer, task, draft, error) if left else None
            if better is None:
                return draft, None, error
            draft = better
    raise AssertionError("unreachable")


def _repaired(proposer: Proposer, task: Task, draft: Draft, error: ExpressionError) -> Draft | None:
    """A second try; None where the model does not answer or may not be asked: the first draft is answer enough."""
    try:
        return proposer.repair(task, draft, error)
    except (ModelError, BudgetError):
        return None


def _parse(draft: Draft, task: Task) -> Node:
    if not draft.source:
        raise ExpressionError("the reply holds no expression", kind="syntax")
    node = parse(draft.source, draft.dialect, fields=task.fields, bar=task.market.bar)
    if not fields_used(node):
        raise ExpressionError("the expression uses no field, so it is a constant", draft.source, kind="type")
    return node


def _blank(tonight: _Night, trial: int, round_number: int, draft: Draft, proposer: Proposer) -> Row:
    return {
        "night": tonight.night,
        "trial": trial,
        "round": round_number,
        "factor_id": "",
        "name": draft.name,
        "proposer": proposer.name,
        "model": proposer.model,
        "request_hash": draft.request_hash,
        "parent": "",
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


def _trial(
    tonight: _Night,
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
        return row | {"stage": "leak_clean", "feedback": f"{twin_check.detail}; {said}"}
    if reason:
        significant = reason.startswith(("loses", "deflated"))
        return row | {"stage": "significant" if significant else "leak_clean"}
    in_force[str(row["factor_id"])] = values
    return row | {"stage": "accepted", "verdict": "accepted"}


def _references(tonight: _Night, ledger: pd.DataFrame, in_force: dict[str, Array]) -> list[Row]:
    """Measure the shipped references that the ledger does not know and whose fields the market has."""
    rows: list[Row] = []
    taken = set(ledger["identity"])
    for factor in REFERENCES:
        node = parse(factor.source, bar=tonight.market.bar)
        if not fields_used(node) <= set(tonight.panel.fields) or identity(node) in taken:
            continue
        values = evaluate_one(node, tonight.panel)
        measures = _measure(values, tonight, _concat(ledger, rows)) | {"max_correlation": np.nan}
        points, said = rubric(measures)
        draft = Draft(factor.name, factor.source, rationale=factor.rationale)
        row = _blank(tonight, len(rows), 0, draft, _Reference())
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


def _validate(node: Node, tonight: _Night, in_force: Values) -> list[CheckResult]:
    return validate(partial(evaluate_one, node), tonight.panel, lookback(node), in_force)


def _measure(values: Array, tonight: _Night, ledger: pd.DataFrame) -> dict[str, float]:
    """Train and validation measures; the direction is chosen on train, the Sharpe ratio deflated by all trials."""
    train = _score(values, tonight, tonight.train)
    direction = -1.0 if train["rank_ic"] < 0 else 1.0
    valid = _score(direction * values, tonight, tonight.valid)
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
        "train_sharpe": train["sharpe"] if direction > 0 else _score(-values, tonight, tonight.train)["sharpe"],
        "valid_rank_ic": direction * valid["rank_ic"],
        "valid_t_stat": direction * valid["t_stat"],
        "valid_sharpe": valid["sharpe"],
        "valid_max_drawdown": valid["max_drawdown"],
        "valid_turnover": valid["turnover"],
        "deflated_sharpe": belief,
    }


def _score(values: Array, tonight: _Night, segment: tuple[int, int]) -> dict[str, float]:
    return score(np.ascontiguousarray(values[slice(*segment)]), tonight.panel.rows(*segment), tonight.market)


def _in_force(ledger: pd.DataFrame, tonight: _Night) -> dict[str, Array]:
    """Values of every factor ever admitted whose fields the market still has, by factor_id."""
    admitted = ledger[ledger["verdict"] == "accepted"].drop_duplicates("factor_id")
    nodes = {str(row.factor_id): parse(str(row.canonical), bar=tonight.market.bar) for row in admitted.itertuples()}
    usable = {name: node for name, node in nodes.items() if fields_used(node) <= set(tonight.panel.fields)}
    found = dict(evaluate(list(usable.values()), tonight.panel))
    return {name: found[position] for position, name in enumerate(usable)}


def _concat(ledger: pd.DataFrame, rows: list[Row]) -> pd.DataFrame:
    columns = [column.name for column in TRIALS.columns]
    return pd.concat([ledger[columns], pd.DataFrame(rows, columns=columns)], ignore_index=True) if rows else ledger


def _progress(round_number: int, settings: MiningSettings, rows: list[Row], meter: Meter) -> str:
    mined = [row for row in rows if row["proposer"] != "reference"]
    measured = [row for row in mined if np.isfinite(row["valid_t_stat"])]  # type: ignore[call-overload]
    accepted = sum(row["verdict"] == "accepted" for row in mined)
    best = max((abs(float(row["valid_t_stat"])) for row in measured), default=float("nan"))  # type: ignore[arg-type]
    return (
        f"round {round_number + 1} of {settings.rounds}: {len(mined)} proposed, {len(measured)} measured, "
        f"{accepted} accepted, best |t| {best:.1f}, {meter.night.tokens:,} tokens, {meter.left()}"
    )
