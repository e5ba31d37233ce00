"""Computation order of a batch: complete, arguments first, few values in memory."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from alpha_pipeline.expressions import Node, parse, walk
from alpha_pipeline.expressions.grammar import random_expression
from alpha_pipeline.expressions.schedule import computation_order

FIELDS = ["open", "high", "low", "close", "volume"]


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


def test_every_node_once_after_its_arguments() -> None:
    """All distinct nodes of the factors, none twice, each after its arguments."""
    rng = np.random.default_rng(2)
    factors = [parse(random_expression(rng, FIELDS, 4)) for _ in range(200)]
    order = computation_order(factors)
    assert len(order) == len(set(order)) == len({node for factor in factors for node in walk(factor)})
    place = {node: i for i, node in enumerate(order)}
    assert all(place[argument] < place[node] for node in order for argument in node.arguments)


def test_users_of_a_shared_value_are_grouped() -> None:
    """Factors that alternate between shared parts are regrouped: one part is in memory at a time."""
    parts = ["ts_mean(close, 20)", "ts_std(volume, 30)", "ts_max(high, 9)", "ts_min(low, 5)"]
    factors = [parse(f"ts_rank({part}, {n})") for n in (3, 4, 5, 6) for part in parts]
    assert most_alive(factors) == 2


def test_the_order_is_the_same_every_time() -> None:
    """The order does not depend on set order."""
    rng = np.random.default_rng(3)
    factors = [parse(random_expression(rng, FIELDS, 4)) for _ in range(50)]
    assert computation_order(factors) == computation_order(list(factors))
