"""
Checks on factor values: one decorated function is one check, and shows as an asset check by its name.

Raw tables are checked in `data_quality`; what a check's outcome leads to is decided by who asked.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from alpha_pipeline.panel import Array, Panel

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
        library: values of the factors in force on the same grid, by factor_id.
    """

    evaluate: Evaluate
    panel: Panel
    values: Array
    lookback_bars: int
    library: Mapping[str, Array]


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
    library: Mapping[str, Array] | None = None,
    only: Collection[str] | None = None,
) -> list[CheckResult]:
    """
    Run the checks.

    Args:
        evaluate: panel to (bars, symbols) values.
        panel: the bars to check on.
        lookback_bars: history the factor declares.
        library: values of factors in force on the same grid; none by default.
        only: names of the checks to run; all by default.

    Returns:
        One result per check, in order.
    """
    candidate = Candidate(evaluate, panel, evaluate(panel), lookback_bars, library or {})
    results = []
    for name, (function, blocking) in _checks.items():
        if only is not None and name not in only:
            continue
        passed, value, threshold, detail = function(candidate)
        results.append(CheckResult(name, bool(passed), float(value), float(threshold), blocking, detail))
    return results
