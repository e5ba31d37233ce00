"""Real `dagster` processes in a folder of their own, on the embedded data, with the random-grammar proposer."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIRST_DAY, RUN_DATE = "2019-09-01", "2019-09-30"

Dagster = Callable[..., subprocess.CompletedProcess[str]]


def settings(folder: Path, **extra: str) -> dict[str, str]:
    """The environment of a process that works in `folder` and nowhere else."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ALPHA_PIPELINE_", "DAGSTER_", "OPENAI_"))}
    own = {
        "ALPHA_PIPELINE_LAKE": str(folder / "data"),
        "ALPHA_PIPELINE_FIRST_DAY": FIRST_DAY,
        "ALPHA_PIPELINE_PROPOSER": "random_grammar",
        "PYTHONWARNINGS": "ignore",
        "PYTHONPATH": str(ROOT),  # the code beside these tests, wherever the package is installed from
    }
    return {**kept, **own, **extra}


def prepare(folder: Path) -> Path:
    """A working folder as a clone has it: the two Dagster files, no state."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def dagster_in(folder: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run `dagster ARGUMENTS` in the folder; output of both streams in `stdout`."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("dagster")), *arguments],
        cwd=folder,
        env=settings(folder, **extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1500,
        check=False,
    )


def materialize(
    folder: Path, select: str, when: str = "", config: str = "", **extra: str
) -> subprocess.CompletedProcess[str]:
    """`dagster asset materialize` for a day, a range (A...B) or an unpartitioned asset; `config` is its run config."""
    option = ["--partition-range" if "..." in when else "--partition", when] if when else []
    option += ["--config-json", config] if config else []
    module = ["-m", "alpha_pipeline.definitions"]
    return dagster_in(folder, "asset", "materialize", *module, "--select", select, *option, **extra)


@pytest.fixture(scope="session")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a month of prices of both markets; copy it before writing to it."""
    folder = prepare(tmp_path_factory.mktemp("priced"))
    prices = "key:*/ohlcv_history or key:*/raw_ohlcv or key:*/market_panel"
    done = materialize(folder, prices, f"{FIRST_DAY}...{RUN_DATE}")
    assert done.returncode == 0, done.stdout[-4000:]
    return folder


@pytest.fixture
def workplace(priced: Path, tmp_path: Path) -> Path:
    """A private copy of the priced folder, run history included."""
    return Path(shutil.copytree(priced, tmp_path / "workplace"))
