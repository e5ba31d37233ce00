"""
The proposers: a language model, and the two controls it has to beat, chance and mutation.
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
HELD_ANSWER = 160  # tokens of an answer held to the language


@dataclass(frozen=True)
class ModelWriter:
    """
    A language model as proposer.

    Args:
        chat: who is asked.
        constrain: how far its server holds answers. A model held to the language is asked for one factor at a time,
            without notes, which it would copy, and for no opinion: what has to be held to write a formula has none.
        answer_tokens: limit of a free answer, hidden reasoning before it included.
    """

    chat: Chat
    constrain: Constrain = "pattern"
    answer_tokens: int = 4_096

    def within(self, meter: SpendMeter) -> "ModelWriter":
        """Every question passes the meter."""
        return replace(self, chat=MeteredChat(self.chat, meter))

    @property
    def name(self) -> str:
        """Label of the ledger."""
        return "model"

    @property
    def model(self) -> str:
        """Name of the language model."""
        return self.chat.model

    def propose(self, task: Task) -> tuple[Proposal, ...]:
        """Ask once."""
        if self.constrain == "pattern":
            # Small models copy their notes: shown four, one answer in five was new; shown none, seven in ten.
            task = replace(task, count=1, notes=())
        return read_reply(self._ask(question(task, self.constrain), task, task.seed), task)

    def repair(self, task: Task, proposal: Proposal, error: ExpressionError, near: tuple[str, ...]) -> Proposal | None:
        """Ask again with the refusal, for this one factor."""
        alone = replace(task, count=1)
        messages = correction(alone, proposal, str(error), self.constrain, near)
        return read_reply(self._ask(messages, alone, task.seed + 1), alone)[0]

    def criticize(self, task: Task, measured: tuple[str, ...]) -> str:
        """Ask for a critique and the next direction."""
        if self.constrain == "pattern":
            return ""
        wanted = CRITIQUE_SCHEMA if self.constrain == "schema" else None
        request = ChatRequest(critique(task, measured), task.seed, self.answer_tokens, schema=wanted)
        return read_critique(self.chat.complete(request))

    def _ask(self, messages: tuple[Message, ...], task: Task, seed: int) -> ChatReply:
        most = HELD_ANSWER if self.constrain == "pattern" and task.prompt_mode != "code" else self.answer_tokens
        return self.chat.complete(ChatRequest(messages, seed, most, schema=schema(task, self.constrain)))


def _chance(task: Task, rng: np.random.Generator) -> Proposal:
    source = random_expression(rng, task.fields, DEPTH)
    return Proposal("random_draw", source, rationale="drawn at random from the typed grammar; no idea behind it")


def _mutant(task: Task, rng: np.random.Generator) -> Proposal:
    if task.parent is None:
        return _chance(task, rng)
    source = mutate(task.parent.expression, task.fields, rng)
    why = "one part of its parent changed at random; no idea behind it"
    return Proposal("mutant", source, rationale=why, parent=task.parent.factor_id)


@dataclass(frozen=True)
class Control:
    """
    A proposer without a model or an idea; deterministic given the task's seed.

    Args:
        name: label of the ledger.
        draw: one proposal for a task.
    """

    name: str
    draw: Callable[[Task, np.random.Generator], Proposal] = field(repr=False)

    @property
    def model(self) -> str:
        """No model."""
        return ""

    def within(self, meter: SpendMeter) -> "Control":
        """Chance is free."""
        return self

    def propose(self, task: Task) -> tuple[Proposal, ...]:
        """`task.count` draws."""
        seeds = [task.seed, *range(task.seed + 1, task.seed + task.count)]
        return tuple(self.draw(task, np.random.default_rng(seed)) for seed in seeds)

    def repair(self, task: Task, proposal: Proposal, error: ExpressionError, near: tuple[str, ...]) -> Proposal | None:
        """Chance does not learn."""
        return None

    def criticize(self, task: Task, measured: tuple[str, ...]) -> str:
        """Nor does it advise."""
        return ""


def random_grammar() -> Control:
    """Typed formulas drawn at random, blind to family, window and knowledge."""
    return Control("random_grammar", _chance)


def mutation() -> Control:
    """Factors of the library changed in one place at random; a random draw where there is nothing to change."""
    return Control("mutation", _mutant)


PROPOSERS = ("model", "random_grammar", "mutation")
