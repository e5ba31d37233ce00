"""The settings: names of variables, values, errors, secrets, and that nobody else reads the environment."""

import ast
import json
import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest

from alpha_pipeline.assets.wiring.config import FusionConfig, MiningConfig
from alpha_pipeline.cli import main
from alpha_pipeline.errors import SettingError
from alpha_pipeline.fusion.methods.method_table import METHODS
from alpha_pipeline.llm.budget import Budget
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, configured_markets
from alpha_pipeline.mining.proposers import PROPOSERS
from alpha_pipeline.resources import default_resources
from alpha_pipeline.settings import (
    MASK,
    LakeSettings,
    ModelSettings,
    PaperConfig,
    Settings,
    all_settings,
    load_settings,
    setting_sources,
    variable_of,
)

ROOT = Path(__file__).parents[1]
SHORT = {
    "LAKE", "SOURCE", "FIRST_DAY", "END_DAY", "VENDORS_URL", "PROPOSER", "MODEL_URL", "MODEL_KEY", "MODEL", "GGUF",
    "EXECUTOR", "CRYPTO_SYMBOLS", "EQUITY_SYMBOLS",
}  # fmt: skip
SECRETS = {
    ("data", "reddit_secret"), ("model", "key"), ("alerts", "slack_webhook"), ("alerts", "mail_password"),
    ("export", "webhook"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the test."""
    for setting in all_settings():
        monkeypatch.delenv(setting.variable, raising=False)


def test_the_defaults_work_offline() -> None:
    """Embedded data, a local lake, no secret; each section stands for itself."""
    settings = load_settings()
    assert settings == Settings()
    assert (settings.data.source, settings.lake, settings.live) == ("sample", LakeSettings("data"), False)
    assert (settings.days.first, settings.days.end) == ("2019-07-01", "2019-10-01")
    assert configured_markets(settings) == (CRYPTO, EQUITIES)
    assert set(setting_sources().values()) == {"default"}


def test_short_names_are_those_that_people_use() -> None:
    """All other variables are the path of the field; no name stands twice."""
    names = [setting.variable for setting in all_settings()]
    assert {name.removeprefix("ALPHA_PIPELINE_") for name in names if "__" not in name} == SHORT
    assert len(names) == len(set(names))
    assert variable_of("mining", "budget", "month_usd") == "ALPHA_PIPELINE_MINING__BUDGET__MONTH_USD"


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("SOURCE", "live", ("data", "source"), "live"),
        ("MODEL", "some-model", ("model", "name"), "some-model"),  # beside the section of that name
        ("MODEL__ATTEMPTS", "5", ("model", "attempts"), 5),
        ("LAKE", " s3://bucket/lake ", ("lake", "root"), "s3://bucket/lake"),
        ("CRYPTO_SYMBOLS", "ETHUSDT, BTCUSDT,", ("data", "crypto_symbols"), ("ETHUSDT", "BTCUSDT")),
        ("MARKETS__CRYPTO__FEE_BPS", "2", ("markets", "crypto", "fee_bps"), 2.0),
        ("FUSION__THRESHOLD", "0.1", ("fusion", "threshold"), 0.1),
        ("SENTIMENT__SCORER", "model", ("sentiment", "scorer"), "model"),
        ("MINING__ADMISSION__T_STAT", "2.5", ("mining", "admission", "t_stat"), 2.5),
        ("EXECUTOR", "multiprocess", ("executor",), "multiprocess"),
        ("LAKE", "", ("lake", "root"), "data"),  # an empty variable counts as absent
    ],
)
def test_a_variable_sets_one_value(
    name: str, text: str, path: tuple[str, ...], value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its short name or its path; the next call of `load_settings` has it, all else stays."""
    before = load_settings()
    monkeypatch.setenv(f"ALPHA_PIPELINE_{name}", text)
    settings = load_settings()
    assert load_settings() is settings
    changed = {s.path for s in all_settings() if settings.value(s) != before.value(s)}
    changed = {path for path in changed if path[0] != "days" and path[2:] != ("source",)}  # these follow the source
    assert changed == ({path} if text else set())
    assert next(settings.value(s) for s in all_settings() if s.path == path) == value


def test_run_dates_follow_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """A live graph has no end; a day that is set stays."""
    monkeypatch.setenv("ALPHA_PIPELINE_SOURCE", "live")
    assert (load_settings().days.first, load_settings().days.end) == ("2026-01-01", "")
    assert setting_sources()["ALPHA_PIPELINE_FIRST_DAY"] == "ALPHA_PIPELINE_SOURCE"
    monkeypatch.setenv("ALPHA_PIPELINE_FIRST_DAY", "2026-10-01")
    assert (load_settings().days.first, load_settings().days.end) == ("2026-10-01", "")


def test_costs_of_a_market_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cost that is set leaves the other costs and the other market."""
    monkeypatch.setenv("ALPHA_PIPELINE_MARKETS__EQUITIES__FEE_BPS", "3")
    crypto, equities = configured_markets(load_settings())
    assert crypto == CRYPTO
    assert (equities.fee_bps, equities.slippage_bps, equities.borrow_bps_per_year) == (3.0, 5.0, 50.0)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("LAK", "x", "ALPHA_PIPELINE_LAK is not a setting; did you mean ALPHA_PIPELINE_LAKE?"),
        ("MARKETS__STOCKS__FEE_BPS", "2", "STOCKS__FEE_BPS is not a setting; did you mean ALPHA_PIPELINE_MARKETS"),
        ("MOOD", "model", "ALPHA_PIPELINE_MOOD is not a setting"),
        ("SOURCE", "samples", "ALPHA_PIPELINE_SOURCE is 'samples'; expected one of sample, live"),
        ("SENTIMENT__CALLS", "1.5", "ALPHA_PIPELINE_SENTIMENT__CALLS is '1.5'; expected an integer in [0, inf)"),
        ("FUSION__CONFIDENCE", "1", "ALPHA_PIPELINE_FUSION__CONFIDENCE is '1'; expected a number in [0, 1)"),
        ("MARKETS__CRYPTO__FEE_BPS", "-1", "MARKETS__CRYPTO__FEE_BPS is '-1'; expected a number in [0, 10000)"),
        ("PAPER__CAPITAL", "nan", "ALPHA_PIPELINE_PAPER__CAPITAL is 'nan'; expected a number in (0, inf)"),
        ("FIRST_DAY", "20190801", "ALPHA_PIPELINE_FIRST_DAY is '20190801'; expected a day as YYYY-MM-DD"),
        ("FIRST_DAY", "2019-10-01", "FIRST_DAY is '2019-10-01'; expected a day before the end, 2019-10-01"),
        ("EXECUTOR", "threads", "ALPHA_PIPELINE_EXECUTOR is 'threads'; expected one of in_process, multiprocess"),
        ("MINING__PROMPT_MODES", "code,haiku", "is 'haiku'; expected names separated by commas, of generate"),
        ("MODEL_URL", "http://me:hidden@host/v1", "MODEL_URL is 'host/v1' but the model's name is not set"),
        ("MODEL_URL", "ftp://me:hidden@host/v1", "MODEL_URL is 'host/v1'; expected an address"),
        ("MODEL_KEY", "hidden\nhidden", "MODEL_KEY cannot be used (its value is not shown); expected one line"),
        ("ALERTS__SLACK_WEBHOOK", "hidden", "WEBHOOK cannot be used (its value is not shown); expected an addr"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(name: str, text: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable, what was found unless it is secret, and what is allowed."""
    monkeypatch.setenv(f"ALPHA_PIPELINE_{name}", text)
    with pytest.raises(SettingError) as refused:
        load_settings()
    assert message in str(refused.value) and "hidden" not in str(refused.value)


def test_sections_are_checked_wherever_they_are_built() -> None:
    """Not in the environment alone."""
    with pytest.raises(SettingError, match=r"max_weight is 2.0; expected a number in \(0, 1\]"):
        PaperConfig(max_weight=2.0)
    with pytest.raises(SettingError, match="leverage"):
        PaperConfig(leverage=2.0)  # type: ignore[call-arg]  # the point


def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """In every text; resources hold the names of their variables."""
    secrets = [setting for setting in all_settings() if setting.path in SECRETS]
    assert len(secrets) == len(SECRETS)
    for setting in secrets:
        monkeypatch.setenv(setting.variable, "https://hidden")
    settings = load_settings()
    assert [setting.shown(settings.value(setting)) for setting in secrets] == [MASK] * len(secrets)
    assert "hidden" not in repr(settings) + str(settings.model_dump()) + repr(default_resources(settings))


def test_the_command_prints_what_is_in_force(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Value, source and default of every setting, as a table and as JSON; without secrets."""
    monkeypatch.setenv("ALPHA_PIPELINE_MODEL_KEY", "hidden")
    monkeypatch.setenv("ALPHA_PIPELINE_FUSION__THRESHOLD", "0.25")
    assert main(["settings"]) == 0
    printed = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line.startswith("ALPHA_PIPELINE_")}
    assert set(rows) == {setting.variable for setting in all_settings()}
    assert rows["ALPHA_PIPELINE_FUSION__THRESHOLD"] == ["0.25", "ALPHA_PIPELINE_FUSION__THRESHOLD", "0.3"]
    assert rows["ALPHA_PIPELINE_MODEL_KEY"] == [MASK, "ALPHA_PIPELINE_MODEL_KEY", "-"]
    assert main(["settings", "--json"]) == 0
    listed = capsys.readouterr().out
    assert [row["setting"] for row in json.loads(listed)] == list(rows)
    assert "hidden" not in printed + listed


def test_every_setting_has_a_row_in_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is generated from the model: default, allowed values and meaning of each, secrets without a value."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    table = import_module("from_settings").settings("")
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `ALPHA_PIPELINE_")]
    assert [row[0] for row in rows] == [f"| `{setting.variable}`" for setting in all_settings()]
    assert all(len(row) == 4 and row[2] and len(row[3]) > 10 for row in rows)
    assert "<!-- generated: settings -->" in (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")


def test_pages_name_settings_that_exist() -> None:
    """A renamed variable must not live on in a page, an example or a script."""
    names = {setting.variable for setting in all_settings()} | {"ALPHA_PIPELINE_CONFIG"}
    folders = [ROOT / "docs", ROOT / "benchmarks", ROOT / "resources", ROOT / "alpha_pipeline", ROOT / "assets"]
    files = [file for folder in folders for end in ("md", "py", "toml", "yaml") for file in folder.rglob(f"*.{end}")]
    for file in [*files, ROOT / "README.md", ROOT / "dagster.yaml", ROOT / "Makefile"]:
        text = file.read_text(encoding="utf-8").replace("MARKETS__STOCKS__", "MARKETS__CRYPTO__")  # of the user
        named = set(re.findall(r"ALPHA_PIPELINE_[A-Z_]*[A-Z]\b", text))
        assert named <= names, file


def test_choices_are_those_of_the_domain() -> None:
    """What a setting allows is what its reader has."""
    proposer = ModelSettings.__pydantic_fields__["proposer"].annotation  # type: ignore[attr-defined]  # a section
    assert set(get_args(proposer)) == set(PROPOSERS)
    assert load_settings().fusion.method in METHODS


def test_run_configuration_has_the_fields_of_the_settings() -> None:
    """Written once; its defaults are the values in force, and it is validated the same way."""
    settings = load_settings()
    config = MiningConfig(rounds=1, budget={"night_calls": 3})  # type: ignore[call-arg]  # fields of the settings
    mining = config.settings(ROOT / "alpha_pipeline" / "llm" / "prices.toml")
    assert (mining.rounds, mining.batch, mining.budget) == (1, settings.mining.batch, Budget(night_calls=3))
    assert {field.name for field in fields(settings.fusion)} == set(FusionConfig.model_fields)
    with pytest.raises(SettingError, match="rounds is -1; expected an integer"):
        MiningConfig(rounds=-1).settings(ROOT / "alpha_pipeline" / "llm" / "prices.toml")  # type: ignore[call-arg]  # the same


def test_nobody_else_reads_the_environment() -> None:
    """`os.environ` and `os.getenv` stand in `alpha_pipeline/settings/environment.py` alone."""
    readers = {
        str(file.relative_to(ROOT))
        for package in ("alpha_pipeline", "assets", "resources")
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "putenv"))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {a.name for a in node.names} & {"environ", "getenv"}
        )
    }
    assert readers == {"alpha_pipeline/settings/environment.py"}
