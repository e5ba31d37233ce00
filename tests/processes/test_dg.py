"""`dg` from the root of a project: the commands of a Dagster user, as real processes."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from .conftest import ROOT, RUN_DATE, materialize, settings
from .webserver import webserver

pytestmark = pytest.mark.slow


def checkout(folder: Path) -> Path:
    """A folder with the `[tool.dg]` of this repository and a link to its package."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "alpha_pipeline").symlink_to(ROOT / "alpha_pipeline")
    return folder


def dg(folder: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run `dg ARGUMENTS` in the folder."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("dg")), *arguments],
        cwd=folder,
        env=settings(folder, DAGSTER_HOME=str(folder), **extra),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_the_definitions_are_listed_and_valid(workplace: Path) -> None:
    """`dg list defs` has the tables, checks, schedules and sensors; `dg check defs` finds nothing wrong."""
    folder = checkout(workplace)
    listed = dg(folder, "list", "defs", "--json")
    assert listed.returncode == 0, listed.stderr
    found = json.loads(listed.stdout)
    keys = {asset["asset_key"] for asset in found["assets"]}
    assert {"crypto/raw_ohlcv", "equities/factor_library", "fused_signal"} <= keys
    assert {"nightly_crypto_schedule", "nightly_equities_schedule"} <= {s["name"] for s in found["schedules"]}
    checked = dg(folder, "check", "defs")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "All definitions loaded successfully." in checked.stdout


def test_a_broken_setting_fails_the_check(workplace: Path) -> None:
    """`dg check defs` ends with an error that names the setting: what `.ci/run` relies on."""
    done = dg(checkout(workplace), "check", "defs", ALPHA_PIPELINE_SOURCE="bloomberg")
    assert done.returncode == 1
    assert "ALPHA_PIPELINE_SOURCE is 'bloomberg'" in done.stdout + done.stderr


def test_an_asset_is_launched_for_a_day(workplace: Path) -> None:
    """`dg launch --assets fused_signal --partition D` stores what `dagster asset materialize` stores."""
    before = materialize(workplace, "+key:*/source_signals and not (key:*/ohlcv_history or key:*/raw_ohlcv)", RUN_DATE)
    assert before.returncode == 0, before.stdout[-4000:]
    done = dg(checkout(workplace), "launch", "--assets", "fused_signal", "--partition", RUN_DATE)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    file = workplace / "data" / "fused_signal" / f"day={RUN_DATE}" / "part-0.parquet"
    launched = file.read_bytes()
    assert len(pd.read_parquet(file)) > 0
    again = materialize(workplace, "fused_signal", RUN_DATE)
    assert again.returncode == 0, again.stdout[-4000:]
    assert file.read_bytes() == launched


def test_dg_dev_serves_the_graph(workplace: Path) -> None:
    """The command of `make ui`: the code location has the name by which pages and links are addressed."""
    query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { location { name } } } } }"
    with webserver(checkout(workplace), "dg", DAGSTER_HOME=str(workplace)) as server:
        nodes = server.ask(query)["repositoriesOrError"]["nodes"]
    assert [node["location"]["name"] for node in nodes] == ["alpha_pipeline"]


def test_make_ui_is_dg_dev() -> None:
    """The Makefile and the project section name the same things as these tests."""
    assert "$(BIN)/dg dev" in (ROOT / "Makefile").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    assert project == {"root_module": "alpha_pipeline", "code_location_name": "alpha_pipeline"}
