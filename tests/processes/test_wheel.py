"""The built wheel in an environment of its own, beside a project that has `assets` and `resources` packages."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ROOT

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]
IMPORTS = """
import json, assets, resources
import alpha_pipeline, alpha_pipeline.assets.panel, alpha_pipeline.resources.lake.lake
from alpha_pipeline.definitions import build_defs
modules = (assets, resources, alpha_pipeline, alpha_pipeline.assets, alpha_pipeline.resources)
graph = build_defs().resolve_asset_graph()
print(json.dumps({"files": [m.__file__ for m in modules], "owners": [assets.OWNER, resources.OWNER],
                  "assets": len(graph.materializable_asset_keys)}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built offline."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(ROOT)], check=True, timeout=300)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its own packages of the names that this repository has at its top."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("assets", "resources"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"OWNER = 'theirs: {name}'\n")
    return folder


@pytest.fixture(scope="module")
def run(wheel: Path, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a program of a fresh environment in the project: the wheel, and the dependencies of this environment."""
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

    def program(name: str, *arguments: str, cwd: Path = project) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(place / "bin" / name), *arguments],
            cwd=cwd, env=kept, capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip

    return program


def test_one_package_is_installed(wheel: Path) -> None:
    """No top-level `assets` or `resources`; the code, the prices and the marker of types are in it."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"alpha_pipeline", "alpha_pipeline-0.1.0.dist-info"}
    assert {
        "alpha_pipeline/py.typed",
        "alpha_pipeline/assets/panel.py",
        "alpha_pipeline/resources/data/crypto.parquet",
        "alpha_pipeline/llm/prices.toml",
    } <= set(names)
    assert not [name for name in names if "__pycache__" in name or "/resources/tools/" in name]


def test_both_import_right(run: Run, project: Path) -> None:
    """Their packages from their folder, ours from the environment; the graph loads."""
    done = run("python", "-c", IMPORTS)
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    theirs, ours = found["files"][:2], found["files"][2:]
    assert all(Path(file).is_relative_to(project) for file in theirs)
    assert all("site-packages/alpha_pipeline" in file and str(ROOT) not in file for file in ours), ours
    assert found["owners"] == ["theirs: assets", "theirs: resources"]
    assert found["assets"] > 40


def test_the_command_line_works_outside_the_repository(run: Run, project: Path, tmp_path: Path) -> None:
    """Help, and a backtest, which compiles kernels and reads the embedded prices; nothing is left in the project."""
    shown = run("alpha-pipeline", "--help")
    assert shown.returncode == 0 and "backtest" in shown.stdout
    done = run("alpha-pipeline", "backtest", "rank(volume)", "--days", "30", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-4000:]
    assert json.loads(done.stdout)["market"] == "crypto"
    assert sorted(path.name for path in project.iterdir() if path.name != "__pycache__") == ["assets", "resources"]


def test_a_project_begins_with_init(run: Run, tmp_path: Path) -> None:
    """`alpha-pipeline init desk`, then its settings and its definitions as `dagster` finds them."""
    begun = run("alpha-pipeline", "init", "desk", cwd=tmp_path)
    assert begun.returncode == 0, begun.stderr
    settings = run("alpha-pipeline", "settings", cwd=tmp_path / "desk")
    assert settings.returncode == 0 and "ALPHA_PIPELINE_LAKE" in settings.stdout, settings.stderr
