"""User-editable TOML tables that ship with the package."""

import tomllib
from pathlib import Path
from typing import Any

from alpha_pipeline.errors import SettingError


def read_table(file: Path, what: str) -> dict[str, Any]:
    """
    The entries of a table, by name.

    Raises:
        SettingError: the file is absent or no TOML; `what` names it.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"{what} {file} cannot be read: {error}") from None
