"""
Throughput of one run date with ten thousand candidates: propose, parse, canonicalize, evaluate, check, backtest, judge.

The mining loop with the random-grammar proposer on simulated days of 500 symbols. Prints total time, time by part, and
memory; asserts nothing.

    python -m benchmarks.throughput [--candidates 10000] [--bars 2500] [--symbols 500] [--threads 2]
"""

import argparse
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining import loop, proposers, trial
from alpha_pipeline.mining import run_context as measuring
from alpha_pipeline.mining.loop import MiningSettings, mine
from alpha_pipeline.mining.proposers import random_grammar
from alpha_pipeline.tables import TRIALS

RUN_DATE = pd.Timestamp("2019-09-30", tz="UTC")
# Part -> timed function; each includes the functions it calls.
PARTS: dict[str, tuple[Any, str]] = {
    "propose": (proposers.Control, "propose"),
    "parse and canonicalize": (loop, "read"),
    "screen": (trial, "_screen"),
    "evaluate": (measuring, "evaluate"),
    "check": (measuring, "validate"),
    "backtest": (measuring, "train_and_valid"),
    "judge": (trial, "_judge"),
    "knowledge": (loop, "Knowledge"),
}


def main() -> None:
    """Mine one run date and print its time by part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=10_000)
    parser.add_argument("--bars", type=int, default=2_500)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    panel = _panel(options.bars, options.symbols)
    settings = MiningSettings(rounds=1, proposals_per_round=options.candidates, repairs=0, threads=options.threads)
    spent = _timed()
    before, started, cpu = _memory(), time.perf_counter(), time.process_time()
    trials = mine(RUN_DATE, EQUITIES, panel, TRIALS.empty(), random_grammar(), settings, lambda p: _progress(p.text))
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    mined = trials[trials["proposer"] != "reference"]
    _say(f"\n{len(mined):,} candidates on {options.bars:,} bars x {options.symbols} symbols, {options.threads} threads")
    _say(f"  run date total {wall:8.1f} s wall, {cpu:.1f} s CPU: {1000 * wall / len(mined):.1f} ms a candidate")
    _say(f"  at this rate {86_400 / wall * len(mined):,.0f} a day; memory grew by {_memory() - before:.2f} GB")
    for name, seconds in spent.items():
        _say(f"  {name:<24} {seconds:8.1f} s of threads {1000 * seconds / len(mined):8.2f} ms a candidate")
    _say(f"  stages  {dict(Counter(mined['stage']))}")
    _say(f"  reasons {dict(Counter(mined['reason']).most_common(8))}")


def _panel(bars: int, symbols: int) -> Panel:
    """Random walks with high, low and volume."""
    rng = np.random.default_rng(0)
    shape = (bars, symbols)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, shape), axis=0))
    high, low = (close * np.exp(sign * np.abs(rng.normal(0, 0.01, shape))) for sign in (1, -1))
    fields = {
        "open": low + (high - low) * rng.random(shape), "high": high, "low": low, "close": close,
        "volume": rng.lognormal(10, 1, shape),
    }  # fmt: skip
    days = pd.bdate_range(end=RUN_DATE.tz_localize(None), periods=bars) + pd.Timedelta(20, "h")
    return Panel(days.to_numpy("datetime64[us]"), tuple(f"S{i:03d}" for i in range(symbols)), fields)


def _timed() -> dict[str, float]:
    """Wrap each part with a timer; seconds accumulate in the returned mapping."""
    spent: dict[str, float] = defaultdict(float)
    for name, (module, attribute) in PARTS.items():
        setattr(module, attribute, _with_timer(getattr(module, attribute), name, spent))
    return spent


def _with_timer(function: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    def run(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            result = function(*arguments, **named)
            return dict(result).items() if name == "evaluate" else result  # a generator is lazy
        finally:
            spent[name] += time.perf_counter() - started

    return run


def _memory() -> float:
    """Largest resident size so far, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text[:118]:<118}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
