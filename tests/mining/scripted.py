"""Seeded markets and scripted writers; everything else is the real engine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from alpha_pipeline.errors import ExpressionError, ModelError
from alpha_pipeline.llm.budget import SpendMeter
from alpha_pipeline.llm.chat import ChatReply, ChatRequest
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.loop import MiningSettings, mine
from alpha_pipeline.mining.proposers import ModelWriter
from alpha_pipeline.mining.task import Proposal, Proposer, Task
from alpha_pipeline.tables import TRIALS

BARS, SYMBOLS = 300, 8


def walk(bars: int = BARS, symbols: int = SYMBOLS, seed: int = 0, edge: float | None = None) -> Panel:
    """Daily random walks; `edge` adds a field that the return of the bar after next follows that strongly."""
    rng = np.random.default_rng(seed)
    noise, known = rng.normal(0, 0.01, (bars, symbols)), rng.normal(0, 0.01, (bars, symbols))
    returns = noise
    if edge is not None:
        returns = noise.copy()
        returns[2:] += edge * known[:-2]
    fields = {
        "close": 100 * np.exp(np.cumsum(returns, axis=0)),
        "volume": rng.lognormal(10, 1, (bars, symbols)),
    }
    if edge is not None:
        fields["edge"] = known
    times = pd.date_range("2018-01-01 21:00", periods=bars, freq="D").to_numpy("datetime64[us]")
    return Panel(times, tuple(f"S{i}" for i in range(symbols)), fields)


def night_of(panel: Panel, back: int = 0) -> pd.Timestamp:
    """The day of the last bar, or of one before it."""
    return pd.Timestamp(panel.timestamps[-1 - back]).normalize().tz_localize("UTC")


@dataclass
class Script:
    """A proposer that reads its formulas from a list and remembers what it was asked and told."""

    sources: Sequence[str | Proposal]
    better: Callable[[Proposal], Proposal | None] = lambda proposal: None
    name: str = "script"
    model: str = ""
    tasks: list[Task] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    shown: list[tuple[str, ...]] = field(default_factory=list)
    advice: str = ""

    def within(self, meter: SpendMeter) -> "Script":
        return self

    def propose(self, task: Task) -> tuple[Proposal, ...]:
        self.tasks.append(task)
        said = self.sources[(len(self.tasks) - 1) % len(self.sources)]
        return (said if isinstance(said, Proposal) else Proposal(f"proposal_{len(self.tasks)}", said),)

    def repair(self, task: Task, proposal: Proposal, error: ExpressionError, near: tuple[str, ...]) -> Proposal | None:
        self.told.append(str(error))
        return self.better(proposal)

    def criticize(self, task: Task, measured: tuple[str, ...]) -> str:
        self.shown.append(measured)
        return self.advice


@dataclass
class ScriptedChat:
    """A language model that answers with the texts given, in turn."""

    texts: Sequence[str | ModelError]
    model: str = "scripted"
    attempts: int = 1
    bill: tuple[int, int] = (10, 5)
    asked: list[ChatRequest] = field(default_factory=list)

    def complete(self, request: ChatRequest) -> ChatReply:
        self.asked.append(request)
        said = self.texts[(len(self.asked) - 1) % len(self.texts)]
        if isinstance(said, ModelError):
            raise said
        return ChatReply(said, self.model, request.digest(self.model), *self.bill, "stop", seconds=2.0)


def writer(*texts: str) -> ModelWriter:
    return ModelWriter(ScriptedChat(texts), "pattern")


def mined(
    proposer: Proposer,
    proposals: int,
    panel: Panel | None = None,
    ledger: pd.DataFrame | None = None,
    run_date: pd.Timestamp | None = None,
    funding: pd.DataFrame | None = None,
    **settings: object,
) -> pd.DataFrame:
    """One run date in one round, without repairs unless asked for."""
    panel = walk() if panel is None else panel
    chosen = MiningSettings(**{"rounds": 1, "proposals_per_round": proposals, "repairs": 0, **settings})  # type: ignore[arg-type]  # typed by the dataclass
    ledger = TRIALS.empty() if ledger is None else ledger
    return mine(run_date or night_of(panel), EQUITIES, panel, ledger, proposer, chosen, funding=funding)


def proposed(trials: pd.DataFrame) -> pd.DataFrame:
    """The rows that are no shipped references."""
    return trials[trials["proposer"] != "reference"].reset_index(drop=True)


def altered(panel: Panel, first: int) -> Panel:
    """The same panel with every value from bar `first` on replaced by something else."""
    rng = np.random.default_rng(99)
    fields = {}
    for name, values in panel.fields.items():
        other = values.copy()
        other[first:] *= rng.uniform(0.3, 3.0, other[first:].shape)
        fields[name] = other
    return replace(panel, fields=fields)
