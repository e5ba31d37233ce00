"""`operators`, `check`, `explain` and `evaluate`: the factor language and its values."""

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from alpha_pipeline.cli.arguments import Commands, complete, names
from alpha_pipeline.cli.data import Bars, embedded, market_name, market_names, market_of, parse_factor
from alpha_pipeline.cli.terminal import echo, print_json, print_pairs
from alpha_pipeline.cli.user_files import add_file_options, check_file_options, file_bars
from alpha_pipeline.errors import SettingError

if TYPE_CHECKING:  # imports delay every command
    from alpha_pipeline.expressions import Node
    from alpha_pipeline.market.durations import Clock

DIALECTS = ("dsl", "math", "pandas")
EMBEDDED_FIELDS = "open,high,low,close,volume"
CHECK_FIELDS = "canonical, unit, fields, lookback_bars, complexity, identity"


def add_commands(commands: Commands) -> None:
    """`operators`, `check`, `explain`, `evaluate`."""
    listing = commands.add(
        "operators", _operators, "list the operators of the factor language", ("", "stochastic", "ts_zscore --json"),
        "[name, signature, symbol, group, doc, example, aliases, returns, recursive, formula, parameters]",
    )  # fmt: skip
    match = listing.add_argument("match", nargs="?", default="", help="filter by name, alias or description")
    complete(match, "operators")

    check = commands.add(
        "check", _check, "parse an expression: canonical form and requirements, or the error",
        ("'rsi(14)'", "--dialect math '(close - SMA(close, 20)) / STD(close, 20)'", "'-zscore(close, 5d)' --json"),
        CHECK_FIELDS,
    )  # fmt: skip
    add_expression(check)
    _add_fields(check)

    explanation = commands.add(
        "explain", _explain, "explain an expression step by step, in words and in three dialects",
        ("'-zscore(close, 5d) * rank(volume)'", "alpha158.CORD20 --bar 1D", "'rsi(14)' --json"),
        f"{CHECK_FIELDS}, text",
    )  # fmt: skip
    add_expression(explanation)
    _add_fields(explanation)

    values = commands.add(
        "evaluate", _evaluate, "compute an expression on embedded prices or on a file",
        ("'rank(volume)' --symbols BTCUSDT,ETHUSDT --last 3", "'rsi(14)' --market equities --symbols AAPL --json"),
        "canonical, data, set_aside {reason: rows}, remarks [...], bar, bars, symbols,\n"
        "  last [timestamp, symbol, value], summary {symbol: {coverage, mean, std, min, max}}",
    )  # fmt: skip
    add_expression(values)
    data = values.add_argument_group("data")
    complete(
        data.add_argument("--market", type=market_name, help="embedded prices (default crypto); --data needs one"),
        "markets",
    )
    add_file_options(data)
    data.add_argument("--bar", help="bar size that converts durations to bars (default: that of the data)")
    output = values.add_argument_group("output")
    symbols = output.add_argument(
        "--symbols", default="", help="print only these, such as A,B; ranks still use the full market"
    )
    complete(symbols, "symbols")
    output.add_argument("--last", type=int, default=5, help="number of bars to print (default %(default)s)")
    output.add_argument("--out", type=Path, help="write all values to this .parquet or .csv file")


def add_expression(command: argparse.ArgumentParser) -> None:
    """Add the expression and its dialect."""
    complete(
        command.add_argument(
            "expression",
            help="the expression, or the name of a reference, published or library factor; - reads standard input",
        ),
        "operators",
    )
    add_dialect(command)


def add_dialect(command: argparse.ArgumentParser) -> None:
    """Add `--dialect`."""
    command.add_argument(
        "--dialect", choices=DIALECTS, default="dsl", help="dialect of the expression (default %(default)s)"
    )


def _add_fields(command: argparse.ArgumentParser) -> None:
    command.add_argument("--bar", default="1h", help="bar size that converts durations to bars (default %(default)s)")
    command.add_argument("--fields", default=EMBEDDED_FIELDS, help="available fields (default %(default)s)")
    market = command.add_argument(
        "--market", type=market_name, help="market whose library factor('name') is looked up in (default: the first)"
    )
    complete(market, "markets")


def _operators(options: argparse.Namespace) -> int:
    from alpha_pipeline.factors.description import vocabulary_json, vocabulary_table

    print(vocabulary_json(options.match)) if options.json else echo(vocabulary_table(options.match))
    return 0


def _check(options: argparse.Namespace) -> int:
    node = _node(options, names(options.fields), options.bar)
    properties = _properties(node)
    if options.json:
        print_json(properties)
        return 0
    print_pairs(
        {
            "canonical ": str(properties["canonical"]),
            "unit": str(properties["unit"] or "number"),
            "fields": ", ".join(properties["fields"]) or "none",  # type: ignore[arg-type]  # a list of names
            "look-back": f"{properties['lookback_bars']} bars",
            "complexity": f"{properties['complexity']} nodes",
            "identity": str(properties["identity"])[:16],
        }
    )
    return 0


def _properties(node: "Node") -> dict[str, object]:
    from alpha_pipeline.expressions import complexity, fields_used, identity, lookback

    return {
        "canonical": str(node), "unit": None if node.unit is None else str(node.unit),
        "fields": sorted(fields_used(node)), "lookback_bars": lookback(node), "complexity": complexity(node),
        "identity": identity(node),
    }  # fmt: skip


def _explain(options: argparse.Namespace) -> int:
    from alpha_pipeline.factors.description import explain

    node = _node(options, names(options.fields), options.bar)
    text = explain(node, options.bar)
    print_json({**_properties(node), "text": text}) if options.json else echo(text)
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from alpha_pipeline.cli.preview import compute, show, summaries, write
    from alpha_pipeline.market.gaps import carried_note
    from alpha_pipeline.market.symbols import find_symbols

    if options.last < 0:
        raise SettingError(f"--last is {options.last}; expected at least 0")
    check_file_options(options, {})
    bars = file_bars(options, options.symbols) if options.data else _embedded_bars(options.market or "crypto")
    panel, market = bars.panel, bars.market
    node = _node(options, panel.fields, options.bar or market.clock)
    symbols = list(find_symbols(names(options.symbols), panel.symbols).values())
    values = compute(node, panel).pick(symbols)
    rows = write(values, options.out) if options.out else 0
    shape = {"bars": panel.shape[0], "symbols": list(values.symbols)}
    if options.json:
        source = {"data": bars.source, "set_aside": bars.set_aside, "remarks": bars.remarks, "bar": market.bar}
        last = values.last(options.last).to_dict("records")
        print_json({"canonical": str(node), **source, **shape, "last": last, "summary": summaries(values)})
        return 0
    echo(f"factor  {node}")
    carried = carried_note(panel, market)
    echo(
        f"data    {bars.source}: {panel.shape[0]:,} bars of {market.bar}, {panel.shape[1]} symbols{bars.rows_set_aside}"
        + (f"; {carried}" if carried else "")
    )
    for remark in bars.remarks:
        echo(f"        {remark}")
    echo()
    echo(show(values, options.last))
    if options.out:
        echo(f"\nwrote {rows:,} values to {options.out}")
    return 0


def _embedded_bars(market: str) -> Bars:
    return Bars(market_of(market), embedded(market), f"embedded {market}")


def _node(options: argparse.Namespace, fields: Collection[str], bar: "str | Clock") -> "Node":
    from alpha_pipeline.factors.description import bar_length

    if isinstance(bar, str):
        bar_length(bar)
    return parse_factor(options.expression, options.dialect, fields, bar, options.market or market_names()[0])
