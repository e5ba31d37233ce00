"""
A run date as `dagster` subprocesses, from an empty folder if need be.

The graph runs in processes of its own, with the commands a user would type; nothing is computed here.
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
from subprocess import PIPE, STDOUT

import pandas as pd

from alpha_pipeline.errors import AlphaError
from alpha_pipeline.market.markets import configured_markets
from alpha_pipeline.settings import child_environment, load_settings

MODULE = "alpha_pipeline.definitions"
CANCELLABLE = "alpha_pipeline.assets.automation.cancellable"  # `dagster`, whose run is CANCELED by Ctrl-C
SHUTDOWN_SECONDS = 10.0
Log = Callable[[str], None]


@dataclass(frozen=True)
class RunRequest:
    """
    Arguments of a run.

    Args:
        run_date: ISO day.
        first_day: first ISO day of the graph; earlier bars come from the bulk history.
        priced: ISO days whose prices are stored.
        fresh: reload stored prices.
    """

    run_date: str
    first_day: str
    priced: Collection[str]
    fresh: bool = False


def run_graph(request: RunRequest, log: Log = print) -> float:
    """
    Materialize missing look-back days, then all assets of the run date.

    Args:
        request: the run.
        log: receives each line the processes print.

    Returns:
        Wall time in seconds.

    Raises:
        AlphaError: a `dagster` process failed; its log has the cause.
    """
    started = time.monotonic()
    _prices(request, log)
    log(f"2/2  run of {request.run_date}: mine, validate, backtest, fuse, report")
    _dagster(log, "--select", "not (key:*/ohlcv_history or key:*/sealed_test)", "--partition", request.run_date)
    return time.monotonic() - started


def run_mining(request: RunRequest, markets: Sequence[str], config: Mapping[str, object], log: Log = print) -> float:
    """
    Materialize missing look-back days, then only the trials and the library of the run date.

    Args:
        request: the run.
        markets: names of the markets to mine.
        config: fields of `alpha_pipeline.assets.wiring.config.MiningConfig`.
        log: receives each line the processes print.

    Returns:
        Wall time in seconds.

    Raises:
        As `run_graph`.
    """
    started = time.monotonic()
    _prices(request, log)
    log(f"2/2  run of {request.run_date}: mine {' and '.join(markets)}")
    tables = ",".join(f"{market}/{table}" for market in markets for table in ("factor_definitions", "factor_library"))
    run_config = {"ops": {f"{market}__factor_definitions": {"config": dict(config)} for market in markets}}
    _dagster(log, "--select", tables, "--partition", request.run_date, "--config-json", json.dumps(run_config))
    return time.monotonic() - started


def _prices(request: RunRequest, log: Log) -> None:
    run_dates = _days(request.first_day, request.run_date)
    missing = [day for day in run_dates if request.fresh or day not in request.priced]
    markets = configured_markets(load_settings())
    if missing:
        names = ", ".join(market.name for market in markets)
        log(f"1/2  prices of {names}: bulk history and {len(missing)} days, {missing[0]} ... {missing[-1]}")
        prices = ",".join(f"{m.name}/{t}" for m in markets for t in ("ohlcv_history", "raw_ohlcv", "market_panel"))
        _dagster(log, "--select", prices, "--partition-range", f"{missing[0]}...{missing[-1]}")
    else:
        log(f"1/2  prices: all {len(run_dates)} days already stored")


def _dagster(log: Log, *arguments: str) -> None:
    shown = ["dagster", "asset", "materialize", "-m", MODULE, *arguments]
    command = [sys.executable, "-m", CANCELLABLE, *shown[1:]]
    log("$ " + " ".join(f"'{a}'" if any(c in a for c in ' *"') else a for a in shown))
    environment = child_environment(PYTHONWARNINGS="ignore")
    with (
        _stoppable(),
        subprocess.Popen(
            command, env=environment, stdout=PIPE, stderr=STDOUT, text=True, errors="replace", process_group=0
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                log(_brief(line.rstrip()))
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        raise AlphaError("the run failed, see the log above; stored results are intact, run the command again")


@contextmanager
def _stoppable() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP like Ctrl-C, so that no child process is left running."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)} if is_main else {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(process: "subprocess.Popen[str]") -> None:
    """Cancel the run of a process; end its process group by harder signals, each after `SHUTDOWN_SECONDS`."""
    for number in (signal.SIGUSR1, signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            if number is signal.SIGUSR1:  # the process marks its run as canceled and interrupts its group
                os.kill(process.pid, number)
            else:
                os.killpg(process.pid, number)
        try:
            process.communicate(timeout=SHUTDOWN_SECONDS)
            break
        except subprocess.TimeoutExpired:
            continue


def _brief(line: str) -> str:
    """A line of Dagster's log as `step  message`; other lines unchanged."""
    parts = line.split(" - ", 6)
    if len(parts) == 7 and parts[1] == "dagster" and parts[2] == "INFO":
        return f"     {parts[5].replace('__', '/'):<30} {parts[6]}"
    return line


def _days(first: str, last: str) -> list[str]:
    return [str(day.date()) for day in pd.date_range(first, last, freq="D")]
