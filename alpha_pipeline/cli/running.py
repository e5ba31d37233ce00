"""`run` and `report`: run the full pipeline for a run date, print its summary."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from alpha_pipeline.cli.arguments import Commands, complete
from alpha_pipeline.cli.data import (
    default_run_date,
    lake_root,
    market_name,
    market_names,
    priced_days,
    require_writable,
    stored,
)
from alpha_pipeline.cli.file_project import enter_file_project
from alpha_pipeline.cli.terminal import Step, echo, print_json, progress, silence
from alpha_pipeline.cli.user_files import add_file_options
from alpha_pipeline.errors import AlphaError, SettingError
from alpha_pipeline.text.untrusted import printable

DEFINITIONS = "factor_definitions"
REPORT_FIELDS = """\
run_date, signal [rows of fused_signal], funnel {market: {proposer: {stage: count}}},
  library {market: [rows]}, page"""


def add_commands(commands: Commands) -> None:
    """`run` and `report`."""
    run = commands.add(
        "run", _run, "run the full pipeline for one run date and print its summary",
        ("", "--run-date 2019-09-30 --fresh", "--json"), f"seconds, {REPORT_FIELDS}",
    )  # fmt: skip
    add_run_date(run)
    _add_data(run)
    run.add_argument("--fresh", action="store_true", help="reload prices that are already stored")
    report = commands.add(
        "report",
        _report,
        "print the stored summary of a run date",
        ("", "--run-date 2019-09-30", "--json"),
        REPORT_FIELDS,
    )
    add_run_date(report, "the latest report")
    _add_data(report)


def _add_data(command: argparse.ArgumentParser) -> None:
    """`--data`: the file as a project of its own, with the calendar and costs of a market."""
    data = command.add_argument_group("data")
    complete(
        data.add_argument("--market", type=market_name, help="whose calendar and costs apply to --data"), "markets"
    )
    add_file_options(data)


def _enter(options: argparse.Namespace) -> None:
    if options.market and not options.data:
        options.parser.error("--market says whose calendar and costs apply to --data, which is not given")
    if options.data:
        enter_file_project(options)


def add_run_date(command: argparse.ArgumentParser, default: str = "the latest completed day") -> None:
    """`--run-date`, completed from the stored run dates."""
    complete(
        command.add_argument("--run-date", metavar="YYYY-MM-DD", help=f"the run date (default {default})"), "run_dates"
    )


def _run(options: argparse.Namespace) -> int:
    from alpha_pipeline.cli.materialize import RunRequest, run_graph
    from alpha_pipeline.market.run_dates import first_day, require_run_date

    _enter(options)
    run_date = require_run_date(options.run_date or default_run_date())
    check_factor_file()
    require_writable()
    with stream_progress(f"run of {run_date}", options.json) as log:
        seconds = run_graph(RunRequest(run_date, first_day(), priced_days(), options.fresh), log)
    if options.json:
        print_json({"seconds": seconds, **_stored_run(run_date)})
        return 0
    echo(_summary(run_date))
    lake = lake_root()
    echo(f"Parquet {lake}/<market>/<asset>/day={run_date}/part-0.parquet, {lake}/fused_signal/...")
    echo(f"\nDone in {seconds:.0f} s. Try next:")
    for command, about in _next_steps(run_date):
        echo(f"  {command:<52}{about}")
    return 0


def _next_steps(run_date: str) -> list[tuple[str, str]]:
    """Commands and what they show, as they can be typed in this folder."""
    program = ".venv/bin/" if Path(".venv/bin/alpha-pipeline").exists() else ""
    symbol = next(iter(stored().read("fused_signal", run_date, run_date, columns=["symbol"])["symbol"]), "BTCUSD")
    return [
        (
            f"{program}dagster dev" if not Path("Makefile").exists() else "make ui",
            "the asset graph with checks and plots",
        ),
        (f"{program}alpha-pipeline fuse --symbol {symbol}", "a decision and its reasons"),
        (f"{program}alpha-pipeline operators", "the factor language"),
        (f"{program}alpha-pipeline submit '<formula>'", "try a factor of your own"),
    ]


def check_factor_file() -> None:
    """SettingError if `factors.toml` is invalid, before any process starts; nothing where there is none."""
    from alpha_pipeline.factors.submitted_factors import factor_file, read_factor_file
    from alpha_pipeline.market.markets import configured_markets
    from alpha_pipeline.settings import load_settings

    if factor_file().is_file():
        read_factor_file(factor_file(), configured_markets(load_settings()))


def require_newest(run_date: str, markets: Sequence[str]) -> None:
    """SettingError if the trial ledger of a market has a later run date: a trial there would not know its own past."""
    for market in markets:
        last = max(stored().days(f"{market}/{DEFINITIONS}"), default="")
        if last > run_date:
            raise SettingError(
                f"run date {run_date} is not the last one of {market}, {last}; a formula is tried on the last one, "
                "since later ones were mined without it"
            )


@contextmanager
def stream_progress(task: str, to_stderr: bool) -> Iterator[Step]:
    """
    Print the log lines of a long process as they come, with a progress bar.

    Args:
        task: description.
        to_stderr: whether lines go to standard error, because standard output is reserved for JSON.

    Yields:
        A function that takes a line; AlphaError when the reader has closed the pipe: the run is then incomplete.
    """
    stream = sys.stderr if to_stderr else sys.stdout
    with progress(task) as step:

        def log(line: str) -> None:
            try:
                print(printable(line), file=stream, flush=True)
            except BrokenPipeError:
                silence(stream)
                raise AlphaError(
                    f"{task} was stopped because its output pipe was closed; stored results are intact"
                ) from None
            if line.startswith("     "):
                step(line.split()[0])

        yield log


def _report(options: argparse.Namespace) -> int:
    _enter(options)
    run_date = options.run_date or _latest()
    if options.json:
        _summary(run_date)
        print_json(_stored_run(run_date))
    else:
        echo(_summary(run_date))
    return 0


def _latest() -> str:
    run_dates = stored().days("nightly_report")
    if not run_dates:
        raise AlphaError(f"no report under {lake_root()}; run `alpha-pipeline run` first")
    return run_dates[-1]


def _summary(run_date: str) -> str:
    lake = stored()
    if run_date not in lake.days("nightly_report"):
        raise AlphaError(f"no report of {run_date} under {lake_root()}; run `alpha-pipeline run --run-date {run_date}`")
    return lake.read_bytes(f"reports/{run_date}.txt").decode().rstrip("\n")


def _stored_run(run_date: str) -> dict[str, object]:
    from alpha_pipeline.reporting.funnel import funnel_table

    lake = stored()
    tables = {
        name: {m: lake.read(f"{m}/{name}", run_date, run_date, allow_missing=True) for m in market_names()}
        for name in ("factor_definitions", "factor_library")
    }
    fused = lake.read("fused_signal", run_date, run_date, allow_missing=True)
    return {
        "run_date": run_date,
        "signal": fused.to_dict("records"),
        "funnel": {m: funnel_table(rows).to_dict("index") for m, rows in tables["factor_definitions"].items()},
        "library": {m: rows.to_dict("records") for m, rows in tables["factor_library"].items()},
        "page": lake.url(f"reports/{run_date}.html"),
    }
