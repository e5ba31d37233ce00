"""Real `dagster` processes in a folder of their own, on the embedded data, with the random-grammar proposer."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIRST_DAY, RUN_DATE = "2019-09-01", "2019-09-30"

Dagster = Callable[..., subprocess.CompletedProcess[str]]
Installed = Callable[..., subprocess.CompletedProcess[str]]


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


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built offline."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(ROOT)], check=True, timeout=300)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Run a program of a fresh environment: the wheel, and the dependencies of this environment."""
    place = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True, timeout=120)
    python = place / "bin" / "python"
    paths = {"base": str(place), "platbase": str(place)}
    site = Path(sysconfig.get_path("purelib", scheme="venv", vars=paths))
    # A folder named in a .pth file is searched last, and its own .pth files, the editable installation, are not read.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True, timeout=300)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ALPHA_PIPELINE_", "DAGSTER_", "PYTHON"))}

    def program(name: str, *arguments: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(place / "bin" / name), *arguments],
            cwd=cwd, env={**kept, **extra}, capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip

    return program
