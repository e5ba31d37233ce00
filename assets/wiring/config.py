"""
Run configuration, as the launchpad and `--config` offer it: the fields and the values of the settings, for one run.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import dagster as dg
from pydantic import Field, create_model

from alpha_pipeline.assets.wiring.partitions import MARKET_SETTINGS, SETTINGS, all_markets
from alpha_pipeline.factors.submitted_factors import SubmittedFactor, read_factor_file
from alpha_pipeline.fusion.decision import DecisionRule, configured_method
from alpha_pipeline.fusion.methods.method_table import METHODS
from alpha_pipeline.llm.budget import read_prices
from alpha_pipeline.market.markets import Market
from alpha_pipeline.mining.factor_types import FACTOR_TYPES
from alpha_pipeline.mining.loop import MiningSettings
from alpha_pipeline.mining.sessions import USER, published_candidates
from alpha_pipeline.resources.configuration import RunConfig
from alpha_pipeline.settings.catalog import field_meanings, fields_of
from alpha_pipeline.settings.messages import bounds_of

Config = TypeVar("Config", bound=RunConfig)
Value = TypeVar("Value")
# In place of a proposer: the one of the settings.
CONFIGURED = "configured"


def with_fields_of(settings: object, **choices: Sequence[str]) -> Callable[[type[Config]], type[Config]]:
    """
    Add the fields of a section of the settings to a configuration; its values are the defaults.

    Args:
        settings: the section.
        choices: what fields may be whose choices the settings do not know, such as names of a registry.
    """

    def add(config: type[Config]) -> type[Config]:
        added: dict[str, Any] = {
            part.name: _field(settings, part.name, choices.get(part.name, ())) for part in _fields(settings)
        }
        model = create_model(config.__name__, __base__=config, __module__=config.__module__, **added)
        model.__doc__ = config.__doc__
        return model

    return add


def section_of(config: dg.Config, like: Value) -> Value:
    """`like` with the values that the configuration has for its fields."""
    values: dict[str, Any] = {}
    for part in _fields(like):
        before = getattr(like, part.name)
        value = getattr(config, part.name, before)
        if isinstance(value, dg.Config):
            value = section_of(value, before)
        values[part.name] = [str(item) for item in value] if isinstance(value, list) else value
    return type(like)(**values)


def _fields(settings: object) -> tuple[Any, ...]:
    return fields(settings)  # type: ignore[arg-type]  # sections are dataclasses


def _field(settings: object, name: str, choices: Sequence[str]) -> tuple[Any, Any]:
    """Type and field as far as Dagster knows types: nested configurations, numbers, text, enums, lists of these."""
    value = getattr(settings, name)
    meaning, info = field_meanings(type(settings))[name], fields_of(type(settings))[name]
    if is_dataclass(value):
        empty = type(f"{name.capitalize()}Config", (RunConfig,), {"__doc__": type(value).__doc__})
        nested: Any = with_fields_of(value)(empty)
        return nested, Field(default=nested(), description=meaning)
    if isinstance(value, tuple):
        names = choices or get_args(get_args(info.annotation)[0])
        item = StrEnum(name, {choice: choice for choice in names}) if names else str
        return list[item], Field(default=list(value), description=meaning)  # type: ignore[valid-type]  # made here
    if choices:
        return Literal[tuple(choices)], Field(default=value, description=meaning)
    return Annotated[info.annotation, Field(**bounds_of(info))], Field(default=value, description=meaning)


class SubmissionConfig(RunConfig):
    """A formula of the user, tried once."""

    expression: str = Field(description="The formula.")
    name: str = Field(default="", description="Name of the factor; empty for one from the formula.")
    rationale: str = Field(default="", description="Why it should predict returns.")
    dialect: Literal["dsl", "math", "pandas"] = Field(default="dsl", description="Language of the formula.")


@with_fields_of(SETTINGS.mining, factor_types=tuple(FACTOR_TYPES))
class MiningConfig(RunConfig):
    """Mining of one run date."""

    proposer: Literal["configured", "model", "random_grammar", "mutation"] = Field(
        default="configured", description="What writes formulas; `configured` is the proposer of the settings."
    )
    fresh: bool = Field(default=False, description="Ask every question again, where otherwise stored answers count.")
    retry: bool = Field(default=False, description="Ask the questions again that were not answered.")
    submissions: list[SubmissionConfig] = Field(
        default_factory=list, description="Formulas of the user, tried before the proposer is asked."
    )

    def candidates_for(self, market: Market, file: Path) -> dict[str, tuple[SubmittedFactor, ...]]:
        """
        Formulas to try besides those of the proposer, by proposer: those submitted, of the file, of published sets.

        Raises:
            SettingError: the file is invalid.
        """
        submitted = [SubmittedFactor(**dict(submission)) for submission in self.submissions]
        in_file = [factor for factor in read_factor_file(file, all_markets()) if factor.market == market.name]
        candidates: list[str] = self.candidates  # type: ignore[attr-defined]  # of the settings
        return {USER: (*submitted, *in_file), **published_candidates(candidates)}

    def settings(self, prices: Path) -> MiningSettings:
        """The settings of the mining loop."""
        mining = section_of(self, SETTINGS.mining)
        return MiningSettings(
            **{part.name: getattr(mining, part.name) for part in _fields(mining)}, prices=read_prices(prices)
        )


def mining_config(market: Market) -> type[MiningConfig]:
    """The configuration of a market's mining, whose defaults are the values of the market."""
    own = MARKET_SETTINGS[market.name].mining
    if own == SETTINGS.mining:
        return MiningConfig
    return with_fields_of(own, factor_types=tuple(FACTOR_TYPES))(MiningConfig)


@with_fields_of(SETTINGS.fusion, method=tuple(METHODS))
class FusionConfig(RunConfig):
    """Fusion of one run."""

    def settings(self, market: Market | None = None) -> tuple[str, DecisionRule]:
        """The method and the rule: those of the run, else those of the market where it differs from the project."""
        chosen = section_of(self, SETTINGS.fusion)
        if market and chosen == SETTINGS.fusion:
            chosen = MARKET_SETTINGS[market.name].fusion
        return configured_method(chosen, chosen.method)
