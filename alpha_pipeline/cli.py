"""
`alpha-pipeline`: what a person asks from a shell.

Arguments in, one library call, text out. The graph itself is driven with `dagster`.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alpha_pipeline.cli_mining import EMBEDDED_FIRST_DAY, EMBEDDED_NIGHT, add_mining_commands, embedded, lake_folder
from alpha_pipeline.errors import AlphaError, SettingError

if TYPE_CHECKING:  # commands import what they need themselves: a shell waits for every import
    from alpha_pipeline.expressions import Node

EMBEDDED_FIELDS = "open,high,low,close,volume"


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code: 0 done, 1 refused with a reason, 2 wrong usage."""
    given = sys.argv[1:] if arguments is None else arguments
    # A factor may begin with a minus: "-rank(volume)" is no option.
    options = _parser().parse_args([f" {a}" if re.match(r"-[^-h]|-h.", a) else a for a in given])
    try:
        return int(options.command(options))
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except AlphaError as error:
        told = f"{type(error).__name__}: {error}"
        print("".join(c for c in told if c == "\n" or c.isprintable()), file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="alpha-pipeline", description=__doc__.strip().splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], about: str, example: str
    ) -> argparse.ArgumentParser:
        found = commands.add_parser(
            name,
            help=about,
            description=about,
            epilog=f"example:\n  alpha-pipeline {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        found.set_defaults(command=run)
        return found

    night = command("run", _run, "one night of the whole graph, then its signal, funnel and report", "run --fresh")
    night.add_argument("--night", default=EMBEDDED_NIGHT, help="ISO day to decide for (default %(default)s)")
    night.add_argument("--fresh", action="store_true", help="load the prices again even where they are stored")

    report = command("report", _report, "print the stored summary of a night", "report --night 2019-09-30")
    report.add_argument("--night", default=EMBEDDED_NIGHT, help="ISO day (default %(default)s)")

    words = command("operators", _operators, "the vocabulary of the factor language", "operators rank")
    words.add_argument("match", nargs="?", default="", help="only those with this in name, alias or description")
    words.add_argument("--json", action="store_true", help="everything the registry knows of them, as JSON")

    check = command("check", _check, "parse an expression: canonical form and needs, or the error", "check 'rsi(14)'")
    _add_expression(check)
    _add_fields(check)

    tell = command(
        "explain", _explain, "an expression step by step, in words and in three dialects",
        "explain '-zscore(close, 5d) * rank(volume)'",
    )  # fmt: skip
    _add_expression(tell)
    _add_fields(tell)

    values = command(
        "evaluate", _evaluate, "values of an expression on the embedded prices or on a file",
        "evaluate 'rank(volume)' --market crypto --symbols BTCUSD,ETHUSD --last 3",
    )  # fmt: skip
    _add_expression(values)
    values.add_argument(
        "--market", choices=["crypto", "equities"], default="crypto", help="embedded prices of a market"
    )
    values.add_argument(
        "--data", type=Path, help="a long table instead: .parquet or .csv with timestamp, symbol, fields"
    )
    values.add_argument("--bar", help="bar size that durations are resolved by (default: that of the data)")
    values.add_argument("--symbols", default="", help="show only these, as A,B; ranks still see all of the market")
    values.add_argument("--last", type=int, default=5, help="bars to show (default %(default)s)")
    values.add_argument("--out", type=Path, help="write all values to this .parquet or .csv file")
    add_mining_commands(command)
    return parser


def _add_expression(command: argparse.ArgumentParser) -> None:
    command.add_argument("expression", help="the factor, or - to read it from standard input")
    command.add_argument("--dialect", choices=["dsl", "math", "pandas"], default="dsl", help="default %(default)s")


def _add_fields(command: argparse.ArgumentParser) -> None:
    command.add_argument("--bar", default="1h", help="bar size that durations are resolved by (default %(default)s)")
    command.add_argument("--fields", default=EMBEDDED_FIELDS, help="names it may use (default %(default)s)")


def _run(options: argparse.Namespace) -> int:
    from alpha_pipeline.run import NightRun, run_night

    first_day = os.environ.get("ALPHA_PIPELINE_FIRST_DAY", EMBEDDED_FIRST_DAY)
    seconds = run_night(NightRun(options.night, first_day, lake_folder(), options.fresh))
    _report(options)
    print(
        f"Parquet {lake_folder()}/<market>/<asset>/day={options.night}/part-0.parquet, {lake_folder()}/fused_signal/..."
    )
    print(f"\nDone in {seconds:.0f} s. Try next:")
    print("  make ui                                             the graph, its checks and plots")
    print("  .venv/bin/alpha-pipeline operators                  the factor language")
    print("  .venv/bin/dagster asset materialize -m alpha_pipeline.definitions \\")
    print(f"      --select fused_signal --partition {options.night}   one asset again")
    return 0


def _report(options: argparse.Namespace) -> int:
    summary = lake_folder() / "reports" / f"{options.night}.txt"
    if not summary.is_file():
        raise AlphaError(
            f"no report of {options.night} under {lake_folder()}; run `alpha-pipeline run --night {options.night}`"
        )
    print(summary.read_text(encoding="utf-8").rstrip("\n"))
    return 0


def _operators(options: argparse.Namespace) -> int:
    from alpha_pipeline.explain import vocabulary_json, vocabulary_table

    print(vocabulary_json(options.match) if options.json else vocabulary_table(options.match))
    return 0


def _check(options: argparse.Namespace) -> int:
    from alpha_pipeline.expressions import complexity, fields_used, identity, lookback

    node = _node(options, _names(options.fields), options.bar)
    print(f"canonical   {node}")
    print(f"unit        {node.unit}")
    print(f"fields      {', '.join(sorted(fields_used(node))) or 'none'}")
    print(f"look-back   {lookback(node)} bars")
    print(f"complexity  {complexity(node)} nodes")
    print(f"identity    {identity(node)[:16]}")
    return 0


def _explain(options: argparse.Namespace) -> int:
    from alpha_pipeline.explain import explain

    print(explain(_node(options, _names(options.fields), options.bar), options.bar))
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from alpha_pipeline.preview import bar_of, compute, read_panel, show, write

    if options.last < 0:
        raise SettingError(f"--last is {options.last}; expected 0 or more bars")
    panel = read_panel(options.data) if options.data else embedded(options.market)
    node = _node(options, panel.fields, options.bar or bar_of(panel))
    found = compute(node, panel).pick(_names(options.symbols))
    written = write(found, options.out) if options.out else 0
    bars, symbols = panel.shape
    print(f"factor  {node}")
    print(
        f"data    {options.data or f'embedded {options.market}'}: {bars:,} bars of {bar_of(panel)}, {symbols} symbols\n"
    )
    print(show(found, options.last))
    if options.out:
        print(f"\nwrote {written:,} values to {options.out}")
    return 0


def _node(options: argparse.Namespace, fields: Collection[str], bar: str) -> "Node":
    from alpha_pipeline.explain import bar_length
    from alpha_pipeline.expressions import parse

    bar_length(bar)
    text = sys.stdin.read() if options.expression == "-" else options.expression.strip()
    return parse(text, dialect=options.dialect, fields=fields, bar=bar)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
