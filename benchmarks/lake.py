"""
Wall time of the lake: five years of days of 50 symbols, written and read, and of the I/O manager within a run.

    python -m benchmarks.lake [folder]
"""

import sys
import tempfile
import time
from collections.abc import Callable

import dagster as dg
import numpy as np
import pandas as pd

from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.lake.lake import Lake

KEY = "crypto/market_panel"
FIRST, LAST = "2015-01-01", "2019-12-31"
SYMBOLS, FIELDS = 50, 6


def market_panel(bar: str) -> pd.DataFrame:
    """Seeded normal values: (symbols * bars, 2 + fields), closes in (FIRST, LAST + 1 day]."""
    closes = pd.date_range(FIRST, pd.Timestamp(LAST) + pd.Timedelta(days=1), freq=bar, tz="UTC")[1:]
    values = np.random.default_rng(0).normal(size=(len(closes) * SYMBOLS, FIELDS))
    frame = pd.DataFrame(values, columns=[f"field_{i}" for i in range(FIELDS)])
    frame.insert(0, "timestamp", np.repeat(closes, SYMBOLS))
    frame.insert(1, "symbol", np.tile([f"S{i:02d}" for i in range(SYMBOLS)], len(closes)))
    return frame


def seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """Best wall time of `repeats` calls."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def storage(root: str, bar: str, rows_per_day: int) -> None:
    """Time writes, repeated writes and reads of five years of one bar length."""
    lake, frame = Lake(f"{root}/{bar}"), market_panel(bar)
    stored = lake.write_range(KEY, frame.iloc[:0], FIRST, LAST)  # creates the folders before the measurement
    print(f"{len(stored)} days of {rows_per_day} rows, {FIELDS} float fields, {len(frame):,} rows in all")
    print(f"  replace every day        {seconds(lambda: lake.write_range(KEY, frame, FIRST, LAST)):6.2f} s")
    print(f"  write the same again     {seconds(lambda: lake.write_range(KEY, frame, FIRST, LAST)):6.2f} s")
    print(f"  read all, verified       {seconds(lambda: lake.read(KEY, FIRST, LAST), 3):6.2f} s   target 3 s")
    print(f"  read one field           {seconds(lambda: lake.read(KEY, FIRST, LAST, ['field_0']), 3):6.2f} s")
    print(f"  read the last 99 days    {seconds(lambda: lake.read(KEY, '2019-09-24', LAST), 3):6.2f} s")


def io_manager(root: str, days: int = 365) -> None:
    """Time per partition in the I/O manager, in one in-process range run with a 98-day look-back."""
    durations = {"handle_output": 0.0, "load_input": 0.0}

    class Timed(ParquetIOManager):
        def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
            durations["handle_output"] += seconds(lambda: super(Timed, self).handle_output(context, obj))

        def load_input(self, context: dg.InputContext) -> pd.DataFrame:
            started = time.perf_counter()
            frame = super().load_input(context)
            durations["load_input"] += time.perf_counter() - started
            return frame

    partitions = dg.DailyPartitionsDefinition(FIRST)
    lookback = dg.TimeWindowPartitionMapping(start_offset=-98, allow_nonexistent_upstream_partitions=True)
    frame = market_panel("1D").head(days * SYMBOLS)
    single_run = dg.BackfillPolicy.single_run()

    @dg.asset(key=KEY.split("/"), partitions_def=partitions, backfill_policy=single_run)
    def panel() -> pd.DataFrame:
        return frame

    @dg.asset(
        key=["crypto", "factor_values"],
        partitions_def=partitions,
        backfill_policy=single_run,
        ins={"panel": dg.AssetIn(KEY.split("/"), partition_mapping=lookback)},
    )
    def values(panel: pd.DataFrame) -> pd.DataFrame:
        return panel

    last = pd.Timestamp(FIRST) + pd.Timedelta(days=days - 1)
    tags = {
        "dagster/asset_partition_range_start": FIRST,
        "dagster/asset_partition_range_end": f"{last:%Y-%m-%d}",
    }
    dg.materialize([panel, values], resources={"io_manager": Timed(root=f"{root}/io")}, tags=tags)
    print(f"I/O manager in a range run of {days} days, per partition")
    print(f"  handle_output            {durations['handle_output'] / days / 2 * 1e3:6.2f} ms   target well below 10 ms")
    print(f"  load_input (98 days)     {durations['load_input'] / days * 1e3:6.2f} ms")


def main() -> None:
    """Measure in a temporary folder, optionally below a given one."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as root:
        storage(root, "1D", SYMBOLS)
        storage(root, "1h", 24 * SYMBOLS)
        io_manager(root)


if __name__ == "__main__":
    main()
