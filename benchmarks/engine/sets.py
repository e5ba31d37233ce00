"""Alpha101 and Alpha158: ours against KunQuant on large panels, against pandas on a small one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from alpha_pipeline.expressions import Node, evaluate, parse
from alpha_pipeline.factors.alpha101 import ALPHA101
from alpha_pipeline.factors.alpha158 import ALPHA158
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array
from benchmarks.engine import panels, peer_pandas
from benchmarks.engine.measure import Table, agrees, best, drain, timed
from benchmarks.engine.peers import has

Factors = Mapping[str, Node]


def tables(quick: bool) -> Iterator[Table]:
    alpha101, alpha158 = (_parsed(library, 12 if quick else None) for library in (ALPHA101, ALPHA158))
    if has("KunQuant"):
        yield _against_kunquant(alpha101, alpha158, [panels.days(quick), panels.hours(quick)])
    yield _against_pandas({"Alpha101": alpha101, "Alpha158": alpha158}, panels.small(quick))


def _parsed(library: Mapping[str, str], count: int | None) -> Factors:
    return {name: parse(text) for name, text in islice(library.items(), count)}


def _against_kunquant(alpha101: Factors, alpha158: Factors, large: Sequence[Panel]) -> Table:
    from benchmarks.engine import peer_kunquant

    def translated(names: Sequence[str]) -> peer_kunquant.Graph:
        return peer_kunquant.trees({name: alpha101[name] for name in names})

    shared = {name: node for name, node in alpha101.items() if peer_kunquant.translatable(node)}
    rows, remarks = (
        [],
        [
            "Timed are the factors that agree: 99.9 % of the cells finite on both sides equal to 1e-4.",
            "Ours drops each result at once; KunQuant writes all of them to arrays it has written before.",
        ],
    )
    for title, factors, graph, target in (
        ("Alpha101 as it writes it", alpha101, peer_kunquant.alpha101, "5x"),
        ("Alpha101, our formulas in its operators", shared, translated, "5x"),
        ("Alpha158 as it writes it", alpha158, peer_kunquant.alpha158, "2.5x"),
    ):
        contest, remark = _contest(factors, graph, large)
        rows += [(title, *row, target) for row in contest]
        remarks.append(f"{title}: {remark}")
    header = ("ours wall s", "cpu s", "KunQuant wall s", "cpu s", "its compile cpu s", "ratio wall", "cpu", "target")
    return Table("Ours against KunQuant, float64", ("set", "panel", "factors", *header), rows, remarks)


def _contest(
    factors: Factors, graph: Callable[[Sequence[str]], Any], large: Sequence[Panel]
) -> tuple[list[tuple[str, ...]], str]:
    """Rows for one set and what of it agrees; its outputs are written to arrays it has written before."""
    from benchmarks.engine import peer_kunquant

    everything = peer_kunquant.compiled({"all": graph(list(factors))})["all"]
    panel = panels.market(600, 64)
    agreeing, different = _split(factors, panel, everything(panel))
    compiled, compiling = timed(lambda: peer_kunquant.compiled({"agreeing": graph(agreeing)}))
    nodes, rows = [factors[name] for name in agreeing], []
    for panel in large:
        mine = best(lambda panel=panel: drain(nodes, panel), 2)
        theirs = best(lambda panel=panel: compiled["agreeing"](panel), 2)
        costs = (*mine.cells(), *theirs.cells(), compiling.cells()[1])
        rows.append((panels.named(panel), str(len(nodes)), *costs, *theirs.over(mine)))
    remark = f"{len(agreeing)} of {len(agreeing) + len(different)} agree"
    return rows, remark + (f"; not {' '.join(different)}" if different else "")


def _split(factors: Factors, panel: Panel, theirs: Mapping[str, Array]) -> tuple[list[str], list[str]]:
    """Names that both sides have: those that agree and those that do not."""
    names = [name for name in factors if name in theirs]
    same = {}
    for position, values in evaluate([factors[name] for name in names], panel, threads=1):
        same[names[position]] = agrees(theirs[names[position]], values)
        del values
    return [name for name in names if same[name]], [name for name in names if not same[name]]


def _against_pandas(libraries: Mapping[str, Factors], panel: Panel) -> Table:
    rows, remarks = (
        [],
        ["Both sides on a small panel: pandas would take minutes on a large one."],
    )
    for title, factors in libraries.items():
        nodes = list(factors.values())
        mine = best(lambda nodes=nodes: drain(nodes, panel), 5)
        for prompt_mode, shared in (("sharing within the set", True), ("each factor by itself", False)):
            found, theirs = timed(lambda nodes=nodes, shared=shared: list(peer_pandas.values(nodes, panel, shared)))
            agreeing, different = _split(factors, panel, dict(zip(factors, found, strict=True)))
            count = f"{len(agreeing)} of {len(nodes)}"
            rows.append((title, prompt_mode, count, *mine.cells(), *theirs.cells(), *theirs.over(mine), "80x"))
        remarks.append(f"{title}: not agreeing {' '.join(different) or 'none'}")
    header = (
        "set",
        "pandas",
        "agreeing",
        "ours wall s",
        "cpu s",
        "pandas wall s",
        "cpu s",
        "ratio wall",
        "cpu",
        "target",
    )
    return Table(f"Ours against wide pandas on {panels.named(panel)}, all factors", header, rows, remarks)
