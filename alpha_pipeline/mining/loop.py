"""
One night of mining: ask, read, try again, within a budget; every trial becomes a row.

What a trial goes through is in `trial`.

Deterministic given the night, the seed and the proposer's answers; sees nothing after the night and never the sealed
segment before it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from alpha_pipeline.backtest import split
from alpha_pipeline.backtest.splits import HISTORY_BARS
from alpha_pipeline.errors import BudgetError, ExpressionError, ModelError
from alpha_pipeline.expressions import Node, fields_used, parse
from alpha_pipeline.market import Market
from alpha_pipeline.mining.budget import Budget, Meter, Price, Spent, month_so_far, read_prices
from alpha_pipeline.mining.families import choose
from alpha_pipeline.mining.judge import Admission
from alpha_pipeline.mining.knowledge import knowledge
from alpha_pipeline.mining.task import WINDOWS, Draft, Proposer, Task
from alpha_pipeline.mining.trial import Night, Report, Row, blank, references, values_in_force, walk_stages, with_rows
from alpha_pipeline.panel import Panel
from alpha_pipeline.tables import TRIALS, UNANSWERED

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
    tonight = Night(night, market, seen, cut.train, cut.valid, settings.admission, report)
    in_force = values_in_force(ledger, tonight)
    rows = references(tonight, ledger, in_force)
    meter = Meter(settings.budget, settings.prices.get(proposer.model), month_so_far(ledger, night))
    metered = proposer.within(meter)
    for round_number in range(settings.rounds):
        so_far = with_rows(ledger, rows)
        for position in range(settings.proposals_per_round):
            task = _task(tonight, so_far, settings, round_number, position)
            before = meter.night
            try:
                draft, node, error = _draft(metered, task, settings.repairs)
            except BudgetError as limit:
                report(f"stopped, with what there is: {limit}")
                return _ledger(rows)
            except ModelError as failure:
                draft = Draft(f"{task.theme}_{task.window}", "")
                row = blank(tonight, len(rows), round_number, draft, proposer, task.theme)
                reason = f"no answer: {failure}"
                rows.append({**row, "verdict": UNANSWERED, "reason": reason[:160], **_bill(before, meter)})
                report(reason)
                if [row["verdict"] for row in rows[-PATIENCE:]] == [UNANSWERED] * PATIENCE:
                    report(f"{PATIENCE} questions in a row without an answer: the night goes on without the model")
                    return _ledger(rows)
                continue
            row = blank(tonight, len(rows), round_number, draft, proposer, task.theme) | _bill(before, meter)
            rows.append(walk_stages(tonight, row, draft, node, error, with_rows(ledger, rows), in_force))
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


def _task(tonight: Night, ledger: pd.DataFrame, settings: MiningSettings, round_number: int, position: int) -> Task:
    label = f"{settings.seed}/{tonight.market.name}/{tonight.night:%Y-%m-%d}/{round_number}/{position}"
    seed = int(hashlib.sha256(label.encode()).hexdigest()[:7], 16)
    fields = tuple(sorted(tonight.panel.fields))
    theme = choose(ledger, fields, seed)
    window = WINDOWS[seed % len(WINDOWS)]
    notes = knowledge(ledger, theme).notes if round_number else ()
    return Task(tonight.market, fields, theme, window, seed, notes)


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


def _progress(round_number: int, settings: MiningSettings, rows: list[Row], meter: Meter) -> str:
    mined = [row for row in rows if row["proposer"] != "reference"]
    measured = [row for row in mined if np.isfinite(row["valid_t_stat"])]  # type: ignore[call-overload]
    accepted = sum(row["verdict"] == "accepted" for row in mined)
    best = max((abs(float(row["valid_t_stat"])) for row in measured), default=float("nan"))  # type: ignore[arg-type]
    return (
        f"round {round_number + 1} of {settings.rounds}: {len(mined)} proposed, {len(measured)} measured, "
        f"{accepted} accepted, best |t| {best:.1f}, {meter.night.tokens:,} tokens, {meter.left()}"
    )
