"""The pages of the UI, rendered by a real browser on a materialized run date."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.helpers.browser import Tab, needs_browser, tab

from .conftest import RUN_DATE, materialize
from .webserver import Webserver, webserver

pytestmark = [pytest.mark.slow, needs_browser]

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


def page(browser: Tab, address: str, shown: Sequence[str], picture: Path) -> None:
    """A page says all of `shown`; it fits its window, complains of nothing, and a picture of it is kept."""
    browser.open(address, 1600, 1400)
    for words in shown:
        browser.wait(f"document.body.textContent.includes({json.dumps(words)})")
    browser.picture(picture, whole=False)
    assert browser.too_wide() == []
    assert browser.complaints == []


def test_the_pages_tell_the_story(workplace: Path, tmp_path: Path) -> None:
    """Lineage with its groups, an asset with columns, plots and tables, its checks passed and blocking."""
    run_date = materialize(workplace, "not (key:*/ohlcv_history or key:*/sealed_test)", RUN_DATE)
    assert run_date.returncode == 0, run_date.stdout[-4000:]
    with webserver(workplace) as server, tab(tmp_path) as browser:
        groups = ("crypto", "equities", "joined")  # closed at first; the layers are below them
        page(browser, f"{server.address}/asset-groups", groups, tmp_path / "lineage.png")
        listed = browser.text()
        assert [listed.index(group) for group in groups] == sorted(listed.index(group) for group in groups)
        fused = (
            "One decision per symbol",
            "quant-research",
            "expected hit rate",
            "decisions",
            RUN_DATE,
        )
        page(browser, f"{server.address}/assets/fused_signal?view=overview", fused, tmp_path / "asset.png")
        checks = ("no_lookahead", "variation")
        page(browser, f"{server.address}/assets/crypto/factor_values?view=checks", checks, tmp_path / "checks.png")
        node = server.ask(NODE, key={"path": ["crypto", "factor_values"]})["assetNodeOrError"]
        assert node["groupName"] == "crypto/4_factors"
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
