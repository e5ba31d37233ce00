"""
A night asked twice in different ways: both stand in the ledger, and what was tried first counts for what came after.

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
WAY = ("rounds", "proposals_per_round", "batch", "ways", "families", "context", "repairs", "seed", "history_bars")
SAME_TRIAL = ["proposer", "source", "dialect"]


def way_of_asking(settings: MiningSettings, proposer: Proposer) -> str:
    """Twelve digits that stand for who is asked, and how; the same for the same night replayed."""
    asked = {name: value for name, value in asdict(settings).items() if name in WAY}
    told = json.dumps([proposer.name, proposer.model, asked], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def sit(
    night: pd.Timestamp,
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
    Mine a night that may have been asked before.

    Args:
        stored: rows of `tables.TRIALS` of this very night; empty when it was never asked.
        anew: whether answers are asked for anew, which makes a sitting of its own.
        night, market, panel, ledger, proposer, settings, report, funding: as of `mine`.

    Returns:
        Rows of `tables.TRIALS` of the whole night, every sitting of it.

    Raises:
        As `mine`.
    """
    sitting = Sitting.of(TRIALS.complete(stored), way_of_asking(settings, proposer), anew)
    before = pd.concat([ledger, sitting.before], ignore_index=True) if len(sitting.before) else ledger
    return sitting.joined(mine(night, market, panel, before, proposer, settings, report, funding))


@dataclass(frozen=True)
class Sitting:
    """
    One way of asking among those of its night.

    Args:
        name: as stored in `sitting`.
        before: rows of `tables.TRIALS` of the night's earlier sittings.
        own: rows that this very sitting left before.
        after: rows of later ones.
    """

    name: str
    before: pd.DataFrame
    own: pd.DataFrame
    after: pd.DataFrame

    @classmethod
    def of(cls, stored: pd.DataFrame, way: str, anew: bool = False) -> "Sitting":
        """
        The place of a way of asking in a night.

        Args:
            stored: rows of `tables.TRIALS` of the night; rows older than sittings are taken for this one's.
            way: of `way_of_asking`.
            anew: answers are not those of before, so that this is a sitting of its own.
        """
        order = list(dict.fromkeys(stored["sitting"]))
        if order == [""]:
            stored, order = stored.assign(sitting=way), [way]
        name = f"{way}#{sum(known.startswith(way) for known in order)}" if anew and way in order else way
        place = order.index(name) if name in order else len(order)
        at = stored["sitting"].map({known: i for i, known in enumerate(order)})
        return cls(name, stored[at < place], stored[at == place], stored[at > place])

    def joined(self, trials: pd.DataFrame) -> pd.DataFrame:
        """
        The night with this sitting's trials in their place; those it had and did not repeat stay behind them.

        Args:
            trials: rows of `tables.TRIALS`, of `mine` with `before` among its ledger.

        Returns:
            Rows of `tables.TRIALS`, numbered anew. The same rows if the sitting repeated itself.
        """
        again = pd.MultiIndex.from_frame(trials[SAME_TRIAL])
        lost = ~pd.MultiIndex.from_frame(self.own[SAME_TRIAL]).isin(again) & (self.own["verdict"] != UNANSWERED)
        parts = [self.before, trials.assign(sitting=self.name), self.own[lost], self.after]
        night = pd.concat([part for part in parts if len(part)] or [TRIALS.empty()], ignore_index=True)
        return night.assign(trial=range(len(night)))
