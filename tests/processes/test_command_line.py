"""The selections a user would try with `dagster asset materialize`, as real processes."""

import json
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from alpha_pipeline.definitions import build_defs

from .conftest import RUN_DATE, materialize, prepare, settings

pytestmark = pytest.mark.slow


def unnumbered_checks(folder: Path) -> list[str]:
    """Checks whose last result lacks the partition or a number, or is not a result at all."""
    keys = sorted(build_defs().resolve_asset_graph().asset_check_keys, key=str)
    bad = []
    with chdir(folder), dg.DagsterInstance.from_config(str(folder)) as instance:
        records = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    for key in keys:
        evaluation = records[key].evaluation if key in records else None
        values = {name: entry.value for name, entry in evaluation.metadata.items()} if evaluation else {}
        dated = "partition" in values or key.asset_key.path[-1] == "ohlcv_history"
        numbers = [value for name, value in values.items() if name != "partitions" and isinstance(value, int | float)]
        if not dated or not numbers:
            bad.append(f"{key.to_user_string()}: {values.keys()}")
    return bad


def test_a_night_then_one_asset_again(workplace: Path) -> None:
    """The whole graph for a run date; then `--select fused_signal` alone gives the same bytes."""
    run_date = materialize(workplace, "not (key:*/ohlcv_history or key:*/sealed_test)", RUN_DATE)
    assert run_date.returncode == 0, run_date.stdout[-4000:]
    assert unnumbered_checks(workplace) == []
    file = workplace / "data" / "fused_signal" / f"day={RUN_DATE}" / "part-0.parquet"
    first = file.read_bytes()
    again = materialize(workplace, "fused_signal", RUN_DATE)
    assert again.returncode == 0, again.stdout[-4000:]
    assert file.read_bytes() == first
    fused = pd.read_parquet(file)
    assert set(fused["market"]) == {"crypto", "equities"}
    assert set(fused["decision"]) <= {"LONG", "SHORT", "HOLD"}


@pytest.mark.parametrize(
    ("select", "when", "named"),
    [
        ("crypto/market_panel", "2019-13-45", "2019-13-45"),
        ("crypto/market_panel", "2035-01-01", "2035-01-01"),
        ("no_such_asset", RUN_DATE, "no_such_asset"),
        ("crypto/market_panel", RUN_DATE, "crypto/raw_ohlcv"),
        ("fused_signal", RUN_DATE, "source_signals"),
    ],
)
def test_what_cannot_be_done_is_named(tmp_path: Path, select: str, when: str, named: str) -> None:
    """A bad date, a day that is not over, an unknown asset, a missing upstream: exit 1 and the name."""
    done = materialize(prepare(tmp_path), select, when)
    assert done.returncode != 0
    assert named in done.stdout[-6000:]


def test_an_unknown_symbol_is_named_with_the_known_ones(tmp_path: Path) -> None:
    """A misspelt symbol is refused before anything is stored."""
    done = materialize(prepare(tmp_path), "crypto/raw_ohlcv", RUN_DATE, ALPHA_PIPELINE_CRYPTO_SYMBOLS="BTCUSDX")
    assert done.returncode != 0
    assert "BTCUSDX" in done.stdout
    assert not (tmp_path / "data" / "crypto" / "raw_ohlcv").exists()


def test_mine_adds_a_night_to_the_ledger(workplace: Path) -> None:
    """From the shell as from the UI: the same knobs, the trials as lines of JSON, the progress beside them."""
    command = [
        str(Path(sys.executable).with_name("alpha-pipeline")),
        "mine",
        "--market",
        "equities",
        "--run-date",
        RUN_DATE,
    ]
    knobs = ["--proposer", "mutation", "--rounds", "2", "--proposals", "3", "--factor-types", "volume", "--json"]
    done = subprocess.run(
        [*command, *knobs], cwd=workplace, env=settings(workplace), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    rows = json.loads(done.stdout)["trials"]
    mined = [row for row in rows if row["proposer"] == "mutation"]
    assert len(mined) == 6 and {row["factor_type"] for row in mined} == {"volume"}
    assert "round 2 of 2: 6 proposed" in done.stderr
    stored = pd.read_parquet(workplace / "data/equities/factor_definitions" / f"day={RUN_DATE}" / "part-0.parquet")
    assert stored["factor_id"].tolist() == [row["factor_id"] for row in rows]
    wrong = subprocess.run(
        [*command, "--prompt-modes", "guess"],
        cwd=workplace,
        env=settings(workplace),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (
        wrong.returncode == 1 and "prompt_modes is" in wrong.stderr and "'guess'" in wrong.stderr and not wrong.stdout
    )
