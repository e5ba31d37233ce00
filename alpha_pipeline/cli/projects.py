"""`init` and `import`: a project folder with its commented file, and what a data file is understood as."""

import argparse
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from alpha_pipeline.cli.arguments import Commands, names
from alpha_pipeline.cli.file_project import first_run_date
from alpha_pipeline.cli.terminal import echo, print_json
from alpha_pipeline.cli.user_files import FILE_OPTIONS, add_reading_options, columns_of, file_format, refuse
from alpha_pipeline.errors import SettingError

if TYPE_CHECKING:
    import pandas as pd

    from alpha_pipeline.market.markets import Market
    from alpha_pipeline.resources.files import FileReading

INIT_FIELDS = "folder, files [name], understood [line]"
FIELDS = "file, market, understood [line], rejected {reason: rows}, rows, symbols, bar, first_close, last_close, table"
SHOWN_REJECTED = 5


def add_commands(commands: Commands) -> None:
    """`init` and `import`."""
    init = commands.add(
        "init", _init, "write a project folder: alpha_pipeline.toml with every setting, .env.example, dagster.yaml",
        ("desk", "desk --data stocks.csv --market stocks --asset-type stock --json"), INIT_FIELDS,
    )  # fmt: skip
    init.add_argument("folder", type=Path, help="created where it does not exist; no file in it is replaced")
    init.add_argument("--data", help="a file, folder or glob of bars, which becomes a market of the project")
    _add_market(init)
    preview = commands.add(
        "import", _import, "show how a file is understood, before anything is stored; --write adds it to the project",
        ("stocks.csv --market stocks --asset-type stock", "'bars/*.parquet' --market fx --asset-type forex --write"),
        FIELDS,
    )  # fmt: skip
    preview.add_argument("data", metavar="FILE", help="a file, folder, glob or URL of Parquet or CSV")
    _add_market(preview)
    preview.add_argument("--write", action="store_true", help="append the market's table to alpha_pipeline.toml")


def _add_market(command: argparse.ArgumentParser) -> None:
    from alpha_pipeline.settings.market_section import AssetType

    market = command.add_argument_group("market")
    market.add_argument("--market", metavar="NAME", help="name of the market (required with data)")
    market.add_argument("--asset-type", choices=get_args(AssetType), help="what is traded (required with data)")
    market.add_argument("--calendar", default="", help="24/7, 24/5 or a code such as XNYS (default: of the asset type)")
    market.add_argument("--symbol", default="", help="the symbol, where the file names none")
    add_reading_options(market)


def _init(options: argparse.Namespace) -> int:
    from alpha_pipeline.settings import FILE_NAME
    from alpha_pipeline.settings.template import environment_template, project_template

    folder = options.folder
    given: dict[str, object] = {}
    if options.data:
        reading, _ = _understood(options)
        given = {"days": _days(reading), "markets": {options.market: _table(options, reading, folder)}}
    elif options.market or options.asset_type:
        refuse(options, "--market and --asset-type describe the data of --data, which is not given")
    templates = resources.files("alpha_pipeline.cli") / "templates"
    contents = {
        FILE_NAME: project_template(given),
        ".env.example": environment_template(),
        "dagster.yaml": (templates / "dagster.yaml").read_text(encoding="utf-8"),
        "workspace.yaml": (templates / "workspace.yaml").read_text(encoding="utf-8"),
        ".gitignore": "data/\n.dagster/\n.env\n",
    }
    if taken := [name for name in contents if (folder / name).exists()]:
        raise SettingError(f"{folder} has {', '.join(taken)} already; nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_text(text, encoding="utf-8")
    remarks = list(reading.remarks) if options.data else []
    if options.json:
        print_json({"folder": str(folder), "files": list(contents), "understood": remarks})
        return 0
    for remark in remarks:
        echo(remark)
    echo(f"{folder}: {', '.join(contents)}\n\nNext:\n  cd {folder}\n  alpha-pipeline settings\n  alpha-pipeline run")
    return 0


def _import(options: argparse.Namespace) -> int:
    reading, market = _understood(options)
    lines, reasons = list(reading.remarks), _reasons(reading.rejected)
    table = _market_text(options, reading)
    if options.json:
        closes = reading.table["timestamp"]
        print_json(
            {
                "file": options.data, "market": options.market, "understood": lines, "rejected": reasons,
                "rows": len(reading.table), "symbols": int(reading.table["symbol"].nunique()), "bar": market.bar,
                "first_close": closes.min(), "last_close": closes.max(), "table": table,
            }
        )  # fmt: skip
    else:
        echo("\n".join(lines))
        for reason, count in reasons.items():
            echo(f"set aside: {count} x {reason}")
        if len(reading.rejected):
            echo(reading.rejected.head(SHOWN_REJECTED).to_string(index=False))
        echo(f"\nNothing was stored. As a market of the project:\n\n{table}")
    if options.write:
        _append(options.market, table, reading, market)
    return 0


def _understood(options: argparse.Namespace) -> "tuple[FileReading, Market]":
    """The reading of the file, and the market with the bar of the file."""
    from dataclasses import replace

    from alpha_pipeline.market.markets import market_of_settings
    from alpha_pipeline.resources.files import market_of_reading, read_bars
    from alpha_pipeline.resources.vendors.protocols import utc_now
    from alpha_pipeline.settings import MarketSettings, load_settings
    from alpha_pipeline.settings.market_section import complete_market

    if not options.market:
        refuse(options, "--market NAME is not given; expected a name for the market of the file")
    project = load_settings().markets
    if options.market in project and not options.asset_type:
        market = market_of_settings(options.market, project[options.market])
    elif options.asset_type:
        own = {"asset_type": options.asset_type, **({"calendar": options.calendar} if options.calendar else {})}
        values = {"calendar": "24/7", "bar": "1D", **complete_market(options.market, own, {})}
        market = replace(market_of_settings(options.market, MarketSettings(**values)), source="files")
    else:
        refuse(
            options,
            f"--asset-type is not given and the project has no market {options.market!r}; expected stock, crypto, ...",
        )
    options.data = options.data if "://" in options.data else str(Path(options.data).expanduser())
    reading = read_bars(file_format(options, names(options.symbol)), market, utc_now())
    if reading.table.empty:
        raise SettingError(f"{options.data} has no valid bar; set aside: {_reasons(reading.rejected)}")
    return reading, market_of_reading(reading, market)


def _reasons(rejected: "pd.DataFrame") -> dict[str, int]:
    if "reason" not in rejected:
        return {}
    return {str(reason): int(count) for reason, count in rejected["reason"].value_counts().items()}


def _days(reading: "FileReading") -> dict[str, str]:
    """Run dates of the project: the last sessions of the file."""
    return {"first": first_run_date(reading.table)}


def _table(options: argparse.Namespace, reading: "FileReading", folder: Path) -> Mapping[str, object]:
    path = options.data if "://" in options.data else str(Path(options.data).expanduser().absolute())
    read = {name: getattr(options, name) for name in FILE_OPTIONS if name != "column" and getattr(options, name)}
    files = {"path": path, "columns": columns_of(options), "symbol": options.symbol, **read}
    calendar = {"calendar": options.calendar} if options.calendar else {}
    given = {name: value for name, value in files.items() if value}
    return {"asset_type": options.asset_type, **calendar, "bar": reading.bar, "files": given}


def _market_text(options: argparse.Namespace, reading: "FileReading") -> str:
    """The market's table with the values that are given."""
    from alpha_pipeline.settings.template import market_table

    return market_table(options.market, _table(options, reading, Path()))


def _append(name: str, table: str, reading: "FileReading", market: "Market") -> None:
    from alpha_pipeline.settings import FILE_NAME, project_in_force

    file = project_in_force()
    path = file.path or Path(FILE_NAME)
    if file.has(("markets", name)):
        raise SettingError(f"{file.place(('markets', name))} exists already; nothing was written")
    days = "" if file.has(("days", "first")) else f'[days]\nfirst = "{_days(reading)["first"]}"\n\n'
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if days and "[days]" in before:
        raise SettingError(f'{path} has [days] without first; set first = "{_days(reading)["first"]}"')
    path.write_text(f"{before.rstrip()}\n\n{days}{table}".lstrip(), encoding="utf-8")
    echo(f"written to {path}")
