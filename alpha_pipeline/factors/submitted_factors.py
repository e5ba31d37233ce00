"""
Factors of the user: the file `factors.toml`, checked before anything is run.

They are tried in `mining.sessions`; here only what a formula says on its own is judged, not the fields of a panel.
"""

import re
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from alpha_pipeline.errors import ExpressionError, SettingError
from alpha_pipeline.factors.definition import Dialect
from alpha_pipeline.factors.published import parse_named
from alpha_pipeline.market.markets import Market
from alpha_pipeline.settings import project_in_force

FILE_NAME = "factors.toml"
KEYS = ("expression", "name", "rationale", "market", "dialect")
LONGEST = {"expression": 20_000, "name": 64, "rationale": 2_000}
_HEADER = re.compile(r"^[ \t]*\[\[\s*factor\s*\]\]", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_][\w.\- ]*", re.ASCII)


@dataclass(frozen=True)
class SubmittedFactor:
    """
    A formula put forward to be tried.

    Args:
        expression: as written, or the name of a published formula.
        name: for display; empty for one made from the formula.
        rationale: economic rationale.
        dialect: of the expression.
        market: name of the market it is tried in.
        place: file, line and entry, for errors; empty outside a file.
    """

    expression: str
    name: str = ""
    rationale: str = ""
    dialect: Dialect = "dsl"
    market: str = ""
    place: str = ""

    def __post_init__(self) -> None:
        """SettingError: a name that `factor("name")` cannot quote, or a text that is too long."""
        for key, limit in LONGEST.items():
            if len(getattr(self, key)) > limit:
                size = len(getattr(self, key))
                raise SettingError(f"{_at(self.place)}{key} has {size:,} characters; expected at most {limit:,}")
        if self.name and not _NAME.fullmatch(self.name):
            expected = "letters, digits, spaces and . - _, beginning with a letter"
            raise SettingError(f"{_at(self.place)}name is {self.name!r}; expected {expected}")


def factor_file() -> Path:
    """The file of the user's factors: `factors.toml` beside the project file, else in the working folder."""
    return project_in_force().folder / FILE_NAME


def read_factor_file(file: Path, markets: Sequence[Market]) -> tuple[SubmittedFactor, ...]:
    """
    The factors of a file, in order; none where it does not exist.

    Args:
        file: TOML, a table `[[factor]]` each with `expression` and optional `name`, `rationale`, `market`, `dialect`.
        markets: of the project; a factor without `market` is tried in the first.

    Raises:
        SettingError: the file is no TOML, a key or market is unknown, a value is no text, a formula is refused, or two
            factors have one name. The message has file, line, what was found and what is allowed.
    """
    if not file.is_file():
        return ()
    try:
        text = file.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"{file.name} cannot be read: {error}") from None
    if unknown := sorted(set(content) - {"factor"}):
        raise SettingError(f"{file.name}: unknown table {unknown[0]!r}; expected [[factor]] tables only")
    entries = content.get("factor", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SettingError(f"{file.name}: factor is no list of tables; expected [[factor]] before each factor")
    lines = [text.count("\n", 0, header.start()) + 1 for header in _HEADER.finditer(text)]
    places = [
        f"{file.name}, line {lines[number]}, factor {number + 1}" if len(lines) == len(entries)
        else f"{file.name}, factor {number + 1}"
        for number in range(len(entries))
    ]  # fmt: skip
    factors = [_factor(entry, place, markets) for entry, place in zip(entries, places, strict=True)]
    _refuse_repeated_names(factors)
    return tuple(factors)


def _factor(entry: dict[str, Any], place: str, markets: Sequence[Market]) -> SubmittedFactor:
    for key, value in entry.items():
        if key not in KEYS:
            raise SettingError(f"{place}: unknown key {key!r}; expected some of {', '.join(KEYS)}")
        if not isinstance(value, str):
            raise SettingError(f"{place}: {key} is {value!r}; expected text")
    if not entry.get("expression", "").strip():
        raise SettingError(f"{place}: no expression; expected a formula such as expression = '-ts_zscore(close, 20)'")
    _require(entry.get("dialect", "dsl"), get_args(Dialect), "dialect", place)
    by_name = {market.name: market for market in markets}
    market = by_name[_require(entry.get("market", markets[0].name), by_name, "market", place)]
    factor = SubmittedFactor(**{**entry, "market": market.name, "place": place})
    try:
        parse_named(factor.expression, factor.dialect, bar=market.clock, factors=_AnyFactor)
    except ExpressionError as error:
        raise SettingError(f"{place}: the expression is refused: {error}") from None
    return factor


def _require(value: str, allowed: Collection[str], key: str, place: str) -> str:
    if value not in allowed:
        raise SettingError(f"{place}: {key} is {value!r}; expected one of {', '.join(allowed)}")
    return value


def _refuse_repeated_names(factors: Sequence[SubmittedFactor]) -> None:
    first: dict[tuple[str, str], SubmittedFactor] = {}
    for factor in factors:
        earlier = first.setdefault((factor.market, factor.name), factor)
        if factor.name and earlier is not factor:
            raise SettingError(f"{factor.place}: name {factor.name!r} is that of {earlier.place}; expected another")


def _at(place: str) -> str:
    return f"{place}: " if place else ""


class _AnyFactor(dict[str, str]):
    """A library that has a factor of every name: which ones are admitted is not judged here."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return "ts_return(close, 1)"
