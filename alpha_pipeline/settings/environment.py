"""
The environment of the process, read and changed here alone.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from alpha_pipeline.errors import SettingError
from alpha_pipeline.settings.catalog import PREFIX, Setting
from alpha_pipeline.settings.messages import nearest

CONFIG = f"{PREFIX}CONFIG"


def given_variables() -> dict[str, str]:
    """Variables of the project that are not empty."""
    return {name: text.strip() for name, text in os.environ.items() if name.startswith(PREFIX) and text.strip()}


def child_environment(**more: str) -> dict[str, str]:
    """The environment for a child process: this one's, and more."""
    return {**os.environ, **more}


def export_variable(name: str, value: str) -> None:
    """Set a variable for a library that can be configured in no other way."""
    os.environ[name] = value


def values_of(given: Mapping[str, str], catalog: Iterable[Setting]) -> dict[str, Any]:
    """
    The values of variables, nested as the settings are.

    Raises:
        SettingError: a variable is no setting.
    """
    by_variable = {setting.variable: setting for setting in catalog}
    values: dict[str, Any] = {}
    for name, text in given.items():
        if name == CONFIG:
            continue
        if name not in by_variable:
            near = nearest(name, by_variable)
            raise SettingError(f"{name} is not a setting{near} `alpha-pipeline settings` lists all")
        setting, part = by_variable[name], values
        for section in setting.path[:-1]:
            part = part.setdefault(section, {})
        part[setting.path[-1]] = _parsed(text, setting.field)
    return values


def _parsed(text: str, info: FieldInfo) -> object:
    origin = get_origin(info.annotation)
    if origin is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if origin is dict and get_args(info.annotation)[1] is str:
        return dict(part.strip().split("=", 1) for part in text.split(",") if "=" in part)
    return text
