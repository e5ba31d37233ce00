"""
The command line `alpha-pipeline`: one module per subject.

Each command parses arguments, calls the library once and prints text or JSON. Orchestration is left to `dagster`.
"""

import sys
from collections.abc import Sequence

from alpha_pipeline.cli import (
    backtesting,
    completion,
    configuration,
    fusing,
    language,
    mining,
    projects,
    running,
    submitting,
)
from alpha_pipeline.cli.arguments import EXIT_CODES, Commands, Parser, Version, parse
from alpha_pipeline.cli.terminal import silence
from alpha_pipeline.errors import AlphaError
from alpha_pipeline.text.untrusted import printable

INTERRUPTED = 130
ABOUT = "Mine trading factors with language models, validate them out of sample, fuse them into signals."
FIRST_STEPS = """\
first steps:
  alpha-pipeline run                                    the full pipeline for one run date, on embedded data
  alpha-pipeline backtest --symbol BTCUSDT --days 30    the reference factors on one symbol
  alpha-pipeline fuse --symbol BTCUSDT                  the latest decision and its reasons

Results are stored in the folder or URL of ALPHA_PIPELINE_LAKE (default: data)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code: 0 success, 1 error, 2 wrong usage, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a limited encoding is no error
    try:
        options = parse(parser(), sys.argv[1:] if arguments is None else arguments)
        return int(options.command(options))
    except BrokenPipeError:  # the reader, such as `head`, closed the pipe
        silence(sys.stdout)
        return 0
    except KeyboardInterrupt:
        print("\ninterrupted; stored results are intact, and the same command resumes from them", file=sys.stderr)
        return INTERRUPTED
    except (AlphaError, OSError) as error:
        print(printable(f"{type(error).__name__}: {error}"), file=sys.stderr)
        return 1


def parser() -> Parser:
    """The argument parser with all commands."""
    import argparse

    program = Parser(
        prog="alpha-pipeline",
        description=ABOUT,
        epilog=f"{FIRST_STEPS}\n\nexit codes: {EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    program.add_argument("--version", action=Version, help="show the version and exit")
    program.set_defaults(parser=program, program=program)
    commands = Commands(program)
    subjects = (running, projects, fusing, backtesting, mining, submitting, language, configuration, completion)
    for subject in subjects:
        subject.add_commands(commands)
    return program
