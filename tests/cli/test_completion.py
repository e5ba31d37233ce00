"""Completion in a real bash; zsh and tcsh get their scripts."""

import shutil
import subprocess
from pathlib import Path

import pytest

from alpha_pipeline.cli import main

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script for bash."""
    import contextlib
    import io

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert main(["completion", "bash"]) == 0
    file = tmp_path_factory.mktemp("completion") / "alpha-pipeline.bash"
    file.write_text(said.getvalue(), encoding="utf-8")
    return file


def _completed(script: Path, *words: str, lake: str = "nowhere") -> list[str]:
    bash = shutil.which("bash")
    assert bash
    typed = " ".join(f"'{word}'" for word in words)
    program = f"""
source {script}
COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}
bound=$(complete -p alpha-pipeline); [[ $bound =~ -F\\ ([^ ]+) ]]
${{BASH_REMATCH[1]}} alpha-pipeline "${{COMP_WORDS[COMP_CWORD]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    settings = {"ALPHA_PIPELINE_LAKE": lake, "PATH": "/usr/bin:/bin"}
    done = subprocess.run([bash, "-c", program], capture_output=True, text=True, env=settings, check=True)
    assert done.stderr == ""
    return sorted(word for word in done.stdout.splitlines() if word)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("back",), ["backtest"]),
        (("backtest", "--cap"), ["--capital"]),
        (("backtest", "--symbol", "BT"), ["BTCUSD"]),
        (("backtest", "--market", "e"), ["equities"]),
        (("fuse", "--method", "weig"), ["weighted"]),
        (("generate", "--factor-type", "mom"), ["momentum"]),
        (("operators", "ts_zs"), ["ts_zscore"]),
        (("completion", "z"), ["zsh"]),
    ],
)  # fmt: skip
def test_bash_completes(script: Path, words: tuple[str, ...], found: list[str]) -> None:
    """Commands, options, and the values they take."""
    assert _completed(script, "alpha-pipeline", *words) == found


def test_bash_completes_the_nights_that_are_stored(script: Path, tmp_path: Path) -> None:
    """Looked up while one types."""
    for run_date in ("2019-09-29", "2019-09-30"):
        (tmp_path / "fused_signal" / f"day={run_date}").mkdir(parents=True)
    words = ("alpha-pipeline", "report", "--run-date", "2019")
    assert _completed(script, *words, lake=str(tmp_path)) == ["2019-09-29", "2019-09-30"]
    assert _completed(script, *words) == []


@pytest.mark.parametrize(("shell", "mark"), [("zsh", "#compdef alpha-pipeline"), ("tcsh", "complete alpha-pipeline")])
def test_other_shells_get_a_script(shell: str, mark: str, capsys: Captured) -> None:
    """With the symbols in it; checked by the shell where it is installed."""
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    assert mark in text and "BTCUSD" in text
    if found := shutil.which(shell):
        subprocess.run([found, "-n"], input=text, text=True, check=True)
