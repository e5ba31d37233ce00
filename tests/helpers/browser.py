"""
A real Chromium on this machine, driven through its DevTools: what a page shows, asks for and complains about.

The pages are the tests' business; here is only the looking.
"""

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from websocket import WebSocket, create_connection

PHONE, DESKTOP = 390, 1280
needs_browser = pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the browser `chromium`")
_QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
          "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
          "--remote-debugging-port=0")  # fmt: skip
# Everything that reaches past the right edge and does not stand in something that scrolls or clips by itself.
_TOO_WIDE = """[...document.body.querySelectorAll('*')].filter(e => {
  const box = e.getBoundingClientRect();
  if (!box.width || box.right <= innerWidth + 1) return false;
  for (let p = e.parentElement; p; p = p.parentElement)
    if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(p).overflowX)) return false;
  return true;
}).map(e => e.tagName + '.' + e.getAttribute('class'))"""
# Contrast of every run of HTML text against the nearest opaque ground behind it (WCAG 2.2).
_CONTRAST = """(() => {
  const rgb = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = c => { const [r, g, b] = rgb(c).map(v => v / 255).map(v => v <= .03928 ? v / 12.92
    : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, style = getComputedStyle(e);
    if (!walk.currentNode.data.trim() || !e.getClientRects().length || e.closest('svg')) continue;
    let p = e, ground = 'rgb(255, 255, 255)';
    for (; p; p = p.parentElement) { const c = getComputedStyle(p).backgroundColor;
      if (rgb(c)[3] !== 0) { ground = c; break; } }
    const [a, b] = [light(style.color), light(ground)].sort((x, y) => y - x);
    found.push([(a + .05) / (b + .05), walk.currentNode.data.trim().slice(0, 40)]);
  }
  return found.sort((x, y) => x[0] - y[0])[0];
})()"""


@dataclass
class Tab:
    """
    One page of a running browser.

    Args:
        socket: the page's DevTools.
        complaints: errors of console, scripts and security policy since the last `open`.
        asked: addresses the page asked for since then.
    """

    socket: WebSocket
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _last: int = 0

    def open(self, address: str, width: int = DESKTOP, height: int = 844, dark: bool = False) -> "Tab":
        """Show an address in a window of this width and colour scheme, and wait until it is loaded."""
        phone = width < 700
        view = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
        self.send("Emulation.setDeviceMetricsOverride", **view)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send("Page.navigate", url="about:blank")
        self.complaints.clear()
        self.asked.clear()
        self.send("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
        return self

    def wait(self, claim: str, seconds: float = 60) -> None:
        """Until a JavaScript expression is true; fails with the page's words when it never is."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.run(claim):
                return
            time.sleep(0.2)
        raise AssertionError(f"never became true: {claim}; the page says: {self.text()[:2000]}")

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def text(self) -> str:
        """What a reader sees."""
        return str(self.run("document.body ? document.body.innerText : ''"))

    def too_wide(self) -> list[str]:
        """Elements that make the page scroll sideways; empty when it fits its window."""
        fits = self.run("document.documentElement.scrollWidth <= innerWidth")
        elements = list(self.run(_TOO_WIDE))
        return elements or ([] if fits else ["the document"])

    def least_contrast(self) -> tuple[float, str]:
        """The lowest contrast of a text on the page, and that text."""
        ratio, words = self.run(_CONTRAST)
        return float(ratio), str(words)

    def picture(self, file: Path, whole: bool = True) -> Image.Image:
        """A PNG of the page, from top to bottom or as the window shows it, kept in `file`; fails when it is blank."""
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(shot["data"]))
        image = Image.open(BytesIO(file.read_bytes())).convert("RGB")
        colours = len(image.resize((300, 300)).getcolors(90_000) or [])
        assert colours > 20, f"{file.name} is blank: {colours} colours"
        return image

    def send(self, method: str, **parameters: object) -> dict[str, Any]:
        """One DevTools command; events that come meanwhile are noted."""
        self._last += 1
        self.socket.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self._last:
                assert "error" not in message, f"{method}: {message['error']}"
                return dict(message["result"])
            self._note(message.get("method", ""), message.get("params", {}))

    def _note(self, event: str, parameters: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.asked.append(parameters["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif event == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.complaints.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        elif event == "Runtime.consoleAPICalled" and parameters["type"] == "error":
            self.complaints.append(str([part.get("value", part.get("description")) for part in parameters["args"]]))


@contextmanager
def tab(folder: Path) -> Iterator[Tab]:
    """Start a browser with its profile in `folder`, and end it."""
    profile = folder / "profile"
    process = subprocess.Popen(
        ["chromium", *_QUIET, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with closing(create_connection(_page(profile), timeout=60, suppress_origin=True)) as socket:
            page = Tab(socket)
            for domain in ("Page", "Runtime", "Network", "Log"):
                page.send(f"{domain}.enable")
            yield page
    finally:
        process.terminate()
        process.wait(30)


def _page(profile: Path, seconds: float = 60) -> str:
    """Address of the first page's DevTools, once the browser says its port."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        port = profile / "DevToolsActivePort"
        if port.exists() and (lines := port.read_text().splitlines()):
            with urllib.request.urlopen(f"http://127.0.0.1:{lines[0]}/json/list", timeout=10) as answer:
                pages = [page for page in json.loads(answer.read()) if page["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
        time.sleep(0.1)
    raise AssertionError("chromium did not open its DevTools")
