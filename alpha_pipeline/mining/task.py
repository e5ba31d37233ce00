"""
A task for a proposer, its proposals, and the protocol of proposers.
"""

from dataclasses import dataclass, field
from typing import Protocol

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import NamedFactors
from alpha_pipeline.expressions.grammar import market_windows
from alpha_pipeline.factors.definition import Dialect
from alpha_pipeline.llm.budget import SpendMeter
from alpha_pipeline.market.markets import Market
from alpha_pipeline.settings import PromptMode as PromptMode

STEPS = 3  # successive improvements of one factor


@dataclass(frozen=True)
class Parent:
    """
    The factor that is to be improved.

    Args:
        factor_id: in the ledger; empty if it is in none.
        expression: canonical DSL.
        summary: its measures on train, one line.
        step: number of this improvement, from 1 to `STEPS`.
        ancestors: earlier versions, oldest first, each with its measures.
    """

    factor_id: str
    expression: str
    summary: str
    step: int = 1
    ancestors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """
    A request for factors.

    Args:
        market: where the factor will be traded.
        fields: names it may use, sorted.
        factor_type: of `factor_types.FACTOR_TYPES`.
        window: look-back window, bars.
        seed: makes the proposal repeatable.
        prompt_mode: kind of prompt.
        count: factors per reply.
        parent: the factor to improve; only with prompt mode "optimize".
        context: further instructions of the user.
        notes: lines of the knowledge base; untrusted text.
        factors: admitted factors, which a formula may use as `factor("name")`; None where there is no library.
    """

    market: Market
    fields: tuple[str, ...]
    factor_type: str
    window: int
    seed: int
    prompt_mode: PromptMode = "generate"
    count: int = 1
    parent: Parent | None = None
    context: str = ""
    notes: tuple[str, ...] = ()
    factors: NamedFactors | None = field(default=None, compare=False, repr=False)

    @property
    def windows(self) -> tuple[int, ...]:
        """Windows that fit the market, bars."""
        return market_windows(self.market.clock)


@dataclass(frozen=True)
class Proposal:
    """
    One factor as proposed; the fields are columns of `tables.TRIALS`.

    Args:
        name: for display.
        source: the expression as written; empty if the reply held none.
        dialect: of the source.
        rationale: economic rationale, in the words of the proposer.
        risks: in the words of the proposer.
        expected_performance: in the words of the proposer; not measured.
        parent: factor_id of the factor it improves; empty for a new idea.
        request_hash: of the stored model request; empty without a model.
    """

    name: str
    source: str
    dialect: Dialect = "dsl"
    rationale: str = ""
    risks: str = ""
    expected_performance: str = ""
    parent: str = ""
    request_hash: str = ""


class Proposer(Protocol):
    """A proposer of factors: a language model, or one of the controls."""

    def within(self, meter: SpendMeter) -> "Proposer":
        """The same proposer with its requests counted and limited by a meter."""
        ...

    @property
    def name(self) -> str:
        """`model` or a control, such as `random_grammar`; stored with every trial."""
        ...

    @property
    def model(self) -> str:
        """Name of the language model; empty for a control."""
        ...

    def propose(self, task: Task) -> tuple[Proposal, ...]:
        """
        At least one proposal, at most `task.count`.

        Raises:
            ModelError: the model cannot answer.
            BudgetError: the request could pass a limit.
        """
        ...

    def repair(
        self, task: Task, proposal: Proposal, error: ExpressionError, similar: tuple[str, ...]
    ) -> Proposal | None:
        """A corrected version of a refused proposal, given its error and similar valid formulas; None without one."""
        ...

    def criticize(self, task: Task, results: tuple[str, ...]) -> str:
        """Advice for the next round in view of a round's results on train; empty for none."""
        ...
