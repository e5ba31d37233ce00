"""
The mining loop of one run date: proposals within a budget, trials in rounds, one row of the ledger per trial.

Tasks are planned in `planner`; a trial's stages are in `stages`. Deterministic given the run date, the seed and the
proposer's answers; uses no bar after the run date and none of the sealed test before it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import field, replace

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import BacktestConfig, funding_payments
from alpha_pipeline.backtesting.market_regimes import regime
from alpha_pipeline.backtesting.splits import market_split, recent_history
from alpha_pipeline.errors import BudgetError, ExpressionError, ModelError, SettingError
from alpha_pipeline.expressions import Node
from alpha_pipeline.llm.budget import Price, SpendMeter, Spent, month_so_far, read_prices
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.factor_types import FACTOR_TYPES, available
from alpha_pipeline.mining.knowledge import Knowledge
from alpha_pipeline.mining.ledger import TrialHistory
from alpha_pipeline.mining.planner import next_task
from alpha_pipeline.mining.progress_report import Progress
from alpha_pipeline.mining.run_context import RunContext, admitted_factors, discovery_power, load_active_factors
from alpha_pipeline.mining.stages import ParsedProposal, measure_references, parse_proposal, run_stages
from alpha_pipeline.mining.task import Proposal, Proposer, Task
from alpha_pipeline.mining.trial import Trial, trials_table
from alpha_pipeline.settings import AtLeastOne, Mining, section
from alpha_pipeline.statistics.sampling_error import power_text
from alpha_pipeline.tables import TRIALS, UNANSWERED

Report = Callable[[Progress], None]
Retired = Callable[[], Collection[str]]
MAX_UNANSWERED = 3  # requests in a row without a reply before the run date goes on without the model
MEASURE_BATCH = 32  # trials evaluated together; all their values are in memory
CRITIQUE_ROWS = 12  # trials of a round shown to the critic, the strongest first


@section
class MiningSettings(Mining):
    """
    Settings of one run date of mining.

    Args:
        prices: USD per million tokens, by model.
        threads: factors measured in parallel.
    """

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
    retired: Retired = frozenset,
) -> pd.DataFrame:
    """
    Mine one run date.

    Args:
        run_date: start of the day, UTC.
        market: where factors are traded.
        panel: bars up to the end of the run date.
        ledger: rows of `tables.TRIALS` of all earlier run dates, and of earlier sessions of this one.
        proposer: language model or control.
        settings: of the loop.
        report: called with the progress after every batch of trials.
        funding: rows of `tables.RAW_FUNDING`, paid by holders at their timestamps; none by default.
        retired: gives the factor_ids that live performance had retired before the run date; called only for a proposal
            with `factor("name")`, for which a retired factor is unknown.

    Returns:
        Rows of `tables.TRIALS`: references that are not in the ledger, then the proposals in order. An unanswered
        request is a row but not a trial; after `MAX_UNANSWERED` in a row mining stops.

    Raises:
        DataError: too few bars to split.
        SettingError: the market has the fields of none of the factor types.
    """
    if settings.factor_types and not set(settings.factor_types) & set(available(panel.fields)):
        types, fields = ", ".join(settings.factor_types), ", ".join(sorted(panel.fields))
        raise SettingError(f"{market.name} lacks the fields of the factor types {types}; it has {fields}")
    context = context_of(run_date, market, panel, settings, funding)
    run = _MiningRun(context, TRIALS.complete(ledger), proposer, settings, report, retired)
    try:
        for number in range(settings.rounds):
            run.round(number)
    except (BudgetError, ModelError) as end:
        run.report_message(f"stopped early: {end}")
    return trials_table(run.trials, settings.admission.to_text(), run.power)


def context_of(
    run_date: pd.Timestamp, market: Market, panel: Panel, settings: MiningSettings, funding: pd.DataFrame | None
) -> RunContext:
    """Everything that is fixed for a run date; arguments as of `mine`."""
    past = panel.until(run_date + pd.Timedelta(1, "D"))  # later bars of the caller are not used
    history = recent_history(past, market)
    cut = market_split(history.timestamps, market)
    visible = history.rows(0, cut.valid[1])  # the sealed test does not exist for mining
    payments = None
    if funding is not None and len(funding):
        payments = funding_payments(funding, visible, BacktestConfig.of(market).fill)
    return RunContext(
        run_date=run_date,
        market=market,
        panel=visible,
        train=cut.train,
        valid=cut.valid,
        regime=regime(history.rows(*cut.train), market),
        admission=settings.admission,
        threads=settings.threads,
        funding=payments,
    )


class _MiningRun:
    """The state of one run date."""

    def __init__(
        self,
        context: RunContext,
        ledger: pd.DataFrame,
        proposer: Proposer,
        settings: MiningSettings,
        report: Report,
        retired: Retired,
    ) -> None:
        self.retired = retired
        self.context, self.ledger, self.settings, self.report = context, ledger, settings, report
        used = month_so_far(ledger, context.run_date + pd.Timedelta(1, "us"))  # with earlier sessions of the run date
        self.meter = SpendMeter(settings.budget, settings.prices.get(proposer.model), used)
        self.proposer = proposer.within(self.meter)
        self.history = TrialHistory(ledger)
        self.active_factors = load_active_factors(ledger, context)
        self.trials = measure_references(context, self.history)
        self.power = discovery_power(context, self.history)
        if stated := power_text(self.power):
            self.report_message(stated)
        self.requests = self.unanswered = 0

    def round(self, number: int) -> None:
        """
        Run one round, batch by batch; its prompts know the trials before the round.

        Raises:
            BudgetError: the next request could pass a limit.
            ModelError: too many requests in a row were unanswered.
        """
        knowledge = Knowledge(self._ledger_so_far(), self.context.regime, tuple(self.active_factors))
        size, first = self.settings.proposals_per_round, len(self.trials)
        while (done := len(self.trials) - first) < size:
            task, proposals, end = self._collect(number, done, min(MEASURE_BATCH, size - done), knowledge)
            self.trials += run_stages(self.context, proposals, self.history, self.active_factors)
            done = len(self.trials) - first
            if done == size and end is None:
                self._criticize(task, first)
            head = f"round {number + 1} of {self.settings.rounds}"
            head += f", {done:,} of {size:,}" * (size > MEASURE_BATCH)
            self.report(Progress.of(head, number, self.trials, self.meter))
            if end is not None:
                raise end

    def report_message(self, message: str) -> None:
        """Report a line about the whole run date."""
        self.report(Progress(message, {}))

    def _ledger_so_far(self) -> pd.DataFrame:
        """The ledger with the trials of the run date so far."""
        if not self.trials:
            return self.ledger
        columns = [column.name for column in TRIALS.columns]
        return pd.concat([self.ledger[columns], trials_table(self.trials)], ignore_index=True)

    def _collect(
        self, number: int, done: int, size: int, knowledge: Knowledge
    ) -> tuple[Task, list[ParsedProposal], BudgetError | ModelError | None]:
        """Proposals of one batch, and the error that ends the run date, if any."""
        proposals: list[ParsedProposal] = []
        settings, context = self.settings, self.context
        while True:
            place = f"{number}/{done + len(proposals)}"
            task = next_task(
                context.market, context.panel.fields,
                label=f"{settings.seed}/{context.market.name}/{context.run_date:%Y-%m-%d}/{place}",
                prompt_mode=settings.prompt_modes[self.requests % len(settings.prompt_modes)],
                history=self.history, knowledge=knowledge, count=min(settings.batch, size - len(proposals)),
                factor_types=settings.factor_types, context=settings.context,
            )  # fmt: skip
            task = replace(task, factors=lambda: admitted_factors(self._ledger_so_far(), self.retired()))
            try:
                proposals += self._propose(task, knowledge, number)
            except BudgetError as limit:
                return task, proposals, limit
            self.requests += 1
            if self.unanswered == MAX_UNANSWERED:
                return task, proposals, ModelError(f"{MAX_UNANSWERED} requests in a row without a reply of the model")
            if len(proposals) == size:
                return task, proposals, None

    def _propose(self, task: Task, knowledge: Knowledge, number: int) -> list[ParsedProposal]:
        """The proposals of one request, repaired if that helps; without a reply, a row that is not a trial."""
        before = self.meter.run_date
        try:
            proposals = self.proposer.propose(task)
        except ModelError as failure:
            self.unanswered += 1
            reason = f"no answer: {failure}".encode("utf-8", "replace").decode()  # no file holds half a surrogate pair
            self.report_message(reason)
            trial = self._trial(Proposal(f"{task.factor_type}_{task.window}", ""), task, number, before)
            return [ParsedProposal(replace(trial, verdict=UNANSWERED, reason=reason[:160]), None)]
        self.unanswered = 0
        parsed = []
        for place, proposal in enumerate(proposals):
            repeated = proposal.source in [earlier.source for earlier in proposals[:place]]
            repairs = 0 if repeated else self.settings.repairs
            final, node, error = self._parse(proposal, task, knowledge, repairs)
            parsed.append(ParsedProposal(self._trial(final, task, number, before), node, error))
            before = self.meter.run_date
        return parsed

    def _trial(self, proposal: Proposal, task: Task, number: int, before: Spent) -> Trial:
        return Trial(
            run_date=self.context.run_date,
            proposal=proposal,
            proposer=self.proposer.name,
            model=self.proposer.model,
            round=number,
            factor_type=task.factor_type,
            prompt_mode=task.prompt_mode,
            regime=self.context.regime,
            usage=_used_since(before, self.meter),
        )

    def _parse(
        self, proposal: Proposal, task: Task, knowledge: Knowledge, repairs: int
    ) -> tuple[Proposal, Node | None, ExpressionError | None]:
        """A proposal and its expression; a refused one goes back with the error, at most `repairs` times."""
        for left in range(repairs, -1, -1):
            retry = replace(task, seed=task.seed + repairs - left)  # a repeated mistake is another request
            try:
                return proposal, parse_proposal(proposal, task), None
            except ExpressionError as error:
                similar = knowledge.similar_formulas(proposal.source) if left else ()
                try:
                    repaired = self.proposer.repair(retry, proposal, error, similar) if left else None
                except (ModelError, BudgetError):  # the first version counts
                    repaired = None
                if repaired is None:
                    return proposal, None, error
                proposal = repaired
        raise AssertionError("unreachable")

    def _criticize(self, task: Task, first: int) -> None:
        """Request a critique of the round's results on train; it is stored with the last trial of the round."""
        trials = sorted(self.trials[first:], key=_rank)
        before = self.meter.run_date
        try:
            critique = self.proposer.criticize(task, tuple(_result(trial) for trial in trials[:CRITIQUE_ROWS]))
        except (ModelError, BudgetError):  # the run date does not depend on it
            critique = ""
        usage = _sum(self.trials[-1].usage, _used_since(before, self.meter))
        self.trials[-1] = replace(self.trials[-1], critique=critique, usage=usage)


def _used_since(before: Spent, meter: SpendMeter) -> Spent:
    """Usage of the model since `before`; `usd` is NaN without a price."""
    now = meter.run_date
    priced = meter.price is not None or now.calls == before.calls
    return Spent(
        now.calls - before.calls,
        now.prompt_tokens - before.prompt_tokens,
        now.completion_tokens - before.completion_tokens,
        now.seconds - before.seconds,
        now.usd - before.usd if priced else np.nan,
    )


def _sum(a: Spent, b: Spent) -> Spent:
    return Spent(
        a.calls + b.calls,
        a.prompt_tokens + b.prompt_tokens,
        a.completion_tokens + b.completion_tokens,
        a.seconds + b.seconds,
        a.usd + b.usd,
    )


def _rank(trial: Trial) -> float:
    """Sort key: the largest `|t|` on train first, trials without one last."""
    t = abs(trial.measures.train_t_stat)
    return -t if np.isfinite(t) else 1.0


def _result(trial: Trial) -> str:
    """One line for the critic: measures on train, or the reason why there are none."""
    if np.isfinite(trial.measures.train_t_stat):
        return f"{trial.canonical[:160]} -> {trial.measures.train_summary}"
    if np.isfinite(trial.score):  # judged: the reason depends on validation
        return f"{trial.canonical[:160]} -> too few bars on train"
    return f"{(trial.canonical or trial.proposal.source)[:160]} -> refused: {trial.reason}"
