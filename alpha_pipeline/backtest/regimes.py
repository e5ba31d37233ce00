"""What kind of market it is: rising or falling, calm or wild."""

import numpy as np
import pandas as pd

from alpha_pipeline.backtest.returns import last_known
from alpha_pipeline.market import Market
from alpha_pipeline.panel import Panel

DAY_SECONDS = 86_400
TREND_DAYS, RISK_DAYS, USUAL_DAYS = 60, 20, 365


def regime(panel: Panel, market: Market) -> str:
    """
    The market at the last bar, seen from its past: "bull" or "bear", then "calm" or "volatile".

    Equal-weighted returns of all symbols. Bull when the last 60 days earned more than nothing; volatile when the last
    20 days moved more than the median such stretch of the year before. Empty with too few bars for that.
    """
    per_day = max(1, round(DAY_SECONDS / market.bar_length.total_seconds()))
    trend, risk, usual = (days * per_day for days in (TREND_DAYS, RISK_DAYS, USUAL_DAYS))
    prices = last_known(panel["close"][-usual - risk - 1 :])
    with np.errstate(invalid="ignore", divide="ignore"):
        returns = pd.DataFrame(prices[1:] / prices[:-1] - 1).mean(axis=1).to_numpy()
    risks = pd.Series(returns).rolling(risk).std().dropna()
    if len(returns) < trend or len(risks) < risk:
        return ""
    rising = np.nansum(returns[-trend:]) > 0
    wild = risks.iloc[-1] > risks.median()
    return f"{'bull' if rising else 'bear'} {'volatile' if wild else 'calm'}"
