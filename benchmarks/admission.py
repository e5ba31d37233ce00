"""
What the loop admits on pure noise, and whether it finds a planted edge.

The real loop with the random-grammar proposer on simulated hours of 20 symbols. Prints tables; judges nothing.

    python -m benchmarks.admission [--runs 100] [--proposals 500] [--sharpe 2 4 8]
"""

import argparse
import sys
from collections import Counter
from dataclasses import replace
from itertools import count

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import Bars, EvaluationBars, measure_factor
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.loop import MiningSettings, mine
from alpha_pipeline.mining.proposers import Control, random_grammar
from alpha_pipeline.mining.task import Proposal, Task
from alpha_pipeline.tables import TRIALS
from alpha_pipeline.typing import Array

SYMBOLS = 20
BARS = 3 * 8760
# Spread of a symbol's hourly return, and persistence of the planted edge from hour to hour (a half-life of 3 days).
HOURLY = 0.008
PERSISTENCE = 0.99
RUN_DATE = pd.Timestamp("2019-09-30", tz="UTC")
PLANTED = "cs_rank(posts)"


def with_plant(place: int) -> Control:
    """The random grammar on prices and volume, and once, at `place`, the planted factor."""
    asked, chance = count(), random_grammar()

    def draw(task: Task, rng: np.random.Generator) -> Proposal:
        if next(asked) == place:
            return Proposal("planted", PLANTED)
        return chance.draw(replace(task, fields=("close", "volume")), rng)

    return Control(chance.name, draw)


def main() -> None:
    """Run both experiments and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--proposals", type=int, default=500)
    parser.add_argument("--sharpe", type=float, nargs="*", default=[2.0], help="annual, after costs, of planted edges")
    options = parser.parse_args()
    for sharpe in (0.0, *options.sharpe):
        strength = _strength(sharpe) if sharpe else 0.0
        outcomes = [_run(seed, options.proposals, strength) for seed in range(options.runs)]
        _report(sharpe, outcomes, options.proposals)


def _run(seed: int, proposals: int, strength: float) -> pd.DataFrame:
    place = seed % proposals if strength else -1
    settings = MiningSettings(rounds=1, proposals_per_round=proposals, batch=1, repairs=0, seed=seed)
    return mine(
        RUN_DATE,
        replace(CRYPTO, history=None),
        _panel(seed, BARS, strength),
        TRIALS.empty(),
        with_plant(place),
        settings,
    )


def _report(sharpe: float, outcomes: list[pd.DataFrame], proposals: int) -> None:
    mined = [trials[trials["proposer"] != "reference"] for trials in outcomes]
    noise = [trials[trials["name"] != "planted"] for trials in mined]
    admitting = sum((trials["verdict"] == "accepted").any() for trials in noise)
    _say(f"{len(mined)} runs of {proposals} proposals, planted Sharpe {sharpe:g}: {admitting} runs admit noise")
    largest = [t["train_t_stat"].abs().max() for t in noise]
    discovered = sum(int((t["stage"] == "significant").sum()) for t in noise)
    _say(f"  largest noise |t| of a run on train: {_median(largest):.2f} (median); discoveries in all: {discovered}")
    planted = pd.concat([trials[trials["name"] == "planted"] for trials in mined])
    if len(planted):
        found = int((planted["verdict"] == "accepted").sum())
        measured = (
            planted[["train_t_stat", "valid_t_stat", "valid_sharpe", "train_valid_sharpe", "deflated_sharpe"]]
            .median()
            .round(2)
            .to_dict()
        )
        _say(f"  the plant is admitted in {found} of {len(planted)}; medians {measured}")
        _say(f"  refused for: {dict(Counter(planted['reason']))}")


def _panel(seed: int, bars: int, strength: float) -> Panel:
    """Random walks that drift with a slow hidden edge, shown in the field `posts`; pure walks at strength 0."""
    rng = np.random.default_rng([seed, 7])
    edge = np.empty((bars, SYMBOLS))
    shocks = rng.normal(0, np.sqrt(1 - PERSISTENCE**2), edge.shape)
    edge[0] = rng.normal(size=SYMBOLS)
    for bar in range(1, bars):
        edge[bar] = PERSISTENCE * edge[bar - 1] + shocks[bar]
    returns = rng.normal(0, HOURLY, edge.shape)
    returns[1:] += strength * HOURLY * edge[:-1]
    end = RUN_DATE.tz_localize(None) + pd.Timedelta(days=1)
    times = pd.date_range(end=end, periods=bars, freq="h").to_numpy("datetime64[us]")
    volume = rng.lognormal(3, 0.8, edge.shape)
    fields = {"close": 100 * np.exp(np.cumsum(returns, axis=0)), "volume": volume, "posts": edge}
    return Panel(times, tuple(f"S{i:02d}" for i in range(SYMBOLS)), fields)


def _strength(sharpe: float) -> float:
    """The edge's strength at which its portfolio earns that Sharpe ratio after costs, on thirty simulated years."""
    low, high = 0.0, 0.2
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (middle, high) if _long_run(middle) < sharpe else (low, middle)
    return high


def _long_run(strength: float) -> float:
    ratios: list[Array] = []
    for seed in range(10):
        panel = _panel(1_000 + seed, BARS, strength)
        ratios.append(
            np.array(measure_factor(panel["posts"], EvaluationBars.of(Bars.of(panel, CRYPTO)), delayed=False).sharpe)
        )
    return float(np.mean(ratios))


def _median(numbers: list[float]) -> float:
    return float(np.median(numbers)) if numbers else float("nan")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
