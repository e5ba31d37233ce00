"""The golden run date: what the whole graph stores on the embedded data does not change unnoticed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import golden_night
from tests.processes.conftest import prepare, settings

pytestmark = pytest.mark.slow


def test_the_whole_graph_stores_the_recorded_columns(tmp_path: Path) -> None:
    """Every column of every Parquet file of one run date of both markets; renew the record when a change is meant."""
    folder = prepare(tmp_path / "golden")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("alpha-pipeline")), "run"],
        cwd=folder,
        env=settings(folder, **golden_night.SETTINGS),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert golden_night.differences(folder / "data") == []
