"""
`alpha-pipeline`: what a person asks from a shell.

Arguments in, one library call, text or JSON out. The graph itself is driven with `dagster`. One file per subject.
"""

import sys
from collections.abc import Sequence

from alpha_pipeline.cli import backtesting, completion, fusing, language, mining
from alpha_pipeline.cli import running as run_date
from alpha_pipeline.cli.arguments import EXIT_CODES, Commands, Parser, Version, parse
from alpha_pipeline.cli.terminal import silence
from alpha_pipeline.errors import AlphaError
from alpha_pipeline.text.untrusted import printable

INTERRUPTED = 130
ABOUT = "Mine trading factors with language models, and believe only what survives."
FIRST_STEPS = """\
first steps:
  alpha-pipeline run                                    one run date of everything on embedded data
  alpha-pipeline backtest --symbol BTCUSDT --days 30    the known factors on one symbol
  alpha-pipeline fuse --symbol BTCUSDT                  the latest decision and its reasons

ALPHA_PIPELINE_LAKE says where results are stored (default data)"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code: 0 done, 1 refused with a reason, 2 wrong usage, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a poor encoding ends no command
    try:
        options = parse(parser(), sys.argv[1:] if arguments is None else arguments)
        return int(options.command(options))
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        silence(sys.stdout)
        return 0
    except KeyboardInterrupt:
        print(
            "\ninterrupted; what was stored before is whole, and the same command goes on from there", file=sys.stderr
        )
        return INTERRUPTED
    except (AlphaError, OSError) as error:
        print(printable(f"{type(error).__name__}: {error}"), file=sys.stderr)
        return 1


def parser() -> Parser:
    """The program with all its commands."""
    import argparse

    found = Parser(
        prog="alpha-pipeline",
        description=ABOUT,
        epilog=f"{FIRST_STEPS}\n\nexit codes: {EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("--version", action=Version, help="show the version and exit")
    found.set_defaults(parser=found)
    commands = Commands(found)
    for subject in (run_date, fusing, backtesting, mining, language, completion):
        subject.add_commands(commands)
    return found
