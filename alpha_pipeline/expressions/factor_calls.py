"""
`factor("name")` in a formula: the tree of an admitted factor takes the place of the call.

Which factors are admitted is the caller's knowledge; identity, look-back and checks see the tree alone.
"""

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions.dsl.parser import read
from alpha_pipeline.expressions.node import Node
from alpha_pipeline.market.durations import Clock, clock_of_bar

# Canonical DSL by factor_id and by name; called only for a text with such a call.
NamedFactors = Callable[[], Mapping[str, str]]
EXAMPLE = 'factor("momentum_volume")'
SHOWN = 8


def factor_reader(
    factors: NamedFactors | None, fields: Collection[str] | None, bar: str | Clock
) -> Callable[[Sequence[object]], Node]:
    """
    The function that reads the arguments of a call of `factor`.

    Args:
        factors: admitted factors; None where there is no library.
        fields: names the panel has; None accepts any name.
        bar: length of a bar, or the clock of a market.

    Returns:
        Arguments, of which one text is expected, to the tree. It raises ExpressionError: no such factor, with near
        names; or one whose fields the panel lacks.
    """

    def read_factor(arguments: Sequence[object]) -> Node:
        name = arguments[0] if len(arguments) == 1 else None
        if not isinstance(name, str):
            reason = "factor takes the name of one admitted factor, in quotes"
            raise ExpressionError(reason, suggestion=EXAMPLE, kind="type")
        expression = _expression(name, factors)
        try:
            return read(expression, fields, clock_of_bar(bar) if isinstance(bar, str) else bar, math=False)
        except ExpressionError as error:
            raise ExpressionError(f"factor {name!r} is {expression}: {error.reason}", kind=error.kind) from None

    return read_factor


def _expression(name: str, factors: NamedFactors | None) -> str:
    if factors is None:
        reason = f"there is no library here in which to look up factor {name!r}"
        raise ExpressionError(reason, suggestion="the expression of the factor itself", kind="unknown")
    admitted = factors()
    if name in admitted:
        return admitted[name]
    near = difflib.get_close_matches(name, admitted, n=3, cutoff=0.5)
    listed = f"; did you mean {' or '.join(near)}?" if near else _listed(list(admitted))
    suggestion = f'factor("{near[0]}")' if near else "the expression of the factor itself"
    raise ExpressionError(f"no factor {name!r} in the library{listed}", suggestion=suggestion, kind="unknown")


def _listed(names: list[str]) -> str:
    if not names:
        return ", which is empty"
    return f"; it has {', '.join(names[:SHOWN])}" + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
