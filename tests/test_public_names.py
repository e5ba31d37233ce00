"""The front door: what `import alpha_pipeline as ap` gives, and what it costs."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import alpha_pipeline as ap

ROOT = Path(__file__).parents[1]


def test_public_names_are_the_exported_members() -> None:
    """`__all__`, the table of homes and the imports for type checkers name the same members."""
    tree = ast.parse((ROOT / "alpha_pipeline" / "__init__.py").read_text())
    typed = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("alpha_pipeline")
        for alias in node.names
    }
    assert set(ap.__all__) == typed
    assert set(ap.__all__) <= set(dir(ap))
    assert 20 <= len(ap.__all__) <= 30


@pytest.mark.parametrize("name", ap.__all__)
def test_a_public_name_exists_and_is_documented(name: str) -> None:
    """Every exported member loads; functions, classes and modules have a docstring."""
    member = getattr(ap, name)
    assert name in ("CRYPTO", "EQUITIES") or (member.__doc__ or "").strip()


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The error lists what there is."""
    with pytest.raises(AttributeError, match="no attribute 'bactest'.*backtest"):
        ap.bactest  # noqa: B018  # the access is the test


def test_the_import_is_light() -> None:
    """Importing the package loads neither numpy nor pandas nor Dagster: names load at first use."""
    code = "import alpha_pipeline, json, sys; print(json.dumps(sorted(sys.modules)))"
    modules = json.loads(subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True).stdout)
    assert not {"numpy", "pandas", "dagster", "sklearn"} & set(modules)


def test_the_package_is_typed() -> None:
    """Type checkers read the annotations of an installed package."""
    assert (ROOT / "alpha_pipeline" / "py.typed").exists()
