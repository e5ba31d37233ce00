"""
Export formats of the signal: JSON with a schema, CSV that is safe in a spreadsheet, Parquet.

`alpha_pipeline.assets.export` writes the files.
"""

import io
import json
import math
from typing import Any
from unicodedata import normalize

import pandas as pd

from alpha_pipeline.market.markets import partition_days
from alpha_pipeline.text.untrusted import clean_line

VERSION = 1
STALE_DAYS = 7  # a market without a decision for this long has no signal
COLUMNS = (
    "market",
    "symbol",
    "decided_at",
    "decision",
    "value",
    "confidence",
    "method",
    "coverage",
    "active_sources",
    "reasons",
)
TEXTS = ("market", "symbol", "decision", "method", "reasons")
FORMULA = ("=", "+", "-", "@")
DOCUMENTED = {
    "market": ("string", "crypto or equities"),
    "symbol": ("string", "traded instrument, as its market calls it"),
    "decided_at": ("string", "close of the bar of the decision, ISO 8601, UTC; tradable one bar later"),
    "decision": ("string", "LONG, SHORT or HOLD"),
    "value": ("number", "direction and strength, -1 to 1; null when undefined"),
    "confidence": ("number", "expected hit rate, 0 to 1; null when undefined"),
    "method": ("string", "fusion method that made the value"),
    "coverage": ("number", "active share of the weight table, 0 to 1; null when undefined"),
    "active_sources": ("integer", "number of active sources"),
    "reasons": ("string", "the largest contributions; untrusted text, escape it before display"),
}


def signal_as_of(ledger: pd.DataFrame, run_date: pd.Timestamp) -> pd.DataFrame:
    """
    The signal at the end of a run date: the decisions of the newest day of each market.

    Args:
        ledger: rows of `tables.DECISION_LEDGER` of the run date and the days before.
        run_date: start of its day, UTC; later decisions are left out, as are those `STALE_DAYS` and more before it.

    Returns:
        `COLUMNS`, sorted by market and symbol; the last decision of a symbol on that day.
    """
    day = partition_days(ledger["timestamp"]).dt.tz_localize("UTC")
    current = ledger[(day <= run_date) & (day > run_date - pd.Timedelta(days=STALE_DAYS))]
    newest = day[current.index].groupby(current["market"]).transform("max")
    last = current[day[current.index] == newest].sort_values("timestamp", kind="stable")
    last = last.drop_duplicates(["market", "symbol"], keep="last").rename(columns={"timestamp": "decided_at"})
    last = last.sort_values(["market", "symbol"], ignore_index=True)
    signal: pd.DataFrame = last[list(COLUMNS)]
    return signal


def signal_json(signal: pd.DataFrame, run_date: pd.Timestamp) -> bytes:
    """The document described by `signal_schema`; the same signal gives the same bytes."""
    rows = [{name: _json(value) for name, value in row.items()} for row in signal.to_dict("records")]
    document = {"version": VERSION, "run_date": f"{run_date:%Y-%m-%d}", "schema": "schema.json", "signals": rows}
    return (json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def signal_schema() -> bytes:
    """JSON Schema (2020-12) of `signal_json`; it also documents the columns of the other two files."""
    fields: dict[str, dict[str, Any]] = {
        name: {"type": [kind, "null"] if kind == "number" else kind, "description": meaning}
        for name, (kind, meaning) in DOCUMENTED.items()
    }
    fields["decided_at"]["format"] = "date-time"
    fields["decision"]["enum"] = ["LONG", "SHORT", "HOLD"]
    fields["value"] |= {"minimum": -1, "maximum": 1}
    for name in ("confidence", "coverage"):
        fields[name] |= {"minimum": 0, "maximum": 1}
    row = {"type": "object", "required": list(COLUMNS), "additionalProperties": False, "properties": fields}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Signal of a run date",
        "type": "object",
        "required": ["version", "run_date", "schema", "signals"],
        "properties": {
            "version": {"const": VERSION, "description": "incremented on incompatible changes"},
            "run_date": {"type": "string", "format": "date", "description": "day of the run, UTC"},
            "schema": {"type": "string", "description": "name of this file"},
            "signals": {"type": "array", "items": row},
        },
    }
    return (json.dumps(schema, indent=1) + "\n").encode()


def signal_csv(signal: pd.DataFrame, run_date: pd.Timestamp) -> bytes:
    """
    A header and one line per symbol; UTF-8, ISO times, empty for undefined.

    Texts are printable and single-line; one that a spreadsheet would read as a formula is prefixed with an apostrophe.
    """
    texts = {name: [_cell(value) for value in signal[name]] for name in TEXTS}
    table = _versioned(signal.assign(**texts, decided_at=[_iso(moment) for moment in signal["decided_at"]]), run_date)
    return table.to_csv(index=False, lineterminator="\n").encode("utf-8", "replace")


def signal_parquet(signal: pd.DataFrame, run_date: pd.Timestamp) -> bytes:
    """The same columns with times as timestamps, UTC."""
    sink = io.BytesIO()
    _versioned(signal, run_date).to_parquet(sink, index=False, compression="zstd")
    return sink.getvalue()


def _versioned(signal: pd.DataFrame, run_date: pd.Timestamp) -> pd.DataFrame:
    table = signal.copy()
    table.insert(0, "version", VERSION)
    table.insert(1, "run_date", f"{run_date:%Y-%m-%d}")
    return table


def _cell(value: object) -> str:
    text = clean_line(value)
    # Some spreadsheets also read full-width forms of these characters as formulas.
    return f"'{text}" if normalize("NFKC", text[:1]).startswith(FORMULA) else text


def _json(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return _iso(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _iso(moment: pd.Timestamp) -> str:
    return f"{moment.tz_convert('UTC'):%Y-%m-%dT%H:%M:%SZ}"
