"""`submit` and `factors.toml` with real processes: from a formula to the library and its values."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from .conftest import RUN_DATE, materialize, settings

pytestmark = pytest.mark.slow

PROGRAM = str(Path(sys.executable).with_name("alpha-pipeline"))
BEFORE = "2019-09-29"
# Every gate that a formula of noise fails is open, so that the way into the library is what is tested.
OPEN = {
    f"ALPHA_PIPELINE_MINING__ADMISSION__{name}": value
    for name, value in {
        "T_STAT": "0", "TRAIN_Q_VALUE": "1", "VALID_Q_VALUE": "1", "SHARPE": "-100", "PROBABILISTIC_SHARPE": "0",
        "CORRELATION": "1.1",
    }.items()
}  # fmt: skip


def shell(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments], cwd=folder, env=settings(folder, **OPEN), capture_output=True, text=True, check=False
    )


def table(folder: Path, name: str, day: str) -> pd.DataFrame:
    return pd.read_parquet(folder / "data" / "crypto" / name / f"day={day}" / "part-0.parquet")


def submitted(folder: Path, *arguments: str) -> dict[str, object]:
    done = shell(folder, "submit", *arguments, "--market", "crypto", "--json")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    document: dict[str, object] = json.loads(done.stdout)
    return document


def test_a_formula_of_the_user_reaches_the_library_and_the_next_run(workplace: Path) -> None:
    """Counted once; the run date keeps its bytes; the next one has its values and the factor of the file."""
    built = "factor('slow') * 2 + ts_std(close, 9) / close"
    (workplace / "factors.toml").write_text(f'[[factor]]\nexpression = "{built}"\n')
    first = submitted(workplace, "-ts_rank(volume, 48)", "--name", "slow", "--run-date", BEFORE)
    trial = first["trial"]
    assert isinstance(trial, dict) and trial["verdict"] == "accepted" and not first["tried_before"], trial
    library = table(workplace, "factor_library", BEFORE).set_index("factor_id")
    assert library.loc[trial["factor_id"], ["status", "proposer"]].tolist() == ["accepted", "user"]
    file = workplace / "data" / "crypto" / "factor_definitions" / f"day={BEFORE}" / "part-0.parquet"
    stored = file.read_bytes()
    assert submitted(workplace, "-1 * tsrank($volume, 48)")["tried_before"]
    assert file.read_bytes() == stored
    mined = shell(workplace, "mine", "--market", "crypto", "--rounds", "0")
    assert mined.returncode == 0, mined.stdout[-2000:]
    trials = table(workplace, "factor_definitions", RUN_DATE)
    assert trials["canonical"].tolist() == ["-ts_rank(volume, 48) * 2 + ts_std(close, 9) / close"]
    done = materialize(workplace, "crypto/factor_values", RUN_DATE)
    assert done.returncode == 0, done.stdout[-2000:]
    assert np.isfinite(table(workplace, "factor_values", RUN_DATE)[str(trial["factor_id"])]).all()
