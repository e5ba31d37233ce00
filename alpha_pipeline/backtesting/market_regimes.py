"""Market regimes: trend, volatility and liquidity."""

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting.returns import last_known
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel

TREND_DAYS, RISK_DAYS, USUAL_DAYS = 60, 20, 365


def regime(panel: Panel, market: Market) -> str:
    """
    The market at the last bar, seen from its past: "bull" or "bear", then "calm" or "volatile".

    Equal-weighted returns of all symbols. Bull when the last 60 days earned more than nothing; volatile when the last
    20 days moved more than the median such stretch of the year before. Empty with too few bars for that.
    """
    recent = panel.rows(-min(panel.shape[0], _bars(USUAL_DAYS + RISK_DAYS, market) + 1), None)
    last = regimes(recent, market).iloc[-1]
    return f"{last['trend']} {last['risk']}" if last["trend"] and last["risk"] else ""


def regimes(panel: Panel, market: Market) -> pd.DataFrame:
    """
    The market at every bar, each seen from its past alone.

    Returns:
        One row per bar: `trend` (bull or bear) and `risk` (calm or volatile) as in `regime`; `liquidity`, thin when the
        money traded in the last 20 days is less than the median such stretch of the year before, else liquid. Empty
        words in the warm-up, and for liquidity without volume.
    """
    trend, risk, usual = (_bars(days, market) for days in (TREND_DAYS, RISK_DAYS, USUAL_DAYS))
    prices = last_known(panel["close"])
    with np.errstate(invalid="ignore", divide="ignore"):
        moves = pd.DataFrame(prices[1:] / prices[:-1] - 1).mean(axis=1)
    moves = pd.Series([np.nan, *moves])
    earned, risks = moves.rolling(trend).sum(), moves.rolling(risk).std()
    traded = pd.Series(np.nan, index=moves.index)
    if "volume" in panel.fields:
        money = pd.DataFrame(prices * panel["volume"]).sum(axis=1)
        traded = money.rolling(risk).mean()
    return pd.DataFrame(
        {
            "trend": _labels(earned, earned > 0, "bull", "bear"),
            "risk": _labels(*_against_usual(risks, usual, risk), "volatile", "calm"),
            "liquidity": _labels(*_against_usual(traded, usual, risk), "liquid", "thin"),
        }
    )


def _bars(days: int, market: Market) -> int:
    return days * round(market.bars_per_day)


def _against_usual(x: pd.Series, usual: int, least: int) -> tuple[pd.Series, pd.Series]:
    median = x.rolling(usual, min_periods=least).median()
    return median, x > median


def _labels(x: pd.Series, high: pd.Series, yes: str, no: str) -> np.ndarray:
    return np.where(x.notna(), np.where(high, yes, no), "")
