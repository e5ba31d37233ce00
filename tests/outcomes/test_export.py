"""The signal as others read it."""

import csv
import io
import json

import jsonschema
import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.outcomes.export import COLUMNS, signal_as_of, signal_csv, signal_json, signal_parquet, signal_schema
from alpha_pipeline.tables import DECISION_LEDGER

RUN_DATE = pd.Timestamp("2019-07-05", tz="UTC")


def decision(at: str, market: str, symbol: str, signals: str = "LONG", **more: object) -> dict[str, object]:
    row = {"timestamp": pd.Timestamp(at, tz="UTC"), "market": market, "symbol": symbol, "decision": signals}
    numbers = {"value": -0.5, "confidence": 0.6, "coverage": 0.4, "active_sources": 2}
    return {**row, **numbers, "reasons": "momentum -0.50 (…)", "breakdown": "{}", **more}


def ledger(*rows: dict[str, object]) -> pd.DataFrame:
    return DECISION_LEDGER.complete(pd.DataFrame(rows))


LEDGER = ledger(
    decision("2019-07-05 00:00", "crypto", "BTC", "SHORT"),
    decision("2019-07-06 00:00", "crypto", "BTC"),
    decision("2019-07-06 00:00", "crypto", "ADA", "HOLD", value=np.nan),
    decision("2019-07-07 00:00", "crypto", "BTC", "SHORT"),
    decision("2019-07-03 20:00", "equities", "KO"),
    decision("2019-07-02 20:00", "equities", "GE"),
)


def test_of_every_market_the_newest_day_holds() -> None:
    """The bar at midnight ends the run date; a market that rests keeps its last word, but not the names it dropped."""
    signal = signal_as_of(LEDGER, RUN_DATE)
    assert signal[["market", "symbol", "decision"]].to_numpy().tolist() == [
        ["crypto", "ADA", "HOLD"],
        ["crypto", "BTC", "LONG"],
        ["equities", "KO", "LONG"],
    ]
    assert list(signal.columns) == list(COLUMNS)


def test_a_market_silent_for_a_week_has_no_signal() -> None:
    """Seven days after its last word it is gone; so is everything that was decided later."""
    assert set(signal_as_of(LEDGER, pd.Timestamp("2019-07-09", tz="UTC"))["market"]) == {"crypto", "equities"}
    assert set(signal_as_of(LEDGER, pd.Timestamp("2019-07-10", tz="UTC"))["market"]) == {"crypto"}
    assert len(signal_as_of(LEDGER, pd.Timestamp("2019-07-01", tz="UTC"))) == 0
    assert len(signal_as_of(DECISION_LEDGER.empty(), RUN_DATE)) == 0


def test_the_json_keeps_its_schema() -> None:
    """Undefined is null, times are ISO and UTC; a document that breaks the promise is found out."""
    schema = json.loads(signal_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(
        signal_json(signal_as_of(LEDGER, RUN_DATE), RUN_DATE), parse_constant=lambda text: pytest.fail(text)
    )
    check = jsonschema.Draft202012Validator(schema)
    check.validate(document)
    assert document["version"] == 1 and document["run_date"] == "2019-07-05"
    assert document["signals"][0]["value"] is None
    assert document["signals"][2]["decided_at"] == "2019-07-03T20:00:00Z"
    for broken in ({"decision": "BUY"}, {"value": 2.0}, {"confidence": "much"}, {"extra": 1}):
        assert not check.is_valid({**document, "signals": [{**document["signals"][1], **broken}]})


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0", "\uff1d1", "\ufe631"],
)
def test_no_cell_is_a_formula(text: str) -> None:
    """Texts that begin like one get an apostrophe, blanks and controls before it are gone; numbers stay numbers."""
    rows = ledger(decision("2019-07-06", "crypto", text, reasons=text))
    (row,) = csv.DictReader(io.StringIO(signal_csv(signal_as_of(rows, RUN_DATE), RUN_DATE).decode(), newline=""))
    assert row["symbol"] == row["reasons"] == f"'{text.strip()}"
    assert float(row["value"]) == -0.5 and row["decided_at"] == "2019-07-06T00:00:00Z"


def test_the_three_files_say_the_same() -> None:
    """Row by row."""
    signal = signal_as_of(LEDGER, RUN_DATE)
    table = pd.read_parquet(io.BytesIO(signal_parquet(signal, RUN_DATE)))
    shown = pd.read_csv(io.BytesIO(signal_csv(signal, RUN_DATE)))
    document = pd.DataFrame(json.loads(signal_json(signal, RUN_DATE))["signals"])
    pd.testing.assert_frame_equal(table[list(COLUMNS)], signal)
    for name in ("symbol", "decision", "active_sources"):
        assert shown[name].tolist() == document[name].tolist() == table[name].tolist()
    np.testing.assert_array_equal(shown["value"], table["value"])
    np.testing.assert_array_equal(document["value"].astype(float), table["value"])
    assert (shown["version"] == 1).all() and (table["run_date"] == "2019-07-05").all()
