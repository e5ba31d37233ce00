"""
Proposers: a language model, and two controls, random formulas and mutation.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions.grammar import random_expression
from alpha_pipeline.expressions.mutation import mutate
from alpha_pipeline.llm.budget import MeteredChat, SpendMeter
from alpha_pipeline.llm.chat import Chat, ChatReply, ChatRequest, Message
from alpha_pipeline.mining.prompts import CRITIQUE_SCHEMA, Constrain, correction, critique, question, schema
from alpha_pipeline.mining.reply import read_critique, read_reply
from alpha_pipeline.mining.task import Proposal, Task

DEPTH = 3
FORMULA_TOKENS = 160  # limit of an answer constrained to the formula language


@dataclass(frozen=True)
class ModelWriter:
    """
    A language model as proposer.

    Args:
        chat: the model.
        constrain: constraint on answers. With "pattern" (small models) a request is for one factor, without notes,
            which such models copy, and no critique is requested.
        answer_tokens: limit of an unconstrained answer, hidden reasoning included.
    """

    chat: Chat
    constrain: Constrain = "pattern"
    answer_tokens: int = 4_096

    def within(self, meter: SpendMeter) -> "ModelWriter":
        """The same writer with metered requests."""
        return replace(self, chat=MeteredChat(self.chat, meter))

    @property
    def name(self) -> str:
        """As stored in the ledger."""
        return "model"

    @property
    def model(self) -> str:
        """Name of the language model."""
        return self.chat.model

    def propose(self, task: Task) -> tuple[Proposal, ...]:
        """One request."""
        if self.constrain == "pattern":
            # Small models copy their notes: shown four, one answer in five was new; shown none, seven in ten.
            task = replace(task, count=1, notes=())
        return read_reply(self._request(question(task, self.constrain), task, task.seed), task)

    def repair(
        self, task: Task, proposal: Proposal, error: ExpressionError, similar: tuple[str, ...]
    ) -> Proposal | None:
        """One request with the error, for this factor alone."""
        single = replace(task, count=1)
        messages = correction(single, proposal, str(error), self.constrain, similar)
        return read_reply(self._request(messages, single, task.seed + 1), single)[0]

    def criticize(self, task: Task, results: tuple[str, ...]) -> str:
        """Request a critique and the next direction."""
        if self.constrain == "pattern":
            return ""
        answer = CRITIQUE_SCHEMA if self.constrain == "schema" else None
        request = ChatRequest(critique(task, results), task.seed, self.answer_tokens, schema=answer)
        return read_critique(self.chat.complete(request))

    def _request(self, messages: tuple[Message, ...], task: Task, seed: int) -> ChatReply:
        limit = FORMULA_TOKENS if self.constrain == "pattern" and task.prompt_mode != "code" else self.answer_tokens
        return self.chat.complete(ChatRequest(messages, seed, limit, schema=schema(task, self.constrain)))


def _random(task: Task, rng: np.random.Generator) -> Proposal:
    source = random_expression(rng, task.fields, DEPTH, task.windows)
    return Proposal("random_draw", source, rationale="drawn at random from the typed grammar; no idea behind it")


def _mutant(task: Task, rng: np.random.Generator) -> Proposal:
    if task.parent is None:
        return _random(task, rng)
    source = mutate(task.parent.expression, task.fields, rng, task.windows)
    rationale = "one part of its parent changed at random; no idea behind it"
    return Proposal("mutant", source, rationale=rationale, parent=task.parent.factor_id)


@dataclass(frozen=True)
class Control:
    """
    A proposer without a model; deterministic given the seed of the task.

    Args:
        name: as stored in the ledger.
        draw: one proposal for a task.
    """

    name: str
    draw: Callable[[Task, np.random.Generator], Proposal] = field(repr=False)

    @property
    def model(self) -> str:
        """No model."""
        return ""

    def within(self, meter: SpendMeter) -> "Control":
        """The same control; it makes no requests."""
        return self

    def propose(self, task: Task) -> tuple[Proposal, ...]:
        """`task.count` draws."""
        seeds = [task.seed, *range(task.seed + 1, task.seed + task.count)]
        return tuple(self.draw(task, np.random.default_rng(seed)) for seed in seeds)

    def repair(
        self, task: Task, proposal: Proposal, error: ExpressionError, similar: tuple[str, ...]
    ) -> Proposal | None:
        """No repair."""
        return None

    def criticize(self, task: Task, results: tuple[str, ...]) -> str:
        """No critique."""
        return ""


def random_grammar() -> Control:
    """Random formulas of the typed grammar, independent of factor type, window and notes."""
    return Control("random_grammar", _random)


def mutation() -> Control:
    """Random single changes of the parent factor; random formulas without a parent."""
    return Control("mutation", _mutant)


PROPOSERS = ("model", "random_grammar", "mutation")
