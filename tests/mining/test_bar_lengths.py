"""Markets of any bar: what their bars cannot express of the shipped formulas is left out, and the run date goes on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.market.markets import Market, bar_length, market_of_settings
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.loop import MiningSettings, mine
from alpha_pipeline.settings import MarketSettings
from alpha_pipeline.settings.market_section import complete_market
from alpha_pipeline.signals.generation import source_signals
from alpha_pipeline.tables import FACTOR_VALUES, LIBRARY, METRICS, TRIALS

from .scripted import Script, night_of, walk


def market_of_bar(bar: str) -> Market:
    """Coins with a bar of this length."""
    given = {"asset_type": "crypto", "bar": bar, "horizons": ("1 bar",)}
    return market_of_settings("coins", MarketSettings(**complete_market("coins", given, {})))


def panel_of(market: Market) -> Panel:
    """Random walks on bars of the market."""
    panel = walk(400)
    first = np.datetime64("2018-01-01", "us")
    return replace(panel, timestamps=first + (1 + np.arange(400)) * bar_length(market.bar).to_timedelta64())


@pytest.mark.parametrize(("bar", "references"), [("1min", 1), ("15min", 8), ("1h", 8), ("1D", 8), ("1W", 0), ("1M", 0)])
def test_a_run_date_is_mined(bar: str, references: int) -> None:
    """References whose windows are shorter than two bars, or longer than the limit, have no row."""
    market = market_of_bar(bar)
    panel = panel_of(market)
    settings = MiningSettings(rounds=1, proposals_per_round=1, repairs=0)
    trials = mine(night_of(panel), market, panel, TRIALS.empty(), Script(["ts_zscore(close, 7)"]), settings)
    assert (trials["proposer"] == "script").sum() == 1
    assert (trials["proposer"] == "reference").sum() == references


@pytest.mark.parametrize("bar", ["1min", "5min", "15min", "1h", "1D", "1W", "1M"])
def test_sources_that_fit_are_active(bar: str) -> None:
    """No bar length is an error; the momentum of 20 days needs bars between a quarter hour and a day."""
    market = market_of_bar(bar)
    panel = panel_of(market)
    end = pd.Timestamp(panel.timestamps[-1], tz="UTC")
    tables = FACTOR_VALUES.empty(), LIBRARY.empty(), METRICS.empty()
    rows = source_signals(panel, *tables, market, end - pd.Timedelta(days=400), end)
    assert ("price_momentum" in set(rows["source"])) == (bar == "1D")
