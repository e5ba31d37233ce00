"""Universes that change: a symbol has bars on the days on which it belongs to the universe, whatever the source."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.resources.files.universe_file import DatedUniverse, has_dates, universe_table
from alpha_pipeline.resources.market_data import SourceSettings, choose_source
from alpha_pipeline.resources.vendors.sample import SampleSource

END = pd.Timestamp("2019-10-01", tz="UTC")
SPANS = "symbol,from,to\nAAPL,,2019-09-20\nAAPL,2019-09-27,\nMSFT,2019-09-25,2019-09-26\nIBM,2019-12-01,\n"


@pytest.fixture
def source(tmp_path: Path) -> DatedUniverse:
    """The embedded stocks with a dated universe."""
    (tmp_path / "universe.csv").write_text(SPANS)
    market = replace(EQUITIES, universe=(str(tmp_path / "universe.csv"),))
    chosen = choose_source(SourceSettings(), market)
    assert isinstance(chosen, DatedUniverse)
    return chosen


def test_only_members_have_bars(source: DatedUniverse) -> None:
    """Both ends are included; each row is that of the source."""
    start = pd.Timestamp("2019-09-18", tz="UTC")
    bars = source.fetch_ohlcv(EQUITIES, None, start, END)
    days = (bars["timestamp"] - pd.Timedelta(hours=1)).dt.strftime("%m-%d")
    assert days[bars["symbol"] == "AAPL"].tolist() == ["09-18", "09-19", "09-20", "09-27", "09-30"]
    assert days[bars["symbol"] == "MSFT"].tolist() == ["09-25", "09-26"]
    whole = SampleSource(("AAPL", "MSFT")).fetch_ohlcv(EQUITIES, None, start, END)
    assert len(bars.merge(whole)) == len(bars)
    assert source.symbols(EQUITIES) == ("AAPL", "IBM", "MSFT")


def test_a_day_without_members_has_no_bar(source: DatedUniverse) -> None:
    """Symbols that do not belong are not asked for."""
    start = pd.Timestamp("2019-09-23", tz="UTC")
    assert source.fetch_bars(EQUITIES, ["IBM"], start, END).table.empty
    assert source.fetch_bars(EQUITIES, ["AAPL", "IBM"], start, pd.Timestamp("2019-09-25", tz="UTC")).table.empty


def test_the_history_is_that_of_members(source: DatedUniverse) -> None:
    """Without a first day a symbol belongs from the beginning."""
    history = source.history(EQUITIES, END)
    assert history.groupby("symbol")["timestamp"].count()["MSFT"] == 2
    assert history.loc[history["symbol"] == "AAPL", "timestamp"].min().year == 2006


def test_a_universe_without_dates_needs_no_wrapper(tmp_path: Path) -> None:
    """Symbols alone are those of the source."""
    (tmp_path / "universe.csv").write_text("symbol,from,to\nAAPL,,\n")
    assert not has_dates(universe_table(str(tmp_path / "universe.csv")))
    market = replace(EQUITIES, universe=(str(tmp_path / "universe.csv"),))
    assert choose_source(SourceSettings(), market) == SampleSource(("AAPL",))
