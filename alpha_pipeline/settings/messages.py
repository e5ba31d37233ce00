"""
Texts of errors: what was found, unless it is secret, and what is allowed.
"""

import difflib
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

MASK = "********"
Place = Callable[[tuple[str, ...]], str]
UNKNOWN_FIELD = ("unexpected_keyword_argument", "extra_forbidden")


def fault_text(error: ValidationError, model: Any, place: Place = lambda path: ".".join(path)) -> str:
    """
    The first fault of a validation.

    Args:
        error: of the model.
        model: a section or the settings.
        place: name of a field by its path, as the user wrote it.
    """
    fault = min(error.errors(), key=_rank)
    path = tuple(str(part) for part in fault["loc"] if isinstance(part, str))
    owner, info = field_of(model, path)
    name = place(path) or model.__name__
    reason = fault.get("ctx", {}).get("error")
    if fault["type"] in UNKNOWN_FIELD and path:
        known = sorted(getattr(owner, "__pydantic_fields__", {}))
        return f"{name} is not a setting{nearest(path[-1], known)}; expected one of {', '.join(known)}"
    if fault["type"] == "missing" and info is not None:
        return f"{name} is not set; expected {expected_text(info)}"
    if info is None:
        return f"{name}: {reason or fault['msg']}"
    expected = str(reason) if isinstance(reason, ValueError) else expected_text(info)
    if info.annotation is SecretStr:
        return f"{name} cannot be used (its value is not shown); expected {expected}"
    value = fault["input"]
    return f"{name} is {without_login(value) if isinstance(value, str) else value!r}; expected {expected}"


def _rank(fault: Any) -> tuple[bool, bool]:
    """Misspelt keys first, since they are the cause of missing ones; values that a market inherits last."""
    return fault["type"] not in UNKNOWN_FIELD, len(fault["loc"]) > 3 and fault["loc"][0] == "markets"


def field_of(model: Any, path: tuple[str, ...]) -> tuple[Any, FieldInfo | None]:
    """The section that has the last field of a path, and the field; None where there is no such field."""
    owner, info, names = model, None, list(path)
    while names and (fields := getattr(model, "__pydantic_fields__", None)):
        owner, info = model, fields.get(names.pop(0))
        if info is None:
            return owner, None
        model = info.annotation
        if get_origin(model) is dict and hasattr(get_args(model)[1], "__pydantic_fields__"):  # a table of sections
            model = get_args(model)[1]
            if names:
                names.pop(0)
                owner, info = model, None
    return owner, info


def expected_text(info: FieldInfo) -> str:
    """What a field allows, after "expected"."""
    if get_origin(info.annotation) is Literal:
        return f"one of {', '.join(filter(None, map(str, get_args(info.annotation))))}"
    if info.annotation is bool:
        return "true or false"
    if info.annotation not in (int, float):
        return "text" if info.annotation in (str, SecretStr) else _list_text(info.annotation)
    bounds = bounds_of(info)
    kind = "an integer" if info.annotation is int else "a number"
    low = f"[{bounds['ge']:g}" if "ge" in bounds else f"({bounds['gt']:g}" if "gt" in bounds else "(-inf"
    high = f"{bounds['le']:g}]" if "le" in bounds else f"{bounds['lt']:g})" if "lt" in bounds else "inf)"
    return f"{kind} in {low}, {high}" if bounds else kind


def bounds_of(info: FieldInfo) -> dict[str, Any]:
    """Bounds of a number, by pydantic's names."""
    names = ("ge", "gt", "le", "lt")
    return {name: getattr(part, name) for part in info.metadata for name in names if hasattr(part, name)}


def nearest(given: str, valid: Iterable[str]) -> str:
    """`; did you mean x?`; empty without a near name."""
    near = difflib.get_close_matches(given, list(valid), 1, 0.5)
    return f"; did you mean {near[0]}?" if near else ""


def without_login(url: str) -> str:
    """An address without user name and password."""
    return url.rpartition("@")[2] if "@" in url else url


def _list_text(annotation: Any) -> str:
    if get_origin(annotation) is dict:
        return "a table of names"
    choices = get_args(get_args(annotation)[0]) if get_origin(annotation) is tuple else ()
    return "names separated by commas" + (f", of {', '.join(choices)}" if choices else "")
