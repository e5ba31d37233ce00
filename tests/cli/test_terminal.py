"""What is printed: aligned, safe, plain where the terminal is, null where nothing is known."""

import io
import json
import sys

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.cli import terminal

Captured = pytest.CaptureFixture[str]


def test_numbers_stand_right_words_left(capsys: Captured) -> None:
    """No frames, no trailing blanks, no colour in a pipe."""
    terminal.table(("name", "n", "why "), [("a", "1", "because"), ("long", "100", "x")])
    assert capsys.readouterr().out == "name    n  why\na       1  because\nlong  100  x\n"


def test_what_others_wrote_steers_nothing(capsys: Captured) -> None:
    """Escapes, markup and line breaks of a cell are text."""
    terminal.table(("name",), [("\x1b[31mred\x1b[0m [bold]x[/bold] :smile:\nnext",)])
    terminal.echo("\x1b]0;title\x07done")
    told = capsys.readouterr().out
    assert "\x1b" not in told and "\x07" not in told and "[bold]x[/bold] :smile:" in told


def test_colour_belongs_to_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision is green on a terminal, and not with NO_COLOR."""

    class Terminal(io.StringIO):
        encoding = "utf-8"  # type: ignore[assignment]  # what a terminal says

        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for setting, coloured in (("", True), ("1", False)):
        if setting:
            monkeypatch.setenv("NO_COLOR", setting)
        monkeypatch.setattr(sys, "stdout", Terminal())
        terminal.table(("d", "n"), [("LONG", "1")])
        assert ("\x1b[32m" in sys.stdout.getvalue()) == coloured  # type: ignore[attr-defined]  # the terminal above


def test_a_poor_encoding_gets_plain_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dashes and charts in ASCII, question marks for what has no correlation; never an error."""
    latin = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(latin, encoding="latin-1", write_through=True))
    terminal.table(("name", "n"), [("漢", "\N{EN DASH}")])
    terminal.echo(terminal.sparkline([1.0, 2.0, 3.0]) + " …")
    assert latin.getvalue().decode("latin-1") == "name  n\n?     -\n_=# ~\n"


def test_a_narrow_terminal_folds_words_not_numbers(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """The width is kept, and no digit is lost."""
    monkeypatch.setattr(terminal, "PIPED_COLUMNS", 30)
    terminal.table(("name", "amount", "why "), [("a", "1,234,567", "many words that do not fit here")])
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 30 and "1,234,567" in told and told.count("\n") > 2


def test_numbers_are_whole_however_narrow_the_terminal(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a number is a wrong one: the table is wider than the terminal, and words keep room to be read."""
    monkeypatch.setattr(terminal, "PIPED_COLUMNS", 10)
    terminal.table(("name", "amount", "price"), [("a_rather_long_name", "1,234,567", "-18.25%")])
    told = capsys.readouterr().out
    assert "1,234,567" in told and "-18.25%" in told and "a_rather_lon" in told


def test_a_line_shows_low_and_high() -> None:
    """Lowest and highest mark; flat, single and empty series are no error."""
    assert terminal.sparkline([0.0, 7.0, 3.5]) == "▁█▅"
    assert terminal.sparkline([5.0, 5.0]) == "▁▁" and terminal.sparkline([1.0]) == "▁" and terminal.sparkline([]) == ""
    assert (
        terminal.sparkline([0.0, float("nan"), 7.0, float("inf")]) == "▁█" and terminal.sparkline([float("nan")]) == ""
    )
    assert len(terminal.sparkline(list(range(1000)))) == 60 and terminal.sparkline(list(range(1000)))[-1] == "█"


def test_a_document_is_strict(capsys: Captured) -> None:
    """NaN, infinity and NaT are null wherever they are; moments are ISO; numbers of numpy are numbers."""
    when = pd.Timestamp("2019-10-01", tz="UTC")
    found = {"a": [np.float64("nan"), np.inf, pd.NaT, None], "b": (np.int64(3), True), 1: {"t": when}}
    terminal.print_json(found)
    told = json.loads(capsys.readouterr().out, parse_constant=lambda name: 1 / 0)
    assert told == {"a": [None] * 4, "b": [3, True], "1": {"t": "2019-10-01T00:00:00+00:00"}}


def test_progress_is_silent_in_a_pipe(capsys: Captured) -> None:
    """Neither stream gets a byte."""
    with terminal.progress("something", 2) as step:
        step("one")
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
