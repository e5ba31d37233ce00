"""
Merges the signals of `signals/freqtrade` with candles, without look-ahead.

Requires only pandas; `alpha_pipeline_strategy.py` passes the columns to freqtrade.
"""

import logging
import re
from pathlib import Path

import pandas as pd

log = logging.getLogger(__name__)
COLUMNS = ("enter_long", "enter_short", "exit_long", "exit_short")


def read_signals(folder: Path, pair: str) -> pd.DataFrame:
    """Signals of a pair (`BTC/USDT:USDT`: `BTC_USDT_USDT.feather`); a warning and no rows without a file."""
    file = folder / f"{re.sub(r'[/:]', '_', pair)}.feather"
    if file.is_file():
        return pd.read_feather(file)
    log.warning("no signals for %s: file %s does not exist", pair, file)
    empty = {name: pd.Series(dtype="int64") for name in COLUMNS}
    return pd.DataFrame({"date": pd.Series(dtype="datetime64[ms, UTC]"), **empty, "enter_tag": pd.Series(dtype="str")})


def merge_signals(candles: pd.DataFrame, signals: pd.DataFrame, longest: str = "2D") -> pd.DataFrame:
    """
    Candles with freqtrade's signal columns.

    A signal is dated by the close of its bar of decision. It applies to candles that open then or later, until the next
    signal; freqtrade trades after such a candle has closed, so at least one candle after the decision.

    Args:
        candles: freqtrade's, with `date`, the open of each candle, UTC, increasing.
        signals: of `read_signals`.
        longest: how long a signal applies when no other follows; later candles have no signal.
    """
    sorted_signals = signals.sort_values("date").astype({"date": "datetime64[ns, UTC]"})
    opens = pd.DataFrame({"date": candles["date"].astype("datetime64[ns, UTC]")})
    merged = pd.merge_asof(opens, sorted_signals, on="date", direction="backward", tolerance=pd.Timedelta(longest))
    columns = {name: merged[name].fillna(0).astype(int).to_numpy() for name in COLUMNS}
    tags = merged["enter_tag"].astype(object).where(merged["enter_tag"].notna(), None)
    return candles.assign(**columns, enter_tag=tags.to_numpy())
