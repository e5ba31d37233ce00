"""A project of the user's file, from `init` to the report, in a folder of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.resources.lake.lake import Lake

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PROGRAM = str(Path(sys.executable).with_name("alpha-pipeline"))


def _run(folder: Path, *arguments: str) -> str:
    """The output of a command in a folder; no setting of the machine that runs the test."""
    given = {name: text for name, text in os.environ.items() if not name.startswith("ALPHA_PIPELINE_")}
    environment = {**given, "PYTHONPATH": str(ROOT), "ALPHA_PIPELINE_PROPOSER": "random_grammar"}
    done = subprocess.run(
        [PROGRAM, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_days_of_forex_from_a_file_to_a_report(tmp_path: Path) -> None:
    """Sessions from Monday to Friday; the market has its own tables, and the embedded markets have none."""
    days = pd.bdate_range("2022-01-03", "2024-06-28", name="date")
    moves = np.random.default_rng(4).normal(0, 0.004, (len(days), 9))
    closes = pd.DataFrame(np.exp(moves.cumsum(axis=0)), index=days, columns=[f"CUR{n}USD" for n in range(9)])
    closes.to_csv(tmp_path / "rates.csv")
    _run(tmp_path, "init", "desk", "--data", "rates.csv", "--market", "fx", "--asset-type", "forex")
    printed = json.loads(_run(tmp_path / "desk", "run", "--json"))
    assert printed["run_date"] == "2024-06-28" and len(printed["signal"]) == 9
    lake = Lake(str(tmp_path / "desk" / "data"))
    assert set(printed["funnel"]) == {"fx"} and not lake.days("crypto/raw_ohlcv")
    panel = lake.read("fx/market_panel", "2024-06-28", "2024-06-28")
    assert set(panel["timestamp"]) == {pd.Timestamp("2024-06-29", tz="UTC")} and len(panel) == 9
    assert "2024-06-28" in _run(tmp_path / "desk", "report")
