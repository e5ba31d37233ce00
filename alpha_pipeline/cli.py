"""
`alpha-pipeline`: what a person asks from a shell.

Arguments in, one library call, text out. The graph itself is driven with `dagster`.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from alpha_pipeline.errors import AlphaError

EMBEDDED_NIGHT = "2019-09-30"
EMBEDDED_FIRST_DAY = "2019-07-01"


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code: 0 done, 1 refused with a reason, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except AlphaError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="alpha-pipeline", description=__doc__.strip().splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="one night of the whole graph, then its signal, funnel and report")
    run.add_argument("--night", default=EMBEDDED_NIGHT, help="ISO day to decide for (default %(default)s)")
    run.add_argument("--fresh", action="store_true", help="load the prices again even where they are stored")
    run.set_defaults(command=_run)

    show = commands.add_parser("report", help="print the stored summary of a night")
    show.add_argument("--night", default=EMBEDDED_NIGHT)
    show.set_defaults(command=_report)

    operators = commands.add_parser("operators", help="the vocabulary of the factor language")
    operators.set_defaults(command=_operators)

    check = commands.add_parser("check", help="parse an expression: canonical form, fields, look-back, or the error")
    check.add_argument("expression")
    check.add_argument("--dialect", choices=["dsl", "math", "pandas"], default="dsl")
    check.add_argument("--bar", default="1h", help="bar size that durations such as 5d are resolved by")
    check.add_argument("--fields", default="open,high,low,close,volume", help="names it may use (default %(default)s)")
    check.set_defaults(command=_check)
    return parser


def _run(options: argparse.Namespace) -> int:
    from alpha_pipeline.run import NightRun, run_night

    first_day = os.environ.get("ALPHA_PIPELINE_FIRST_DAY", EMBEDDED_FIRST_DAY)
    seconds = run_night(NightRun(options.night, first_day, _lake(), options.fresh))
    _report(options)
    print(f"Parquet {_lake()}/<market>/<asset>/day={options.night}/part-0.parquet, {_lake()}/fused_signal/...")
    print(f"\nDone in {seconds:.0f} s. Try next:")
    print("  make ui                                             the graph, its checks and plots")
    print("  .venv/bin/alpha-pipeline operators                  the factor language")
    print("  .venv/bin/dagster asset materialize -m alpha_pipeline.definitions \\")
    print(f"      --select fused_signal --partition {options.night}   one asset again")
    return 0


def _report(options: argparse.Namespace) -> int:
    summary = _lake() / "reports" / f"{options.night}.txt"
    if not summary.is_file():
        raise AlphaError(
            f"no report of {options.night} under {_lake()}; run `alpha-pipeline run --night {options.night}`"
        )
    print(summary.read_text(encoding="utf-8").rstrip("\n"))
    return 0


def _operators(options: argparse.Namespace) -> int:
    from alpha_pipeline.operators import operators

    for operator in operators().values():
        print(f"{operator.example:<34} {operator.doc}")
    return 0


def _check(options: argparse.Namespace) -> int:
    from alpha_pipeline.expressions import complexity, fields_used, identity, lookback, parse

    fields = [name.strip() for name in options.fields.split(",")]
    node = parse(options.expression, dialect=options.dialect, fields=fields, bar=options.bar)
    print(f"canonical   {node}")
    print(f"unit        {node.unit}")
    print(f"fields      {', '.join(sorted(fields_used(node))) or 'none'}")
    print(f"look-back   {lookback(node)} bars")
    print(f"complexity  {complexity(node)} nodes")
    print(f"identity    {identity(node)[:16]}")
    return 0


def _lake() -> Path:
    return Path(os.environ.get("ALPHA_PIPELINE_LAKE", "data"))
