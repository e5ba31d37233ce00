"""What the README says of the language and the desk is what the commands say."""

import shlex
from pathlib import Path

import pytest

from alpha_pipeline.cli import main
from alpha_pipeline.operators import operators

README = Path(__file__).parents[1] / "README.md"
DESK, SECTION = (
    README.read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    for title in ("At the desk", "The factor language")
)
SHOWN = [
    shown.rstrip("`\n")
    for section in (DESK, SECTION)
    for shown in section.split("```")[1].split("$ .venv/bin/alpha-pipeline ")[1:]
]


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.partition("\n")[0])
def test_commands_say_what_is_shown(
    shown: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command of the section prints the lines below it, from the first one on; "..." ends the quotation early."""
    monkeypatch.setenv("ALPHA_PIPELINE_LAKE", str(tmp_path))  # empty: nothing was run before
    command, _, expected = shown.partition("\n")
    main(shlex.split(command))
    captured = capsys.readouterr()
    said = (captured.out or captured.err).strip()
    assert (
        said.startswith(expected.removesuffix("...").strip()) if expected.endswith("...") else said == expected.strip()
    )


def test_the_table_lists_every_operator() -> None:
    """One row a group, every word of it, in the order of the registry."""
    groups: dict[str, dict[str, None]] = {}
    for operator in operators().values():
        groups.setdefault(operator.group, {})[f"`{operator.symbol or operator.name}`"] = None
    rows = [f"| {group} | {' '.join(words)} |" for group, words in groups.items()]
    table = SECTION.split("| group | words |\n|---|---|\n")[1].split("\n\n")[0]
    assert table.splitlines() == rows
