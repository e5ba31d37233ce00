"""
Checks on factor values: one decorated function is one check, and shows as an asset check by its name.

Raw tables are checked in `data_quality`; what a check's outcome leads to is decided by who asked.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from alpha_pipeline.kernels import value_statistics as survey
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array
from alpha_pipeline.validation.lookahead_screen import ScreeningPanel
from alpha_pipeline.validation.rank_correlation import SampledRanks

Evaluate = Callable[[Panel], Array]


@dataclass(frozen=True)
class Candidate:
    """
    A factor as the checks see it: a function of a panel, however it came to be.

    Args:
        evaluate: panel to (bars, symbols) values.
        panel: the bars to check on.
        values: `evaluate(panel)`.
        lookback_bars: history it declares to need before its first value.
        library: sampled ranks of the factors active on the same grid, by factor_id.
        screen: of the panel, to look for leaks quickly; without it they are looked for thoroughly.
    """

    evaluate: Evaluate
    panel: Panel
    values: Array
    lookback_bars: int
    library: Mapping[str, SampledRanks]
    screen: ScreeningPanel | None = None

    @cached_property
    def suspect(self) -> "Candidate":
        """The candidate as leaks are looked for: on the symbols of the screen, or itself without one."""
        if self.screen is None:
            return self
        return replace(self, panel=self.screen.panel, values=self.evaluate(self.screen.panel))

    @cached_property
    def surveyed(self) -> Array:
        """(bars after the warm-up, columns of `kernels.survey`)."""
        return survey.of(self.values[self.lookback_bars :], self.panel["close"][self.lookback_bars :])


@dataclass(frozen=True)
class CheckResult:
    """
    Outcome of one check.

    Args:
        name: of the check.
        passed: whether the factor may go on.
        value: what was measured.
        threshold: what it was held against.
        blocking: whether a failure stops everything downstream.
        detail: one readable line, written for whoever proposed the factor.
    """

    name: str
    passed: bool
    value: float
    threshold: float
    blocking: bool
    detail: str


Outcome = tuple[bool, float, float, str]
_checks: dict[str, tuple[Callable[[Candidate], Outcome], bool]] = {}


def check(blocking: bool) -> Callable[[Callable[[Candidate], Outcome]], Callable[[Candidate], Outcome]]:
    """Register a function (passed, value, threshold, detail) under its own name."""

    def register(function: Callable[[Candidate], Outcome]) -> Callable[[Candidate], Outcome]:
        _checks[function.__name__] = (function, blocking)
        return function

    return register


def meaning(name: str) -> str:
    """What a check measures, the first paragraph of its documentation."""
    return " ".join((_checks[name][0].__doc__ or "").strip().split("\n\n")[0].split())


def checks() -> dict[str, bool]:
    """Names of all checks, in the order they run, and whether they block."""
    return {name: blocking for name, (_, blocking) in _checks.items()}


def validate(
    evaluate: Evaluate,
    panel: Panel,
    lookback_bars: int,
    library: Mapping[str, SampledRanks] | None = None,
    only: Collection[str] | None = None,
    values: Array | None = None,
    screen: ScreeningPanel | None = None,
) -> list[CheckResult]:
    """
    Run the checks.

    Args:
        evaluate: panel to (bars, symbols) values.
        panel: the bars to check on.
        lookback_bars: history the factor declares.
        library: sampled ranks of factors active on the same grid; none by default.
        only: names of the checks to run; all by default.
        values: `evaluate(panel)` where the caller has them already.
        screen: `ScreeningPanel.of(panel)`, to look for leaks on few symbols, bars and cuts; everywhere without it.

    Returns:
        One result per check, in order.
    """
    values = evaluate(panel) if values is None else values
    candidate = Candidate(evaluate, panel, values, lookback_bars, library or {}, screen)
    results = []
    for name, (function, blocking) in _checks.items():
        if only is not None and name not in only:
            continue
        passed, value, threshold, detail = function(candidate)
        results.append(CheckResult(name, bool(passed), float(value), float(threshold), blocking, detail))
    return results
