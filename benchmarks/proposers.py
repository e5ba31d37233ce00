"""
Does the model help? Model, random grammar and mutation of the library at equal trial counts, on embedded prices.

Each proposer mines the same run date from an empty ledger, by the same rules. Bootstrap intervals over trials show how
far the differences to the random grammar may be chance. Prints tables; judges nothing.

    python -m benchmarks.proposers [--trials 200] [--market equities] [--seeds 1]

The model is the configured one (`ALPHA_PIPELINE_MODEL_URL`, `ALPHA_PIPELINE_GGUF`), else the embedded one. Its answers
are kept in a temporary lake.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable

import numpy as np
import pandas as pd

from alpha_pipeline.cli.data import embedded
from alpha_pipeline.llm.budget import Budget
from alpha_pipeline.market.markets import MARKETS, Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.loop import MiningSettings, mine
from alpha_pipeline.mining.proposers import mutation, random_grammar
from alpha_pipeline.mining.task import Proposer
from alpha_pipeline.reporting.funnel import cost_text
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.llm.resource import LanguageModel
from alpha_pipeline.settings import load_settings
from alpha_pipeline.tables import TRIALS, UNANSWERED
from alpha_pipeline.typing import Array

RESAMPLES = 2_000
PER_ROUND = 20
LIMITLESS = Budget(10**9, 10**12, 1e12, 1e12, 10**12, 1e12)


def main() -> None:
    """Mine with each proposer and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--market", choices=[m.name for m in MARKETS], default="equities")
    parser.add_argument("--seeds", type=int, default=1, help="run dates each, pooled")
    options = parser.parse_args()
    market = next(m for m in MARKETS if m.name == options.market)
    panel = embedded(market.name)
    door = LanguageModel.of(load_settings().model)
    with tempfile.TemporaryDirectory() as folder, door.open(Lake(folder)) as chat:
        makers: dict[str, tuple[Callable[[], Proposer], tuple[str, ...]]] = {
            "random grammar": (random_grammar, ("generate",)),
            "mutation": (mutation, ("optimize",)),
            f"model {door.name()}": (lambda: door.writer(chat), MiningSettings.prompt_modes),
        }
        mined = {}
        for name, (make, prompt_modes) in makers.items():
            run_dates = [
                _night(panel, market, make(), prompt_modes, options.trials, seed) for seed in range(options.seeds)
            ]
            mined[name] = pd.concat(run_dates, ignore_index=True)
            _say(f"{name}: done")
    _report(mined, market, options.trials)


def _night(
    panel: Panel, market: Market, proposer: Proposer, prompt_modes: tuple[str, ...], trials: int, seed: int
) -> pd.DataFrame:
    run_date = pd.Timestamp(panel.timestamps[-1]).tz_localize("UTC").floor("D")
    settings = MiningSettings(
        rounds=-(-trials // PER_ROUND), proposals_per_round=PER_ROUND, batch=5, seed=seed, budget=LIMITLESS,
        prompt_modes=prompt_modes,  # type: ignore[arg-type]  # spelled above
    )  # fmt: skip
    rows = mine(run_date, market, panel, TRIALS.empty(), proposer, settings)
    return rows[rows["proposer"] != "reference"].head(trials)


def _report(mined: dict[str, pd.DataFrame], market: Market, trials: int) -> None:
    _say(f"\n{market.name}, {trials} trials a run date; rank ICs on validation, in the direction chosen on train")
    _say(f"{'':<28}{'valid':>7}{'distinct':>10}{'measured':>10}{'median IC':>11}{'best IC':>9}{'accepted':>10}  cost")
    for name, rows in mined.items():
        asked = rows[rows["verdict"] != UNANSWERED]
        valid, ics = asked[asked["identity"] != ""], _ics(rows)
        _say(
            f"{name[:27]:<28}{len(valid) / len(asked):>7.0%}"
            f"{valid['identity'].nunique() / len(asked):>10.0%}{len(ics) / len(asked):>10.0%}"
            f"{np.median(ics):>+11.4f}{ics.max():>+9.4f}{(rows['verdict'] == 'accepted').sum():>10}"
            f"  {cost_text(rows)}, {rows['model_seconds'].sum():.0f} s of the model"
        )
    base = next(iter(mined))
    _say(f"\ndifference to {base}, with 95 % bootstrap interval over trials")
    for name, rows in list(mined.items())[1:]:
        for what, of in (("median IC", np.median), ("best IC of 20", _best_of_twenty)):
            low, point, high = _difference(_ics(rows), _ics(mined[base]), of)
            word = "better" if low > 0 else "worse" if high < 0 else "no difference shown"
            _say(f"  {name[:27]:<28}{what:<15}{point:+.4f} [{low:+.4f}, {high:+.4f}]  {word}")


def _ics(rows: pd.DataFrame) -> Array:
    """Validation rank ICs in the direction that train chose: what following the factor would have brought."""
    measured = rows[rows["valid_rank_ic"].notna()]
    return (np.sign(measured["train_rank_ic"]) * measured["valid_rank_ic"]).to_numpy(float)


def _best_of_twenty(ics: Array) -> float:
    """Expected best of twenty draws without order: robust where the best of all is one lucky trial."""
    ordered, n = np.sort(ics), len(ics)
    ranks = np.arange(1, n + 1) / n
    return float(np.sum(ordered * (ranks**20 - (ranks - 1 / n) ** 20)))


def _difference(a: Array, b: Array, of: Callable[[Array], float]) -> tuple[float, float, float]:
    rng = np.random.default_rng(0)
    draws = [of(rng.choice(a, len(a))) - of(rng.choice(b, len(b))) for _ in range(RESAMPLES)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(of(a) - of(b)), float(high)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
