"""
Status changes of simulated factors: with a constant rank IC, with one that is lost, and with none.

Simulated fields predict daily closes; the lifecycle rules run over two years of run dates. Prints a table.

    python -m benchmarks.life [--each 30] [--rank-ic 0.03] [--symbols 100] [--every 1] [--seed 0]
"""

import argparse
import sys

import numpy as np
import pandas as pd

from alpha_pipeline.library.lifecycle import status_changes, update_statuses
from alpha_pipeline.library.live_performance import live_measures
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.tables import LIBRARY
from alpha_pipeline.typing import Array

FIRST = pd.Timestamp("2019-07-01", tz="UTC")
DAY = pd.Timedelta(days=1)
# Days before the first run date, days of run dates, and the day on which those that die do.
WARM_UP, DAYS, DIES = 300, 730, 200
DAILY = 0.03


def main() -> None:
    """Print how many of each kind reach probation and retirement, and after how many days."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--each", type=int, default=30, help="factors of a kind")
    options.add_argument("--rank-ic", type=float, default=0.03, help="expected of all of them")
    options.add_argument("--symbols", type=int, default=100)
    options.add_argument("--every", type=int, default=1, help="days between run dates")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    run_dates = lived(given.each, given.rank_ic, given.symbols, given.every, given.seed)
    for kind in ("true", "dies", "luck"):
        for status in ("probation", "retired"):
            days = reached(run_dates, kind, status) - (DIES if kind == "dies" else 0)
            middle, late = days.quantile([0.5, 0.9])
            message = f"after {middle:.0f} days (median), {late:.0f} (90 %)" if days.notna().any() else ""
            _say(f"{kind}  {status:<9}  {days.notna().sum():>3} of {len(days)}  {message}")
    _say(f"{len(status_changes(run_dates)) / (3 * given.each):.1f} changes of status a factor in two years")


def lived(each: int, rank_ic: float, symbols: int, every: int, seed: int = 0) -> pd.DataFrame:
    """
    Two years of run dates of a library of factors that are all expected to have the same rank IC.

    Args:
        each: factors of a kind: `true_...` have it, `dies_...` have it until day 200, `luck_...` never had it.
        rank_ic: expected.
        symbols: how many are ranked.
        every: days between run dates.
        seed: of the market.

    Returns:
        Rows of `tables.LIBRARY` of all run dates.
    """
    true = np.full(WARM_UP + DAYS, rank_ic)
    kinds = {"true": true, "dies": np.where(np.arange(len(true)) < WARM_UP + DIES, true, 0), "luck": 0 * true}
    panel = led({f"{kind}_{k}": lead for kind, lead in kinds.items() for k in range(each)}, symbols, seed)
    library = held(FIRST, rank_ic, **{name: name for name in panel.fields if name != "close"})
    run_dates = []
    for run_date in pd.date_range(FIRST, periods=DAYS // every, freq=every * DAY):
        library = library.assign(run_date=run_date)
        library = update_statuses(library, live_measures(library, panel, EQUITIES), EQUITIES)
        run_dates.append(library)
    return pd.concat(run_dates, ignore_index=True)


def reached(run_dates: pd.DataFrame, kind: str, status: str) -> pd.Series:
    """Days from the first run date until each factor of a kind first had a status; NaN where it never had."""
    of_kind = run_dates[run_dates["factor_id"].str.startswith(kind)]
    first = of_kind[of_kind["status"] == status].groupby("factor_id")["run_date"].min()
    return ((first - FIRST) / DAY).reindex(of_kind["factor_id"].unique())


def led(leads: dict[str, Array], symbols: int = 40, seed: int = 0) -> Panel:
    """
    Daily closes from 300 days before the first run date.

    Args:
        leads: by field (bars,), its rank IC with the return after the next fill.
        symbols: how many.
        seed: of everything.
    """
    bars = len(next(iter(leads.values())))
    rng = np.random.default_rng(seed)
    # The correlation of two normal variables from their rank correlation; what is not led is noise.
    shares = {name: 2 * np.sin(np.pi / 6 * lead)[:, None] for name, lead in leads.items()}
    fields = {name: rng.normal(0, 1, (bars, symbols)) for name in leads}
    moves = rng.normal(0, 1, (bars, symbols))
    moves[2:] *= np.sqrt(1 - sum(share**2 for share in shares.values()))[:-2]
    for name, share in shares.items():
        moves[2:] += (share * fields[name])[:-2]
    start = FIRST - WARM_UP * DAY + pd.Timedelta(20, "h")
    times = pd.date_range(start.tz_localize(None), periods=bars, freq="D").to_numpy("datetime64[us]")
    close = 100 * np.exp(np.cumsum(DAILY * moves, axis=0))
    return Panel(times, tuple(f"S{i:03}" for i in range(symbols)), {"close": close, **fields})


def held(run_date: pd.Timestamp = FIRST, expected: float = 0.05, **factors: str) -> pd.DataFrame:
    """Factors accepted on the first run date, each bought for its high values: factor_id to expression."""
    rows = [
        {
            "run_date": run_date, "factor_id": name, "name": name, "expression": expression, "identity": name,
            "status": "accepted", "since": FIRST, "proposer": "model", "weight": expected, "reason": "admitted",
            "status_since": FIRST, "expected_rank_ic": expected, "expected_turnover": 0.8,
        }
        for name, expression in factors.items()
    ]  # fmt: skip
    return LIBRARY.complete(pd.DataFrame(rows))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
