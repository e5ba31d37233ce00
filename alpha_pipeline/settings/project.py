"""
All settings as one model: the project file, the environment over it, arguments over both.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from alpha_pipeline.errors import SettingError
from alpha_pipeline.settings.catalog import Setting, walk
from alpha_pipeline.settings.environment import CONFIG, given_variables, values_of
from alpha_pipeline.settings.market_section import EMBEDDED_MARKETS, MarketSettings, complete_market
from alpha_pipeline.settings.messages import fault_text, without_login
from alpha_pipeline.settings.project_file import ProjectFile, find_project_file, parse_project_file
from alpha_pipeline.settings.sections import (
    FILE_DAYS,
    LIVE_DAYS,
    SAMPLE_DAYS,
    AlertSettings,
    DataSettings,
    DaySettings,
    ExportSettings,
    FusionSettings,
    LakeSettings,
    Mining,
    ModelSettings,
    PaperConfig,
    SentimentSettings,
)  # fmt: skip


class _Source(PydanticBaseSettingsSource):
    """Values of the project file or of the environment, nested as the model is."""

    def __init__(self, settings_cls: type[BaseSettings], values: Mapping[str, Any]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Unused: a source gives values inside sections."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        return dict(self._values)


class _MisfitError(SettingError):
    """Values that are possible alone and impossible together."""

    def __init__(self, path: tuple[str, ...], fault: str) -> None:
        super().__init__(f"{'.'.join(path)} {fault}")
        self.path, self.fault = path, fault


# Defaults of run dates, those of embedded prices first.
DAYS = {"sample": SAMPLE_DAYS, "live": LIVE_DAYS, "files": FILE_DAYS}


class Settings(BaseSettings):
    """
    Every setting of the project, by subject.

    Args:
        executor: how the steps of a run are executed: `in_process` or `multiprocess`.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    data: DataSettings = DataSettings()
    days: DaySettings = DaySettings()
    lake: LakeSettings = LakeSettings()
    markets: dict[str, MarketSettings] = Field(default_factory=dict)
    model: ModelSettings = ModelSettings()
    sentiment: SentimentSettings = SentimentSettings()
    mining: Mining = Mining()
    fusion: FusionSettings = FusionSettings()
    paper: PaperConfig = PaperConfig()
    alerts: AlertSettings = AlertSettings()
    export: ExportSettings = ExportSettings()
    executor: Literal["in_process", "multiprocess"] = "in_process"

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the project file."""
        environment, path, content = _inputs()
        file = _file(path, content)
        given = values_of(dict(environment), _catalog(_tables(file)))
        markets: dict[str, Any] = (
            {} if "markets" in init_settings() else {"markets": {name: {} for name in EMBEDDED_MARKETS}}
        )
        return init_settings, _Source(settings_cls, given), _Source(settings_cls, {**markets, **file.values})

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Days that are not set follow the source; values of a market that are not set follow it and the project."""
        days, markets = (values.get(name) or {} for name in ("days", "markets"))
        if isinstance(markets, dict):
            markets = {
                name: complete_market(name, market, values) if isinstance(market, dict) else market
                for name, market in markets.items()
            }
            sources = {str(market.get("source")) for market in markets.values() if isinstance(market, dict)}
            if isinstance(days, dict):
                by_source = next((DAYS[source] for source in DAYS if source in sources), SAMPLE_DAYS)
                days = {"first": by_source[0], "end": by_source[1], **days}
        return {**values, "days": days, "markets": markets}

    @model_validator(mode="after")
    def _fits(self) -> "Settings":
        """Refuse values that are possible alone and impossible together."""
        names: dict[str, str] = {}
        for table, market in self.markets.items():
            name = market.name or table
            if name in names:
                raise _MisfitError(
                    ("markets", table), f"is named {name!r} as is markets.{names[name]}; expected two names"
                )
            names[name] = table
        if self.days.end and not self.days.first < self.days.end:
            raise _MisfitError(
                ("days", "first"), f"is {self.days.first!r}; expected a day before the end, {self.days.end}"
            )
        if not self.days.first:
            raise _MisfitError(("days", "first"), "is not set; expected the first run date of the graph as YYYY-MM-DD")
        for name, model in [("", self.model), *((n, m.model) for n, m in self.markets.items())]:
            if model.url and not model.name:
                path = ("markets", name, "model") if name else ("model",)
                raise _MisfitError((*path, "url"), f"is {without_login(model.url)!r} but the model's name is not set")
        return self

    @property
    def live(self) -> bool:
        """Whether a market has a vendor as its source."""
        return any(market.source == "live" for market in self.markets.values())

    def value(self, setting: Setting) -> object:
        """The value in force."""
        place: Any = self
        for name in setting.path:
            place = place[name] if isinstance(place, dict) else getattr(place, name)
        return place


def load_settings() -> Settings:
    """
    The settings of this process: of the project file and the environment.

    One object for one state of both: a test that changes a variable gets the changed settings from the next call, and
    nothing has to be reset.

    Raises:
        SettingError: a key or variable is unknown, or its value cannot work.
    """
    return _load(*_inputs())[0]


def project_in_force() -> ProjectFile:
    """The project file in force; one without a path where there is none."""
    return _load(*_inputs())[1]


def setting_sources() -> dict[str, str]:
    """Per variable what decides its value: a variable, a line of the project file, or "default"."""
    given, file = given_variables(), project_in_force()
    source = variable_of("data", "source")

    def origin(setting: Setting) -> str:
        if setting.variable in given:
            return setting.variable
        if file.has(setting.path):
            return file.place(setting.path).rpartition(":")[0]
        inherits = setting.path[0] == "days" and (source in given or file.has(("data", "source")))
        return source if inherits and source in given else "default"

    return {setting.variable: origin(setting) for setting in all_settings()}


def variable_of(*path: str) -> str:
    """The environment variable of a setting, such as `variable_of("model", "key")`."""
    return next(setting.variable for setting in _catalog(()) if setting.path == path)


def all_settings() -> tuple[Setting, ...]:
    """
    Every setting of the project in the order of the model.

    Sections in which a market may differ from the project are listed where they do.
    """
    environment, path, content = _inputs()
    given, file = dict(environment), _file(path, content)
    return tuple(
        setting
        for setting in _catalog(_tables(file))
        if not _differs(setting.path) or setting.variable in given or file.has(setting.path)
    )


def place_of(*path: str) -> str:
    """A setting as the user wrote it: its variable, or the line of the project file."""
    given, file = given_variables(), project_in_force()
    setting = next((setting for setting in _catalog(_tables(file)) if setting.path == path), None)
    if setting and (setting.variable in given or not file.path):
        return setting.variable
    return file.place(path) if file.path else ".".join(path)


def _differs(path: tuple[str, ...]) -> bool:
    return path[0] == "markets" and len(path) > 3 and path[2] in ("mining", "fusion", "model")


def _inputs() -> tuple[tuple[tuple[str, str], ...], str, bytes]:
    given = given_variables()
    path = find_project_file(given.get(CONFIG, ""), Path.cwd())
    return tuple(sorted(given.items())), str(path or ""), path.read_bytes() if path else b""


@lru_cache(maxsize=8)
def _file(path: str, content: bytes) -> ProjectFile:
    return parse_project_file(Path(path), content) if path else ProjectFile()


def _tables(file: ProjectFile) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Markets of the project file, each with its kinds of facts."""
    markets = file.values.get("markets")
    if not isinstance(markets, Mapping):
        return ()
    return tuple((name, _kinds(table)) for name, table in markets.items())


def _kinds(table: Any) -> tuple[str, ...]:
    facts = table.get("facts") if isinstance(table, Mapping) else None
    return tuple(facts) if isinstance(facts, Mapping) else ()


@cache
def _catalog(tables: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[Setting, ...]:
    markets = {
        name: complete_market(name, {"facts": {kind: {} for kind in kinds}} if kinds else {}, {})
        for name, kinds in tables or ((name, ()) for name in EMBEDDED_MARKETS)
    }
    for market in markets.values():  # a market that is not embedded must say these; any values do for the catalogue
        market.update({"asset_type": "other", "calendar": "", "bar": "1D", **market})
    return tuple(walk(Settings.model_construct(markets={n: _market(values) for n, values in markets.items()})))


def _market(values: dict[str, Any]) -> MarketSettings:
    return MarketSettings(**{**values, "source": ""})


@lru_cache(maxsize=8)
def _load(environment: tuple[tuple[str, str], ...], path: str, content: bytes) -> tuple[Settings, ProjectFile]:
    file, given = _file(path, content), dict(environment)
    _refuse_secrets(file)
    catalog = _catalog(_tables(file))
    variables = {setting.path: setting.variable for setting in catalog}

    def place(fault: tuple[str, ...]) -> str:
        variable = variables.get(fault)
        if file.path and (variable is None or variable not in given):
            return file.place(fault)
        return variable or ".".join(fault)

    try:
        return Settings(), file
    except ValidationError as error:
        raise SettingError(fault_text(error, Settings, place)) from None
    except _MisfitError as error:
        raise SettingError(f"{place(error.path)} {error.fault}") from None
    except SettingError as error:
        raise SettingError(f"{file.path}: {error}" if str(error).startswith("markets.") else str(error)) from None


def _refuse_secrets(file: ProjectFile) -> None:
    for setting in _catalog(_tables(file)):
        if setting.field.annotation is SecretStr and file.has(setting.path):
            raise SettingError(
                f"{file.place(setting.path)} is a secret; set {setting.variable} in the environment or in .env"
            )
