"""
A freqtrade strategy that follows the signal: long, short or flat.

`alpha_pipeline_signals` merges signals and candles.
"""

from pathlib import Path

from alpha_pipeline_signals import merge_signals, read_signals
from freqtrade.strategy import IStrategy
from pandas import DataFrame


class AlphaPipelineStrategy(IStrategy):
    """
    Entries and exits by the signal alone: no return target and no stop loss (set one in the configuration).

    The configuration key `alpha_pipeline_signals` names the folder with the `.feather` files.
    """

    INTERFACE_VERSION = 3
    timeframe = "1h"  # the bar of the crypto signal; shorter candles would trade before the day is over
    can_short = True  # requires trading_mode "futures"; for spot, subclass and set False
    minimal_roi = {"0": 100.0}  # noqa: RUF012  # freqtrade reads plain class attributes
    stoploss = -0.99
    use_exit_signal = True
    startup_candle_count = 0

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """No indicators: the signals are computed by the pipeline."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """All signal columns, those of exits included."""
        folder = Path(self.config.get("alpha_pipeline_signals", "user_data/signals"))
        return merge_signals(dataframe, read_signals(folder, metadata["pair"]))

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Exits are set by `populate_entry_trend`."""
        return dataframe
