"""The pages of the UI, rendered by a real browser on a materialized night."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from .conftest import NIGHT, materialize
from .webserver import Webserver, webserver

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the browser `chromium`"),
]

QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1600,1400",
    "--virtual-time-budget=60000",
]
NODE = """
query($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      groupName description kinds owners { ... on TeamAssetOwner { team } }
      assetMaterializations(limit: 1) { metadataEntries { label ... on MarkdownMetadataEntry { mdStr } } }
      assetChecksOrError { ... on AssetChecks { checks {
        name blocking executionForLatestMaterialization { status }
      } } }
    }
  }
}"""


DRY_RUN = """
mutation($schedule: ScheduleSelector!, $timestamp: Float) {
  scheduleDryRun(selectorData: $schedule, timestamp: $timestamp) {
    ... on DryRunInstigationTick { evaluationResult { runRequests { tags { key value } } error { message } } }
    ... on PythonError { message }
  }
}"""


def dry_run(server: Webserver, schedule: str) -> list[tuple[str, str]]:
    """The ranges of days a tick of the schedule asks for, evaluated by the real code server."""
    selector = {
        "repositoryLocationName": "alpha_pipeline",
        "repositoryName": "__repository__",
        "scheduleName": schedule,
    }
    tick = datetime(2019, 10, 1, 0, 45, tzinfo=UTC).timestamp()
    answer = server.ask(DRY_RUN, schedule=selector, timestamp=tick)["scheduleDryRun"]["evaluationResult"]
    assert answer["error"] is None, answer
    tags = [{tag["key"]: tag["value"] for tag in request["tags"]} for request in answer["runRequests"]]
    return [(t["dagster/asset_partition_range_start"], t["dagster/asset_partition_range_end"]) for t in tags]


def page(server: Webserver, path: str, folder: Path) -> str:
    """The text of a page after its scripts have run; a picture of it is kept beside."""
    shot = folder / "page.png"
    command = ["chromium", *QUIET, f"--user-data-dir={folder / 'profile'}"]
    address = f"{server.address}{path}"
    subprocess.run([*command, f"--screenshot={shot}", address], check=True, capture_output=True, timeout=180)
    dom = subprocess.run([*command, "--dump-dom", address], check=True, capture_output=True, text=True, timeout=180)
    assert shot.stat().st_size > 30_000, "an empty page"
    return re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", dom.stdout, flags=re.DOTALL)


def test_the_pages_tell_the_story(workplace: Path, tmp_path: Path) -> None:
    """Lineage with its groups, an asset with columns, plots and tables, its checks passed and blocking."""
    night = materialize(workplace, "not (key:*/ohlcv_history or key:*/sealed_test)", NIGHT)
    assert night.returncode == 0, night.stdout[-4000:]
    with webserver(workplace) as server:
        lineage = page(server, "/asset-groups", tmp_path)
        for group in ("raw", "panel", "mining", "factors", "backtest", "signal", "report"):
            assert group in lineage
        fused = page(server, "/assets/fused_signal?view=overview", tmp_path)
        for shown in ("One decision per symbol", "quant-research", "confidence of the fused value", "decisions", NIGHT):
            assert shown in fused
        checks = page(server, "/assets/crypto/factor_values?view=checks", tmp_path)
        assert "no_lookahead" in checks and "variation" in checks
        node = server.ask(NODE, key={"path": ["crypto", "factor_values"]})["assetNodeOrError"]
        found = {c["name"]: c for c in node["assetChecksOrError"]["checks"]}
        blocking = [c for c in found.values() if c["blocking"]]
        assert {"no_lookahead", "variation"} <= {c["name"] for c in blocking}
        assert {c["executionForLatestMaterialization"]["status"] for c in blocking} == {"SUCCEEDED"}
        raw = server.ask(NODE, key={"path": ["crypto", "raw_ohlcv"]})["assetNodeOrError"]
        assert raw["assetChecksOrError"]["checks"][0]["executionForLatestMaterialization"]["status"] == "SUCCEEDED"
        for market in ("crypto", "equities"):
            missed = dry_run(server, f"nightly_{market}_schedule")
            assert missed == [("2019-09-17", "2019-09-29")], "all of the last fourteen days but the one that is done"
        trials = server.ask(NODE, key={"path": ["crypto", "factor_definitions"]})["assetNodeOrError"]
        markdown = json.dumps(trials["assetMaterializations"][0]["metadataEntries"])
        assert "data:image/svg+xml" in markdown
