"""The Python API: every module of a package that documents something, through autodoc."""

import importlib
import inspect
import pkgutil

# Inner modules that only import with an extra: the site is the same whether it is installed or not.
OF_AN_EXTRA = {"alpha_pipeline.fusion.methods.attention_network"}


def members(names: str) -> str:
    """
    Headings and `automodule` of modules and packages, separated by spaces.

    A package tells its own docstring and then each of its modules; what a package only hands on is described where it
    is defined.
    """
    found = []
    for name in names.split():
        module = importlib.import_module(name)
        found.append(name)
        if hasattr(module, "__path__"):
            found += [f"{name}.{sub.name}" for sub in pkgutil.iter_modules(module.__path__) if sub.name != "__main__"]
    return "\n".join(_section(name) for name in found if name not in OF_AN_EXTRA and _has_something(name))


def _section(name: str) -> str:
    package = hasattr(importlib.import_module(name), "__path__")
    members = "" if package else "\n   :members:\n   :show-inheritance:"
    return f"## {name}\n\n```{{eval-rst}}\n.. automodule:: {name}{members}\n```\n"


def _has_something(name: str) -> bool:
    module = importlib.import_module(name)
    own = [o for n, o in vars(module).items() if not n.startswith("_") and getattr(o, "__module__", "") == name]
    return bool(hasattr(module, "__path__") or any(inspect.getdoc(o) for o in own))
