"""Words of models and news in the metadata of an asset, shown by the real UI in a real browser: inert."""

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.helpers.browser import Tab, needs_browser, tab
from tests.helpers.hostile import hostile_texts

from .conftest import prepare, settings
from .webserver import webserver

pytestmark = [pytest.mark.slow, needs_browser]

# What the assets do with such words, put on record as an event of the asset, without a run date around it.
REPORT = """
import json, sys
import dagster as dg
import pandas as pd
from alpha_pipeline.reporting.charts import bar_chart, markdown_image
from alpha_pipeline.text.untrusted import escape_markdown
from alpha_pipeline.assets.wiring.table_asset import markdown_table

texts = json.loads(sys.argv[1])
frame = pd.DataFrame({text: texts for text in texts})
metadata = {
    "table": markdown_table(frame),
    "chart": dg.MetadataValue.md(markdown_image(bar_chart(texts, [1.0] * len(texts), texts[0]), texts[2])),
    "line": dg.MetadataValue.md(" ".join(map(escape_markdown, texts))),
    "text": " ".join(texts),
}
event = dg.AssetMaterialization("fused_signal", metadata=metadata, partition="2019-09-30", description=" ".join(texts))
with dg.DagsterInstance.from_config(".") as instance:
    instance.report_runless_asset_event(event)
"""


def test_hostile_words_run_and_fetch_nothing(tmp_path: Path) -> None:
    """They stand on the page as words; no script of theirs ran, no link of theirs leads out, nobody was asked."""
    asked: list[str] = []

    class Canary(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Canary)
    Thread(target=server.serve_forever, daemon=True).start()
    canary = f"http://127.0.0.1:{server.server_address[1]}"
    folder = prepare(tmp_path / "folder")
    told = [sys.executable, "-c", REPORT, json.dumps(hostile_texts(canary))]
    done = subprocess.run(told, cwd=folder, env=settings(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with webserver(folder) as ui, tab(tmp_path) as browser:
        browser.open(f"{ui.address}/assets/fused_signal?view=overview", 1600, 1400)
        browser.wait("document.body.textContent.includes('onerror')", 90)
        buttons = (
            "[...document.querySelectorAll('*')].filter(e => e.innerText === '[Show Markdown]' && !e.children.length)"
        )
        assert browser.run(f"{buttons}.length") == 3
        for place in range(3):
            browser.run(f"{buttons}[{place}].click()")
            browser.wait("document.querySelector('[role=dialog], .bp5-dialog, .bp4-dialog, .bp6-dialog') !== null")
            browser.wait("document.body.textContent.includes('javascript:window.owned=3')")
            browser.picture(tmp_path / f"hostile-{place}.png", whole=False)
            _inert(browser, canary)
            browser.send("Input.dispatchKeyEvent", type="keyDown", key="Escape", windowsVirtualKeyCode=27)
            browser.wait("document.querySelector('[role=dialog], .bp5-dialog, .bp4-dialog, .bp6-dialog') === null")
        _inert(browser, canary)
    server.shutdown()
    assert asked == []


def _inert(browser: Tab, canary: str) -> None:
    """No script ran, no link leads out, nothing was asked for."""
    assert browser.run("window.owned === undefined")
    assert browser.run(f"![...document.links].some(a => a.href.startsWith({json.dumps(canary)}))")
    assert browser.run("[...document.links].map(a => a.href).filter(a => /javascript:|mailto:|example/.test(a))") == []
    assert browser.run("document.querySelectorAll('iframe, meta[http-equiv=refresh]').length") == 0
    assert not [address for address in browser.asked if address.startswith(canary)]
