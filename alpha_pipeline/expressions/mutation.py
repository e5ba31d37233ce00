"""
Mutation of a factor: one window, operator, field or branch changed at random.

Mutants satisfy units and limits, since `node.build` checks them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions.dsl.parser import read
from alpha_pipeline.expressions.grammar import WINDOWS, random_expression
from alpha_pipeline.expressions.node import FIELD, Node, NodeError, build, field, walk
from alpha_pipeline.market.durations import clock_of_bar
from alpha_pipeline.operators import Operator, operators, unit_of_field

TRIES = 30


def mutate(expression: str, fields: Sequence[str], rng: np.random.Generator, windows: Sequence[int] = WINDOWS) -> str:
    """
    Change one node of a factor.

    Args:
        expression: canonical DSL, windows in bars.
        fields: names the panel has.
        rng: source of randomness.
        windows: to choose from, bars.

    Returns:
        Canonical DSL of another factor over the same fields; a random one where no change fits.

    Raises:
        ExpressionError: the expression does not parse.
    """
    root = read(expression, None, clock_of_bar("1h"), math=False)
    changes = (_other_window, _other_operator, _other_field, _other_branch)
    for _ in range(TRIES):
        nodes = [node for node in walk(root) if not node.is_constant]
        target = nodes[int(rng.integers(len(nodes)))]
        change = changes[int(rng.integers(len(changes)))]
        try:
            put = change(target, fields, rng, windows)
            mutant = _replaced(root, target, put) if put is not None else root
        except (NodeError, ExpressionError):
            continue
        if mutant is not root and mutant.unit is not None and mutant.unit.is_plain:
            return str(mutant)
    return random_expression(rng, fields, 3, windows)


def _other_window(node: Node, fields: Sequence[str], rng: np.random.Generator, windows: Sequence[int]) -> Node | None:
    """The same call with another window."""
    if node.operator == FIELD:
        return None
    numbers = operators()[node.operator].parameters[len(node.arguments) :]
    places = [i for i, parameter in enumerate(numbers) if parameter.kind in {"window", "lag"}]
    if not places:
        return None
    parameters = [float(value) for value in node.parameters]
    parameters[_pick(places, rng)] = float(_pick(windows, rng))
    return build(node.operator, node.arguments, parameters)


def _other_operator(node: Node, fields: Sequence[str], rng: np.random.Generator, windows: Sequence[int]) -> Node | None:
    """Another operator with the same kinds of arguments and numbers."""
    if node.operator == FIELD:
        return None
    operator = operators()[node.operator]
    alike = [
        o.name for o in operators().values() if o.kernel and o.name != operator.name and _form(o) == _form(operator)
    ]
    return build(_pick(alike, rng), node.arguments, [float(p) for p in node.parameters]) if alike else None


def _other_field(node: Node, fields: Sequence[str], rng: np.random.Generator, windows: Sequence[int]) -> Node | None:
    """Another field of the same unit."""
    if node.operator != FIELD:
        return None
    alike = [name for name in fields if name != node.parameters[0] and unit_of_field(name) == node.unit]
    return field(_pick(alike, rng)) if alike else None


def _other_branch(node: Node, fields: Sequence[str], rng: np.random.Generator, windows: Sequence[int]) -> Node | None:
    """A random formula instead of a plain number, or combined with it."""
    if node.unit is None or not node.unit.is_plain:
        return None
    fresh = read(random_expression(rng, fields, 1, windows), None, clock_of_bar("1h"), math=False)
    return fresh if rng.random() < 0.5 else build(_pick(["add", "multiply"], rng), [node, fresh])


def _replaced(root: Node, target: Node, put: Node) -> Node:
    """The tree with every occurrence of a node replaced."""
    done: dict[Node, Node] = {target: put}
    for node in walk(root):
        if node not in done:
            arguments = [done[argument] for argument in node.arguments]
            same = all(new is old for new, old in zip(arguments, node.arguments, strict=True))
            done[node] = node if same else build(node.operator, arguments, [float(p) for p in node.parameters])
    return done[root]


def _form(operator: Operator) -> tuple[tuple[str, str], ...]:
    return tuple((parameter.kind, parameter.accepts) for parameter in operator.parameters)


def _pick(options: Sequence[Any], rng: np.random.Generator) -> Any:
    return options[int(rng.integers(len(options)))]
