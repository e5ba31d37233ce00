"""Who traded when, and what is said of a universe chosen with hindsight."""

import pandas as pd

from alpha_pipeline.market.universe import UNDATED, hindsight, traded_at
from alpha_pipeline.tables import LISTINGS


def listings(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    """Symbol, day of the listing, day of the delisting: one row for each, as doors give them."""
    found = []
    for symbol, begin, end in rows:
        found.append((symbol, begin, begin, None))
        if end:
            found.append((symbol, end, begin, end))
    table = pd.DataFrame(found, columns=["symbol", "timestamp", "listed_at", "delisted_at"])
    table = table.assign(available_at=table["timestamp"], status="", base="", quote="", tick_size=0.1)
    table = table.assign(funding_interval_minutes=480.0)
    moments = ["timestamp", "available_at", "listed_at", "delisted_at"]
    table[moments] = table[moments].apply(lambda column: pd.to_datetime(column, utc=True).astype("datetime64[us, UTC]"))
    return LISTINGS.conform(table).to_pandas()


def test_a_universe_is_of_its_day() -> None:
    """What is gone was there while it traded, what is new was not there before."""
    known = listings(("A", "2024-01-01", None), ("B", "2024-01-01", "2024-06-01"), ("C", "2024-05-01", None))
    at = {day: traded_at(known, pd.Timestamp(day, tz="UTC")) for day in ("2024-02-01", "2024-05-15", "2024-07-01")}
    assert at == {"2024-02-01": ("A", "B"), "2024-05-15": ("A", "B", "C"), "2024-07-01": ("A", "C")}


def test_hindsight_is_told() -> None:
    """Each way of not knowing who is gone has its sentence; a universe that holds the dead has none."""
    known = listings(("A", "2024-01-01", None), ("B", "2024-01-01", "2024-06-01"))
    assert hindsight(known.iloc[:0], ["A"]) == UNDATED
    assert "1 of 2 symbols have no listing date (Z)" in hindsight(known, ["A", "Z"])
    assert "survivors" in hindsight(known[known["symbol"] == "A"], ["A"])
    assert "None of the 1 symbols was ever delisted, 1 others were" in hindsight(known, ["A"])
    assert hindsight(known, ["A", "B"]) == ""
