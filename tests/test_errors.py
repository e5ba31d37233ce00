"""Expression errors show the position and the remedy."""

from alpha_pipeline.errors import ExpressionError


def test_the_caret_is_under_the_fault() -> None:
    """One line: column and caret."""
    error = ExpressionError("unknown field 'clsoe'", "rank(clsoe)", 5, "close")
    assert str(error).splitlines() == [
        "unknown field 'clsoe'",
        "  at column 6:",
        "    rank(clsoe)",
        "         ^",
        "Write instead: close",
    ]


def test_long_and_multiline_sources_show_a_window() -> None:
    """Only the faulty line, cut around the fault."""
    source = "a = 1\nb = " + "x" * 500 + "!"
    lines = str(ExpressionError("bad", source, len(source) - 1)).splitlines()
    assert lines[1] == "  at line 2, column 505:"
    assert len(lines[2]) <= 104
    assert lines[2][lines[3].index("^")] == "!"
