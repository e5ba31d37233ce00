"""
The noise floor: what the run date's formulas would have shown by luck.

The same loop and the same rule on the market's own bars in another order, where nothing that came before can say what
comes after.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting.returns import last_known
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.judge import Admission
from alpha_pipeline.mining.loop import MiningSettings, mine
from alpha_pipeline.mining.proposers import Control
from alpha_pipeline.mining.task import Proposal
from alpha_pipeline.tables import TRIALS
from alpha_pipeline.typing import Array

PRICES = ("open", "high", "low", "close")


def noise_floor(
    run_date: pd.Timestamp,
    market: Market,
    panel: Panel,
    context: pd.DataFrame,
    settings: MiningSettings,
    replays: int,
    funding: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """
    The best of the run date's formulas on the real bars and on shuffled ones.

    Args:
        run date: start of the run date's day, UTC.
        market: of the panel.
        panel: bars up to the run date.
        on the run date: rows of `tables.TRIALS` of the run date.
        settings: those of the run date; what was asked for does not matter, and the rule is the one the run date's rows keep.
        replays: shuffled panels.
        funding: rows of `tables.RAW_FUNDING`, at their own stamps whatever bars lie there; nothing is paid by default.

    Returns:
        Rows of `tables.NOISE_FLOOR`: the real bars as replay 0, from the run date's own rows, then the replays. Every
        replay counts its own trials only, so its rule is, if anything, easier to pass than the run date's.
    """
    computed = context[context["train_t_stat"].notna() & (context["proposer"] != "reference")]
    proposals = [Proposal(row["name"], row["source"], row["dialect"]) for row in computed.to_dict("records")]
    rows = [_best(0, computed)]
    if proposals:
        asked = replace(
            settings,
            rounds=1,
            proposals_per_round=len(proposals),
            batch=len(proposals),
            prompt_modes=("generate",),
            factor_types=(),
            repairs=0,
            admission=Admission.from_text(str(computed["admission_rule"].iloc[0])),
        )
        known = panel.rows(-min(panel.shape[0], settings.history_bars), None)
        for number in range(1, replays + 1):
            luck = shuffled(known, market.horizon_bars, seed=number)
            trials = mine(run_date, market, luck, TRIALS.empty(), _recorded(proposals), asked, funding=funding)
            rows.append(_best(number, trials[trials["proposer"] != "reference"]))
    return pd.DataFrame(rows).assign(run_date=run_date)


def _recorded(proposals: Sequence[Proposal]) -> Control:
    """A proposer that says again, in order, what was said."""
    said = iter(proposals)
    return Control("recorded", lambda task, rng: next(said))


def shuffled(panel: Panel, block_bars: int, seed: int) -> Panel:
    """
    The same bars in another order, all symbols together.

    Args:
        panel: prices and other fields.
        block_bars: bars that stay together; the horizon of the market, so that none sees into the next.
        seed: of the order.

    Returns:
        The panel's grid. Every bar keeps its moves from the close before it, its volume and its other fields; prices
        are put together anew from the moves. What is missing in a bar is missing where the bar goes.
    """
    bars = panel.shape[0]
    edges = np.arange(bars % block_bars, bars, block_bars)
    blocks = [np.arange(0, edges[0])] if bars % block_bars else []
    order = np.random.default_rng(seed).permutation(len(edges))
    rows = np.concatenate([*blocks, *(np.arange(edges[k], edges[k] + block_bars) for k in order)])
    fields = {name: values[rows] for name, values in panel.fields.items() if name not in PRICES}
    return replace(panel, fields={**fields, **_prices(panel, rows)})


def _prices(panel: Panel, rows: Array) -> dict[str, Array]:
    close = panel["close"]
    before = np.vstack([close[:1], last_known(close)[:-1]])
    before = np.where(np.isfinite(before), before, close)  # the first bar of a symbol moves from its own close
    with np.errstate(invalid="ignore", divide="ignore"):
        moves = {name: panel[name] / before for name in PRICES if name in panel.fields}
    anew = {name: values[rows] for name, values in moves.items()}
    path = np.cumprod(np.where(np.isfinite(anew["close"]), anew["close"], 1.0), axis=0)
    level = np.nanmedian(close, axis=0)
    base = np.concatenate([np.ones((1, path.shape[1])), path[:-1]]) * level
    return {name: values * base for name, values in anew.items()}


def _best(number: int, trials: pd.DataFrame) -> dict[str, object]:
    train, valid = trials["train_t_stat"], trials["valid_t_stat"]
    return {
        "shuffle": number,
        "factors_measured": int(train.notna().sum()),
        "best_train_t": train.abs().max(),
        "best_valid_t": (np.sign(train) * valid).max(),
        "best_sharpe": trials["train_valid_sharpe"].max(),
        "accepted": int((trials["verdict"] == "accepted").sum()),
    }
