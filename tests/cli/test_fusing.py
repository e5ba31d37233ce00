"""`fuse`: a decision and its reasons, from prices alone where no run date is stored."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alpha_pipeline.cli import main
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.tables import FUSED_SIGNAL, SOURCE_SIGNALS

Captured = pytest.CaptureFixture[str]


def _json(capsys: Captured, *arguments: str) -> dict[str, Any]:
    assert main(["fuse", *arguments, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    found: dict[str, Any] = json.loads(captured.out, parse_constant=lambda name: 1 / 0)
    return found


def test_one_symbol_from_embedded_prices(capsys: Captured) -> None:
    """Decision, value, confidence, what is missing, and every source with its weight and its reason."""
    assert main(["fuse", "--symbol", "btc-usdt"]) == 0
    told = capsys.readouterr().out
    for line in (
        "data  embedded prices: fused now, without library factors (no stored run date)",
        "btc-usdt resolved to BTCUSD",
        "|value| above 0.30, confidence above 50%", "decided at the close of 2019-10-01 00:00 UTC",
        "method weighted",
        "lower bound of the hit rate of such values (", "% before calibration)",
        "past decision bars", "1 active source, 1", "margin",
        "HOLD without it: the only active source",
        "source          value  confidence  weight  contribution  reason", "5- and 20-day move in sigmas",
    ):  # fmt: skip
        assert line in told, line


def test_contributions_make_the_value(capsys: Captured) -> None:
    """They add up, whatever the symbol."""
    found = _json(capsys, "--market", "crypto")
    assert len(found["decisions"]) == 5 and found["rule"] == {"threshold": 0.3, "confidence": 0.5}
    for one in found["decisions"]:
        assert sum(part["contribution"] for part in one["sources"]) == pytest.approx(one["value"], abs=1e-5)
        assert one["decision"] in {"LONG", "SHORT", "HOLD"} and one["margin"] and one["calibration_bars"] > 100


def test_an_earlier_night(capsys: Captured) -> None:
    """Nothing after it is read: the decision is made at its last bar."""
    found = _json(capsys, "--symbol", "AAPL", "--run-date", "2019-08-01")["decisions"]
    assert [(one["market"], one["timestamp"]) for one in found] == [("equities", "2019-08-01T20:00:00+00:00")]


def test_a_stored_night_goes_first(capsys: Captured, lake: Path) -> None:
    """As it was stored, until another method is asked for."""
    when = pd.Timestamp("2019-10-01", tz="UTC")
    said = {"timestamp": when, "symbol": "BTCUSD", "source": "price_momentum", "value": 0.9, "confidence": 1.0}
    row = {
        "timestamp": when, "market": "crypto", "symbol": "BTCUSD", "value": 0.9, "confidence": 0.6, "decision": "LONG",
        "raw_confidence": 0.9, "method": "weighted", "calibration_bars": 300, "active_sources": 1, "coverage": 0.17,
        "reasons": "told", "breakdown": '{"price_momentum": 0.9}',
    }  # fmt: skip
    for key, table, rows in (
        ("crypto/source_signals", SOURCE_SIGNALS, {**said, "reason": "\x1b[31mtold"}),
        ("fused_signal", FUSED_SIGNAL, row),
    ):
        frame = pd.DataFrame([rows])[[column.name for column in table.columns]]
        Lake(str(lake)).write_range(key, frame, "2019-09-30", "2019-09-30")
    assert main(["fuse", "--symbol", "BTC"]) == 0
    told = capsys.readouterr().out
    assert f"data  lake {lake}, run date of 2019-09-30" in told and "\x1b" not in told
    assert "LONG by 0.60 of value and 10.0 points of confidence" in told and "HOLD without price_mom" in told
    again = _json(capsys, "--symbol", "BTC", "--method", "weighted")["decisions"][0]
    assert again["value"] == 0.9 and again["confidence"] != 0.6 and "fused now" in again["data"]


def test_the_settings_of_the_graph_hold(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Method and thresholds of the environment, as in `fused_signal`; a method asked for goes first."""
    monkeypatch.setenv("ALPHA_PIPELINE_FUSION__METHOD", "ic_weighted")
    monkeypatch.setenv("ALPHA_PIPELINE_FUSION__THRESHOLD", "0.05")
    found = _json(capsys, "--symbol", "BTC")
    assert found["rule"] == {"threshold": 0.05, "confidence": 0.5}
    assert found["decisions"][0]["method"] == "ic_weighted"
    assert _json(capsys, "--symbol", "BTC", "--method", "weighted")["decisions"][0]["method"] == "weighted"
    monkeypatch.setenv("ALPHA_PIPELINE_FUSION__METHOD", "luck")
    assert main(["fuse", "--symbol", "BTC"]) == 1
    assert "by ALPHA_PIPELINE_FUSION__METHOD" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--symbol", "DOGEUSDT"), "SettingError: unknown symbol 'DOGEUSDT'"),
        (("--symbol", "BTC,DOGEUSDT"), "SettingError: unknown symbol 'DOGEUSDT'"),
        (("--symbol", "AAPL", "--market", "crypto"), "SettingError: unknown symbol 'AAPL'"),
        (("--method", "luck"), "SettingError: fusion method is 'luck'; expected one of"),
        (("--run-date", "soon"), "SettingError: run date 'soon' is not a day"),
    ],
)
def test_refusals(capsys: Captured, arguments: tuple[str, ...], said: str) -> None:
    """Typed, on standard error, exit code 1."""
    assert main(["fuse", *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(said) and captured.out == ""
