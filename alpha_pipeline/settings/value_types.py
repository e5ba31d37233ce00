"""
Types of single settings and the decorator of their sections.

A section is a frozen dataclass whose values are validated wherever it is built.
"""

import re
from dataclasses import dataclass as plain_dataclass
from datetime import datetime
from email.utils import parseaddr
from functools import wraps
from typing import Annotated, Any, TypeVar, cast, dataclass_transform
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic.dataclasses import dataclass as validated

from alpha_pipeline.errors import SettingError
from alpha_pipeline.settings.messages import fault_text

Section = TypeVar("Section")
# A number and a unit; a session is a trading day of the calendar.
DURATION = r"(\d+) ?(bars?|min|h|D|days?|d|sessions?|W|weeks?|w|months?|mo|years?|y)"
DURATIONS = ("15min", "4h", "5 sessions", "21 sessions", "1 month", "3 years")


@dataclass_transform(frozen_default=True)
def section(cls: type[Section]) -> type[Section]:
    """A frozen dataclass whose values are validated; what is wrong raises SettingError, by the field's name."""
    checked: Any = validated(frozen=True, config=ConfigDict(extra="forbid"))(cls)
    build = checked.__init__

    @wraps(build)
    def init(self: object, *arguments: object, **values: object) -> None:
        try:
            build(self, *arguments, **values)
        except ValidationError as error:
            raise SettingError(fault_text(error, checked)) from None

    checked.__init__ = init
    return cast(type[Section], checked)


@plain_dataclass(frozen=True)
class Variable:
    """The short name of a field's environment variable, without the prefix."""

    name: str


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        if not text or (parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0):
            return text
    except ValueError:  # half of an IPv6 address, a port that is not a number
        pass
    raise ValueError("an address such as http://127.0.0.1:8000/v1")


def _secret_address(secret: SecretStr) -> SecretStr:
    _address(secret.get_secret_value())
    return secret


def _one_line(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("one line of ASCII characters")
    return secret


def _day(text: str) -> str:
    try:
        return text and str(datetime.strptime(text, "%Y-%m-%d").date())
    except ValueError:
        raise ValueError("a day as YYYY-MM-DD") from None


def _mail(text: str) -> str:
    if text and ("@" not in parseaddr(text)[1] or not text.isprintable()):
        raise ValueError("an address such as me@host")
    return text


def _mails(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_mail, texts))


def _host(text: str) -> str:
    host, colon, port = text.partition(":")
    if not host or (colon and not port.isdecimal()):
        raise ValueError("host or host:port")
    return text


def _duration(text: str) -> str:
    if not text or re.fullmatch(DURATION, text):
        return text
    raise ValueError(f"a duration such as {', '.join(DURATIONS)}")


def _durations(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_duration, texts))


def _names(value: object) -> object:
    """A text is a list separated by commas."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Address = Annotated[str, AfterValidator(_address)]
SecretAddress = Annotated[SecretStr, AfterValidator(_secret_address)]
Day = Annotated[str, AfterValidator(_day)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Key = Annotated[SecretStr, AfterValidator(_one_line)]
Mail = Annotated[str, AfterValidator(_mail)]
Mails = Annotated[Names, AfterValidator(_mails)]
Host = Annotated[str, AfterValidator(_host)]
Duration = Annotated[str, AfterValidator(_duration)]
Durations = Annotated[Names, AfterValidator(_durations)]
Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
UNSET = SecretStr("")
