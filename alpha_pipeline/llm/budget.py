"""
Budget of language model calls and its spend meter.

A call is made only if its maximum cost fits the budget. A cached reply counts its original cost, so that a replayed run
date stops at the same call.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from alpha_pipeline.errors import BudgetError, ModelError, SettingError
from alpha_pipeline.llm.chat import Chat, ChatReply, ChatRequest
from alpha_pipeline.llm.toml_table import read_table
from alpha_pipeline.settings import Budget as Budget

PRICES = Path(__file__).with_name("prices.toml")
# Lower bound of bytes per token of ordinary text.
BYTES_PER_TOKEN = 2


@dataclass(frozen=True)
class Price:
    """USD per million tokens read (`prompt`) and written (`completion`)."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """USD for these tokens."""
        return (self.prompt * prompt_tokens + self.completion * completion_tokens) / 1e6


@dataclass(frozen=True)
class Spent:
    """Usage so far; `usd` counts only models with a listed price."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    usd: float = 0.0

    @property
    def tokens(self) -> int:
        """Input and output tokens."""
        return self.prompt_tokens + self.completion_tokens


def read_prices(file: Path = PRICES) -> dict[str, Price]:
    """
    The price table: one section per model, with `prompt` and `completion` in USD per million tokens.

    Raises:
        SettingError: the file is absent, no TOML, or a section lacks a price that is a number of at least 0.
    """
    sections = read_table(file, "the price table")
    return {model: Price(*(_price(file, model, section, key) for key in ("prompt", "completion")))
            for model, section in sections.items()}  # fmt: skip


def _price(file: Path, model: str, section: object, key: str) -> float:
    value = section.get(key) if isinstance(section, Mapping) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise SettingError(f"{file}: [{model}] needs `{key}`, USD per million tokens of at least 0; found {value!r}")
    return float(value)


def month_so_far(ledger: pd.DataFrame, run_date: pd.Timestamp) -> Spent:
    """Usage of the earlier run dates of the calendar month; rows of `tables.TRIALS`."""
    same = (ledger["run_date"].dt.year == run_date.year) & (ledger["run_date"].dt.month == run_date.month)
    return spent(ledger[same & (ledger["run_date"] < run_date)])


def spent(rows: pd.DataFrame) -> Spent:
    """Usage of rows of `tables.TRIALS`; a model without a price costs 0, its tokens count."""
    calls, read, written = (int(rows[column].sum()) for column in ("calls", "prompt_tokens", "completion_tokens"))
    return Spent(calls, read, written, float(rows["model_seconds"].sum()), float(rows["usd"].sum()))


class SpendMeter:
    """
    Usage of one run date; refuses a call that could exceed a limit.

    Args:
        budget: the limits.
        price: of the model; None counts tokens only.
        month: usage of the earlier run dates of the month.
    """

    def __init__(self, budget: Budget, price: Price | None, month: Spent) -> None:
        self.budget, self.price, self.month = budget, price, month
        self.run_date = Spent()
        self._longest = 1e-9  # a call is expected to take as long as the longest one so far

    def allow(self, request: ChatRequest, attempts: int = 1) -> None:
        """
        Check that a call of at most `attempts` requests fits the budget.

        Raises:
            BudgetError: the call could exceed a limit; the message names it.
        """
        prompt = _most_tokens(*(m.text for m in request.messages))
        usd = self.price.of(prompt, request.max_tokens) if self.price else 0.0
        tokens, b, run_date, month = prompt + request.max_tokens, self.budget, self.run_date, self.month
        for what, used, most, limit in (
            ("calls a run date", run_date.calls, attempts, b.night_calls),
            ("tokens a run date", run_date.tokens, tokens, b.night_tokens),
            ("model seconds a run date", run_date.seconds, self._longest, b.night_seconds),
            ("USD a run date", run_date.usd, usd, b.night_usd),
            ("tokens a month", month.tokens + run_date.tokens, tokens, b.month_tokens),
            ("USD a month", month.usd + run_date.usd, usd, b.month_usd),
        ):
            if used + most > limit:
                raise BudgetError(f"the next call could exceed {limit:,g} {what}: {used:,.6g} are used")

    def count(self, paid: ChatReply | ModelError, prompt_tokens: int, completion_tokens: int) -> None:
        """Count a call by its reply or failure, and its tokens."""
        run_date = self.run_date
        self.run_date = Spent(
            run_date.calls + paid.tries,
            run_date.prompt_tokens + prompt_tokens,
            run_date.completion_tokens + completion_tokens,
            run_date.seconds + paid.seconds,
            run_date.usd + (self.price.of(prompt_tokens, completion_tokens) if self.price else 0.0),
        )
        self._longest = max(self._longest, paid.seconds)

    def left(self) -> str:
        """Remaining share of the tightest limit, as text."""
        what, used = tightest(self.budget, self.run_date, self.month)
        return f"{max(0.0, 1.0 - used):.0%} of {what} left"


def tightest(budget: Budget, run_date: Spent, month: Spent) -> tuple[str, float]:
    """
    The limit with the largest used share.

    Args:
        budget: the limits.
        run_date: usage of the run date.
        month: usage of the earlier run dates of the month.

    Returns:
        The limit as text and its used share; 1.0 for a limit of zero.
    """
    usage = {
        "calls": (run_date.calls, budget.night_calls), "tokens": (run_date.tokens, budget.night_tokens),
        "time": (run_date.seconds, budget.night_seconds), "money": (run_date.usd, budget.night_usd),
        "the month's tokens": (month.tokens + run_date.tokens, budget.month_tokens),
        "the month's money": (month.usd + run_date.usd, budget.month_usd),
    }  # fmt: skip
    used = {what: amount / limit if limit > 0 else 1.0 for what, (amount, limit) in usage.items()}
    what = max(used, key=lambda name: used[name])
    return what, used[what]


@dataclass(frozen=True)
class MeteredChat:
    """A chat with a spend meter."""

    chat: Chat
    meter: SpendMeter

    @property
    def model(self) -> str:
        return self.chat.model

    @property
    def attempts(self) -> int:
        return self.chat.attempts

    def complete(self, request: ChatRequest) -> ChatReply:
        """As `Chat.complete`; BudgetError for a call that could exceed a limit. Unreported tokens are estimated."""
        self.meter.allow(request, self.chat.attempts)
        left = self.meter.budget.night_seconds - self.meter.run_date.seconds
        try:
            reply = self.chat.complete(replace(request, seconds=min(request.seconds, left)))
        except ModelError as failure:
            self.meter.count(failure, failure.prompt_tokens, failure.completion_tokens)
            raise
        read, written = reply.prompt_tokens, reply.completion_tokens
        if not read + written:
            read, written = _most_tokens(*(m.text for m in request.messages)), _most_tokens(reply.text)
        self.meter.count(reply, read, written)
        return reply


def _most_tokens(*texts: str) -> int:
    """Upper bound of the tokens of these texts."""
    return sum(len(text.encode("utf-8", "replace")) for text in texts) // BYTES_PER_TOKEN + 1
