"""What a reader sees: the nightly page and a tear sheet in a real Chromium, wide and narrow, light and dark."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.market.markets import MARKETS
from alpha_pipeline.reporting.report import nightly_page
from alpha_pipeline.reporting.sections import MarketReport
from alpha_pipeline.reporting.sheet_page import tear_sheet_page
from alpha_pipeline.tables import DATA_COVERAGE
from tests.helpers.browser import DESKTOP, PHONE, Tab, needs_browser, tab
from tests.helpers.hostile import hostile_texts
from tests.reporting.test_sheet_page import random_study, sheet

pytestmark = [pytest.mark.slow, needs_browser]
WINDOWS = [(PHONE, False), (PHONE, True), (DESKTOP, False), (DESKTOP, True)]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """One browser for all."""
    with tab(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def canary() -> Iterator[tuple[str, list[str]]]:
    """A server nobody may ask: its address, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()


def markets(run_date: SimpleNamespace, **changes: object) -> list[MarketReport]:
    """Everything a market brings to the page, with late and absent sources and a headline."""
    row = {"run_date": run_date.run_date, "symbols": 5, "symbols_due": 5, "share": 1.0, "rejected_rows": 0, "rows": 120,
           "carried": 6, "missing": 2, "last_known": run_date.run_date, "age_hours": 24.0, "reason": ""}  # fmt: skip
    states = {"ohlcv": "present", "funding": "late", "news": "absent"}
    coverage = pd.DataFrame([row | {"source": name, "status": state} for name, state in states.items()])
    coverage.loc[coverage["source"] == "news", "reason"] = "nobody wrote"
    found = []
    for m in MARKETS:
        given = {"trials": run_date.trials[m.name], "library": run_date.library[m.name],
                 "metrics": run_date.metrics[m.name],
                 "signals": run_date.signals[m.name], "closes": run_date.closes[m.name],
                 "coverage": DATA_COVERAGE.conform(coverage).to_pandas()}  # fmt: skip
        found.append(MarketReport(m, **{**given, **changes}))  # type: ignore[arg-type]
    return found


@pytest.fixture(scope="module")
def pages(run_date: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of a run date's page and of a tear sheet."""
    folder = tmp_path_factory.mktemp("pages")
    written = {
        "report": nightly_page(run_date.run_date, run_date.fused, run_date.record, markets(run_date)),
        "tear_sheet": tear_sheet_page(sheet(random_study())),
    }
    for name, html in written.items():
        (folder / f"{name}.html").write_text(html)
    return {name: (folder / f"{name}.html").as_uri() for name in written}


@pytest.mark.parametrize(("width", "dark"), WINDOWS)
@pytest.mark.parametrize("name", ["report", "tear_sheet"])
def test_a_page_fits_its_window_and_is_legible(
    browser: Tab, pages: dict[str, str], tmp_path: Path, name: str, width: int, dark: bool
) -> None:
    """Nothing scrolls sideways but wide tables, every text has a contrast of 4.5, and nothing complains."""
    browser.open(pages[name], width, dark=dark)
    image = browser.picture(tmp_path / f"{name}-{width}-{'dark' if dark else 'light'}.png")
    assert browser.too_wide() == []
    ratio, words = browser.least_contrast()
    assert ratio >= 4.5, words
    assert browser.complaints == []
    corner = np.asarray(image)[2, 2].mean()
    assert corner < 60 if dark else corner > 200, "the colour scheme is followed"
    assert browser.asked == [pages[name], *(address for address in browser.asked if address.startswith("data:"))]


def test_the_first_screen_of_a_phone_says_what_to_do(browser: Tab, pages: dict[str, str]) -> None:
    """Decisions of both markets and what needs attention stand above the fold, before any chart."""
    browser.open(pages["report"], PHONE)
    bottom = "Math.max(...[...document.querySelectorAll('{}')].map(e => e.getBoundingClientRect().bottom))"
    assert browser.run(bottom.format(".order")) <= 844
    assert browser.run("document.querySelector('.notice').getBoundingClientRect().top") <= 844
    assert browser.run("document.querySelector('.narrow svg').getBoundingClientRect().top") > 844
    shown = browser.text()
    assert "Positions for today" in shown
    assert "funding is late" in shown
    assert shown.index("SHORT") < shown.index("Decisions")


def test_the_picture_of_a_tear_sheet_is_legible_on_a_phone(browser: Tab, pages: dict[str, str]) -> None:
    """A phone gets the one-column picture, at least as sharp as its screen; a desktop the wide one."""
    shown = "[...document.images].filter(i => i.getClientRects().length).map(i => i.naturalWidth / i.clientWidth)"
    seen = "[...document.images].filter(i => i.getClientRects().length).map(i => i.naturalWidth)"
    browser.open(pages["tear_sheet"], PHONE)
    assert browser.run(seen) == [780]
    assert 1.9 < browser.run(shown)[0] < 2.4
    browser.open(pages["tear_sheet"], DESKTOP)
    assert browser.run(seen) == [1590]


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_hostile_words_run_and_fetch_nothing(
    browser: Tab, canary: tuple[str, list[str]], run_date: SimpleNamespace, tmp_path: Path, width: int
) -> None:
    """Names, formulas, headlines, reasons and errors that are markup: shown as text, no script, no request."""
    address, asked = canary
    texts = hostile_texts(address)

    def every(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
        words = [texts[row % len(texts)] for row in range(len(frame))]
        return frame.assign(**dict.fromkeys(columns, words))

    trials = every(run_date.trials["crypto"], "name", "rationale", "reason", "canonical", "model")
    library = every(run_date.library["crypto"], "name", "reason", "expression")
    fused = every(run_date.fused, "symbol", "reasons").assign(breakdown='{"sentiment_news": 0.4}')
    headlines = pd.DataFrame([{"timestamp": run_date.run_date, "symbol": text, "available_at": run_date.run_date,
                               "url": text,
                               "title": text, "news_sentiment": 0.9} for text in texts])  # fmt: skip
    signals = every(run_date.signals["crypto"].drop_duplicates("symbol"), "source")
    coverage = every(pd.concat([markets(run_date)[0].coverage] * 4), "source", "reason")
    brought = markets(run_date, trials=trials, library=library, signals=signals, headlines=headlines,
                      coverage=coverage, notes=texts)  # fmt: skip
    found = sheet(random_study(), name=texts[0], expression=texts[1], notes=texts,
                  correlations=dict.fromkeys(texts, 0.3),
                  provenance=[*((text, text) for text in texts), ("prompt", "\n".join(texts))])  # fmt: skip
    written = {
        "report": nightly_page(run_date.run_date, fused, run_date.record, brought, [(text, text) for text in texts]),
        "sheet": tear_sheet_page(found),
    }
    for name, html in written.items():
        file = tmp_path / f"{name}.html"
        file.write_text(html)
        browser.open(file.as_uri(), width)
        browser.run("[...document.querySelectorAll('details')].forEach(d => d.open = true)")
        assert browser.run("window.owned === undefined")
        assert browser.run("document.scripts.length") == 0
        assert browser.run("[...document.links].every(a => a.protocol === 'file:')")
        assert browser.too_wide() == []
        assert browser.complaints == []
        assert all(a == file.as_uri() or a.startswith("data:") for a in browser.asked), browser.asked
        shown = browser.run("document.body.textContent")
        assert "onerror" in shown and "javascript:window.owned=3" in shown, "it is there, as words"
        assert not set(shown) & set("\u202e\u2066\x1b")
    assert asked == []
