"""
A file as a project of its own, for commands that run the graph on `--data`: one market, a folder of the lake.
"""

import argparse
import atexit
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from alpha_pipeline.cli.arguments import names
from alpha_pipeline.cli.data import lake_root, market_of
from alpha_pipeline.cli.user_files import FILE_OPTIONS, check_file_options, file_format

if TYPE_CHECKING:  # imports delay every command
    import pandas as pd

RUN_DATES = 20  # the last sessions of the file; earlier bars are the history


def enter_file_project(options: argparse.Namespace) -> str:
    """
    Make the file of `--data` the only market of the project, for this process and its children.

    Calendar and costs are those of `--market`; the market is named after the file, and its results are stored in a
    folder of that name in the lake, so that nothing of the project is touched.

    Returns:
        The name of the market.
    """
    import pandas as pd

    from alpha_pipeline.market.markets import absolute_path
    from alpha_pipeline.resources.files import market_of_reading, read_bars
    from alpha_pipeline.settings import CONFIG, FILE_NAME, export_variable, variable_of
    from alpha_pipeline.settings.template import market_table

    check_file_options(options, {})
    template = market_of(options.market)
    description = file_format(options, names(getattr(options, "symbol", "")))
    reading = read_bars(description, template, pd.Timestamp.now(tz="UTC"))
    market = market_of_reading(reading, template)
    own = _slug(options.data)
    given = {
        option: getattr(options, option) for option in FILE_OPTIONS if option != "column" and getattr(options, option)
    }
    path = options.data if "://" in options.data else str(Path(options.data).expanduser().absolute())
    table = market_table(
        own,
        {
            "asset_type": market.asset_type, "calendar": market.calendar, "bar": market.bar,
            "currency": market.currency, "fee_bps": market.fee_bps, "slippage_bps": market.slippage_bps,
            "borrow_bps_per_year": market.borrow_bps_per_year,
            "files": {"path": path, "columns": description.columns, "symbol": description.symbol, **given},
        },
    )  # fmt: skip
    folder = Path(tempfile.mkdtemp(prefix="alpha_pipeline_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / FILE_NAME).write_text(f'[days]\nfirst = "{first_run_date(reading.table)}"\n\n{table}', encoding="utf-8")
    root = lake_root()
    export_variable(variable_of("lake", "root"), f"{root if '://' in root else Path(root).absolute()}/{own}")
    for variable in (variable_of("days", "first"), variable_of("days", "end"), variable_of("data", "source")):
        export_variable(variable, "")
    export_variable(CONFIG, absolute_path(str(folder / FILE_NAME)))
    return own


def first_run_date(bars: "pd.DataFrame") -> str:
    """First run date of a project from files: its last sessions are run dates."""
    from alpha_pipeline.market.calendars import partition_days

    days = partition_days(bars["timestamp"]).drop_duplicates().sort_values()
    return str(days.iloc[-min(RUN_DATES, len(days))].date())


def _slug(path: str) -> str:
    """A market's name from that of a file: small letters, digits and '_'."""
    stem = re.split(r"[.*?]", path.rstrip("/").rpartition("/")[2])[0] or "file"
    text = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "file"
    return text if text[0].isalpha() else f"m_{text}"
