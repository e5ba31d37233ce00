"""A market in another Dagster project: `dg scaffold defs`, then what `dg` and a run make of it."""

import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from .conftest import Installed

pytestmark = pytest.mark.slow

COMPONENT = "alpha_pipeline.components.MarketComponent"
DAY = "2019-09-30"
PROJECT = {
    "pyproject.toml": """
[project]
name = "desk"
version = "0.1"

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "desk"
""",
    "desk/__init__.py": "",
    "desk/defs/__init__.py": "",
    "desk/definitions.py": """
from pathlib import Path

import dagster as dg


@dg.asset
def theirs() -> int:
    return 1


@dg.definitions
def defs():
    own = dg.Definitions(assets=[theirs], resources={"warehouse": 1})
    return dg.Definitions.merge(own, dg.load_from_defs_folder(path_within_project=Path(__file__).parent))
""",
    "assets/__init__.py": "",
    "resources/__init__.py": "",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as `create-dagster` makes it, with an asset and resources of its own."""
    folder = tmp_path_factory.mktemp("desk")
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def dg(installed: Installed, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `dg ARGUMENTS` of the fresh environment in the project."""
    program = "import sys; from dagster_dg_cli.cli import main; sys.argv[0] = 'dg'; main()"
    return installed("python", "-c", program, *arguments, cwd=project, DAGSTER_HOME=str(project))


def scaffold(installed: Installed, project: Path, name: str, attributes: str = "") -> Path:
    """`dg scaffold defs`, then other attributes if given; the `defs.yaml`."""
    done = dg(installed, project, "scaffold", "defs", COMPONENT, name)
    assert done.returncode == 0, done.stdout + done.stderr
    file = project / "desk" / "defs" / name / "defs.yaml"
    if attributes:
        file.write_text(f"type: {COMPONENT}\n\nattributes:\n{attributes}")
    return file


def test_a_market_is_scaffolded_checked_listed_and_run(installed: Installed, project: Path) -> None:
    """Two markets beside the project's own asset and resources; a day of prices of one is stored."""
    (project / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    offered = dg(installed, project, "list", "components", "--json")
    assert COMPONENT in offered.stdout, offered.stdout + offered.stderr
    stocks = scaffold(installed, project, "stocks")
    assert "asset_type: stock" in stocks.read_text()
    scaffold(installed, project, "coins", "  asset_type: crypto\n  fee_bps: 2\n  horizons: [2 days]\n")
    checked = dg(installed, project, "check", "defs")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    listed = dg(installed, project, "list", "defs", "--json")
    assert listed.returncode == 0, listed.stderr
    defs = json.loads(listed.stdout)
    groups = {asset["asset_key"]: asset["group_name"] for asset in defs["assets"]}
    assert groups["stocks/raw_ohlcv"] == "stocks/1_raw" and groups["coins/factor_library"] == "coins/3_mining"
    assert "theirs" in groups and "fused_signal" not in groups
    assert {schedule["name"] for schedule in defs["schedules"]} == {"nightly_stocks_schedule", "nightly_coins_schedule"}
    launched = dg(installed, project, "launch", "--assets", "stocks/raw_ohlcv", "--partition", DAY)
    assert launched.returncode == 0, launched.stdout[-4000:] + launched.stderr[-4000:]
    stored = pd.read_parquet(project / "data" / "stocks" / "raw_ohlcv" / f"day={DAY}" / "part-0.parquet")
    assert stored["symbol"].nunique() > 40


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ("  asset_type: stock\n  fee_bsp: 2\n", "fee_bsp"),
        ("  asset_type: stok\n", "Input should be 'stock', 'crypto', 'forex', 'future' or 'other'"),
        ("  asset_type: stock\n  fee_bps: -1\n", "fee_bps is -1.0; expected a number in [0, 10000)"),
        ("  calendar: XNYS\n", "asset_type is not set; expected one of stock, crypto, forex, future, other"),
    ],
)
def test_a_wrong_attribute_is_named(installed: Installed, project: Path, attributes: str, message: str) -> None:
    """`dg check defs` fails with what was found and what is expected."""
    file = scaffold(installed, project, "wrong", attributes)
    try:
        done = dg(installed, project, "check", "defs")
        assert done.returncode == 1
        assert message in " ".join((done.stdout + done.stderr).split())
    finally:
        file.unlink()
        file.parent.rmdir()
