"""
Signals of `signals/freqtrade` beside candles: which one holds at each candle, without a look ahead.

Needs pandas alone; `alpha_pipeline_strategy.py` hands the columns to freqtrade.
"""

import logging
import re
from pathlib import Path

import pandas as pd

log = logging.getLogger(__name__)
COLUMNS = ("enter_long", "enter_short", "exit_long", "exit_short")


def read_signals(folder: Path, pair: str) -> pd.DataFrame:
    """Signals of a pair (`BTC/USDT:USDT`: `BTC_USDT_USDT.feather`); a warning and no rows where there is no file."""
    file = folder / f"{re.sub(r'[/:]', '_', pair)}.feather"
    if file.is_file():
        return pd.read_feather(file)
    log.warning("no signals for %s: there is no file %s", pair, file)
    none = {name: pd.Series(dtype="int64") for name in COLUMNS}
    return pd.DataFrame({"date": pd.Series(dtype="datetime64[ms, UTC]"), **none, "enter_tag": pd.Series(dtype="str")})


def merge_signals(candles: pd.DataFrame, signals: pd.DataFrame, longest: str = "2D") -> pd.DataFrame:
    """
    Candles with freqtrade's signal columns.

    A signal is dated by the close it was decided at. It holds at candles that open then or later, until the next one;
    freqtrade acts after such a candle has closed, so a trade comes at least one candle after the decision.

    Args:
        candles: freqtrade's, with `date`, the open of each candle, UTC, increasing.
        signals: of `read_signals`.
        longest: how long a signal holds when no other follows; then the candles have none, and nothing is done.
    """
    known = signals.sort_values("date").astype({"date": "datetime64[ns, UTC]"})
    opens = pd.DataFrame({"date": candles["date"].astype("datetime64[ns, UTC]")})
    held = pd.merge_asof(opens, known, on="date", direction="backward", tolerance=pd.Timedelta(longest))
    columns = {name: held[name].fillna(0).astype(int).to_numpy() for name in COLUMNS}
    tags = held["enter_tag"].astype(object).where(held["enter_tag"].notna(), None)
    return candles.assign(**columns, enter_tag=tags.to_numpy())
