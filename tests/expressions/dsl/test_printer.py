"""Printed text parses to the same node in its dialect."""

import numpy as np
import pytest

from alpha_pipeline.expressions import Node, parse, to_text
from alpha_pipeline.expressions.grammar import random_expression
from alpha_pipeline.expressions.node import NodeError, build, constant, field
from alpha_pipeline.factors.alpha101 import ALPHA101
from alpha_pipeline.factors.alpha158 import ALPHA158
from alpha_pipeline.operators import operators
from alpha_pipeline.operators.registry import Parameter

FIELDS = ("open", "high", "low", "close", "volume", "vwap", "funding", "cap", "sector", "industry", "subindustry")
# Names that are words of a dialect, or look like them, are names of fields all the same.
ODD_FIELDS = (*FIELDS[:7], "not", "and", "e", "pi", "returns", "adv20", "close_lag_5", "ts_mean", "Close", "df", "np",
              "part1")  # fmt: skip
DIALECTS = ("dsl", "math", "pandas")
NUMBERS = (0.0, 1.0, -1.0, 2.0, 0.5, -0.3, 1e-12, 1e22, 123456789.25, -1e-300, 1e15, 99.0)


def _comes_back(node: Node, dialect: str, fields: tuple[str, ...] = FIELDS) -> bool:
    return parse(to_text(node, dialect), dialect, fields=fields) is node


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", operators())
def test_every_operator_comes_back(name: str, dialect: str) -> None:
    """The example of each operator, formulas included, is the same object after print and parse."""
    assert _comes_back(parse(operators()[name].example, fields=FIELDS), dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_libraries_come_back(dialect: str) -> None:
    """Each of the 101 alphas and the 158 features."""
    lost = [name for name, text in {**ALPHA101, **ALPHA158}.items() if not _comes_back(parse(text), dialect)]
    assert not lost


@pytest.mark.parametrize("dialect", DIALECTS)
def test_random_factors_come_back(dialect: str) -> None:
    """Five hundred factors of the random grammar."""
    rng = np.random.default_rng(4)
    for _ in range(500):
        node = parse(random_expression(rng, FIELDS[:7], 5), fields=FIELDS)
        assert _comes_back(node, dialect), str(node)


def _random_number(rng: np.random.Generator, parameter: Parameter) -> float:
    if parameter.kind == "number":
        return min(max(float(rng.choice([0.1, 0.5, 2.0, -1.5, 1.0, 1e-5])), parameter.minimum), parameter.maximum)
    return int(rng.integers(max(1, parameter.minimum), 12))


def _random_tree(rng: np.random.Generator, depth: int) -> Node:
    """Any operator over any arguments of valid types, beyond those of the generators."""
    kernels = [operator for operator in operators().values() if operator.kernel]
    for _ in range(60 if depth and rng.random() > 0.1 else 0):
        operator = kernels[rng.integers(len(kernels))]
        numbers = [_random_number(rng, parameter) for parameter in operator.numbers]
        try:
            return build(operator.name, [_random_tree(rng, depth - 1) for _ in operator.series], numbers)
        except NodeError:
            continue
    return constant(float(rng.choice(NUMBERS))) if rng.random() < 0.2 else field(str(rng.choice(ODD_FIELDS)))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_arbitrary_trees_come_back(dialect: str) -> None:
    """Trees of all operators, odd numbers and odd names of fields."""
    rng = np.random.default_rng(6)
    trees = [_random_tree(rng, depth) for depth in (2, 3, 4, 5, 8) * 60]
    for node in trees:
        assert node.is_constant or _comes_back(node, dialect, ODD_FIELDS), str(node)


def _wide() -> Node:
    layer = [build("plain", [field(f"open_interest_weighted_average_price_{i % 40}")]) for i in range(300)]
    while len(layer) > 1:
        powers = [build("signed_power", [x, constant(float(i))]) for i, x in enumerate(layer[1::2])]
        layer = [build("larger_present", pair) for pair in zip(layer[::2], powers, strict=False)] + layer[
            len(powers) * 2 :
        ]
    return layer[0]


def _deep() -> Node:
    node = parse("close / open")
    for level in range(60):
        node = build("log", [node]) if level % 2 else build("signed_power", [node, parse("funding")])
    return node


def _shared() -> Node:
    node = parse("plain(close)")
    for _ in range(8):
        node = build("larger_present", [node, build("multiply", [node, constant(2.0)])])
    return node


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("make", [_wide, _deep, _shared])
def test_factors_at_the_limits_come_back(make: object, dialect: str) -> None:
    """Long, deep or repetitive expressions are printed in parts."""
    node = make()  # type: ignore[operator]  # one of the functions above
    text = to_text(node, dialect)
    assert len(text) <= 20_000 and parse(text, dialect) is node


def test_code_reads_like_pandas() -> None:
    """Common factors print as the idioms a quant would write."""
    node = parse("(close - sma(close, 20)) / std(close, 20)")
    expected = '((df["close"] - df["close"].rolling(20).mean()) / df["close"].rolling(20).std())'
    assert to_text(node, "pandas") == f"def calculate_factor(df):\n    return {expected}\n"


def test_code_names_what_it_uses_twice() -> None:
    """A repeated part has a line and a name."""
    code = to_text(parse("rsi_sma(close, 14)"), "pandas")
    assert code.splitlines()[1] == '    part1 = df["close"].diff(1).abs().rolling(14).sum()'
