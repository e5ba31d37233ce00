"""
What a document shows is run: commands with the output below them, files, and Python.

Pages read like stories: all of a page happens in one folder, from top to bottom. Which test runs one is not said here.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from alpha_pipeline.cli import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BIN = Path(sys.executable).parent
FENCE = re.compile(
    r"^(?P<fence>`{3,})(?:\{(?P<directive>[\w-]+)\} ?)?(?P<language>[^\n]*)\n"
    r"(?::caption: (?P<title>[^\n]*)\n\n?)?(?P<body>.*?)^(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
PROSE = ("text", "mermaid", "json")  # shown, not run

# Commands that a page shows and no test of a page runs, with the test or the reason that stands for them.
ELSEWHERE = {
    "make run": "sets up .venv and calls `alpha-pipeline run`, which the page on schedules runs",
    "make ui": "serves until it is ended; tests/processes/test_dg.py starts it, test_user_interface.py looks at it",
    "dg": "tests/processes/test_dg.py runs it in this repository, test_component.py in another project",
    "pip install alpha-pipeline": "tests/processes/test_wheel.py installs the wheel",
    "source .venv/bin/activate": "the tests run in the environment already",
}
# Commands that start processes of the graph or ask a model: seconds to minutes, so they wait for the slow suite.
SLOW = ("dagster ", "alpha-pipeline run", "alpha-pipeline mine", "alpha-pipeline report", "alpha-pipeline generate")
SLOW += ("alpha-pipeline optimize", "alpha-pipeline submit", "bash one_night.sh", "bash ask.sh")
SLOW += ("ls ", "cat ", "sha256sum ")  # they look at what those have stored


@dataclass(frozen=True)
class Piece:
    """
    One thing a page shows.

    Args:
        kind: "command", "file" or "python".
        text: the command in one line, the content of the file, the code.
        expected: what is printed; "..." stands for anything; None where nothing is shown.
        line: of the page.
        title: name of a file.
    """

    kind: Literal["command", "file", "python"]
    text: str
    expected: str | None
    line: int
    title: str = ""

    @property
    def elsewhere(self) -> bool:
        """Whether a reason is given for not running it here."""
        return self.kind == "command" and any(self.text == c or self.text.startswith(f"{c} ") for c in ELSEWHERE)

    @property
    def slow(self) -> bool:
        """Whether it waits for the slow suite."""
        words = re.sub(r"^(\w+=\S* )+", "", self.text)
        return self.kind == "command" and not self.elsewhere and words.startswith(SLOW)


def pages() -> list[Path]:
    """Every page of the site, in the order of its path."""
    return sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)


def pieces(text: str) -> list[Piece]:
    """
    What a page shows, in order.

    Raises:
        AssertionError: a block is none of these: a command without "$ ", a language nobody runs.
    """
    return [piece for block in FENCE.finditer(text) for piece in _of_block(text, block)]


def run(page: Path, folder: Path, settings: Mapping[str, str], slow: bool) -> None:
    """
    Do all that a page shows, or all that is fast, in `folder`, and compare what is printed.

    Args:
        page: Markdown.
        folder: empty, or with a lake for pages that read one.
        settings: environment of the processes.
        slow: whether slow commands are run, too.
    """
    names: dict[str, Any] = {"__name__": "page"}
    for piece in pieces(page.read_text(encoding="utf-8")):
        if piece.elsewhere or (piece.slow and not slow):
            continue
        if piece.kind == "file":
            (folder / piece.title).parent.mkdir(parents=True, exist_ok=True)
            (folder / piece.title).write_text(piece.text, encoding="utf-8")
            continue
        printed = _python(piece, names) if piece.kind == "python" else _command(piece, folder, settings)
        if piece.expected is not None:
            same = matches(printed, piece.expected)
            assert same, f"{page.name}:{piece.line}: {piece.text}\n-- printed\n{printed}\n-- shown\n{piece.expected}"


def matches(text: str, expected: str) -> bool:
    """Whether a text is what is shown, where "..." stands for anything."""
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("..."))
    return re.fullmatch(pattern, text.strip(), re.DOTALL) is not None


def _of_block(text: str, block: re.Match[str]) -> Iterator[Piece]:
    if block["directive"] not in (None, "code-block"):
        return
    language, title, body = block["language"].strip(), block["title"] or "", block["body"]
    line = text.count("\n", 0, block.start()) + 1
    if title:
        yield Piece("file", body, None, line, title)
    elif language == "python":
        after = FENCE.match(text, block.end() + 2)
        yield Piece("python", body, after["body"] if after and after["language"] == "text" else None, line)
    elif body.startswith("$ "):
        for shown in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            command, expected = _parted(shown)
            yield Piece("command", command, expected if expected.strip() else None, line)
    else:
        assert language in PROSE, (
            f"line {line}: a block of {language or 'no language'!r} that nobody runs; "
            f"expected console with '$ ', python, a caption, or one of {PROSE}"
        )


def _parted(shown: str) -> tuple[str, str]:
    """A command, over as many lines as its quotes and backslashes reach, and the output below it."""
    lines = shown.split("\n")
    for end in range(1, len(lines) + 1):
        command = "\n".join(lines[:end])
        with contextlib.suppress(ValueError):
            if not command.endswith("\\"):
                shlex.split(command)
                return re.sub(r"\s*\\\n\s*", " ", command).removeprefix(".venv/bin/"), "\n".join(lines[end:])
    raise AssertionError(f"a quote is not closed: {shown}")


def _command(piece: Piece, folder: Path, settings: Mapping[str, str]) -> str:
    """What a command prints; alone it runs in this process, with more of the shell in one."""
    if piece.text.startswith("alpha-pipeline ") and not piece.slow and not re.search(r"[|<>;]|\$\(", _bare(piece.text)):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(shlex.split(piece.text)[1:])
        return _ended(piece, code, out.getvalue() or err.getvalue())
    path = f"{BIN}{os.pathsep}{settings.get('PATH', os.environ['PATH'])}"
    done = subprocess.run(
        ["bash", "-c", piece.text],
        cwd=folder, env={**settings, "PATH": path}, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    return _ended(piece, done.returncode, done.stdout + done.stderr)


def _ended(piece: Piece, code: int, output: str) -> str:
    """The output; a command may only fail where a page shows an error."""
    refused = "Error" in (piece.expected or "")
    assert bool(code) == refused, f"line {piece.line}: {piece.text} ended with {code}\n{output[-4000:]}"
    return output


def _bare(text: str) -> str:
    """A command without what stands in quotes."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", "", text)


def _python(piece: Piece, names: dict[str, Any]) -> str:
    """What code prints; later code of the page sees its names."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(piece.text, f"line {piece.line}", "exec"), names)
    return out.getvalue()
