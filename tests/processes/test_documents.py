"""The pages whose commands start the graph, from top to bottom, on a lake with one whole run date."""

import shutil
from pathlib import Path

import pytest

from tests.helpers.documents import DOCS, pages, pieces, run

from .conftest import FIRST_DAY, RUN_DATE, materialize, settings

pytestmark = pytest.mark.slow

SLOW = [page for page in pages() if any(piece.slow for piece in pieces(page.read_text(encoding="utf-8")))]


@pytest.fixture(scope="module")
def a_night(priced: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month of prices and its last run date; copy it before writing to it."""
    folder = Path(shutil.copytree(priced, tmp_path_factory.mktemp("run_date") / "folder"))
    done = materialize(folder, "not (key:*/ohlcv_history or key:*/sealed_test)", RUN_DATE)
    assert done.returncode == 0, done.stdout[-4000:]
    return folder


@pytest.mark.parametrize("page", SLOW, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_does_what_it_shows(page: Path, a_night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command, in order; the graph begins in September and no model is asked unless a page says so."""
    folder = Path(shutil.copytree(a_night, tmp_path / "clone"))
    given = settings(folder, ALPHA_PIPELINE_FIRST_DAY=FIRST_DAY)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    run(page, folder, given, slow=True)
