"""
Mining sessions of a run date: one per proposer and settings, all kept in the ledger; earlier ones count for later ones.

A repeated session replaces itself and changes nothing; no trial ever leaves the ledger. Formulas of the user and of
published sets are tried once: such a session is always the last one of its run date and is never asked again.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import Node, fields_used, identity
from alpha_pipeline.factors.published import parse_named, published_set
from alpha_pipeline.factors.submitted_factors import SubmittedFactor
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.ledger import TrialHistory
from alpha_pipeline.mining.loop import MEASURE_BATCH, MiningSettings, Report, Retired, context_of, mine
from alpha_pipeline.mining.progress_report import Progress
from alpha_pipeline.mining.run_context import admitted_factors, discovery_power, load_active_factors
from alpha_pipeline.mining.stages import ParsedProposal, measure_references, run_stages
from alpha_pipeline.mining.task import Proposal, Proposer
from alpha_pipeline.mining.trial import Trial, trials_table
from alpha_pipeline.tables import TRIALS, UNANSWERED

# Settings that decide the tasks; limits, prices and the admission rule decide only how many, their cost and verdict.
TASK_SETTINGS = (
    "rounds", "proposals_per_round", "batch", "prompt_modes", "factor_types", "context", "repairs", "seed",
)  # fmt: skip
SAME_TRIAL = ["proposer", "source", "dialect"]
USER = "user"  # proposer of submitted formulas
NAME_LENGTH = 60  # of a name made from a formula
SHOWN, SHOWN_TEXT = 3, 500  # formulas left out that are named in the log, and the characters for them


def session_id(settings: MiningSettings, proposer: Proposer) -> str:
    """Twelve hexadecimal digits of the proposer and the settings that decide its tasks."""
    chosen = {name: value for name, value in asdict(settings).items() if name in TASK_SETTINGS}
    text = json.dumps([proposer.name, proposer.model, chosen], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def mine_session(
    run_date: pd.Timestamp,
    market: Market,
    panel: Panel,
    ledger: pd.DataFrame,
    stored: pd.DataFrame,
    proposer: Proposer,
    settings: MiningSettings,
    report: Report = lambda progress: None,
    funding: pd.DataFrame | None = None,
    fresh: bool = False,
    retired: Retired = frozenset,
) -> pd.DataFrame:
    """
    Mine a run date that may hold earlier sessions.

    Args:
        stored: rows of `tables.TRIALS` of this run date; empty before its first session.
        fresh: whether the model is queried again, which makes a new session.
        run_date, market, panel, ledger, proposer, settings, report, funding, retired: as of `mine`.

    Returns:
        Rows of `tables.TRIALS` of all sessions of the run date.

    Raises:
        As `mine`.
    """
    session = Session.of(TRIALS.complete(stored), session_id(settings, proposer), fresh)
    before = pd.concat([ledger, session.before], ignore_index=True) if len(session.before) else ledger
    return session.joined(mine(run_date, market, panel, before, proposer, settings, report, funding, retired))


def published_candidates(names: Iterable[str]) -> dict[str, tuple[SubmittedFactor, ...]]:
    """The formulas of published sets, by proposer."""
    return {name: tuple(SubmittedFactor(f.source, f.name, f.rationale) for f in published_set(name)) for name in names}


def try_candidates(
    run_date: pd.Timestamp,
    market: Market,
    panel: Panel,
    ledger: pd.DataFrame,
    stored: pd.DataFrame,
    candidates: Mapping[str, Sequence[SubmittedFactor]],
    settings: MiningSettings,
    report: Report = lambda progress: None,
    funding: pd.DataFrame | None = None,
    retired: Retired = frozenset,
) -> pd.DataFrame:
    """
    Try formulas that no model was asked for, each once, after the sessions that the run date has.

    Args:
        candidates: formulas by proposer, such as `user`; in order. One that was tried, by whomever and in whatever
            spelling, is left out; so is one that does not parse on this panel, for example for want of a field. What is
            left out is reported and is no trial.
        stored: rows of `tables.TRIALS` of this run date.
        run_date, market, panel, ledger, settings, report, funding, retired: as of `mine`.

    Returns:
        Rows of `tables.TRIALS` of the run date, the new sessions last; the stored rows if all was tried before.

    Raises:
        DataError: too few bars to split.
    """
    rows = TRIALS.complete(stored)
    for proposer, factors in candidates.items():
        before = pd.concat([TRIALS.complete(ledger), rows], ignore_index=True) if len(rows) else TRIALS.complete(ledger)
        untried = _untried(proposer, factors, before, market, panel, report, retired)
        if not untried:
            continue
        context = context_of(run_date, market, panel, settings, funding)
        history, active_factors = TrialHistory(before), load_active_factors(before, context)
        trials = measure_references(context, history)
        references, power = len(trials), discovery_power(context, history)
        proposals = [
            ParsedProposal(Trial(run_date, proposal, proposer, regime=context.regime), node)
            for proposal, node in untried
            if not history.duplicate_of(identity(node))
        ]
        for start in range(0, len(proposals), MEASURE_BATCH):
            trials += run_stages(context, proposals[start : start + MEASURE_BATCH], history, active_factors)
            accepted = sum(trial.verdict == "accepted" for trial in trials[references:])
            done = len(trials) - references
            report(Progress(f"{proposer}: {done} of {len(proposals)} tried, {accepted} accepted", {}))
        name = f"{proposer}#{sum(other.split('#')[0] == proposer for other in set(rows['session']))}"
        table = trials_table(trials, settings.admission.to_text(), power).assign(session=name)
        rows = pd.concat([part for part in (rows, table) if len(part)], ignore_index=True)
        rows = rows.assign(trial=range(len(rows)))
    return rows


def _untried(
    proposer: str,
    factors: Sequence[SubmittedFactor],
    ledger: pd.DataFrame,
    market: Market,
    panel: Panel,
    report: Report,
    retired: Retired,
) -> list[tuple[Proposal, Node]]:
    """Formulas that are in no trial, each once; those that this panel has no fields for are reported."""
    own = ledger[ledger["proposer"] == proposer]
    written = set(zip(own["source"], own["dialect"], strict=True))
    tried, untried, left_out = set(ledger["identity"]), [], []
    for factor in factors:
        if (factor.expression, factor.dialect) in written:
            continue
        try:
            node = parse_named(
                factor.expression,
                factor.dialect,
                panel.fields,
                market.clock,
                lambda: admitted_factors(ledger, retired()),
            )
            if not fields_used(node):
                raise ExpressionError("the expression uses no field, so it is a constant", kind="type")
        except ExpressionError as error:
            left_out.append(f"{factor.place or factor.name or factor.expression[:NAME_LENGTH]}: {error.reason}")
            continue
        digest = identity(node)
        if digest not in tried:
            tried.add(digest)
            name = factor.name or str(node)[:NAME_LENGTH]
            untried.append((Proposal(name, factor.expression, factor.dialect, rationale=factor.rationale), node))
    if left_out:
        report(Progress(f"{proposer}: {len(left_out)} not tried; {'; '.join(left_out[:SHOWN])[:SHOWN_TEXT]}", {}))
    return untried


@dataclass(frozen=True)
class Session:
    """
    One session among those of its run date.

    Args:
        name: as stored in `session`.
        before: rows of `tables.TRIALS` of earlier sessions.
        own: rows that this session stored before.
        after: rows of later sessions.
    """

    name: str
    before: pd.DataFrame
    own: pd.DataFrame
    after: pd.DataFrame

    @classmethod
    def of(cls, stored: pd.DataFrame, identifier: str, fresh: bool = False) -> "Session":
        """
        Locate a session in a run date.

        Args:
            stored: rows of `tables.TRIALS` of the run date; rows older than the column belong to this session.
            identifier: of `session_id`.
            fresh: whether the model is queried again; the session then gets a number, as in `0123456789ab#1`.
        """
        names = list(dict.fromkeys(stored["session"]))
        if "" in names and identifier not in names:
            names = [name or identifier for name in names]
            stored = stored.assign(session=stored["session"].replace("", identifier))
        name = identifier
        if fresh and identifier in names:
            name = f"{identifier}#{sum(earlier.startswith(identifier) for earlier in names)}"
        place = names.index(name) if name in names else len(names)
        position = stored["session"].map({earlier: i for i, earlier in enumerate(names)})
        return cls(name, stored[position < place], stored[position == place], stored[position > place])

    def joined(self, trials: pd.DataFrame) -> pd.DataFrame:
        """
        The run date with the trials of this session in place; earlier ones that were not repeated follow them.

        Args:
            trials: rows of `tables.TRIALS`, of `mine` with `before` in its ledger.

        Returns:
            Rows of `tables.TRIALS`, renumbered; the stored rows if the session repeated itself.
        """
        repeated = pd.MultiIndex.from_frame(trials[SAME_TRIAL])
        lost = ~pd.MultiIndex.from_frame(self.own[SAME_TRIAL]).isin(repeated) & (self.own["verdict"] != UNANSWERED)
        parts = [self.before, trials.assign(session=self.name), self.own[lost], self.after]
        run_date = pd.concat([part for part in parts if len(part)] or [TRIALS.empty()], ignore_index=True)
        return run_date.assign(trial=range(len(run_date)))
