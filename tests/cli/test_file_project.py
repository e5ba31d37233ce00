"""A file of `--data` as a project of its own: its market, its run dates, its folder of the lake."""

import os
from argparse import ArgumentParser
from pathlib import Path

import pandas as pd
import pytest

from alpha_pipeline.cli.file_project import enter_file_project
from alpha_pipeline.cli.user_files import add_file_options
from alpha_pipeline.market.markets import EQUITIES, configured_markets
from alpha_pipeline.settings import load_settings
from tests.cli.test_examples import _write_files


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with files; the variables that a command sets are gone after the test."""
    monkeypatch.chdir(tmp_path)
    for name in ("LAKE", "CONFIG", "FIRST_DAY", "END_DAY", "SOURCE"):
        monkeypatch.setenv(f"ALPHA_PIPELINE_{name}", str(tmp_path / "lake") if name == "LAKE" else "")
    _write_files(tmp_path)
    return tmp_path


def entered(*arguments: str) -> str:
    """The name of the market of a command with these options."""
    parser = ArgumentParser()
    parser.add_argument("--market")
    add_file_options(parser)
    options = parser.parse_args(arguments)
    options.parser = parser
    return enter_file_project(options)


def test_the_file_is_the_only_market(folder: Path) -> None:
    """Calendar and costs of `--market`, bar and run dates of the file, results in a folder of its name."""
    assert entered("--data", "stocks.csv", "--market", "equities") == "stocks"
    settings = load_settings()
    (market,) = configured_markets(settings)
    assert (market.name, market.source, market.bar, market.calendar) == ("stocks", "files", "1D", "XNYS")
    assert (market.fee_bps, market.slippage_bps) == (EQUITIES.fee_bps, EQUITIES.slippage_bps)
    assert market.files.path == str(folder / "stocks.csv")
    assert settings.lake.root == str(folder / "lake" / "stocks")
    days = pd.read_csv("stocks.csv")["timestamp"].drop_duplicates().sort_values()
    assert settings.days.first == days.iloc[-20] and settings.days.end == ""


def test_how_the_file_is_read_reaches_the_graph(folder: Path) -> None:
    """Options are the table `files` of the market that a child process reads."""
    pd.read_csv("stocks.csv").rename(columns={"close": "last"}).to_csv("1 July, own.csv", index=False)
    assert entered("--data", "1 July, own.csv", "--market", "equities", "--column", "close=last") == "m_1_july_own"
    (market,) = configured_markets(load_settings())
    assert market.files.columns == {"close": "last"}
    assert Path(os.environ["ALPHA_PIPELINE_CONFIG"]).is_file()


def test_a_file_without_a_market_is_wrong_usage() -> None:
    """Its calendar and costs have to be known."""
    with pytest.raises(SystemExit) as end:
        entered("--data", "stocks.csv")
    assert end.value.code == 2
