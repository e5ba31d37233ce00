"""The site as built: nothing is missing, nothing leads nowhere, nothing comes from elsewhere, it fits a phone."""

import shutil
import subprocess
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from alpha_pipeline.operators import operators
from alpha_pipeline.tables import TABLES
from tests.helpers.documents import DOCS, ROOT, pages

pytestmark = pytest.mark.slow

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}
NO_LOAD = ("canonical", "search", "index", "next", "prev")  # kinds of <link> that load nothing
QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--virtual-time-budget=60000",
]  # fmt: skip
PHONE = 390
WRAPPER = """<!doctype html><title>widths</title><body><pre id="out"></pre><script>
const pages = %s, out = document.getElementById("out");
(async () => {
  for (const page of pages) {
    const frame = document.createElement("iframe");
    frame.style.cssText = "width:%dpx;height:800px;border:0";
    await new Promise(done => { frame.onload = done; frame.src = page; document.body.append(frame); });
    out.textContent += page + " " + frame.contentDocument.documentElement.scrollWidth + "\\n";
    frame.remove();
  }
  out.textContent += "done";
})();
</script>"""


class Page(HTMLParser):
    """What a page names, links to and loads."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.words: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.names |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in LOADED and LOADED[tag] in found and found.get("rel") not in NO_LOAD:
            self.loads.append(found[LOADED[tag]])

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it: warnings are errors."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return out


@pytest.fixture(scope="module")
def built(site: Path) -> dict[Path, Page]:
    """Every page, read."""
    return {file: Page(file) for file in sorted(site.rglob("*.html"))}


def test_every_page_is_built(site: Path, built: dict[Path, Page]) -> None:
    """One for each Markdown file, and all of them can be reached from the first."""
    expected = {site / page.relative_to(DOCS).with_suffix(".html") for page in pages()}
    assert expected <= set(built)
    seen, todo = set(), [site / "index.html"]
    while todo:
        page = todo.pop()
        if page in seen or page not in built:
            continue
        seen.add(page)
        todo += [
            (page.parent / unquote(urlsplit(link).path)).resolve() for link in built[page].links if not _leaves(link)
        ]
    assert {str(page.relative_to(site)) for page in expected - seen} == set()


def test_every_link_leads_somewhere(site: Path, built: dict[Path, Page]) -> None:
    """Pages, anchors and files that the site links to exist in it."""
    broken = []
    for file, page in built.items():
        for link in page.links:
            if _leaves(link):
                continue
            path, anchor = urldefrag(link)
            target = (file.parent / unquote(urlsplit(path).path)).resolve() if path else file
            there = target.exists() and (not anchor or target not in built or unquote(anchor) in built[target].names)
            broken += [] if there else [f"{file.relative_to(site)}: {link}"]
    assert broken == []


def test_nothing_comes_from_elsewhere(site: Path, built: dict[Path, Page]) -> None:
    """No script, style, font or picture is loaded from another host."""
    assert [load for page in built.values() for load in page.loads if urlsplit(load).netloc] == []
    styles = "".join(file.read_text(encoding="utf-8") for file in site.rglob("*.css"))
    assert "url(http" not in styles.replace('"', "").replace("'", "") and "@import" not in styles


def test_the_reference_forgets_nothing(site: Path) -> None:
    """Every operator, table and asset is on its page."""
    from alpha_pipeline.definitions import build_defs

    def words(name: str) -> str:
        return "".join(Page(site / "reference" / f"{name}.html").words)

    told = words("operators")
    assert [one.name for one in operators().values() if one.example not in told] == []
    told = words("tables")
    assert [
        f"{t.name}.{c.name}" for t in TABLES.values() for c in t.columns if c.meaning.replace("`", "") not in told
    ] == []
    told, graph = words("assets"), build_defs().resolve_asset_graph()
    assert [key.to_user_string() for key in graph.materializable_asset_keys if key.to_user_string() not in told] == []


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the browser `chromium`")
def test_it_fits_a_phone(site: Path, built: dict[Path, Page], tmp_path: Path) -> None:
    """At 390 pixels no page is wider than the screen: wide tables scroll inside themselves."""
    names = [str(page.relative_to(DOCS).with_suffix(".html")) for page in pages()]
    (site / "_widths.html").write_text(WRAPPER % (names, PHONE), encoding="utf-8")
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda self, *arguments: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        command = ["chromium", *QUIET, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
        address = f"http://127.0.0.1:{server.server_port}/_widths.html"
        done = subprocess.run([*command, address], check=True, capture_output=True, text=True, timeout=300)
    finally:
        server.shutdown()
        server.server_close()
    lines = done.stdout.split('<pre id="out">')[1].split("</pre>")[0].split("\n")
    assert lines[-1] == "done" and len(lines) == len(names) + 1
    assert [line for line in lines[:-1] if int(line.split()[-1]) > PHONE] == []


def _leaves(link: str) -> bool:
    """Whether a link leads out of the site."""
    return bool(urlsplit(link).scheme)
