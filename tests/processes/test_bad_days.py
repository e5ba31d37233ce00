"""What goes wrong in real life: a typed error names the thing, stored data stay, the same command works later."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from .conftest import RUN_DATE, materialize, prepare, settings

pytestmark = pytest.mark.slow

DAY = "2019-09-29"


def stored(folder: Path) -> dict[str, bytes]:
    """Every file of the lake, by name; locks hold nothing."""
    files = [p for p in (folder / "data").rglob("*") if p.is_file() and p.parent.name != "locks"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def lake_only(folder: Path, priced: Path) -> Path:
    """A small folder with the prices of one day and the history of one market."""
    prepare(folder)
    for part in ("crypto/raw_ohlcv", "_sha256/crypto/raw_ohlcv"):
        shutil.copytree(priced / "data" / part, folder / "data" / part)
    return folder


def test_an_unreachable_model_is_named_and_the_night_goes_on(workplace: Path) -> None:
    """Three questions without an answer are rows of the ledger; another proposer adds its trials to them."""
    address = {"ALPHA_PIPELINE_MODEL_URL": "http://127.0.0.1:9/v1", "ALPHA_PIPELINE_MODEL": "some-model"}
    silent = materialize(workplace, "crypto/factor_definitions", RUN_DATE, ALPHA_PIPELINE_PROPOSER="model", **address)
    assert silent.returncode == 0
    assert "no answer: model 'some-model' at http://127.0.0.1:9/v1: cannot be reached" in silent.stdout
    assert "stopped early: 3 requests in a row without a reply of the model" in silent.stdout
    (file,) = (workplace / "data/crypto/factor_definitions").glob(f"day={RUN_DATE}/*.parquet")
    explain_decisions = pd.read_parquet(file)["verdict"].value_counts()
    assert explain_decisions["unanswered"] == 3 and explain_decisions["accepted"] > 0
    assert materialize(workplace, "crypto/factor_definitions", RUN_DATE).returncode == 0
    rows = pd.read_parquet(file)
    assert (rows["verdict"] == "unanswered").sum() == 3
    later = rows[rows["session"] != rows["session"].iloc[0]]
    assert len(later) and set(later["proposer"]) == {"random_grammar"} and "unanswered" not in set(later["verdict"])


def test_a_missing_model_file_is_named(workplace: Path) -> None:
    """The path, and the setting that holds it."""
    gone = {"ALPHA_PIPELINE_PROPOSER": "model", "ALPHA_PIPELINE_GGUF": str(workplace / "gone.gguf")}
    failed = materialize(workplace, "crypto/factor_definitions", RUN_DATE, **gone)
    assert failed.returncode != 0
    assert "gone.gguf; ALPHA_PIPELINE_GGUF must name a GGUF file" in failed.stdout


def test_an_unreachable_exchange_is_named(tmp_path: Path) -> None:
    """Live data without a network: which door, which address, which symbol."""
    live = {
        "ALPHA_PIPELINE_SOURCE": "live",
        "ALPHA_PIPELINE_VENDORS_URL": "http://127.0.0.1:9",
        "ALPHA_PIPELINE_CRYPTO_SYMBOLS": "BTCUSDT",
        "ALPHA_PIPELINE_FIRST_DAY": "2024-01-01",
    }
    failed = materialize(prepare(tmp_path), "crypto/raw_ohlcv", "2024-01-02", **live)
    assert failed.returncode != 0
    assert "SourceError" in failed.stdout
    assert "127.0.0.1:9" in failed.stdout and "BTCUSDT" in failed.stdout
    assert not (tmp_path / "data" / "crypto").exists()


def test_a_day_without_data_is_named(tmp_path: Path) -> None:
    """Beyond the embedded prices: what is covered, what was asked."""
    failed = materialize(prepare(tmp_path), "crypto/raw_ohlcv", "2019-10-05", ALPHA_PIPELINE_END_DAY="2019-11-01")
    assert failed.returncode != 0
    assert "SourceError" in failed.stdout and "2019-10-01" in failed.stdout


@pytest.mark.parametrize("damage", ["truncated", "flipped", "deleted checksum"])
def test_a_damaged_file_is_named_and_rebuilt(tmp_path: Path, priced: Path, damage: str) -> None:
    """The reader refuses it, says how to rebuild it, and goes on once that is done."""
    folder = lake_only(tmp_path, priced)
    file = folder / "data" / "crypto" / "raw_ohlcv" / f"day={DAY}" / "part-0.parquet"
    whole = file.read_bytes()
    if damage == "truncated":
        file.write_bytes(whole[: len(whole) // 2])
    elif damage == "flipped":
        file.write_bytes(whole[:300] + bytes([whole[300] ^ 1]) + whole[301:])
    else:
        (folder / "data" / "_sha256" / "crypto" / "raw_ohlcv" / f"day={DAY}.sha256").unlink()
    failed = materialize(folder, "crypto/market_panel", DAY)
    assert failed.returncode != 0
    assert "CorruptFileError" in failed.stdout and f"day={DAY}" in failed.stdout
    assert f"--select crypto/raw_ohlcv --partition {DAY}" in failed.stdout
    assert materialize(folder, "crypto/raw_ohlcv", DAY).returncode == 0
    assert file.read_bytes() == whole
    assert materialize(folder, "crypto/market_panel", DAY).returncode == 0


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, priced: Path) -> None:
    """A limit on file sizes stands in for the disk; the error names the file, the old bytes stay."""
    folder = lake_only(tmp_path, priced)
    before = stored(folder)
    other = {"ALPHA_PIPELINE_CRYPTO_SYMBOLS": "BTCUSD,ETHUSD"}  # equal content would not be written again
    limited = subprocess.run(  # the run's own records are kept in memory, where the limit does not reach
        [sys.executable, "-c", LIMITED.format(day=DAY)],
        cwd=folder,
        env=settings(folder, **other),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "LakeError" in limited.stdout + limited.stderr, limited.stdout + limited.stderr
    assert "part-0.parquet" in limited.stdout + limited.stderr
    data = [name for name in before if name.endswith(".parquet")]  # a checksum may already list the failed successor
    assert {name: stored(folder).get(name) for name in data} == {name: before[name] for name in data}
    # A receipt may already say whose rows were to come; of the tables no file was added or lost.
    now = set(stored(folder))
    assert set(before) <= now and all("receipts/crypto/raw_ohlcv/" in name for name in now - set(before))
    assert materialize(folder, "crypto/market_panel", DAY).returncode == 0
    assert materialize(folder, "crypto/raw_ohlcv", DAY, **other).returncode == 0


LIMITED = """
import resource
import dagster as dg
from alpha_pipeline.definitions import build_defs
job = build_defs().get_implicit_global_asset_job_def()
with dg.DagsterInstance.ephemeral() as instance:
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
    result = job.execute_in_process(
        partition_key="{day}",
        asset_selection=[dg.AssetKey(["crypto", "raw_ohlcv"])],
        instance=instance,
        raise_on_error=False,
    )
    for event in result.all_events:
        if event.is_step_failure:
            print(event.step_failure_data.error.to_string())
"""


def test_a_killed_run_leaves_nothing_half_written(workplace: Path) -> None:
    """SIGKILL in the middle of a run date; every file is readable and the same command succeeds."""
    select, whole = "crypto/raw_ohlcv,crypto/market_panel", f"2019-09-01...{RUN_DATE}"
    command = [
        str(Path(sys.executable).with_name("dagster")),
        "asset",
        "materialize",
        "-m",
        "alpha_pipeline.definitions",
    ]
    for seconds in (4.0, 5.5, 7.0):
        process = subprocess.Popen(
            [*command, "--select", select, "--partition-range", whole],
            cwd=workplace,
            env=settings(workplace),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    again = materialize(workplace, select, whole)
    assert again.returncode == 0, again.stdout[-3000:]
    left = [p for p in (workplace / "data").rglob(".tmp-*") if p.parent.parent.name in {"raw_ohlcv", "market_panel"}]
    assert not left
