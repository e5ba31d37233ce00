"""
The noise floor: results of the run date's factors on shuffled bars, as expected by luck.

The same loop and admission rule run on the bars of the market in random order, where no bar predicts a later one.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting.returns import last_known
from alpha_pipeline.backtesting.splits import recent_history
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.judge import Admission
from alpha_pipeline.mining.loop import MiningSettings, mine
from alpha_pipeline.mining.proposers import Control
from alpha_pipeline.mining.task import Proposal
from alpha_pipeline.tables import TRIALS
from alpha_pipeline.typing import Array

PRICES = ("open", "high", "low", "close")


def measure_noise_floor(
    run_date: pd.Timestamp,
    market: Market,
    panel: Panel,
    trials: pd.DataFrame,
    settings: MiningSettings,
    shuffles: int,
    funding: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """
    The best results of the run date's factors on the real and on shuffled bars.

    Args:
        run_date: start of the day, UTC.
        market: of the panel.
        panel: bars up to the run date.
        trials: rows of `tables.TRIALS` of the run date; their admission rule is used.
        settings: of the loop, but for tasks and the admission rule.
        shuffles: number of shuffled panels.
        funding: rows of `tables.RAW_FUNDING`, paid at their timestamps; none by default.

    Returns:
        Rows of `tables.NOISE_FLOOR`: the real bars as shuffle 0, from `trials`, then the shuffled panels. Each shuffle
        counts its own trials only, so that its admission rule is, if anything, easier to meet.
    """
    measured = trials[trials["train_t_stat"].notna() & (trials["proposer"] != "reference")]
    columns = ["name", "source", "dialect"]
    proposals = [Proposal(*values) for values in measured[columns].itertuples(index=False, name=None)]
    rows = [_best(0, measured)]
    if proposals:
        repeat = replace(
            settings,
            rounds=1,
            proposals_per_round=len(proposals),
            batch=len(proposals),
            prompt_modes=("generate",),
            factor_types=(),
            repairs=0,
            admission=Admission.from_text(str(measured["admission_rule"].iloc[0])),
        )
        history = recent_history(panel, market)
        for number in range(1, shuffles + 1):
            bars = shuffled(history, market.horizon_bars, seed=number)
            repeated = mine(run_date, market, bars, TRIALS.empty(), _recorded(proposals), repeat, funding=funding)
            rows.append(_best(number, repeated[repeated["proposer"] != "reference"]))
    return pd.concat(rows, ignore_index=True).assign(run_date=run_date)


def _recorded(proposals: Sequence[Proposal]) -> Control:
    """A proposer that repeats the proposals in order."""
    remaining = iter(proposals)
    return Control("recorded", lambda task, rng: next(remaining))


def shuffled(panel: Panel, block_bars: int, seed: int) -> Panel:
    """
    The bars in random order, all symbols together.

    Args:
        panel: prices and other fields.
        block_bars: bars that stay together; the horizon of the market, so that labels do not overlap.
        seed: of the order.

    Returns:
        The grid of the panel. Every bar keeps its price changes from the previous close, its volume and other fields;
        prices are rebuilt from the changes. Missing values move with their bar.
    """
    bars = panel.shape[0]
    edges = np.arange(bars % block_bars, bars, block_bars)
    blocks = [np.arange(0, edges[0])] if bars % block_bars else []
    order = np.random.default_rng(seed).permutation(len(edges))
    rows = np.concatenate([*blocks, *(np.arange(edges[k], edges[k] + block_bars) for k in order)])
    fields = {name: values[rows] for name, values in panel.fields.items() if name not in PRICES}
    carried = None if panel.carried is None else panel.carried[rows]
    return replace(panel, fields={**fields, **_prices(panel, rows)}, carried=carried)


def _prices(panel: Panel, rows: Array) -> dict[str, Array]:
    close = panel["close"]
    previous = np.vstack([close[:1], last_known(close)[:-1]])
    previous = np.where(np.isfinite(previous), previous, close)  # the first bar of a symbol has no earlier close
    with np.errstate(invalid="ignore", divide="ignore"):
        changes = {name: panel[name] / previous for name in PRICES if name in panel.fields}
    changes = {name: values[rows] for name, values in changes.items()}
    path = np.cumprod(np.where(np.isfinite(changes["close"]), changes["close"], 1.0), axis=0)
    level = np.nanmedian(close, axis=0)
    base = np.concatenate([np.ones((1, path.shape[1])), path[:-1]]) * level
    return {name: values * base for name, values in changes.items()}


def _best(number: int, trials: pd.DataFrame) -> pd.DataFrame:
    train, valid = trials["train_t_stat"], trials["valid_t_stat"]
    return pd.DataFrame(
        {
            "shuffle": number,
            "factors_measured": int(train.notna().sum()),
            "best_train_t": train.abs().max(),
            "best_valid_t": (np.sign(train) * valid).max(),
            "best_sharpe": trials["train_valid_sharpe"].max(),
            "accepted": int((trials["verdict"] == "accepted").sum()),
        },
        index=[0],
    )
