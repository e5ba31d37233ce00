"""Commands of a whole night: run it, read what it said."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from alpha_pipeline.cli.arguments import Commands, complete
from alpha_pipeline.cli.data import MARKET_NAMES, lake_root, priced_days, require_writable, stored
from alpha_pipeline.cli.terminal import Step, document, harmless, hush, say, working
from alpha_pipeline.errors import AlphaError

REPORT_FIELDS = "night, signal [rows of fused_signal], funnel {market: {stage: count}}, library {market: [rows]}, page"


def add_commands(commands: Commands) -> None:
    """`run` and `report`."""
    run = commands.add(
        "run", _run, "one night of the whole graph, then its signal, funnel and report",
        ("", "--night 2019-09-30 --fresh", "--json"), f"seconds, {REPORT_FIELDS}",
    )  # fmt: skip
    add_night(run)
    run.add_argument("--fresh", action="store_true", help="load the prices again even where they are stored")
    report = commands.add(
        "report", _report, "the stored summary of a night", ("", "--night 2019-09-30", "--json"), REPORT_FIELDS
    )
    add_night(report, "the latest with a report")


def add_night(command: argparse.ArgumentParser, default: str = "the last one of the graph that is over") -> None:
    """`--night`, completed from the nights that are stored."""
    complete(command.add_argument("--night", metavar="YYYY-MM-DD", help=f"the night (default {default})"), "nights")


def _run(options: argparse.Namespace) -> int:
    from alpha_pipeline.cli.materialize import NightRun, run_night
    from alpha_pipeline.market.run_dates import first_day, last_night, require_night

    night = require_night(options.night or last_night())
    require_writable()
    with heard(f"the night of {night}", options.json) as tell:
        seconds = run_night(NightRun(night, first_day(), priced_days(), options.fresh), tell)
    if options.json:
        document({"seconds": seconds, **_stored_night(night)})
        return 0
    say(_summary(night))
    lake = lake_root()
    say(f"Parquet {lake}/<market>/<asset>/day={night}/part-0.parquet, {lake}/fused_signal/...")
    say(f"\nDone in {seconds:.0f} s. Try next:")
    say("  make ui                                             the graph, its checks and plots")
    say("  .venv/bin/alpha-pipeline fuse --symbol BTCUSD       one decision and its reasons")
    say("  .venv/bin/alpha-pipeline operators                  the factor language")
    say("  .venv/bin/dagster asset materialize -m alpha_pipeline.definitions \\")
    say(f"      --select fused_signal --partition {night}   one asset again")
    return 0


@contextmanager
def heard(what: str, aside: bool) -> Iterator[Step]:
    """
    The lines of a long process: printed as they come, and shown as progress.

    Args:
        what: is going on.
        aside: whether the lines go to standard error, because standard output belongs to JSON.

    Yields:
        A function that takes a line; AlphaError when nobody reads them any more, for a night cut short is not done.
    """
    stream = sys.stderr if aside else sys.stdout
    with working(what) as step:

        def tell(line: str) -> None:
            try:
                print(harmless(line), file=stream, flush=True)
            except BrokenPipeError:
                hush(stream)
                raise AlphaError(
                    f"{what} was ended, for nobody reads its lines; what was stored before is whole"
                ) from None
            if line.startswith("     "):
                step(line.split()[0])

        yield tell


def _report(options: argparse.Namespace) -> int:
    night = options.night or _latest()
    if options.json:
        _summary(night)
        document(_stored_night(night))
    else:
        say(_summary(night))
    return 0


def _latest() -> str:
    nights = stored().days("nightly_report")
    if not nights:
        raise AlphaError(f"no report under {lake_root()}; run `alpha-pipeline run`")
    return nights[-1]


def _summary(night: str) -> str:
    lake = stored()
    if night not in lake.days("nightly_report"):
        raise AlphaError(f"no report of {night} under {lake_root()}; run `alpha-pipeline run --night {night}`")
    return lake.read_bytes(f"reports/{night}.txt").decode().rstrip("\n")


def _stored_night(night: str) -> dict[str, object]:
    from alpha_pipeline.reporting.funnel import funnel

    lake = stored()
    tables = {
        name: {m: lake.read(f"{m}/{name}", night, night, allow_missing=True) for m in MARKET_NAMES}
        for name in ("factor_definitions", "factor_library")
    }
    fused = lake.read("fused_signal", night, night, allow_missing=True)
    return {
        "night": night,
        "signal": fused.to_dict("records"),
        "funnel": {m: funnel(rows).to_dict("index") for m, rows in tables["factor_definitions"].items()},
        "library": {m: rows.to_dict("records") for m, rows in tables["factor_library"].items()},
        "page": lake.url(f"reports/{night}.html"),
    }
