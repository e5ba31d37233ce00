"""1,000 random factors that share sub-expressions: one batch of ours, factor by factor, KunQuant and polars."""

import tracemalloc
from collections.abc import Iterator, Sequence

from alpha_pipeline.expressions import Node, evaluate
from alpha_pipeline.market.panel import Panel
from benchmarks.engine import panels
from benchmarks.engine.measure import Cost, Table, agrees, best, drain, memory_growth, timed
from benchmarks.engine.peers import has
from benchmarks.engine.random_batch import described, factors

KUNQUANT_BATCH, POLARS_FACTORS = 200, 30


def tables(quick: bool) -> Iterator[Table]:
    nodes, panel = factors(40 if quick else 1_000), panels.days(quick)
    drain(nodes, panels.market(200, 8))  # kernels are loaded before memory is watched
    with memory_growth() as growth:
        batch = best(lambda: drain(nodes, panel), 2)
        grown = growth()
    single, _ = timed(lambda: [timed(lambda node=node: drain([node], panel))[1] for node in nodes])
    ours = batch * (1 / len(nodes))
    rows = [_row("ours, one batch", ours, ours, "")]
    rows.append(_row("ours, sharing within one factor only", sum(single, Cost(0, 0)) * (1 / len(nodes)), ours, "2x"))
    remarks = []
    if has("KunQuant"):
        found, remark = _kunquant(nodes, panel, ours)
        rows += found
        remarks.append(remark)
    if has("polars"):
        row, remark = _polars(nodes, panel, ours)
        rows.append(row)
        remarks.append(remark)
    title = f"{described(nodes)}; {panels.named(panel)}, float64"
    header = ("engine", "wall ms per factor", "cpu ms", "ratio wall", "cpu", "target")
    yield Table(title, header, rows, remarks)
    matrix = panel.fields["close"].nbytes / 1e6
    memory = [(f"{_live(nodes):.0f}", f"{grown:,.0f}", f"{grown / matrix:.0f}")]
    remark = "Buffers are counted on 500 x 50 by the memory they take; the graph, and so the count, is the same."
    yield Table(
        f"Memory of our batch; one matrix is {matrix:.1f} MB, the factors would be {len(nodes) * matrix:,.0f} MB",
        ("live buffers at the peak", "growth of resident memory MB", "in matrices"),
        memory,
        [remark],
    )


def _row(name: str, theirs: Cost, ours: Cost, target: str) -> tuple[str, ...]:
    return (name, *theirs.cells(1e-3), *theirs.over(ours), target)


def _live(nodes: Sequence[Node]) -> float:
    """Matrices alive at the peak of one batch, fields of the panel not counted."""
    panel = panels.market(500, 50)
    drain(nodes[:1], panel)
    tracemalloc.start()
    try:
        drain(nodes, panel)
        return tracemalloc.get_traced_memory()[1] / panel.fields["close"].nbytes
    finally:
        tracemalloc.stop()


def _kunquant(nodes: Sequence[Node], panel: Panel, ours: Cost) -> tuple[list[tuple[str, ...]], str]:
    """All factors, in batches; compiled one batch at a time."""
    from benchmarks.engine import peer_kunquant

    compiling = running = Cost(0, 0)
    agreeing, check = 0, panels.market(600, 64)
    for start in range(0, len(nodes), KUNQUANT_BATCH):
        some = {f"f{i}": node for i, node in enumerate(nodes[start : start + KUNQUANT_BATCH])}
        graph = peer_kunquant.trees(some)
        runs, spent = timed(lambda graph=graph: peer_kunquant.compiled({"batch": graph}))
        compiling += spent
        run = runs["batch"]
        run(panel)  # the first call pays for the pages of its output arrays
        running += timed(lambda run=run: run(panel))[1]
        values = run(check)
        for position, mine in evaluate(list(some.values()), check, threads=1):
            agreeing += agrees(values[f"f{position}"], mine)
            del mine
    share = 1 / len(nodes)
    name = f"KunQuant, batches of {KUNQUANT_BATCH}"
    rows = [_row(f"{name}, compile included", (compiling + running) * share, ours, "10x")]
    rows.append(_row(f"{name}, run alone", running * share, ours, ""))
    return rows, f"KunQuant agrees on {agreeing} of {len(nodes)} factors (600 x 64; 99.9 % of cells to 1e-4)."


def _polars(nodes: Sequence[Node], panel: Panel, ours: Cost) -> tuple[tuple[str, ...], str]:
    """Some factors next to each other in the list, scaled: with more, it would share somewhat more."""
    from benchmarks.engine import peer_polars

    some = list(nodes[:POLARS_FACTORS])
    data = peer_polars.frame(panel)
    spent = timed(lambda: peer_polars.evaluated(some, data))[1] * (1 / len(some))
    check = panels.market(600, 64)
    found = list(peer_polars.matrices(peer_polars.evaluated(some, peer_polars.frame(check)), check))
    agreeing = sum(agrees(found[position], mine) for position, mine in evaluate(some, check, threads=1))
    name = f"polars, shared columns, {len(some)} factors scaled"
    return _row(name, spent, ours, "50x"), f"polars agrees on {agreeing} of {len(some)} factors."
