"""The joining sensor with a running daemon: late and backfilled days, a market without a session."""

import time
from pathlib import Path

import pytest

from .conftest import RUN_DATE, materialize
from .webserver import Webserver, webserver

pytestmark = pytest.mark.slow

SATURDAY = "2019-09-28"
JOINED = ("fused_signal", "decision_ledger", "signal_track_record", "paper_ledger", "signal_export", "nightly_report")
START = """
mutation($sensor: SensorSelector!) {
  startSensor(sensorSelector: $sensor) { ... on Sensor { name } ... on PythonError { message } }
}"""
RUNS = """
{ runsOrError(filter: {pipelineName: "nightly_joined"}) { ... on Runs { results {
  status tags { key value } } } } }"""


def stored_days(folder: Path) -> dict[str, list[str]]:
    """Days of each joined table in the lake."""
    return {
        name: sorted(path.name.removeprefix("day=") for path in (folder / "data" / name).glob("day=*"))
        for name in JOINED
    }


def joined_runs(server: Webserver) -> list[tuple[str, str, str]]:
    """Status, first and last day of the runs of the joined job."""
    tags = [
        (run["status"], {tag["key"]: tag["value"] for tag in run["tags"]})
        for run in server.ask(RUNS)["runsOrError"]["results"]
    ]
    return [
        (status, t["dagster/asset_partition_range_start"], t["dagster/asset_partition_range_end"]) for status, t in tags
    ]


def wait(server: Webserver, runs: set[tuple[str, str, str]], seconds: float = 420) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if set(current := joined_runs(server)) == runs:
            return
        assert not [run for run in current if run[0] == "FAILURE"], current
        time.sleep(2)
    raise AssertionError(f"expected {runs}, found {joined_runs(server)}")


def test_each_complete_day_is_joined_once(workplace: Path) -> None:
    """A day of both markets, then an older Saturday of coins alone while the daemon runs; no other day is touched."""
    inputs = "not (key:*/ohlcv_history or key:*/raw_ohlcv or key:*/market_panel)"
    both = materialize(workplace, f"+key:*/source_signals and {inputs}", RUN_DATE)
    assert both.returncode == 0, both.stdout[-4000:]
    with webserver(workplace) as server:
        selector = {
            "repositoryLocationName": "alpha_pipeline",
            "repositoryName": "__repository__",
            "sensorName": "nightly_joined_sensor",
        }
        assert server.ask(START, sensor=selector)["startSensor"] == {"name": "nightly_joined_sensor"}
        first = ("SUCCESS", RUN_DATE, RUN_DATE)
        wait(server, {first})
        assert stored_days(workplace) == {name: [RUN_DATE] for name in JOINED}
        coins = materialize(workplace, f"+key:crypto/source_signals and {inputs}", SATURDAY)
        assert coins.returncode == 0, coins.stdout[-4000:]
        wait(server, {first, ("SUCCESS", SATURDAY, SATURDAY)})
        assert stored_days(workplace) == {name: [SATURDAY, RUN_DATE] for name in JOINED}
        time.sleep(70)  # a tick later nothing more is due
        assert len(joined_runs(server)) == 2
