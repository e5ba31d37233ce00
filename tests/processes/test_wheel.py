"""The built wheel in an environment of its own, beside a project that has `assets` and `resources` packages."""

import json
import zipfile
from pathlib import Path

import pytest

from .conftest import ROOT, Installed

pytestmark = pytest.mark.slow

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
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its own packages of the names that this repository has at its top."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("assets", "resources"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"OWNER = 'theirs: {name}'\n")
    return folder


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


def test_both_import_right(installed: Installed, project: Path) -> None:
    """Their packages from their folder, ours from the environment; the graph loads."""
    done = installed("python", "-c", IMPORTS, cwd=project)
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    theirs, ours = found["files"][:2], found["files"][2:]
    assert all(Path(file).is_relative_to(project) for file in theirs)
    assert all("site-packages/alpha_pipeline" in file and str(ROOT) not in file for file in ours), ours
    assert found["owners"] == ["theirs: assets", "theirs: resources"]
    assert found["assets"] > 40


def test_the_command_line_works_outside_the_repository(installed: Installed, project: Path, tmp_path: Path) -> None:
    """Help, and a backtest, which compiles kernels and reads the embedded prices; nothing is left in the project."""
    shown = installed("alpha-pipeline", "--help", cwd=project)
    assert shown.returncode == 0 and "backtest" in shown.stdout
    done = installed("alpha-pipeline", "backtest", "rank(volume)", "--days", "30", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-4000:]
    assert json.loads(done.stdout)["market"] == "crypto"
    assert sorted(path.name for path in project.iterdir() if path.name != "__pycache__") == ["assets", "resources"]


def test_a_project_begins_with_init(installed: Installed, tmp_path: Path) -> None:
    """`alpha-pipeline init desk`, then its settings and its definitions as `dagster` finds them."""
    begun = installed("alpha-pipeline", "init", "desk", cwd=tmp_path)
    assert begun.returncode == 0, begun.stderr
    settings = installed("alpha-pipeline", "settings", cwd=tmp_path / "desk")
    assert settings.returncode == 0 and "ALPHA_PIPELINE_LAKE" in settings.stdout, settings.stderr
