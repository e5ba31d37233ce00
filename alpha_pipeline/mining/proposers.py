"""
The two proposers: a language model, and the random grammar every model has to beat.
"""

from dataclasses import dataclass, replace

import numpy as np

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions.grammar import random_expression
from alpha_pipeline.mining.budget import Meter, MeteredChat
from alpha_pipeline.mining.chat import Chat, ChatRequest, Message
from alpha_pipeline.mining.prompts import correction, question, schema
from alpha_pipeline.mining.reply import read_reply
from alpha_pipeline.mining.task import Draft, Task

DEPTH = 3


@dataclass(frozen=True)
class ModelWriter:
    """
    A language model as proposer.

    Args:
        chat: who is asked.
        constrained: hold answers to the schema of the typed language; needs a server that enforces it.
    """

    chat: Chat
    constrained: bool = True

    def within(self, meter: Meter) -> "ModelWriter":
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

    def propose(self, task: Task) -> Draft:
        """Ask once."""
        return self._ask(question(task, self.constrained), task, task.seed)

    def repair(self, task: Task, draft: Draft, error: ExpressionError) -> Draft | None:
        """Ask again with the refusal; the bill of both calls is the second draft's."""
        again = self._ask(correction(task, draft, str(error), self.constrained), task, task.seed + 1)
        return Draft(
            **{
                **again.__dict__,
                "prompt_tokens": draft.prompt_tokens + again.prompt_tokens,
                "completion_tokens": draft.completion_tokens + again.completion_tokens,
            }
        )

    def _ask(self, messages: tuple[Message, ...], task: Task, seed: int) -> Draft:
        wanted = schema(task) if self.constrained else None
        return read_reply(self.chat.ask(ChatRequest(messages, seed, schema=wanted)), task)


@dataclass(frozen=True)
class RandomGrammar:
    """The scientific control: typed formulas drawn at random, blind to theme, window and knowledge."""

    def within(self, meter: Meter) -> "RandomGrammar":
        """Chance is free."""
        return self

    @property
    def name(self) -> str:
        """Label of the ledger."""
        return "random_grammar"

    @property
    def model(self) -> str:
        """No model."""
        return ""

    def propose(self, task: Task) -> Draft:
        """One draw."""
        source = random_expression(np.random.default_rng(task.seed), task.fields, DEPTH)
        return Draft("random_draw", source, rationale="drawn at random from the typed grammar; no idea behind it")

    def repair(self, task: Task, draft: Draft, error: ExpressionError) -> Draft | None:
        """Chance does not learn."""
        return None
