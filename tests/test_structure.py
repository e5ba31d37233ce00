"""The house: names that say something, rooms that stay small, one name for one thing."""

import ast
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

from tests.helpers.identifiers import PACKAGES, ROOT, vague_per_thousand

# Vague identifiers among 1,000; may only fall.
MOST_VAGUE = 3.0
MOST_MODULES = 18
# Module names that may stand in several packages; assets are named after the layer whose results they store.
MOST_REPEATED_NAMES = 8
ROOT_MODULES = {"__init__", "components", "definitions", "errors", "settings", "typing"}


def _folders() -> list[Path]:
    found = [folder for package in PACKAGES for folder in [ROOT / package, *(ROOT / package).rglob("*")]]
    return [folder for folder in found if folder.is_dir() and folder.name != "__pycache__"]


def _modules(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__")


def test_identifiers_say_what_they_hold() -> None:
    """Names such as `found`, `said` or `mine` hold for anything and say nothing without their file."""
    per_thousand, by_file = vague_per_thousand()
    assert per_thousand <= MOST_VAGUE, by_file


def test_no_folder_has_too_many_modules() -> None:
    """Eighteen at most: a longer list is two subjects."""
    sizes = {str(folder.relative_to(ROOT)): len(_modules(folder)) for folder in _folders()}
    assert {folder: size for folder, size in sizes.items() if size > MOST_MODULES} == {}


def test_the_root_of_the_package_holds_what_all_share() -> None:
    """Everything else has a room."""
    assert {file.stem for file in (ROOT / "alpha_pipeline").glob("*.py")} <= ROOT_MODULES


def test_module_names_are_distinct() -> None:
    """A reader who searches for a file finds one; vendors' folders and assets repeat names on purpose."""
    names = Counter(
        name
        for folder in _folders()
        if not {"vendors", "assets"} & set(folder.relative_to(ROOT).parts)
        for name in _modules(folder)
        if name != "__main__"
    )
    assert len([name for name, count in names.items() if count > 1]) <= MOST_REPEATED_NAMES, names.most_common(20)


def test_no_module_shares_its_name_with_a_function_of_its_package() -> None:
    """`from package import name` must mean one thing."""
    clashes = []
    for folder in _folders():
        modules = set(_modules(folder))
        for file in folder.glob("*.py"):
            functions = {
                n.name for n in ast.parse(file.read_text()).body if isinstance(n, ast.FunctionDef | ast.ClassDef)
            }
            clashes += [f"{file.relative_to(ROOT)}: {name}" for name in sorted(functions & modules)]
    assert clashes == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """The import graph of modules has no cycle, lazy imports included."""
    graph = grimp.build_graph("alpha_pipeline")
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        list(TopologicalSorter(imports).static_order())
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None
