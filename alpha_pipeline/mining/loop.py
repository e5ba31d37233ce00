"""
One run date of mining: ask, read, try out, within a budget; every trial becomes a row.

What a trial goes through is in `trial`, what is asked next in `agenda`.

Deterministic given the run date, the seed and the proposer's answers; sees nothing after the run date and never the sealed
segment before it.
"""

from collections.abc import Callable, Mapping
from dataclasses import field, replace

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import BacktestConfig, funding_payments, split
from alpha_pipeline.backtesting.market_regimes import regime
from alpha_pipeline.backtesting.splits import HISTORY_BARS
from alpha_pipeline.errors import BudgetError, ExpressionError, ModelError, SettingError
from alpha_pipeline.expressions import Node
from alpha_pipeline.llm.budget import Price, SpendMeter, Spent, month_so_far, read_prices
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.factor_types import FACTOR_TYPES, available
from alpha_pipeline.mining.knowledge import Knowledge
from alpha_pipeline.mining.ledger import TrialHistory, train_summary
from alpha_pipeline.mining.planner import next_task
from alpha_pipeline.mining.progress_report import Progress, progress
from alpha_pipeline.mining.run_context import ActiveFactors, Night, standing
from alpha_pipeline.mining.task import Proposal, Proposer, Task
from alpha_pipeline.mining.trial import ParsedProposal, Row, blank, read, references, try_out
from alpha_pipeline.settings import AtLeastOne, Mining, section
from alpha_pipeline.tables import TRIALS, UNANSWERED

Report = Callable[[Progress], None]
PATIENCE = 3  # questions in a row without an answer before the model is left alone for the run date
CHUNK = 32  # trials computed side by side; their values are in memory together
CRITICIZED = 12  # results of a round a critic is shown, the strongest first


@section
class MiningSettings(Mining):
    """
    Settings of one run date of mining.

    Args:
        history_bars: bars before the run date that are looked at.
        prices: USD per million tokens, by model.
        threads: factors computed and measured side by side.
    """

    history_bars: int = HISTORY_BARS
    prices: Mapping[str, Price] = field(default_factory=read_prices)
    threads: AtLeastOne = 2

    def __post_init__(self) -> None:
        unknown = sorted(set(self.factor_types) - set(FACTOR_TYPES))
        if unknown or not self.prompt_modes:
            raise SettingError(
                f"factor_types among {tuple(FACTOR_TYPES)} and at least one of prompt_modes expected; found {unknown}"
            )


def mine(
    run_date: pd.Timestamp,
    market: Market,
    panel: Panel,
    ledger: pd.DataFrame,
    proposer: Proposer,
    settings: MiningSettings,
    report: Report = lambda progress: None,
    funding: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """
    Mine for one run date.

    Args:
        run date: start of the run date's day, UTC.
        market: where factors are traded.
        panel: bars up to the end of the run date.
        ledger: rows of `tables.TRIALS` of all earlier run dates, and of the run date's earlier sessions.
        proposer: who writes.
        settings: how much.
        report: told how far it is, after every chunk of trials.
        funding: rows of `tables.RAW_FUNDING`, paid by who holds at their stamps; nothing is paid by default.

    Returns:
        Rows of `tables.TRIALS`. On the first run date the references come first, then the proposals in order. A question
        the model did not answer is a row too, but no trial; after three in a row the run date goes on without the model.

    Raises:
        DataError: too few bars to split.
        SettingError: the market has the fields of none of the factor types asked for.
    """
    if settings.factor_types and not set(settings.factor_types) & set(available(panel.fields)):
        wanted, there = ", ".join(settings.factor_types), ", ".join(sorted(panel.fields))
        raise SettingError(f"no family of {wanted} has its fields in {market.name}; there are {there}")
    run = _Run(
        _tonight(run_date, market, panel, settings, funding), TRIALS.complete(ledger), proposer, settings, report
    )
    try:
        for number in range(settings.rounds):
            run.round(number)
    except (BudgetError, ModelError) as end:
        run.say(f"stopped, with what there is: {end}")
    rule = settings.admission.to_text()
    rows = [row | {"trial": number, "session": "", "admission_rule": rule} for number, row in enumerate(run.rows)]
    table: pd.DataFrame = TRIALS.conform(pd.DataFrame(rows) if rows else TRIALS.empty()).to_pandas()
    return table


def _tonight(
    run_date: pd.Timestamp, market: Market, panel: Panel, settings: MiningSettings, funding: pd.DataFrame | None
) -> Night:
    past = panel.until(run_date + pd.Timedelta(1, "D"))  # should the caller hand over more, it is not looked at
    known = past.rows(-min(past.shape[0], settings.history_bars), None)
    cut = split(known.shape[0], market.horizon_bars)
    seen = known.rows(0, cut.valid[1])  # the sealed segment does not exist for mining
    sentiment = regime(known.rows(*cut.train), market)
    paid = None
    if funding is not None and len(funding):
        paid = funding_payments(funding, seen, BacktestConfig.of(market).fill)
    return Night(run_date, market, seen, cut.train, cut.valid, sentiment, settings.admission, settings.threads, paid)


class _Run:
    """What grows in the course of a run date."""

    def __init__(
        self, context: Night, ledger: pd.DataFrame, proposer: Proposer, settings: MiningSettings, report: Report
    ) -> None:
        self.context, self.ledger, self.settings, self.report = context, ledger, settings, report
        self.meter = SpendMeter(settings.budget, settings.prices.get(proposer.model), _used(ledger, context))
        self.proposer = proposer.within(self.meter)
        self.tried = TrialHistory(ledger)
        self.active_factors: ActiveFactors = standing(ledger, context)
        self.rows: list[Row] = references(context, self.tried, self.active_factors)
        self.questions = self.silent = 0

    def round(self, number: int) -> None:
        """
        Ask for a round's drafts, chunk by chunk, and try them out; what is known is known from the round's start.

        Raises:
            BudgetError: the next question could pass a limit.
            ModelError: the model has been silent too often.
        """
        knowledge = Knowledge(self._so_far(), self.context.regime, tuple(self.active_factors))
        wanted, first = self.settings.proposals_per_round, len(self.rows)
        while (done := len(self.rows) - first) < wanted:
            task, proposals, end = self._gather(number, done, min(CHUNK, wanted - done), knowledge)
            self.rows += try_out(self.context, proposals, self.tried, self.active_factors)
            done = len(self.rows) - first
            if done == wanted and end is None:
                self._criticize(task, first)
            place = f"round {number + 1} of {self.settings.rounds}"
            place += f", {done:,} of {wanted:,}" * (wanted > CHUNK)
            self.report(progress(place, number, self.rows, self.meter))
            if end is not None:
                raise end

    def say(self, message: str) -> None:
        """A line about the run date as a whole."""
        self.report(Progress(message, {}))

    def _so_far(self) -> pd.DataFrame:
        """The ledger as it stands within the run date: earlier rows, then the run date's."""
        columns = [column.name for column in TRIALS.columns]
        context = pd.DataFrame(self.rows, columns=columns)
        return pd.concat([self.ledger[columns], context], ignore_index=True) if self.rows else self.ledger

    def _gather(
        self, number: int, done: int, wanted: int, knowledge: Knowledge
    ) -> tuple[Task, list[ParsedProposal], BudgetError | ModelError | None]:
        """Drafts for one chunk, and why there are no more of them if asking has to end."""
        proposals: list[ParsedProposal] = []
        settings, context = self.settings, self.context
        while True:
            prompt_mode = settings.prompt_modes[self.questions % len(settings.prompt_modes)]
            label = (
                f"{settings.seed}/{context.market.name}/{context.run_date:%Y-%m-%d}/{number}/{done + len(proposals)}"
            )
            task = next_task(
                context.market, context.panel.fields, label, prompt_mode, self.tried, knowledge,
                count=min(settings.batch, wanted - len(proposals)),
                factor_types=settings.factor_types, context=settings.context,
            )  # fmt: skip
            try:
                proposals += self._ask(task, knowledge, number)
            except BudgetError as limit:
                return task, proposals, limit
            self.questions += 1
            if self.silent == PATIENCE:
                end = f"{PATIENCE} questions in a row without an answer: the run date goes on without the model"
                return task, proposals, ModelError(end)
            if len(proposals) == wanted:
                return task, proposals, None

    def _ask(self, task: Task, knowledge: Knowledge, number: int) -> list[ParsedProposal]:
        """The drafts of one question, repaired where that helps; without an answer, a row that is no trial."""
        before = self.meter.run_date
        try:
            drafts = self.proposer.propose(task)
        except ModelError as failure:
            self.silent += 1
            reason = f"no answer: {failure}".encode("utf-8", "replace").decode()  # half a character fits no file
            self.say(reason)
            row = self._blank(Proposal(f"{task.factor_type}_{task.window}", ""), task, number, before)
            return [ParsedProposal(row | {"verdict": UNANSWERED, "reason": reason[:160]}, None)]
        self.silent = 0
        proposals = []
        for place, draft in enumerate(drafts):
            repeated = draft.source in [earlier.source for earlier in drafts[:place]]
            repairs = 0 if repeated else self.settings.repairs
            final, node, error = self._read(draft, task, knowledge, repairs)
            proposals.append(ParsedProposal(self._blank(final, task, number, before), node, error))
            before = self.meter.run_date
        return proposals

    def _blank(self, draft: Proposal, task: Task, number: int, before: Spent) -> Row:
        row = blank(self.context, draft, self.proposer.name, self.proposer.model, task.factor_type, task.prompt_mode)
        return row | {"round": number, **_bill(before, self.meter)}

    def _read(
        self, draft: Proposal, task: Task, knowledge: Knowledge, repairs: int
    ) -> tuple[Proposal, Node | None, ExpressionError | None]:
        """A draft and its tree; a refused one goes back with the error a bounded number of times."""
        for left in range(repairs, -1, -1):
            again = replace(task, seed=task.seed + repairs - left)  # the same mistake twice is not the same question
            try:
                return draft, read(draft, task), None
            except ExpressionError as error:
                try:
                    better = self.proposer.repair(again, draft, error, knowledge.near(draft.source)) if left else None
                except (ModelError, BudgetError):  # the first draft is answer enough
                    better = None
                if better is None:
                    return draft, None, error
                draft = better
        raise AssertionError("unreachable")

    def _criticize(self, task: Task, first: int) -> None:
        """Ask what to do next, in view of the round's results on train; the answer stands on the round's last row."""
        rows = sorted(self.rows[first:], key=_strength)
        before = self.meter.run_date
        try:
            said = self.proposer.criticize(task, tuple(_outcome(row) for row in rows[:CRITICIZED]))
        except (ModelError, BudgetError):  # the run date does not depend on an opinion
            said = ""
        last = self.rows[-1]
        bill = _bill(before, self.meter)
        last["critique"] = said
        for key, used in bill.items():
            last[key] = last[key] + used  # type: ignore[operator]  # cells of the ledger, numbers both


def _used(ledger: pd.DataFrame, context: Night) -> Spent:
    """What the month used before now, earlier sessions of on the run date included."""
    return month_so_far(ledger, context.run_date + pd.Timedelta(1, "us"))


def _bill(before: Spent, meter: SpendMeter) -> Row:
    """What the model used since `before`."""
    now = meter.run_date
    known = meter.price is not None or now.calls == before.calls
    return {
        "calls": now.calls - before.calls,
        "prompt_tokens": now.prompt_tokens - before.prompt_tokens,
        "completion_tokens": now.completion_tokens - before.completion_tokens,
        "model_seconds": now.seconds - before.seconds,
        "usd": now.usd - before.usd if known else np.nan,
    }


def _strength(row: Row) -> float:
    t = abs(float(row["train_t_stat"]))  # type: ignore[arg-type]  # a cell of the ledger
    return -t if np.isfinite(t) else 1.0


def _outcome(row: Row) -> str:
    """A trial as the critic may see it: measured on train, or why it was never measured."""
    if np.isfinite(float(row["train_t_stat"])):  # type: ignore[arg-type]
        return f"{str(row['canonical'])[:160]} -> {train_summary(row)}"
    if np.isfinite(float(row["score"])):  # type: ignore[arg-type]  # judged: the reason rests on validation
        return f"{str(row['canonical'])[:160]} -> too few bars on train to tell"
    return f"{str(row['canonical'] or row['source'])[:160]} -> refused: {row['reason']}"
