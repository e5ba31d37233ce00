"""The library's factors, measured as of a night on the bars no writer and no judge has seen."""

import numpy as np
import pandas as pd

from alpha_pipeline.backtest.score import Stretch, score
from alpha_pipeline.backtest.splits import HISTORY_BARS, split
from alpha_pipeline.market import Market
from alpha_pipeline.panel import Panel
from alpha_pipeline.statistics import deflated_sharpe
from alpha_pipeline.tables import METRICS
from alpha_pipeline.values import evaluate_all, library_nodes


def library_metrics(library: pd.DataFrame, trials: pd.DataFrame, panel: Panel, market: Market) -> pd.DataFrame:
    """
    One row per factor in force that night.

    Args:
        library: rows of `tables.LIBRARY` of one night.
        trials: rows of `tables.TRIALS` of that night and all before it; their number and spread deflate.
        panel: bars up to the night.
        market: of the panel.

    Returns:
        Rows of `tables.METRICS`, measured on the sealed segment of the panel; a factor of negative weight is measured
        as it is traded, turned round.
    """
    active = library[library["status"] != "retired"]
    if active.empty:
        return METRICS.empty()
    panel = panel.rows(-min(panel.shape[0], HISTORY_BARS), None)
    start, stop = split(panel.shape[0], market.horizon_bars).open_test()
    stretch = Stretch.of(panel.rows(start, stop), market)
    values = evaluate_all(library_nodes(active, panel, market), panel)
    tried, variance = trial_statistics(trials, market)
    rows = []
    for factor in active.itertuples():
        direction = -1.0 if float(factor.weight) < 0 else 1.0  # type: ignore[arg-type]  # rows of pandas are untyped
        measured = score(direction * values[str(factor.factor_id)][start:stop], stretch)
        per_bar, skewness, kurtosis = (measured.pop(k) for k in ("sharpe_per_bar", "skewness", "kurtosis"))
        deflated = deflated_sharpe(per_bar, int(measured["bars"]), skewness, kurtosis, tried, variance)
        head = {"night": factor.night, "factor_id": factor.factor_id, "status": factor.status}
        rows.append({**head, **measured, "deflated_sharpe": deflated})
    return pd.DataFrame(rows)


def trial_statistics(trials: pd.DataFrame, market: Market) -> tuple[int, float]:
    """How many factors were ever measured, and the variance of their validation Sharpe ratios per bar."""
    measured = trials["valid_sharpe"].dropna()
    per_bar = measured / np.sqrt(market.periods_per_year)
    return max(len(measured), 1), float(per_bar.var(ddof=1)) if len(measured) > 1 else 0.0
