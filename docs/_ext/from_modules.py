"""The Python API: every module of a package that documents something, through autodoc."""

import ast
import importlib
import importlib.util
import inspect
import pkgutil
from pathlib import Path

ROOMS = ("alpha_pipeline", "assets", "resources")


def members(names: str) -> str:
    """
    Headings and `automodule` of modules and packages, separated by spaces.

    A package tells its own docstring and then each of its modules; what a package only hands on is described where it
    is defined. A module that needs an extra which is not installed tells its docstring and what it needs.
    """
    found = []
    for name in names.split():
        module = importlib.import_module(name)
        found.append(name)
        if hasattr(module, "__path__"):
            found += [f"{name}.{sub.name}" for sub in pkgutil.iter_modules(module.__path__) if sub.name != "__main__"]
    return "\n".join(_section(name) for name in found)


def _section(name: str) -> str:
    """A module's part of the page; nothing for one without a word of its own."""
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not error.name or error.name.partition(".")[0] in ROOMS:
            raise
        return f"## {name}\n\n{_docstring(name)}\n\nNeeds the package `{error.name}`; this page was built without it.\n"
    package = hasattr(module, "__path__")
    own = [o for n, o in vars(module).items() if not n.startswith("_") and getattr(o, "__module__", "") == name]
    if not package and not any(inspect.getdoc(one) for one in own):
        return ""
    members = "" if package else "\n   :members:\n   :show-inheritance:"
    return f"## {name}\n\n```{{eval-rst}}\n.. automodule:: {name}{members}\n```\n"


def _docstring(name: str) -> str:
    """Of a module that cannot be imported, from its text."""
    spec = importlib.util.find_spec(name)
    source = Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""
    return ast.get_docstring(ast.parse(source)) or ""
