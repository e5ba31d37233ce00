"""
The catalogue of the settings: every value of the model with its variable, default, meaning and what it may be.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from alpha_pipeline.settings.messages import MASK, expected_text
from alpha_pipeline.settings.value_types import Variable

PREFIX, NESTED = "ALPHA_PIPELINE_", "__"


@dataclass(frozen=True)
class Setting:
    """
    One value of the model: where it stands, what it may be, and its default.

    Args:
        path: names of the sections and of the field.
        title: the subject it belongs to.
        meaning: one or two sentences.
        field: type and constraints.
        default: a plain value.
    """

    path: tuple[str, ...]
    title: str
    meaning: str
    field: FieldInfo
    default: object

    @property
    def variable(self) -> str:
        """The name of its environment variable."""
        short = next((part.name for part in self.field.metadata if isinstance(part, Variable)), None)
        return PREFIX + (short if short and self.path[0] != "markets" else NESTED.join(self.path).upper())

    def shown(self, value: object) -> str:
        """A value as text: lists separated by commas, secrets masked."""
        if isinstance(value, SecretStr):
            return MASK if value.get_secret_value() else ""
        if isinstance(value, tuple):
            return ",".join(map(str, value))
        if isinstance(value, dict):
            return ",".join(f"{name}={part}" for name, part in value.items())
        if isinstance(value, bool):
            return str(value).lower()
        return f"{value:g}" if isinstance(value, float) and value == round(value, 6) else str(value)

    @property
    def expected(self) -> str:
        """What is allowed, after "expected"."""
        return expected_text(self.field)


def walk(owner: object, path: tuple[str, ...] = (), title: str = "Execution") -> Iterator[Setting]:
    """Values below an object: sections and tables of sections are entered."""
    meanings = field_meanings(type(owner))
    for name, info in fields_of(type(owner)).items():
        part = getattr(owner, name)
        sections = part if isinstance(part, dict) and all(fields_of(type(value)) for value in part.values()) else None
        for key, value in (sections if sections is not None and name in TABLES else {"": part}).items():
            place = (*path, name, key) if key else (*path, name)
            if fields_of(type(value)):
                yield from walk(value, place, title if path else (type(value).__doc__ or "").strip().split(":")[0])
            else:
                yield Setting(place, title, meanings.get(name, ""), info, value)


# Fields that hold tables of sections by name.
TABLES = ("markets", "facts")


def fields_of(cls: Any) -> dict[str, FieldInfo]:
    """Field -> type and constraints of a section; none of another class."""
    return cast(dict[str, FieldInfo], getattr(cls, "__pydantic_fields__", {}))


def field_meanings(cls: type) -> dict[str, str]:
    """Field -> its text below `Args:` in the docstring of its class, inherited ones included."""
    meanings: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        names: list[str] = []
        for line in (base.__doc__ or "").partition("Args:\n")[2].partition("\n\n")[0].splitlines():
            head = re.match(r" {8}([a-z_]+(?:, [a-z_]+)*): (.*)", line)
            names = head[1].split(", ") if head else names
            for name in names:
                meanings[name] = head[2] if head else f"{meanings[name]} {line.strip()}".strip()
    return meanings
