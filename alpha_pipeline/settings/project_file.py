"""
The project file `alpha_pipeline.toml`: where it is, its values, and the line of each.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from alpha_pipeline.errors import SettingError

FILE_NAME = "alpha_pipeline.toml"


@dataclass(frozen=True)
class ProjectFile:
    """
    A project file.

    Args:
        path: of the file; None where the project has none.
        values: nested as the settings are; days as ISO text.
        lines: path of a table or value to its line.
    """

    path: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Folder to which the paths in the file are relative."""
        return self.path.parent if self.path else Path()

    def has(self, path: tuple[str, ...]) -> bool:
        """Whether the file sets a value."""
        part: Any = self.values
        for name in path:
            if not isinstance(part, Mapping) or name not in part:
                return False
            part = part[name]
        return True

    def place(self, path: tuple[str, ...]) -> str:
        """File, line and key of a value, such as "alpha_pipeline.toml, line 12: markets.stocks.fee_bps"."""
        line = next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), 1)
        return f"{self.path}, line {line}: {'.'.join(path)}"


def parse_project_file(path: Path, content: bytes) -> ProjectFile:
    """
    The values of a project file.

    Raises:
        SettingError: it is not TOML; the message has the file and the line.
    """
    try:
        text = content.decode("utf-8-sig")
        return ProjectFile(path, _plain(tomllib.loads(text)), _lines(text))
    except UnicodeDecodeError as error:
        raise SettingError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{path} is not valid TOML: {error}") from None


def find_project_file(configured: str, folder: Path) -> Path | None:
    """
    The configured project file, or the one of the working folder; None where there is none.

    Raises:
        SettingError: a configured file does not exist.
    """
    if not configured:
        standard = folder / FILE_NAME
        return standard if standard.is_file() else None
    path = Path(configured).expanduser()
    path = path / FILE_NAME if path.is_dir() else path
    if not path.is_file():
        raise SettingError(f"ALPHA_PIPELINE_CONFIG is {configured!r}; no such file")
    return path


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return tuple(map(_plain, value))
    return value.isoformat()[:10] if isinstance(value, date) else value


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Lines of tables and of keys at the start of a line; the parser has checked the text before."""
    table: tuple[str, ...] = ()
    lines: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[([^\[\]]+)\]\s*(#.*)?$", line):
            table = _names(head[1])
            lines.setdefault(table, number)
        elif key := re.match(r"\s*([\w\-.\"' ]+?)\s*=", line):
            path = (*table, *_names(key[1]))
            lines.setdefault(path, number)
            for inner in re.findall(r"[{,]\s*([\w\-]+)\s*=", line):  # an inline table
                lines.setdefault((*path, inner), number)
    return lines


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^.]+", dotted))
