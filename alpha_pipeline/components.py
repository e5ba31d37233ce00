"""
A market as a Dagster component: its assets, checks, schedule and resources in another project, from a `defs.yaml`.

Light until definitions are built: `dg` imports this module to list what is installed. Run dates, lake and model are
those of the settings of that project: its `alpha_pipeline.toml` and environment.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

import dagster as dg
from pydantic import BaseModel, Field, SecretStr, create_model

from alpha_pipeline.errors import SettingError
from alpha_pipeline.settings import FileSettings, MarketSettings, load_settings
from alpha_pipeline.settings.catalog import field_meanings, fields_of
from alpha_pipeline.settings.market_section import complete_market

__all__ = ["MarketComponent", "MarketScaffolder"]

Files = TypeVar("Files", bound=FileSettings)
Model = TypeVar("Model", bound=type[BaseModel])
PROJECT = ("data", "mining", "fusion", "model")  # sections that a market inherits from
# A field of this name would hide the method by which Dagster asks for the schema.
RENAMED = {"model": "language_model"}


class Attributes(dg.Model, dg.Resolvable):
    """Base of the sections below a market."""


def with_fields_of(section: type) -> Callable[[Model], Model]:
    """Add the fields of a section of the settings, all optional: what is not given has the default of the settings."""

    def add(cls: Model) -> Model:
        meanings, added = field_meanings(section), {}
        for name, info in fields_of(section).items():
            if info.annotation is SecretStr:  # secrets stand in the environment
                continue
            kind: Any = _yaml_type(info.annotation)
            meaning = meanings[name]
            resolver = _renamed(kind, name, meaning) if name in RENAMED else dg.Resolver.default(description=meaning)
            added[RENAMED.get(name, name)] = (Annotated[kind | None, resolver], Field(default=None))
        fields: dict[str, Any] = added
        made = create_model(cls.__name__, __base__=cls, __module__=cls.__module__, __doc__=cls.__doc__, **fields)
        return made  # type: ignore[return-value]  # a class of the same bases

    return add


def _yaml_type(annotation: Any) -> Any:
    """A type of the settings as YAML has it: lists for tuples, nested attributes for sections."""
    if fields_of(annotation):
        return with_fields_of(annotation)(type(f"{annotation.__name__}Attributes", (Attributes,), {}))
    if get_origin(annotation) is tuple:
        return list[_yaml_type(get_args(annotation)[0])]  # type: ignore[misc]  # made here
    if get_origin(annotation) is dict:
        return dict[str, _yaml_type(get_args(annotation)[1])]  # type: ignore[misc]  # the same
    return annotation


def _renamed(kind: type[Attributes], name: str, meaning: str) -> dg.Resolver:
    """The resolver of a nested section that has another name in YAML than here."""

    def resolve(context: dg.ResolutionContext, attributes: BaseModel | None) -> Attributes | None:
        return kind.resolve_from_model(context, attributes) if attributes else None

    return dg.Resolver(resolve, model_field_name=name, model_field_type=kind.model() | None, description=meaning)


class MarketScaffolder(dg.Scaffolder):
    """Writes a `defs.yaml` that loads as it is: daily stocks on the embedded prices."""

    def scaffold(self, request: dg.ScaffoldRequest) -> None:
        """Write the file of `dg scaffold defs`."""
        dg.scaffold_component(request, {"asset_type": "stock", "source": "sample"})


@dg.scaffold_with(MarketScaffolder)
@with_fields_of(MarketSettings)
class MarketComponent(dg.Component, dg.Model, dg.Resolvable):
    """
    One market: raw tables, panel, mining, library, backtests, signals and their nightly schedule.

    Attributes are those of a market of the project file of alpha_pipeline; what is not given follows the asset type.
    """

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """
        The definitions of the market.

        Raises:
            SettingError: a value cannot work; the message begins with the folder of the `defs.yaml`.
        """
        from alpha_pipeline.definitions import build_market_defs  # loads the graph, slow

        name = context.path.name
        try:
            return build_market_defs(name, _section(name, self.model_dump(exclude_none=True), context.project_root))
        except SettingError as error:
            raise SettingError(f"{context.path}: {error}") from error


def _section(name: str, given: Mapping[str, Any], root: Path) -> MarketSettings:
    """The section of the market, with the values of the project where it has none; paths count from the project."""
    names = {renamed: name for name, renamed in RENAMED.items()}
    values = {names.get(key, key): value for key, value in given.items()}
    settings = load_settings()
    project = {part: asdict(getattr(settings, part)) for part in PROJECT}
    section = MarketSettings(**complete_market(name, values, project))
    facts = {kind: _located(files, root) for kind, files in section.facts.items()}
    return replace(section, files=_located(section.files, root), facts=facts)


def _located(files: Files, root: Path) -> Files:
    path = files.path
    return replace(files, path=str(root / Path(path).expanduser())) if path and "://" not in path else files
