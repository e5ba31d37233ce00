"""Survivorship warnings of a universe."""

import pandas as pd

from alpha_pipeline.market.universe import UNDATED, survivorship_warning
from alpha_pipeline.tables import LISTINGS
from tests.helpers.listings import traded_at


def listings(*symbols: tuple[str, str, str | None]) -> pd.DataFrame:
    """Symbol, day of the listing, day of the delisting: one row for each, as sources return them."""
    rows = []
    for symbol, begin, end in symbols:
        rows.append((symbol, begin, begin, None))
        if end:
            rows.append((symbol, end, begin, end))
    table = pd.DataFrame(rows, columns=["symbol", "timestamp", "listed_at", "delisted_at"])
    table = table.assign(available_at=table["timestamp"], status="", base="", quote="", tick_size=0.1)
    table = table.assign(funding_interval_minutes=480.0)
    moments = ["timestamp", "available_at", "listed_at", "delisted_at"]
    table[moments] = table[moments].apply(lambda column: pd.to_datetime(column, utc=True).astype("datetime64[us, UTC]"))
    return LISTINGS.conform(table).to_pandas()


def test_a_universe_is_point_in_time() -> None:
    """A delisted symbol is in it while it traded, a new one only from its listing."""
    listed = listings(("A", "2024-01-01", None), ("B", "2024-01-01", "2024-06-01"), ("C", "2024-05-01", None))
    at = {day: traded_at(listed, pd.Timestamp(day, tz="UTC")) for day in ("2024-02-01", "2024-05-15", "2024-07-01")}
    assert at == {"2024-02-01": ("A", "B"), "2024-05-15": ("A", "B", "C"), "2024-07-01": ("A", "C")}


def test_survivorship_has_a_warning() -> None:
    """One per cause; a universe with its delisted symbols has none."""
    listed = listings(("A", "2024-01-01", None), ("B", "2024-01-01", "2024-06-01"))
    assert survivorship_warning(listed.iloc[:0], ["A"]) == UNDATED
    assert "1 of 2 symbols have no listing date (Z)" in survivorship_warning(listed, ["A", "Z"])
    assert "survivors" in survivorship_warning(listed[listed["symbol"] == "A"], ["A"])
    assert "None of the 1 symbols was delisted, 1 others were" in survivorship_warning(listed, ["A"])
    assert survivorship_warning(listed, ["A", "B"]) == ""
