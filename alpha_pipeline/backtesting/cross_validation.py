"""
Walk-forward and combinatorial purged cross-validation of a factor whose direction is estimated out of sample.

The cuts come from `splits`; `breakdown` measures each part.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting.bars import Bars
from alpha_pipeline.backtesting.breakdown import subsample_measures
from alpha_pipeline.backtesting.information import rank_ic
from alpha_pipeline.backtesting.splits import combinatorial, walk_forward
from alpha_pipeline.backtesting.traded_factor import TradedFactor
from alpha_pipeline.typing import Array

TRAIN_DAYS, VALID_DAYS = 180, 30
GROUPS, TESTED = 10, 2


def walk_forward_book(
    values: Array,
    bars: Bars,
    train_days: int = TRAIN_DAYS,
    valid_days: int = VALID_DAYS,
) -> pd.DataFrame:
    """
    Walk-forward backtest: the direction estimated on 180 days is traded in the next 30.

    Args:
        values: (bars, symbols), any unit.
        bars: on the same grid.
        train_days: days the direction is learnt on, by the calendar's bars.
        valid_days: days it is traded.

    Returns:
        Columns of `breakdown.subsample_breakdown`, kind `walk_forward`: all walks as one book, which
        pays for its turns, then a row per walk, named by its first day. No rows where the panel is shorter
        than one walk.
    """
    market, total = bars.market, bars.panel.shape[0]
    per_session = market.bars_per_session
    train, valid = (max(1, round(days * per_session)) for days in (train_days, valid_days))
    walks = list(walk_forward(total, _reach(bars), train, valid))
    if not walks:
        return pd.DataFrame()
    ic = rank_ic(values, bars.forward_returns())
    signs = np.full(total, np.nan)
    for learnt, traded in walks:
        signs[slice(*traded)] = _sign(ic[slice(*learnt)])
    factor = TradedFactor.of(values * signs[:, None], bars)
    parts = [(f"all {len(walks)} walks", np.isfinite(signs))]
    for _, (first, stop) in walks:
        mask = np.zeros(len(signs), dtype=bool)
        mask[first:stop] = True
        parts.append((f"from {pd.Timestamp(bars.panel.timestamps[first]):%Y-%m-%d}", mask))
    return pd.DataFrame([subsample_measures("walk_forward", name, factor, mask, market) for name, mask in parts])


def cpcv_paths(
    values: Array,
    bars: Bars,
    groups: int = GROUPS,
    tested: int = TESTED,
) -> pd.DataFrame:
    """
    Combinatorial purged cross-validation: one backtest per path, directions estimated on the purged rest.

    Args as `walk_forward_book`; `groups` blocks of time of which `tested` are left out at a time.

    Returns:
        Columns of `breakdown.subsample_breakdown`, kind `cpcv_path`: one row per path; there are
        C(groups - 1, tested - 1) of them.

    Source: Lopez de Prado, Advances in Financial Machine Learning (combinatorial purged cross-validation).
    """
    ic = rank_ic(values, bars.forward_returns())
    total = bars.panel.shape[0]
    edges = np.linspace(0, total, groups + 1).astype(int)
    signs: list[list[float]] = [[] for _ in range(groups)]
    choices = combinations(range(groups), tested)
    for choice, (learnt, _) in zip(choices, combinatorial(total, _reach(bars), groups, tested), strict=True):
        for group in choice:
            signs[group].append(_sign(ic[learnt]))
    rows, every_bar = [], np.ones(total, dtype=bool)
    for path in range(len(signs[0])):
        direction = np.repeat([group[path] for group in signs], np.diff(edges))
        factor = TradedFactor.of(values * direction[:, None], bars)
        rows.append(subsample_measures("cpcv_path", f"{path + 1} of {len(signs[0])}", factor, every_bar, bars.market))
    return pd.DataFrame(rows)


def _reach(bars: Bars) -> int:
    """Bars a label looks ahead after the bar that follows its own: a later fill reaches further."""
    return bars.market.horizon_bars + bars.config.delay_bars - 1


def _sign(ic: Array) -> float:
    """Direction of the mean; 1 where there is none to learn."""
    defined = ic[np.isfinite(ic)]
    return -1.0 if len(defined) and defined.mean() < 0 else 1.0
