"""
Look-back, complexity, identity and structural similarity of factors, from their trees.

Values are computed in `evaluation`.
"""

import hashlib
from collections import Counter

from alpha_pipeline.expressions.canonical import shortened
from alpha_pipeline.expressions.node import CONSTANT, FIELD, Node, walk

_MIRRORED = {"greater": "less", "greater_equal": "less_equal"}


def lookback(node: Node) -> int:
    """Bars of history needed before the current one; for recursive operators the warm-up to 1e-9."""
    return node.lookback


def complexity(node: Node) -> int:
    """Nodes of the tree, shared ones counted each time."""
    return node.size


def identity(node: Node) -> str:
    """
    SHA-256 (hex) of the canonical form; the same for factors that differ only in spelling.

    Beyond what equal nodes share already: order and grouping of sums and products, subtraction as addition of the
    negative, division by a number as multiplication, a > b as b < a, and the longer spellings in `canonical`.
    """
    forms: dict[Node, tuple[str, bool]] = {}
    node = shortened(node)
    for current in walk(node):
        forms[current] = _form(current, forms)
    text, negative = forms[node]
    return hashlib.sha256(("-" + text if negative else text).encode()).hexdigest()


def _form(node: Node, forms: dict[Node, tuple[str, bool]]) -> tuple[str, bool]:
    """Digest of the canonical form without its sign, and the sign."""
    if node.operator == FIELD:
        return _digest(f"field {node.parameters[0]}"), False
    if node.operator == CONSTANT:
        value = float(node.parameters[0])
        return _digest(f"constant {abs(value)!r}"), value < 0
    if node.operator == "negative":
        text, negative = forms[node.arguments[0]]
        return text, not negative
    if node.operator in {"add", "subtract"}:
        terms = sorted(_terms(node, forms, False))
        # The sign of the first term in order is taken out, so a - b and b - a differ in sign only.
        flip = terms[0][1]
        return _digest("sum " + " ".join(f"{'-' if n != flip else '+'}{t}" for t, n in terms)), flip
    if node.operator in {"multiply", "divide"}:
        factors, negative = _factors(node, forms, False)
        return _digest("product " + " ".join(sorted(factors))), negative
    name = _MIRRORED.get(node.operator, node.operator)
    arguments = [("-" if negative else "") + text for text, negative in (forms[a] for a in node.arguments)]
    if name != node.operator:
        arguments.reverse()
    if node.operator in {"both", "either", "equal", "not_equal", "minimum", "maximum", "ts_corr", "ts_cov"}:
        arguments.sort()
    return _digest(f"{name} {node.parameters!r} {' '.join(arguments)}"), False


def _terms(node: Node, forms: dict[Node, tuple[str, bool]], negative: bool) -> list[tuple[str, bool]]:
    if node.operator in {"add", "subtract"}:
        left, right = node.arguments
        return _terms(left, forms, negative) + _terms(right, forms, negative ^ (node.operator == "subtract"))
    text, own = forms[node]
    return [(text, own ^ negative)]


def _factors(node: Node, forms: dict[Node, tuple[str, bool]], inverse: bool) -> tuple[list[str], bool]:
    if node.operator in {"multiply", "divide"}:
        left, right = node.arguments
        a, sign_a = _factors(left, forms, inverse)
        b, sign_b = _factors(right, forms, inverse ^ (node.operator == "divide"))
        return a + b, sign_a ^ sign_b
    text, negative = forms[node]
    if inverse and node.is_constant and node.parameters[0]:
        return [_digest(f"constant {abs(1.0 / float(node.parameters[0]))!r}")], negative
    return [("1/" if inverse else "") + text], negative


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def similarity(a: Node, b: Node) -> float:
    """
    Structural similarity in [0, 1]: 1 for equal trees, 0 for nothing in common.

    Weighted Jaccard index over sub-trees, counted both exactly and with their numbers left out, so that a change of a
    window is a small change.
    """
    features_a, features_b = _features(shortened(a)), _features(shortened(b))
    shared = sum((features_a & features_b).values())
    return shared / sum((features_a | features_b).values())


def _features(node: Node) -> Counter[str]:
    shapes: dict[Node, str] = {}
    counts: Counter[str] = Counter()
    for current in walk(node):
        label = str(current.parameters[0]) if current.operator == FIELD else current.operator
        shapes[current] = _digest(label + " ".join(shapes[a] for a in current.arguments))
        counts[shapes[current]] += 1
        counts[current.digest.hex()] += 1
        counts[label] += 1
    return counts
