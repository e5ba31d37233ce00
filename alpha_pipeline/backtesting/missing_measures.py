"""Reasons for undefined measures: a NaN is shown with its reason, never as a zero."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

IDLE = "nothing was ever held"
RANKS = "no bar had three symbols with both a value and a return"
SPREAD = "the returns have no spread"
LOSSLESS = "no bar lost money"
REASONS = {
    "rank_ic": RANKS,
    "icir": RANKS,
    "t_stat": RANKS,
    "ic_positive": RANKS,
    "monotonicity": "a quantile had no symbol",
    "volatility": "fewer than two bars",
    "sharpe": SPREAD,
    "sharpe_gross": SPREAD,
    "sharpe_delayed": "nothing was held a bar later, or without spread",
    "probabilistic_sharpe": SPREAD,
    "deflated_sharpe": SPREAD,
    "sortino": LOSSLESS,
    "profit_factor": LOSSLESS,
    "calmar": "there was no drawdown",
    "win_rate": "no bar moved",
    "trade_win_rate": IDLE,
    "break_even_bps": "there was no trade",
    "beta": "the market did not move",
    "capacity": "the volume of what was traded is not known",
    "spa_p_value": "the library has too few factors or bars to test",
    "pbo": "the library has too few factors or bars to test",
}
NEEDS_RETURNS = frozenset(REASONS) - {"rank_ic", "icir", "t_stat", "ic_positive", "monotonicity", "spa_p_value", "pbo"}


def undefined_reasons(measures: Mapping[str, Any]) -> dict[str, str]:
    """
    The reason of each measure that has no value.

    Args:
        measures: columns of `tables.METRICS`; absent ones are left out.

    Returns:
        Measure to reason: nothing was held, or else the measure's own reason.
    """
    idle = not float(measures.get("bars", np.nan)) > 0
    reasons = {
        name: IDLE if idle and name in NEEDS_RETURNS else reason
        for name, reason in REASONS.items()
        if name in measures and pd.isna(measures[name])
    }
    if "sharpe_after_cutoff" in measures and pd.isna(measures["sharpe_after_cutoff"]):
        unknown = pd.isna(measures.get("training_cutoff", pd.NaT))
        missing = "no model wrote it, or its cutoff is not known"
        reasons["sharpe_after_cutoff"] = missing if unknown else "less than 20 days of bars lie after the cutoff"
    return reasons


def join_reasons(reasons: Mapping[str, str]) -> str:
    """One line: `calmar: there was no drawdown; ...`; empty when everything has a value."""
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
