"""
One run date from an empty folder: which `dagster` commands it takes.

The graph does the work in processes of its own, with the same commands a person would type; nothing is computed here.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, STDOUT

import pandas as pd

from alpha_pipeline.errors import AlphaError
from alpha_pipeline.market.markets import MARKETS

MODULE = "alpha_pipeline.definitions"
PATIENCE_SECONDS = 10.0
Tell = Callable[[str], None]


@dataclass(frozen=True)
class RunRequest:
    """
    What `alpha-pipeline run` is asked to do.

    Args:
        run date: ISO day to decide for.
        first_day: ISO day the graph begins; bars before it come from the bulk history.
        priced: ISO days whose prices are stored.
        fresh: rebuild the look-back days even where they are stored.
    """

    run_date: str
    first_day: str
    priced: Collection[str]
    fresh: bool = False


def run_graph(settings: RunRequest, tell: Tell = print) -> float:
    """
    Materialize the look-back where it is missing, then the whole graph for the run date.

    Args:
        settings: which run date.
        tell: takes each line the processes print.

    Returns:
        Wall time in seconds.

    Raises:
        AlphaError: a `dagster` process failed; it has said why.
    """
    started = time.monotonic()
    _prices(settings, tell)
    tell(f"2/2  the run date of {settings.run_date}: mine, check, backtest, fuse, report")
    _dagster(tell, "--select", "not (key:*/ohlcv_history or key:*/sealed_test)", "--partition", settings.run_date)
    return time.monotonic() - started


def run_mining(settings: RunRequest, markets: Sequence[str], knobs: Mapping[str, object], tell: Tell = print) -> float:
    """
    Materialize the look-back where it is missing, then the run date's trials and library alone.

    Args:
        settings: which run date.
        markets: names of the markets to mine.
        knobs: of `assets.wiring.config.MiningConfig`, by name.
        tell: takes each line the processes print.

    Returns:
        Wall time in seconds.

    Raises:
        As `run_graph`.
    """
    started = time.monotonic()
    _prices(settings, tell)
    tell(f"2/2  the run date of {settings.run_date}: mine {' and '.join(markets)}")
    tables = ",".join(f"{market}/{table}" for market in markets for table in ("factor_definitions", "factor_library"))
    config = {"ops": {f"{market}__factor_definitions": {"config": dict(knobs)} for market in markets}}
    _dagster(tell, "--select", tables, "--partition", settings.run_date, "--config-json", json.dumps(config))
    return time.monotonic() - started


def _prices(settings: RunRequest, tell: Tell) -> None:
    run_dates = _days(settings.first_day, settings.run_date)
    todo = [day for day in run_dates if settings.fresh or day not in settings.priced]
    if todo:
        tell(f"1/2  prices: history, then {len(todo)} days {todo[0]} ... {todo[-1]} of both markets")
        prices = ",".join(f"{m.name}/{t}" for m in MARKETS for t in ("ohlcv_history", "raw_ohlcv", "market_panel"))
        _dagster(tell, "--select", prices, "--partition-range", f"{todo[0]}...{todo[-1]}")
    else:
        tell(f"1/2  prices: all {len(run_dates)} days are stored")


def _dagster(tell: Tell, *arguments: str) -> None:
    command = [str(Path(sys.executable).with_name("dagster")), "asset", "materialize", "-m", MODULE, *arguments]
    shown = ["dagster", *command[1:]]
    tell("$ " + " ".join(f"'{a}'" if any(c in a for c in ' *"') else a for a in shown))
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with (
        _stoppable(),
        subprocess.Popen(
            command, env=environment, stdout=PIPE, stderr=STDOUT, text=True, errors="replace", process_group=0
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                tell(_brief(line.rstrip()))
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        raise AlphaError("the run failed; the cause is named above. What was stored before is untouched; run again")


@contextmanager
def _stoppable() -> Iterator[None]:
    """A polite request to end, or a closed terminal, is an interruption like Ctrl-C: no process stays behind."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    mine = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)} if mine else {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(process: "subprocess.Popen[str]") -> None:
    """Interrupt a process and all it started; what does not end within the patience is killed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.communicate(timeout=PATIENCE_SECONDS)
            break
        except subprocess.TimeoutExpired:
            continue


def _brief(line: str) -> str:
    """A line of Dagster's log as `step  message`; anything else as it is."""
    parts = line.split(" - ", 6)
    if len(parts) == 7 and parts[1] == "dagster" and parts[2] == "INFO":
        return f"     {parts[5].replace('__', '/'):<30} {parts[6]}"
    return line


def _days(first: str, last: str) -> list[str]:
    return [str(day.date()) for day in pd.date_range(first, last, freq="D")]
