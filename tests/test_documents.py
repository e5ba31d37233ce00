"""What the pages show is what happens; what takes a real process of the graph is in `processes/test_documents.py`."""

import contextlib
import io
import os
import re
from pathlib import Path

import pytest

from alpha_pipeline.cli import main
from tests.helpers.documents import DOCS, ELSEWHERE, ROOT, matches, pages, pieces, run

SHOWN = {page: pieces(page.read_text(encoding="utf-8")) for page in pages()}
QUICK = [page for page, shown in SHOWN.items() if any(not p.slow and not p.elsewhere for p in shown)]


def settings(folder: Path) -> dict[str, str]:
    """The environment of a process that works in `folder` and nowhere else."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ALPHA_PIPELINE_", "DAGSTER_", "OPENAI_"))}
    return {**kept, "ALPHA_PIPELINE_LAKE": str(folder / "data"), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}


@pytest.mark.parametrize("page", QUICK, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_does_what_it_shows(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written, commands and code run, and print what stands below them."""
    for name in [name for name in os.environ if name.startswith("ALPHA_PIPELINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    run(page, tmp_path, settings(tmp_path), slow=False)


def test_no_reason_outlives_its_command() -> None:
    """Every command that is left to other tests is shown somewhere."""
    shown = [piece.text for found in SHOWN.values() for piece in found if piece.elsewhere]
    assert [command for command in ELSEWHERE if not any(text.startswith(command) for text in shown)] == []


def test_commands_in_sentences_exist() -> None:
    """`alpha-pipeline WORD` and `make WORD` of a sentence are commands; `python -m MODULE` is a module here."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.suppress(SystemExit):
        main(["--help"])
    known = re.findall(r"^ {4}([a-z]+)(?: |$)", told.getvalue(), re.MULTILINE)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for page in (*pages(), ROOT / "README.md"):
        text = page.read_text(encoding="utf-8")
        assert set(re.findall(r"`alpha-pipeline ([a-z]+)", text)) <= set(known), page.name
        assert set(re.findall(r"`make ([a-z-]+)", text)) <= set(targets), page.name
        for module in re.findall(r"`python -m ([\w.]+)", text):
            path = ROOT / module.replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), f"{page.name}: {module}"


def test_files_in_sentences_exist() -> None:
    """What a page names by its path is there: tests that prove a claim, files to touch."""
    rooms = r"`((?:alpha_pipeline|assets|resources|tests|benchmarks|docs)/[\w./-]+)`"
    for page in pages():
        named = re.findall(rooms, page.read_text(encoding="utf-8"))
        assert [path for path in named if not (ROOT / path).exists()] == [], page.name


@pytest.mark.parametrize(
    ("said", "shown", "same"),
    [("a b c", "a ...", True), ("a b c", "a ... c", True), ("a b", "a", False), ("a", "a b ...", False)],
)
def test_dots_stand_for_anything(said: str, shown: str, same: bool) -> None:
    """And for nothing else."""
    assert matches(said, shown) is same


@pytest.mark.parametrize("block", ["```sh\nrm -r data\n```", "```\nmake run\n```"])
def test_a_block_that_nobody_runs_is_refused(block: str) -> None:
    """Commands stand behind a "$ "."""
    with pytest.raises(AssertionError, match="nobody runs"):
        pieces(block)


def test_a_wrong_output_is_found(tmp_path: Path) -> None:
    """The machinery fails where a page lies."""
    (tmp_path / "page.md").write_text(
        "```console\n$ alpha-pipeline check 'rank(volume)'\ncanonical   rank(close)\n...\n```\n"
    )
    with pytest.raises(AssertionError, match=r"page.md:1: alpha-pipeline check"):
        run(tmp_path / "page.md", tmp_path, settings(tmp_path), slow=False)
