"""
Run workloads and print their tables; judges nothing.

    python -m benchmarks.engine [--quick] [workload ...]
"""

import argparse
import os
import time
import warnings
from importlib import import_module

from benchmarks.engine.peers import PEERS, version

WORKLOADS = ("sets", "batch", "accuracy", "incremental", "threads", "cold", "operators")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="workload", help=f"of {', '.join(WORKLOADS)}; default all")
    parser.add_argument("--quick", action="store_true", help="tiny panels: does it run, not how fast")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.workloads) - set(WORKLOADS))
    if unknown:
        parser.error(f"no workload {', '.join(unknown)}; there are {', '.join(WORKLOADS)}")
    warnings.simplefilter("ignore")  # peers warn about empty slices and zero divisions, which are part of the data
    for peer in PEERS:
        found = version(peer)
        print(f"{peer} {found}" if found else f"{peer} is not installed: its rows are left out (`make bench-engine`)")
    for name in chosen.workloads or WORKLOADS:
        started = time.perf_counter()
        print(f"\n## {name}")
        for table in import_module(f"benchmarks.engine.{name}").tables(chosen.quick):
            print(f"\n{table}", flush=True)
        load = os.getloadavg()[0]
        print(f"\n{name} took {time.perf_counter() - started:.0f} s; load average of the last minute {load:.2f}")


if __name__ == "__main__":
    main()
