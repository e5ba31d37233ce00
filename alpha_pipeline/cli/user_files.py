"""
Options of commands that read the user's own file, and the bars of it.

Files are read by `resources.files`.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from alpha_pipeline.cli.arguments import names
from alpha_pipeline.cli.data import Bars, market_names, market_of

if TYPE_CHECKING:  # imports delay every command
    from alpha_pipeline.resources.files import FileFormat

PRESETS = (
    "auto", "long", "wide", "yahoo", "yfinance", "binance", "bybit", "cryptodatadownload", "stooq", "qlib", "excel",
    "lake",
)  # fmt: skip
# Options that say how a file is read: of the command line and of the description of the file.
FILE_OPTIONS = ("preset", "column", "time_zone", "date_order", "stamp", "decimal")


def add_file_options(group: Any) -> None:
    """`--data` and how to read it."""
    group.add_argument(
        "--data", metavar="PATH",
        help="your own file, folder, glob or URL of Parquet or CSV, long or wide; needs --market",
    )  # fmt: skip
    add_reading_options(group)


def add_reading_options(group: Any) -> None:
    """How to read a file: `FILE_OPTIONS`."""
    group.add_argument("--preset", choices=PRESETS, help="layout of the file (default: auto, recognized)")
    group.add_argument(
        "--column", action="append", metavar="OURS=THEIRS", help="a column of the file, such as close=Last; repeatable"
    )
    group.add_argument("--time-zone", metavar="ZONE", help="of times without an offset (default: UTC)")
    group.add_argument("--date-order", choices=("day_first", "month_first"), help="of dates such as 01/02/2022")
    group.add_argument("--stamp", choices=("open", "close"), help="whether a time opens or closes its bar")
    group.add_argument("--decimal", choices=(".", ","), help="decimal mark of numbers such as 1,204")


def check_file_options(options: argparse.Namespace, not_with_data: Mapping[str, str]) -> None:
    """
    Wrong usage, exit code 2: options of a file without one, options that do not apply to one, a file without a market.

    Args:
        options: of a command with `add_file_options`.
        not_with_data: option as typed -> why it does not apply to a file; only those that were given.
    """
    if not options.data:
        unused = [name for name in FILE_OPTIONS if getattr(options, name)]
        if unused:
            refuse(options, f"--{unused[0].replace('_', '-')} says how to read --data, which is not given")
        return
    for option, reason in not_with_data.items():
        refuse(options, f"{option} does not apply to --data: {reason}")
    if not options.market:
        vendor = _market_of_vendor(options)
        if not vendor:
            refuse(
                options,
                f"--data needs --market, whose calendar and costs apply to it: one of {', '.join(market_names())}",
            )
        options.market = vendor


def file_format(options: argparse.Namespace, symbols: Sequence[str]) -> "FileFormat":
    """
    The description of the file of a command.

    Args:
        options: of a command with `add_file_options`.
        symbols: as typed; a single one names the rows of a file without symbols.
    """
    from alpha_pipeline.resources.files import FileFormat

    columns = columns_of(options)
    given = {name: getattr(options, name) for name in FILE_OPTIONS if name != "column" and getattr(options, name)}
    return FileFormat(options.data, columns=columns, symbol=symbols[0] if len(symbols) == 1 else "", **given)


def columns_of(options: argparse.Namespace) -> dict[str, str]:
    """Our names of columns to those of the file, by `--column`; a wrong pair ends with exit code 2."""
    columns = {}
    for pair in options.column or []:
        ours, separator, theirs = pair.partition("=")
        if not separator or not ours.strip() or not theirs:
            refuse(options, f"--column {pair!r} is no pair; expected our name, an equals sign and the name in the file")
        columns[ours.strip()] = theirs
    return columns


def file_bars(options: argparse.Namespace, symbols: str) -> Bars:
    """
    Bars of a user's file with the calendar and costs of `--market`, and the bars, sessions and year of the data.

    Args:
        options: checked by `check_file_options`.
        symbols: as typed, separated by commas.

    Raises:
        SettingError: there is no such file or market.
        DataError: the file cannot be read with certainty; see `resources.files.read_bars`.
    """
    import pandas as pd

    from alpha_pipeline.resources.files import market_of_reading, panel_of_reading, read_bars

    template = market_of(options.market)
    reading = read_bars(file_format(options, names(symbols)), template, pd.Timestamp.now(tz="UTC"))
    market = market_of_reading(reading, template)
    panel = panel_of_reading(reading, market)
    return Bars(
        replace(market, source="files"), panel, str(options.data), own=True, remarks=reading.remarks,
        set_aside=reading.counts(),
    )  # fmt: skip


def _market_of_vendor(options: argparse.Namespace) -> str:
    """The only market of what the vendor of the file sells, such as coins; empty where that does not tell."""
    from alpha_pipeline.resources.files import vendor_asset_type

    asset_type = vendor_asset_type(file_format(options, ()))
    fits = [name for name in market_names() if asset_type and market_of(name).asset_type == asset_type]
    return fits[0] if len(fits) == 1 else ""


def refuse(options: argparse.Namespace, message: str) -> NoReturn:
    """Wrong usage: the message, and exit code 2."""
    options.parser.error(message)
    raise AssertionError  # the parser has ended the program
