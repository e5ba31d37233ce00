"""The market component has the fields and the defaults of a market of the project file."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from pydantic import SecretStr

from alpha_pipeline.components import MarketComponent, _section
from alpha_pipeline.errors import SettingError
from alpha_pipeline.settings import CONFIG, MarketSettings, load_settings
from alpha_pipeline.settings.catalog import fields_of

GIVEN = """
asset_type: stock
fee_bps: 2
horizons: [21 sessions]
universe: [AAPL, MSFT]
portfolio: {quantile: 0.1}
model: {name: my-model}
mining: {rounds: 1, budget: {night_usd: 0.2}, prompt_modes: [code]}
"""
SAME = """
[markets.desk]
asset_type = "stock"
fee_bps = 2
horizons = ["21 sessions"]
universe = ["AAPL", "MSFT"]
[markets.desk.portfolio]
quantile = 0.1
[markets.desk.model]
name = "my-model"
[markets.desk.mining]
rounds = 1
prompt_modes = ["code"]
[markets.desk.mining.budget]
night_usd = 0.2
"""


def component(text: str) -> MarketComponent:
    """The component of attributes as YAML."""
    return MarketComponent.resolve_from_yaml(text)


def below(model: type) -> dict[str, object]:
    """Attribute -> description and those of the nested attributes, if any."""
    found: dict[str, object] = {}
    for name, info in model.model_fields.items():  # type: ignore[attr-defined]  # a pydantic model
        nested = [part for part in get_args(info.annotation) if hasattr(part, "model_fields")]
        found[name] = (info.description, below(nested[0])) if nested else (info.description, {})
    return found


def expected(section: type) -> set[str]:
    """Fields of a section that are no secrets."""
    return {name for name, info in fields_of(section).items() if info.annotation is not SecretStr}


@pytest.mark.filterwarnings("ignore:.*parse_obj_as")  # of Dagster's reader of YAML
def test_every_field_of_a_market_is_an_attribute() -> None:
    """Derived, nested sections included, each with its meaning; keys of servers stay in the environment."""
    schema = below(MarketComponent.model())
    assert set(schema) == expected(MarketSettings)
    for name, (description, nested) in schema.items():  # type: ignore[misc]  # pairs
        assert description, name
        section = fields_of(MarketSettings)[name].annotation
        if fields_of(section):
            assert set(nested) == expected(section), name
    assert "key" not in schema["model"][1]  # type: ignore[index]  # a pair


@pytest.mark.filterwarnings("ignore:.*parse_obj_as")
def test_a_component_is_the_market_of_a_project_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same values give the same section, defaults of the asset type and of the project included."""
    monkeypatch.setenv("ALPHA_PIPELINE_FUSION__THRESHOLD", "0.4")
    made = _section("desk", component(GIVEN).model_dump(exclude_none=True), tmp_path)
    file = tmp_path / "alpha_pipeline.toml"
    file.write_text(SAME)
    monkeypatch.setenv(CONFIG, str(file))
    assert made == load_settings().markets["desk"]
    assert (made.borrow_bps_per_year, made.fusion.threshold) == (50.0, 0.4)


@pytest.mark.filterwarnings("ignore:.*parse_obj_as")
def test_files_count_from_the_project(tmp_path: Path) -> None:
    """Relative paths do, addresses stay."""
    given = component("asset_type: stock\nfiles: {path: bars/*.csv}\nfacts: {fundamentals: {path: 's3://b/f'}}")
    made = _section("desk", given.model_dump(exclude_none=True), tmp_path)
    assert (made.source, made.files.path) == ("files", str(tmp_path / "bars/*.csv"))
    assert made.facts["fundamentals"].path == "s3://b/f"


@pytest.mark.filterwarnings("ignore:.*parse_obj_as")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("calendar: XNYS", "asset_type is not set; expected one of stock, crypto"),
        ("asset_type: stock\nfee_bps: -1", r"fee_bps is -1.0; expected a number in \[0, 10000\)"),
        ("asset_type: stock\nlabel: rank", "label is 'rank'; expected 'raw'"),
    ],
)
def test_an_impossible_value_is_a_typed_error(tmp_path: Path, text: str, message: str) -> None:
    """As in a project file."""
    with pytest.raises(SettingError, match=message):
        _section("desk", component(text).model_dump(exclude_none=True), tmp_path)


def test_the_registry_loads_no_graph() -> None:
    """`dg` imports the module of every installed package: no data frames, no kernels, no assets."""
    program = "import sys, alpha_pipeline.components; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"pandas", "numpy", "numba", "alpha_pipeline.definitions", "alpha_pipeline.assets"}
