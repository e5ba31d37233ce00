"""
Facts of users' files: numbers of events with the time at which they were known.
"""

import numpy as np
import pandas as pd

from alpha_pipeline.errors import DataError, SettingError
from alpha_pipeline.market.calendars import exchange_zone
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.files.file_readings import (
    FileReading,
    file_title,
    index_of,
    micros_of,
    require_few,
    utc_of,
    with_place,
)
from alpha_pipeline.resources.files.file_tables import read_table
from alpha_pipeline.resources.files.formats import FileFormat
from alpha_pipeline.resources.files.layout import recognize
from alpha_pipeline.resources.files.long_form import long_columns
from alpha_pipeline.resources.files.stamps import NAT, Stamps
from alpha_pipeline.typing import Integers

DAY_MICROSECONDS = 86_400_000_000
NO_LAG = pd.Timedelta(0)


def read_facts(file_format: FileFormat, market: Market, lag: pd.Timedelta = NO_LAG) -> FileReading:
    """
    Facts of a file: any numeric columns with the time of the event and `available_at`, when it was known.

    A date without a time is the end of that day at the market's exchange, or the moment of that day at which it was
    known.

    Args:
        file_format: where it is; `units` are of its columns.
        market: its calendar has the time zone of dates.
        lag: how long after its event a fact is known, where no column says it.

    Raises:
        SettingError: there is no such file, or `units` names a column that it does not have.
        DataError: as `read_bars`; or no column has the time at which rows were known.
    """
    raw = read_table(file_format)
    layout = recognize(raw, file_format)
    title = file_title(raw)
    if not layout.available and lag <= NO_LAG:
        raise DataError(
            f"{title} does not say when its {file_format.kind} were known; name the column: --column available_at=NAME "
            '(columns = {available_at = "NAME"} in the project file), or give a lag after the event (lag = "45 days")'
        )
    columns = long_columns(raw, layout, file_format)
    missing = sorted(set(file_format.units) - set(columns.values))
    if missing or not columns.values:
        raise SettingError(f"{title} has no numeric column {', '.join(missing)}; it has {', '.join(columns.values)}")
    moments = _moments(columns.stamps, market)
    known_at = _moments(columns.available, market) if columns.available else moments + lag // pd.Timedelta(1, "us")
    if columns.stamps.are_dates:  # an event of a day that is known before the day ends has happened by then
        on_its_day = (known_at < moments) & (known_at > moments - DAY_MICROSECONDS) & (known_at != NAT)
        moments = np.where(on_its_day, known_at, moments)
    faults = {
        "no symbol": columns.symbols < 0,
        "a time that is missing or cannot be read": (moments == NAT) | (known_at == NAT),
        "available before the event": known_at < moments,
        "not finite": np.any([np.isinf(column) for column in columns.values.values()], axis=0),
        "no value": np.all([np.isnan(column) for column in columns.values.values()], axis=0),
    }
    names = np.array([*columns.names, ""], dtype=object)
    frame = pd.DataFrame(
        {"timestamp": utc_of(moments), "symbol": pd.array(names[columns.symbols], dtype="str"),
         "available_at": utc_of(known_at), **columns.values, "row": columns.rows}
    )  # fmt: skip
    reason = np.full(len(frame), "", dtype=object)
    for text, flags in faults.items():
        reason[flags & (reason == "")] = text
    repeated = frame.drop(columns="row").duplicated().to_numpy() & (reason == "")
    keys = ["available_at", "timestamp", "symbol"]
    conflicts = frame[~repeated].duplicated(keys, keep=False).reindex(frame.index, fill_value=False).to_numpy()
    reason[conflicts & (reason == "")] = "conflicting rows of one event"
    rejected = with_place(frame[reason != ""].assign(reason=reason[reason != ""]), raw)
    require_few(rejected, len(frame), title)
    table = frame[(reason == "") & ~repeated].drop(columns="row").sort_values(keys, kind="stable", ignore_index=True)
    span = f"{table['timestamp'].min():%Y-%m-%d} to {table['timestamp'].max():%Y-%m-%d}" if len(table) else "none"
    remarks = (
        *layout.remarks, f"events: {columns.stamps.remark}, {span}; available_at: {layout.available or lag}",
        *columns.remarks,
        f"{len(table):,} rows of {table['symbol'].nunique():,} symbols",
    )  # fmt: skip
    return FileReading(table, rejected, remarks, None, int(repeated.sum()), title)


def _moments(stamps: Stamps, market: Market) -> Integers:
    """Of each row; NaT as an integer where there is none."""
    return np.where(stamps.codes >= 0, _day_ends(stamps.moments, stamps.are_dates, market)[stamps.codes], NAT)


def _day_ends(moments: Integers, are_dates: bool, market: Market) -> Integers:
    """Moments; of dates the midnight that ends them by the clock of the market's exchange."""
    if not are_dates:
        return moments
    zone = exchange_zone(market.calendar)
    present = moments != NAT
    ends = moments.copy()
    local = (index_of(moments[present]) + pd.Timedelta(days=1)).tz_localize(
        zone, ambiguous=True, nonexistent="shift_forward"
    )
    ends[present] = micros_of(local.tz_convert("UTC").tz_localize(None))
    return ends
