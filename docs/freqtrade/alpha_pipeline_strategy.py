"""
A freqtrade strategy that does what the signal says: long, short, or out.

Which signal holds at which candle is `alpha_pipeline_signals`.
"""

from pathlib import Path

from alpha_pipeline_signals import merge_signals, read_signals
from freqtrade.strategy import IStrategy
from pandas import DataFrame


class AlphaPipelineStrategy(IStrategy):
    """
    Enters and leaves by the signal alone: no return target, no stop of its own (set one in the configuration).

    The folder with the `.feather` files stands in the configuration under `alpha_pipeline_signals`.
    """

    INTERFACE_VERSION = 3
    timeframe = "1h"  # the bar of the crypto signal; shorter candles would trade before the run date is over
    can_short = True  # needs trading_mode "futures"; for spot, subclass and set False
    minimal_roi = {"0": 100.0}  # noqa: RUF012  # freqtrade reads plain class attributes
    stoploss = -0.99
    use_exit_signal = True
    startup_candle_count = 0

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """None: the work was done at run date."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """All signal columns at once; `populate_exit_trend` has nothing to add."""
        folder = Path(self.config.get("alpha_pipeline_signals", "user_data/signals"))
        return merge_signals(dataframe, read_signals(folder, metadata["pair"]))

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Set already."""
        return dataframe
