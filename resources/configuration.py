"""
Configuration as Dagster shows it: fields with the meaning and the range of a setting, and typed errors.

Choices are `Literal` annotations, which the launchpad offers as enums and refuses before a run begins.
"""

from typing import Any

import dagster as dg
from pydantic import Field, SecretStr, ValidationError

from alpha_pipeline.errors import SettingError
from alpha_pipeline.settings.catalog import field_meanings, fields_of
from alpha_pipeline.settings.messages import bounds_of, fault_text

COMMAS = "separated by commas"
AT_RUN_TIME = "a secret, read from the environment at run time"


class _Checked:
    """Raises SettingError where pydantic finds a fault: the field, what was found, what is allowed."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingError(fault_text(error, type(self))) from None


class RunConfig(_Checked, dg.Config):
    """Base of run configurations."""


class Resource(_Checked, dg.ConfigurableResource):
    """Base of resources."""


class IOManager(_Checked, dg.ConfigurableIOManager):
    """Base of I/O managers."""


def described(section: type, name: str, note: str = "") -> Any:
    """
    A field with the default, the range of numbers and the meaning of a setting.

    Args:
        section: of the settings.
        name: of its field.
        note: added to the meaning, such as the separator of a list.
    """
    info, meaning = fields_of(section)[name], field_meanings(section)[name]
    default = info.get_default(call_default_factory=True)
    if isinstance(default, SecretStr | tuple):  # as text
        default = "" if isinstance(default, SecretStr) else ",".join(default)
    text = f"{meaning.rstrip('.')}{f'; {note}' if note else ''}."
    return Field(default=default, description=text, **bounds_of(info))
