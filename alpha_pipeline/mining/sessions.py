"""
Mining sessions of a run date: one per proposer and settings, all kept in the ledger; earlier ones count for later ones.

A repeated session replaces itself and changes nothing; no trial ever leaves the ledger.
"""

import hashlib
import json
from dataclasses import asdict, dataclass

import pandas as pd

from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.loop import MiningSettings, Report, mine
from alpha_pipeline.mining.task import Proposer
from alpha_pipeline.tables import TRIALS, UNANSWERED

# Settings that decide the tasks; limits, prices and the admission rule decide only how many, their cost and verdict.
TASK_SETTINGS = (
    "rounds", "proposals_per_round", "batch", "prompt_modes", "factor_types", "context", "repairs", "seed",
)  # fmt: skip
SAME_TRIAL = ["proposer", "source", "dialect"]


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
) -> pd.DataFrame:
    """
    Mine a run date that may hold earlier sessions.

    Args:
        stored: rows of `tables.TRIALS` of this run date; empty before its first session.
        fresh: whether the model is queried again, which makes a new session.
        run_date, market, panel, ledger, proposer, settings, report, funding: as of `mine`.

    Returns:
        Rows of `tables.TRIALS` of all sessions of the run date.

    Raises:
        As `mine`.
    """
    session = Session.of(TRIALS.complete(stored), session_id(settings, proposer), fresh)
    before = pd.concat([ledger, session.before], ignore_index=True) if len(session.before) else ledger
    return session.joined(mine(run_date, market, panel, before, proposer, settings, report, funding))


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
        if names == [""]:
            stored, names = stored.assign(session=identifier), [identifier]
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
