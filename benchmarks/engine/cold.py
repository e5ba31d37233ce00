"""A fresh process: from nothing to the values of one factor; compiled kernels come from the cache."""

import json
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.engine.measure import Cost, Table, timed

FACTOR = "cs_rank(ts_corr(close, volume, 20)) - ts_rank(ts_std(close, 10), 10)"
REPEATS = 3

PROGRAM = """
import json, time
started = time.perf_counter()
from numba.core import event
compilations = event.RecordingListener()
event.register("numba:compile", compilations)
from alpha_pipeline.expressions import evaluate, parse
imported = time.perf_counter()
import numpy as np
from alpha_pipeline.market.panel import Panel
data = np.random.default_rng(0).lognormal(size=(300, 10))
fields = {"close": data, "volume": data[::-1].copy()}
panel = Panel(np.arange(300).astype("datetime64[us]"), tuple("abcdefghij"), fields)
node = parse(FACTOR)
first = time.perf_counter()
for _ in evaluate([node], panel, threads=1):
    pass
done = time.perf_counter()
for _ in evaluate([node], panel, threads=1):
    pass
again = time.perf_counter()
print(json.dumps([imported - started, done - first, again - done, len(compilations.buffer)]))
"""


def tables(quick: bool) -> Iterator[Table]:
    found = [timed(_fresh) for _ in range(1 if quick else REPEATS)]
    whole = Cost(min(cost.wall for _, cost in found), min(cost.cpu for _, cost in found))
    imports, first, second = (min(parts[i] for parts, _ in found) for i in range(3))
    compiled = max(parts[3] for parts, _ in found)
    row = (*whole.cells(), "2.5 s", f"{imports:.2f}", f"{first:.2f}", f"{second * 1e3:.1f}", f"{compiled:.0f}", "0")
    header = ("process wall s", "cpu s", "target", "imports s", "first factor s", "second ms")
    yield Table(f"One factor on 300 x 10: {FACTOR}", (*header, "functions compiled", "target"), [row])


def _fresh() -> list[float]:
    program = f"FACTOR = {FACTOR!r}\n{PROGRAM}"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)
