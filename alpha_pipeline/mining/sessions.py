"""
A run date asked twice in different ways: both stand in the ledger, and what was tried first counts for what came after.

The same way again is a replay and changes nothing; nothing that was ever tried leaves the ledger.
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

# What decides which questions are put; limits, prices and the rule decide how many, their cost and their fate.
WAY = (
    "rounds",
    "proposals_per_round",
    "batch",
    "prompt_modes",
    "factor_types",
    "context",
    "repairs",
    "seed",
    "history_bars",
)
SAME_TRIAL = ["proposer", "source", "dialect"]


def session_id(settings: MiningSettings, proposer: Proposer) -> str:
    """Twelve digits that stand for who is asked, and how; the same for the same run date replayed."""
    asked = {name: value for name, value in asdict(settings).items() if name in WAY}
    told = json.dumps([proposer.name, proposer.model, asked], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


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
    anew: bool = False,
) -> pd.DataFrame:
    """
    Mine a run date that may have been asked before.

    Args:
        stored: rows of `tables.TRIALS` of this very run date; empty when it was never asked.
        anew: whether answers are asked for anew, which makes a session of its own.
        run date, market, panel, ledger, proposer, settings, report, funding: as of `mine`.

    Returns:
        Rows of `tables.TRIALS` of the whole run date, every session of it.

    Raises:
        As `mine`.
    """
    session = Session.of(TRIALS.complete(stored), session_id(settings, proposer), anew)
    before = pd.concat([ledger, session.before], ignore_index=True) if len(session.before) else ledger
    return session.joined(mine(run_date, market, panel, before, proposer, settings, report, funding))


@dataclass(frozen=True)
class Session:
    """
    One way of asking among those of its run date.

    Args:
        name: as stored in `session`.
        before: rows of `tables.TRIALS` of the run date's earlier sessions.
        own: rows that this very session left before.
        after: rows of later ones.
    """

    name: str
    before: pd.DataFrame
    own: pd.DataFrame
    after: pd.DataFrame

    @classmethod
    def of(cls, stored: pd.DataFrame, prompt_mode: str, anew: bool = False) -> "Session":
        """
        The place of a way of asking in a run date.

        Args:
            stored: rows of `tables.TRIALS` of the run date; rows older than sessions are taken for this one's.
            way: of `session_id`.
            anew: answers are not those of before, so that this is a session of its own.
        """
        order = list(dict.fromkeys(stored["session"]))
        if order == [""]:
            stored, order = stored.assign(session=prompt_mode), [prompt_mode]
        name = (
            f"{prompt_mode}#{sum(known.startswith(prompt_mode) for known in order)}"
            if anew and prompt_mode in order
            else prompt_mode
        )
        place = order.index(name) if name in order else len(order)
        at = stored["session"].map({known: i for i, known in enumerate(order)})
        return cls(name, stored[at < place], stored[at == place], stored[at > place])

    def joined(self, trials: pd.DataFrame) -> pd.DataFrame:
        """
        The run date with this session's trials in their place; those it had and did not repeat stay behind them.

        Args:
            trials: rows of `tables.TRIALS`, of `mine` with `before` among its ledger.

        Returns:
            Rows of `tables.TRIALS`, numbered anew. The same rows if the session repeated itself.
        """
        again = pd.MultiIndex.from_frame(trials[SAME_TRIAL])
        lost = ~pd.MultiIndex.from_frame(self.own[SAME_TRIAL]).isin(again) & (self.own["verdict"] != UNANSWERED)
        parts = [self.before, trials.assign(session=self.name), self.own[lost], self.after]
        run_date = pd.concat([part for part in parts if len(part)] or [TRIALS.empty()], ignore_index=True)
        return run_date.assign(trial=range(len(run_date)))
