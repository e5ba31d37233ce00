"""
Wall time of a run date by step, and Dagster's overhead per partition and step.

Runs `dagster` processes in a temporary folder, on the embedded data with the random-grammar proposer (without the time
of a model). Prints tables.

    python -m benchmarks.run_date [--days 365]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg
import pandas as pd

ROOT = Path(__file__).parents[1]
RUN_DATE = "2019-09-30"
PRICES = "key:*/ohlcv_history or key:*/raw_ohlcv or key:*/market_panel"
TRIVIAL = "crypto/raw_funding,crypto/raw_news,crypto/raw_social,crypto/raw_onchain"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365, help="length of the range run")
    days = parser.parse_args().days
    last = pd.Timestamp(RUN_DATE)
    first = last - pd.Timedelta(days=days - 1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("dagster.yaml", "workspace.yaml"):
            (root / name).write_bytes((ROOT / name).read_bytes())
        span = f"{first.date()}...{last.date()}"
        empty = _materialize(root, TRIVIAL, "--partition-range", span, first=str(first.date()))
        steps = len(TRIVIAL.split(","))
        started = _materialize(root, "crypto/raw_funding", "--partition", RUN_DATE, first=str(first.date()))
        each = (empty - started) / (days * steps - 1)
        print(f"\nOne trivial step, process included      {started:6.2f} s")
        print(
            f"Range of {days} days x {steps} empty steps       {empty:6.2f} s = {each * 1000:.1f} ms a partition-step"
        )

        recent = str((last - pd.Timedelta(days=91)).date())
        _materialize(root, PRICES, "--partition-range", f"{recent}...{RUN_DATE}", first=recent)
        wall = _materialize(
            root, "not (key:*/ohlcv_history or key:*/sealed_test)", "--partition", RUN_DATE, first=recent
        )
        _print_run(root, wall)


def _materialize(root: Path, select: str, option: str, when: str, first: str) -> float:
    command = [
        str(Path(sys.executable).with_name("dagster")),
        "asset",
        "materialize",
        "-m",
        "alpha_pipeline.definitions",
    ]
    environment = {
        **os.environ,
        "ALPHA_PIPELINE_FIRST_DAY": first,
        "ALPHA_PIPELINE_LAKE": str(root / "data"),
        "ALPHA_PIPELINE_PROPOSER": "random_grammar",
        "PYTHONWARNINGS": "ignore",
    }
    started = time.perf_counter()
    subprocess.run(
        [*command, "--select", select, option, when],
        cwd=root,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - started


def _print_run(root: Path, wall: float) -> None:
    """Print the steps of the last run (asset functions) and the time outside them."""
    os.chdir(root)
    os.environ["DAGSTER_HOME"] = str(root)
    with dg.DagsterInstance.get() as instance:
        run = instance.get_runs(limit=1)[0]
        stats = instance.get_run_step_stats(run.run_id)
    steps = pd.DataFrame({"step": s.step_key, "seconds": s.end_time - s.start_time} for s in stats if s.end_time)
    step_seconds = float(steps["seconds"].sum())
    print(f"\nThe run date of {RUN_DATE}, both markets, {len(steps)} steps: {wall:.2f} s wall")
    for row in steps.sort_values("seconds", ascending=False).head(12).itertuples():
        print(f"  {row.step:<34} {row.seconds:6.2f} s")
    print(f"  {'outside the steps (overhead)':<34} {wall - step_seconds:6.2f} s")


if __name__ == "__main__":
    main()
