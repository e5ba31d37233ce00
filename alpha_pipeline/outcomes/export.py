"""
The signal as files other programs read: JSON with its schema, CSV that is safe in a spreadsheet, Parquet.

Where the files lie, and which is the latest, is `assets.export`'s business.
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
STALE_DAYS = 7  # a market that has said nothing for longer has no signal
COLUMNS = (
    "market",
    "symbol",
    "decided_at",
    "decision",
    "value",
    "confidence",
    "method",
    "coverage",
    "sources",
    "reasons",
)
TEXTS = ("market", "symbol", "decision", "method", "reasons")
FORMULA = ("=", "+", "-", "@")
DOCUMENTED = {
    "market": ("string", "crypto or equities"),
    "symbol": ("string", "traded instrument, as its market calls it"),
    "decided_at": ("string", "close of the bar of the decision, ISO 8601, UTC; it may be acted on one bar later"),
    "decision": ("string", "LONG, SHORT or HOLD"),
    "value": ("number", "direction and strength, -1 to 1; null when undefined"),
    "confidence": ("number", "how often such values had the right sign, 0 to 1; null when undefined"),
    "method": ("string", "fusion method that made the value"),
    "coverage": ("number", "share of the weights of all sources that spoke, 0 to 1; null when undefined"),
    "sources": ("integer", "how many sources spoke"),
    "reasons": ("string", "the largest contributions in words; untrusted text, to be escaped before it is shown"),
}


def signal_as_of(ledger: pd.DataFrame, run_date: pd.Timestamp) -> pd.DataFrame:
    """
    What holds at the end of a run date: of every market the decisions of its newest day.

    Args:
        ledger: rows of `tables.DECISION_LEDGER` of the run date and the days before.
        run date: start of its day, UTC; later decisions are left out, and so are those `STALE_DAYS` and more before it.

    Returns:
        `COLUMNS`, sorted by market and symbol; of several decisions of a symbol that day the last.
    """
    day = partition_days(ledger["timestamp"]).dt.tz_localize("UTC")
    known = ledger[(day <= run_date) & (day > run_date - pd.Timedelta(days=STALE_DAYS))]
    newest = day[known.index].groupby(known["market"]).transform("max")
    last = known[day[known.index] == newest].sort_values("timestamp", kind="stable")
    last = last.drop_duplicates(["market", "symbol"], keep="last").rename(columns={"timestamp": "decided_at"})
    return last.sort_values(["market", "symbol"], ignore_index=True)[list(COLUMNS)]


def signal_json(signal: pd.DataFrame, run_date: pd.Timestamp) -> bytes:
    """The document that `signal_schema` describes; the same signal is the same bytes."""
    rows = [{name: _json(value) for name, value in row.items()} for row in signal.to_dict("records")]
    told = {"version": VERSION, "run_date": f"{run_date:%Y-%m-%d}", "schema": "schema.json", "signals": rows}
    return (json.dumps(told, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def signal_schema() -> bytes:
    """JSON Schema (2020-12) of `signal_json`; it also says what the columns of the other two files mean."""
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
    told = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Signal of a run date",
        "type": "object",
        "required": ["version", "run_date", "schema", "signals"],
        "properties": {
            "version": {"const": VERSION, "description": "raised when a reader would have to change"},
            "run_date": {"type": "string", "format": "date", "description": "the day the run date belongs to, UTC"},
            "schema": {"type": "string", "description": "name of this file"},
            "signals": {"type": "array", "items": row},
        },
    }
    return (json.dumps(told, indent=1) + "\n").encode()


def signal_csv(signal: pd.DataFrame, run_date: pd.Timestamp) -> bytes:
    """
    One line per symbol, after one of names; UTF-8, ISO times, empty for undefined.

    Texts are one line of what can be printed; one that a spreadsheet would take for a formula gets an apostrophe in
    front. Numbers stay numbers.
    """
    texts = {name: [_cell(value) for value in signal[name]] for name in TEXTS}
    shown = _versioned(signal.assign(**texts, decided_at=[_iso(moment) for moment in signal["decided_at"]]), run_date)
    return shown.to_csv(index=False, lineterminator="\n").encode("utf-8", "replace")


def signal_parquet(signal: pd.DataFrame, run_date: pd.Timestamp) -> bytes:
    """The same columns with times as timestamps, UTC."""
    sink = io.BytesIO()
    _versioned(signal, run_date).to_parquet(sink, index=False, compression="zstd")
    return sink.getvalue()


def _versioned(signal: pd.DataFrame, run_date: pd.Timestamp) -> pd.DataFrame:
    told = signal.copy()
    told.insert(0, "version", VERSION)
    told.insert(1, "run_date", f"{run_date:%Y-%m-%d}")
    return told


def _cell(value: object) -> str:
    text = clean_line(value)
    # Sheets of some languages take the wide forms of these signs for the signs.
    return f"'{text}" if normalize("NFKC", text[:1]).startswith(FORMULA) else text


def _json(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return _iso(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _iso(moment: pd.Timestamp) -> str:
    return f"{moment.tz_convert('UTC'):%Y-%m-%dT%H:%M:%SZ}"
