"""Past days of the whole graph: fifteen from the shell in one run, eight from the machinery of the UI."""

import json
import time
from pathlib import Path

import pandas as pd
import pytest

from .conftest import materialize, prepare
from .webserver import Webserver, webserver

pytestmark = pytest.mark.slow

DAYS = [str(day.date()) for day in pd.date_range("2019-09-16", "2019-09-30")]
EIGHT = DAYS[-8:]
WHOLE = f"{DAYS[0]}...{DAYS[-1]}"
RUN_DATE = "not (key:*/ohlcv_history or key:*/sealed_test)"
TABLES = (
    "crypto/market_panel",
    "equities/factor_definitions",
    "crypto/factor_values",
    "fused_signal",
    "decision_ledger",
    "signal_track_record",
    "paper_ledger",
    "signal_export",
    "nightly_report",
)

FEW = {
    "ops": {
        f"{market}__factor_definitions": {"config": {"rounds": 1, "proposals_per_round": 3}}
        for market in ("crypto", "equities")
    }
}
LAUNCH = """
mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
STATUS = "query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"


def test_fifteen_days_from_the_shell(tmp_path: Path) -> None:
    """One command, one run, every day of every table."""
    folder = prepare(tmp_path)
    history = materialize(folder, "key:*/ohlcv_history", ALPHA_PIPELINE_FIRST_DAY=DAYS[0])
    assert history.returncode == 0, history.stdout[-4000:]
    done = materialize(folder, RUN_DATE, WHOLE, config=json.dumps(FEW), ALPHA_PIPELINE_FIRST_DAY=DAYS[0])
    assert done.returncode == 0, done.stdout[-4000:]
    _assert_every_day(folder, DAYS)


def test_eight_days_from_the_user_interface(tmp_path: Path) -> None:
    """
    The mutation behind the *Materialize* button; the daemon runs it as ranges and reports success.

    Without `sealed_test`: its skipped partitions have no materialization, for which Dagster calls a backfill failed.
    """
    folder = prepare(tmp_path)
    history = materialize(folder, "key:*/ohlcv_history", ALPHA_PIPELINE_FIRST_DAY=EIGHT[0])
    assert history.returncode == 0, history.stdout[-4000:]
    with webserver(folder, ALPHA_PIPELINE_FIRST_DAY=EIGHT[0]) as server:
        nodes = server.ask("{ assetNodes { assetKey { path } isPartitioned } }")["assetNodes"]
        keys = [node["assetKey"] for node in nodes if node["isPartitioned"]]
        keys = [key for key in keys if key["path"][-1] != "sealed_test"]
        params = {"assetSelection": keys, "partitionNames": EIGHT, "fromFailure": False, "runConfigData": FEW}
        launched = server.ask(LAUNCH, params=params)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        assert _finished(server, launched["backfillId"]) == "COMPLETED_SUCCESS"
    _assert_every_day(folder, EIGHT)


def _finished(server: Webserver, backfill: str, seconds: float = 1500) -> str:
    deadline = time.monotonic() + seconds
    status = ""
    while time.monotonic() < deadline:
        status = server.ask(STATUS, id=backfill)["partitionBackfillOrError"]["status"]
        if status.startswith("COMPLETED") or status in {"FAILED", "CANCELED"}:
            return status
        time.sleep(3)
    return f"still {status}"


def _assert_every_day(folder: Path, days: list[str]) -> None:
    for table in TABLES:
        stored = sorted(p.name.removeprefix("day=") for p in (folder / "data" / table).glob("day=*"))
        assert stored == days, f"{table}: {len(stored)} of {len(days)} days"
    fused = pd.read_parquet(folder / "data" / "fused_signal")
    paper = pd.read_parquet(folder / "data" / "paper_ledger")
    books = paper.groupby(["timestamp", "market"]).agg(value=("value", "sum"), equity=("equity", "first"))
    assert len(books) == 2 * len(days) and (books["value"] - books["equity"]).abs().max() < 0.005
    assert (folder / "data" / "signals" / f"{days[0]}.json").is_file()
    assert fused.loc[fused["market"] == "crypto", "day"].nunique() == len(days)
