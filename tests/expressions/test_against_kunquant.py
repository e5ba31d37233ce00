"""The factor sets against the implementation of another engine."""

import pytest

from alpha_pipeline.expressions import evaluate, parse
from alpha_pipeline.factors.alpha101 import ALPHA101
from alpha_pipeline.factors.alpha158 import ALPHA158
from alpha_pipeline.typing import Array
from benchmarks.engine import panels
from benchmarks.engine.measure import agrees

pytest.importorskip("KunQuant", reason="a peer of `make bench-engine`, installed by .ci/run")
from benchmarks.engine import peer_kunquant  # needs KunQuant

pytestmark = pytest.mark.slow
PANEL = panels.market(600, 64)
# Of its Alpha101 these are written as here; most others differ by the scale of ts_rank (1 to n there), the direction of
# argmax, or ties of ranks that a comparison then decides.
AS_PUBLISHED = (
    2, 3, 5, 6, 8, 9, 11, 12, 14, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28, 30, 33, 34, 37, 39, 40, 41, 42, 44, 46,
    49, 51, 53, 54, 55, 57, 60, 74, 83, 101,
)  # fmt: skip


def _differing(library: dict[str, str], expected: dict[str, Array]) -> list[str]:
    names = [name for name in library if name in expected]
    nodes = [parse(library[name]) for name in names]
    values = dict(evaluate(nodes, PANEL, 1))
    return [name for i, name in enumerate(names) if not agrees(expected[name], values[i])]


def test_alpha158_is_the_published_set() -> None:
    """All 158 features, 99.9 % of their cells to 1e-4."""
    expected = peer_kunquant.compiled({"all": peer_kunquant.alpha158()})["all"](PANEL)
    assert len(set(ALPHA158) & set(expected)) == 158
    assert not _differing(ALPHA158, expected)


def test_alpha101_is_the_published_set_where_conventions_are_shared() -> None:
    """The alphas that both define equally."""
    names = [f"alpha{number:03d}" for number in AS_PUBLISHED]
    expected = peer_kunquant.compiled({"some": peer_kunquant.alpha101(names)})["some"](PANEL)
    assert set(expected) == set(names)
    assert not _differing(ALPHA101, expected)
