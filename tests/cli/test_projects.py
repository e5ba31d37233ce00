"""`init` and `import`: a project folder, and what a file is understood as before anything is stored."""

import json
import tomllib
from pathlib import Path

import pytest

from alpha_pipeline.cli import main
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, configured_markets
from alpha_pipeline.settings import load_settings
from tests.cli.test_examples import _write_files

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with files."""
    monkeypatch.chdir(tmp_path)
    _write_files(tmp_path)
    return tmp_path


def test_an_empty_project_runs_the_embedded_markets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every setting is a comment; files of Dagster are those of the repository."""
    assert main(["init", "desk"]) == 0
    assert {path.name for path in (folder / "desk").iterdir()} == {
        "alpha_pipeline.toml", ".env.example", "dagster.yaml", "workspace.yaml", ".gitignore"
    }  # fmt: skip
    monkeypatch.chdir(folder / "desk")
    assert configured_markets(load_settings()) == (CRYPTO, EQUITIES)
    root = Path(__file__).parents[2]
    assert Path("dagster.yaml").read_bytes() == (root / "dagster.yaml").read_bytes()


def test_a_file_becomes_a_market(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bar and run dates come from the file; the written file is valid."""
    assert main(["init", "desk", "--data", "stocks.csv", "--market", "mine", "--asset-type", "stock"]) == 0
    monkeypatch.chdir(folder / "desk")
    (market,) = configured_markets(load_settings())
    assert (market.name, market.bar, market.source, market.periods_per_year) == ("mine", "1D", "files", 252.0)
    assert market.files.path == str(folder / "stocks.csv")
    assert load_settings().days.first == "2024-03-01"


def test_nothing_is_overwritten(folder: Path, capsys: Captured) -> None:
    """A folder with a project file is refused, and stays as it is."""
    (folder / "desk").mkdir()
    (folder / "desk" / "alpha_pipeline.toml").write_text("[mining]\n")
    assert main(["init", "desk"]) == 1
    assert "desk has alpha_pipeline.toml already; nothing was written" in capsys.readouterr().err
    assert [path.name for path in (folder / "desk").iterdir()] == ["alpha_pipeline.toml"]


def test_import_shows_what_was_understood(folder: Path, capsys: Captured) -> None:
    """Columns, stamps, bar, symbols and what was set aside; nothing is stored."""
    with Path("stocks.csv").open("a") as file:
        file.write("2024-03-28,CCC,-1,5\n")
    assert main(["import", "stocks.csv", "--market", "mine", "--asset-type", "stock", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["bar"], printed["symbols"]) == ("1D", 2) and printed["rejected"] == {
        "a price that is not positive": 1
    }
    assert any("closes of the session of XNYS" in line for line in printed["understood"])
    assert tomllib.loads(printed["table"])["markets"]["mine"]["bar"] == "1D"
    assert not Path("data").exists() and not Path("alpha_pipeline.toml").exists()


def test_import_writes_the_market_once(folder: Path, capsys: Captured) -> None:
    """A second market of the name is refused by its line."""
    line = ["import", "bars/*.parquet", "--market", "fx", "--asset-type", "forex", "--write"]
    assert main(line) == 0
    (market,) = configured_markets(load_settings())
    assert (market.name, market.calendar, market.bar) == ("fx", "24/5", "1h")
    assert main(line) == 1
    assert "markets.fx exists already; nothing was written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["import", "stocks.csv"], "--market NAME is not given"),
        (["import", "stocks.csv", "--market", "mine"], "the project has no market 'mine'"),
        (["init", "desk", "--market", "mine"], "--market and --asset-type describe the data of --data"),
        (["import", "stocks.csv", "--market", "m", "--asset-type", "stock", "--column", "close"], "an equals sign"),
    ],
)
def test_wrong_usage_is_named(line: list[str], words: str, capsys: Captured) -> None:
    """What was found and what is expected, with exit code 2."""
    with pytest.raises(SystemExit) as end:
        main(line)
    assert end.value.code == 2 and words in capsys.readouterr().err


def test_a_file_that_is_absent_is_named(capsys: Captured) -> None:
    """By its path."""
    assert main(["import", "absent.csv", "--market", "mine", "--asset-type", "stock"]) == 1
    assert "absent.csv" in capsys.readouterr().err


def test_how_a_file_is_read_goes_into_the_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options of `init --data` are the table `files` of the market: decimal mark, stamp, order of dates, columns."""
    rows = [f"{day:02d}/0{month}/2024;AAA;1{day},5;3" for month in (1, 2, 3) for day in range(1, 29)]
    Path("lines.csv").write_text("when;symbol;last;volume\n" + "\n".join(rows))
    given = ["--column", "timestamp=when", "--column", "close=last", "--decimal", ",", "--date-order", "day_first"]
    line = ["init", "desk", "--data", "lines.csv", "--market", "mine", "--asset-type", "crypto", "--stamp", "close"]
    assert main([*line, *given]) == 0
    monkeypatch.chdir(folder / "desk")
    (market,) = configured_markets(load_settings())
    files = market.files
    assert (files.decimal, files.stamp, files.date_order) == (",", "close", "day_first")
    assert files.columns == {"timestamp": "when", "close": "last"}
