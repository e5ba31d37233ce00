"""The project file: values, places in errors, markets as tables, precedence of the environment."""

from pathlib import Path

import pandas as pd
import pytest

from alpha_pipeline.cli import main
from alpha_pipeline.errors import SettingError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market, configured_markets
from alpha_pipeline.settings import all_settings, load_settings
from alpha_pipeline.settings.market_section import BARS

STOCKS = """\
[days]
first = 2024-12-02

[markets.stocks]
asset_type = "stock"
bar = "1h"
horizons = ["5 sessions"]
fee_bps = 2
history = "3 years"
universe = ["AAA", "BBB"]
portfolio = { mode = "rank", max_weight = 0.1 }

[markets.stocks.files]
path = "stocks/*.csv"
columns = { close = "Adj Close" }

[markets.stocks.mining]
rounds = 4

[markets.stocks.mining.admission]
t_stat = 2

[mining]
rounds = 3
batch = 5
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and no setting of the machine that runs the test."""
    for setting in all_settings():
        monkeypatch.delenv(setting.variable, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _written(folder: Path, text: str) -> None:
    (folder / "alpha_pipeline.toml").write_text(text, encoding="utf-8")


def _markets() -> tuple[Market, ...]:
    return configured_markets(load_settings())


def test_without_a_file_the_embedded_markets_run() -> None:
    """Both markets with their default values."""
    assert _markets() == (CRYPTO, EQUITIES)


def test_a_market_is_a_table(project: Path) -> None:
    """Its own values, the project's where it says nothing, and the defaults of its asset type."""
    _written(project, STOCKS)
    settings, (market,) = load_settings(), _markets()
    assert (market.name, market.calendar, market.source, market.currency) == ("stocks", "XNYS", "files", "USD")
    assert (market.periods_per_year, market.bars_per_session, market.horizon_bars) == (1764.0, 7.0, 35)
    assert (market.fee_bps, market.slippage_bps, market.borrow_bps_per_year) == (2.0, 5.0, 50.0)
    assert (market.portfolio.mode, market.portfolio.max_weight, market.portfolio.quantile) == ("rank", 0.1, 0.2)
    assert market.history == pd.Timedelta(days=3 * 365.25) and market.universe == ("AAA", "BBB")
    assert market.files.path == str(project / "stocks/*.csv") and market.files.columns == {"close": "Adj Close"}
    mining = settings.markets["stocks"].mining
    assert (mining.rounds, mining.batch, mining.admission.t_stat) == (4, 5, 2.0)
    assert (settings.mining.rounds, settings.mining.admission.t_stat, settings.days.end) == (3, 3.0, "")


def test_the_environment_is_over_the_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value by a variable, those of a market of the file too."""
    _written(project, STOCKS)
    monkeypatch.setenv("ALPHA_PIPELINE_MARKETS__STOCKS__FEE_BPS", "7")
    monkeypatch.setenv("ALPHA_PIPELINE_MARKETS__STOCKS__MINING__ADMISSION__T_STAT", "2.5")
    monkeypatch.setenv("ALPHA_PIPELINE_MARKETS__STOCKS__HORIZONS", "1 session")
    (market,) = _markets()
    assert (market.fee_bps, market.horizon_bars) == (7.0, 7)
    assert load_settings().markets["stocks"].mining.admission.t_stat == 2.5
    monkeypatch.setenv("ALPHA_PIPELINE_MARKETS__CRYPTO__FEE_BPS", "7")
    with pytest.raises(SettingError, match="MARKETS__CRYPTO__FEE_BPS is not a setting"):
        load_settings()


def test_the_file_may_be_elsewhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its path or its folder; one that does not exist is named."""
    (project / "desk").mkdir()
    _written(project / "desk", STOCKS)
    for place in ("desk", "desk/alpha_pipeline.toml"):
        monkeypatch.setenv("ALPHA_PIPELINE_CONFIG", place)
        assert _markets()[0].files.path == str(project / "desk" / "stocks/*.csv")
    monkeypatch.setenv("ALPHA_PIPELINE_CONFIG", "nowhere.toml")
    with pytest.raises(SettingError, match=r"ALPHA_PIPELINE_CONFIG is 'nowhere.toml'; no such file"):
        load_settings()


def test_a_list_may_be_one_text(project: Path) -> None:
    """A universe by the name of its file, one horizon without brackets."""
    text = STOCKS.replace('["AAA", "BBB"]', '"universe.csv"').replace('["5 sessions"]', '"1 month"')
    _written(project, text)
    (market,) = _markets()
    assert market.universe == (str(project / "universe.csv"),) and market.horizon_bars == 147


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("fee_bps = 2", "fee_bsp = 2", "toml, line 8: markets.stocks.fee_bsp is not a setting; did you mean fee_bps?"),
        ("fee_bps = 2", 'fee_bps = "two"', "line 8: markets.stocks.fee_bps is 'two'; expected a number in [0, 10000)"),
        ('bar = "1h"', 'bar = "7min"', "line 6: markets.stocks.bar is '7min'; expected one of 1min, 5min"),
        ('"5 sessions"', '"30min"', "line 7: markets.stocks.horizons: '30min' is 0.5 bars of 1h; expected a whole"),
        ('"5 sessions"', '"5 fortnights"', "line 7: markets.stocks.horizons is ('5 fortnights',); expected a duration"),
        ('["5 sessions"]', '["1D", "5D"]', "several horizons are not supported yet"),
        ('history = "3 years"', 'label = "beta"', "label is 'beta'; expected 'raw': other labels"),
        ('history = "3 years"', 'group = ["sector"]', "group is set: groups are not supported yet"),
        ('history = "3 years"', 'history = "9 bars"', "line 9: markets.stocks.history: '9 bars' has no length by the"),
        ('asset_type = "stock"', "", "markets.stocks.asset_type is not set; expected one of stock, crypto, forex"),
        ('asset_type = "stock"', 'asset_type = "bond"', "line 5: markets.stocks.asset_type is 'bond'; expected one of"),
        ('mode = "rank"', 'mode = "equal"', "line 11: markets.stocks.portfolio.mode is 'equal'; expected one of"),
        ('bar = "1h"', 'calendar = "XNYC"', "unknown calendar 'XNYC'; expected '24/7', '24/5' or a code of"),
        ('bar = "1h"', 'source = "live"', "files.path is set and source is 'live'; expected 'files'"),
        ("first = 2024-12-02", "", "days.first is not set; expected the first run date of the graph as YYYY-MM-DD"),
        ("batch = 5", "batch = 0", "line 25: mining.batch is 0; expected an integer in [1, inf)"),
        ("[mining]", "[mines]", "line 23: mines is not a setting; did you mean mining?"),
        ("[mining]", '[model]\nkey = "hidden"\n[mining]', "line 24: model.key is a secret; set ALPHA_PIPELINE_MOD"),
        ("[mining]", '[markets.other]\nname = "stocks"\nasset_type = "stock"\n[mining]', "is named 'stocks' as is"),
        ("[mining]", '[markets.stocks]\nbar = "1D"\n[mining]', "toml is not valid TOML: "),
        ("[mining]", '[markets.stocks.split]\nvalid_from = 2024-01-01\n[mining]', "both valid_from and test_from"),
        ("[mining]", "[markets.stocks.split]\ntrain = 0.9\nvalid = 0.2\n[mining]", "train + valid below 1"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_by_file_and_line(project: Path, old: str, new: str, message: str) -> None:
    """File, line and key, what was found and what is allowed; no secret is shown."""
    assert old in STOCKS
    _written(project, STOCKS.replace(old, new))
    with pytest.raises(SettingError) as refused:
        _markets()
    assert message in str(refused.value) and "hidden" not in str(refused.value)


def test_bytes_that_are_no_text_are_refused(project: Path) -> None:
    """Not a traceback of the parser."""
    (project / "alpha_pipeline.toml").write_bytes(b"[days]\nfirst = '\xff'\n")
    with pytest.raises(SettingError, match="is not UTF-8 text"):
        load_settings()


def test_the_command_shows_the_file(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Values of the file with their line; a section in which a market differs is listed where it does."""
    _written(project, STOCKS)
    assert main(["settings"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.startswith("ALPHA")}
    assert "alpha_pipeline.toml, line 8" in rows["ALPHA_PIPELINE_MARKETS__STOCKS__FEE_BPS"]
    assert "default" in rows["ALPHA_PIPELINE_MARKETS__STOCKS__SLIPPAGE_BPS"]
    assert "ALPHA_PIPELINE_MARKETS__STOCKS__MINING__ROUNDS" in rows
    assert "ALPHA_PIPELINE_MARKETS__STOCKS__MINING__SEED" not in rows


@pytest.mark.parametrize("bar", BARS)
@pytest.mark.parametrize("asset_type", ["stock", "crypto", "forex", "future"])
def test_every_bar_is_a_market_without_further_settings(project: Path, asset_type: str, bar: str) -> None:
    """The default horizon is a session, or a bar where that is longer."""
    _written(project, f'[markets.one]\nasset_type = "{asset_type}"\nbar = "{bar}"\n')
    (market,) = _markets()
    assert market.horizon_bars == max(1, round(market.bars_per_session))
    assert market.rebalance_bars == market.horizon_bars and market.periods_per_year >= 12
