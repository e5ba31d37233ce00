"""
A factor as one would have lived with it: its direction learnt on what came before, or on all other blocks of time.

Where the cuts lie is `splits`' business, how a part is measured `breakdown`'.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting.breakdown import subsample_measures
from alpha_pipeline.backtesting.information import rank_ic
from alpha_pipeline.backtesting.portfolio import BacktestConfig
from alpha_pipeline.backtesting.returns import forward_returns
from alpha_pipeline.backtesting.splits import combinatorial, walk_forward
from alpha_pipeline.backtesting.traded_factor import Outcome
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array

TRAIN_DAYS, VALID_DAYS = 180, 30
GROUPS, TESTED = 10, 2


def walk_forward_book(
    values: Array,
    panel: Panel,
    market: Market,
    config: BacktestConfig | None = None,
    funding: Array | None = None,
    train_days: int = TRAIN_DAYS,
    valid_days: int = VALID_DAYS,
) -> pd.DataFrame:
    """
    Walk forward: the direction of 180 days is traded in the next 30, again and again.

    Args:
        values: (bars, symbols), any unit.
        panel: prices on the same grid.
        market: calendar, horizon and costs.
        config: how it is traded; the market's way by default.
        funding: payments of `funding.funding_payments`; none by default.
        train_days: days the direction is learnt on, by the calendar's bars.
        valid_days: days it is traded.

    Returns:
        Columns of `breakdown.subsample_breakdown`, kind `walk_forward`: all walks as one book, which
        pays for its turns, then a row per walk, named by its first day. No rows where the panel is shorter
        than one walk.
    """
    per_day = market.periods_per_year / (365 if market.calendar == "24/7" else 252)
    train, valid = round(train_days * per_day), round(valid_days * per_day)
    walks = list(walk_forward(panel.shape[0], _reach(market, config), train, valid))
    if not walks:
        return pd.DataFrame()
    ic = _information(values, panel, market, config)
    signs = np.full(panel.shape[0], np.nan)
    for learnt, traded in walks:
        signs[slice(*traded)] = _sign(ic[slice(*learnt)])
    outcome = Outcome.of(values * signs[:, None], panel, market, config, funding)
    parts = [(f"all {len(walks)} walks", np.isfinite(signs))]
    for _, (first, stop) in walks:
        mask = np.zeros(len(signs), dtype=bool)
        mask[first:stop] = True
        parts.append((f"from {pd.Timestamp(panel.timestamps[first]):%Y-%m-%d}", mask))
    return pd.DataFrame([subsample_measures("walk_forward", name, outcome, mask, market) for name, mask in parts])


def combined(
    values: Array,
    panel: Panel,
    market: Market,
    config: BacktestConfig | None = None,
    funding: Array | None = None,
    groups: int = GROUPS,
    tested: int = TESTED,
) -> pd.DataFrame:
    """
    Combinatorial purged cross-validation: each path through all blocks, directions learnt on the purged rest.

    Args as `walk_forward_book`; `groups` blocks of time of which `tested` are left out at a time.

    Returns:
        Columns of `breakdown.subsample_breakdown`, kind `cpcv_path`: one row per path; there are
        C(groups - 1, tested - 1) of them.

    Source: Lopez de Prado, Advances in Financial Machine Learning (combinatorial purged cross-validation).
    """
    ic = _information(values, panel, market, config)
    edges = np.linspace(0, panel.shape[0], groups + 1).astype(int)
    signs: list[list[float]] = [[] for _ in range(groups)]
    choices = combinations(range(groups), tested)
    for choice, (learnt, _) in zip(
        choices, combinatorial(panel.shape[0], _reach(market, config), groups, tested), strict=True
    ):
        for group in choice:
            signs[group].append(_sign(ic[learnt]))
    rows, whole = [], np.ones(panel.shape[0], dtype=bool)
    for path in range(len(signs[0])):
        direction = np.repeat([group[path] for group in signs], np.diff(edges))
        outcome = Outcome.of(values * direction[:, None], panel, market, config, funding)
        rows.append(subsample_measures("cpcv_path", f"{path + 1} of {len(signs[0])}", outcome, whole, market))
    return pd.DataFrame(rows)


def _information(values: Array, panel: Panel, market: Market, config: BacktestConfig | None) -> Array:
    config = config or BacktestConfig.of(market)
    return rank_ic(values, forward_returns(panel, market.horizon_bars, config.delay_bars, config.fill))


def _reach(market: Market, config: BacktestConfig | None) -> int:
    """Bars a label looks ahead after the bar that follows its own: a fill that waits reaches further."""
    return market.horizon_bars + (config or BacktestConfig.of(market)).delay_bars - 1


def _sign(ic: Array) -> float:
    """Direction of the mean; 1 where there is none to learn."""
    known = ic[np.isfinite(ic)]
    return -1.0 if len(known) and known.mean() < 0 else 1.0
