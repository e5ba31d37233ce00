"""The order of a batch is complete, has arguments first, and holds few values at once."""

import numpy as np

from alpha_pipeline.expressions import parse, walk
from alpha_pipeline.expressions.grammar import random_expression
from alpha_pipeline.expressions.schedule import computation_order, most_alive

FIELDS = ["open", "high", "low", "close", "volume"]


def test_every_node_once_after_its_arguments() -> None:
    """All distinct nodes of the factors, none twice, each after what it is computed from."""
    rng = np.random.default_rng(2)
    factors = [parse(random_expression(rng, FIELDS, 4)) for _ in range(200)]
    order = computation_order(factors)
    assert len(order) == len(set(order)) == len({node for factor in factors for node in walk(factor)})
    place = {node: i for i, node in enumerate(order)}
    assert all(place[argument] < place[node] for node in order for argument in node.arguments)


def test_a_shared_value_is_used_up_before_the_next() -> None:
    """Factors that alternate between two shared parts are regrouped: one part is alive at a time."""
    parts = ["ts_mean(close, 20)", "ts_std(volume, 30)", "ts_max(high, 9)", "ts_min(low, 5)"]
    factors = [parse(f"ts_rank({part}, {n})") for n in (3, 4, 5, 6) for part in parts]
    assert most_alive(factors) == 2


def test_the_order_is_the_same_every_time() -> None:
    """No set order leaks in: the same batch gives the same order."""
    rng = np.random.default_rng(3)
    factors = [parse(random_expression(rng, FIELDS, 4)) for _ in range(50)]
    assert computation_order(factors) == computation_order(list(factors))
