"""
Run configuration, as the launchpad and `--config` offer it: the fields and the values of the settings, for one run.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
from pydantic import Field, create_model

from alpha_pipeline.assets.wiring.partitions import MARKET_SETTINGS, MARKETS, SETTINGS
from alpha_pipeline.factors.submitted_factors import SubmittedFactor, read_factor_file
from alpha_pipeline.fusion.decision import DecisionRule, configured_method
from alpha_pipeline.llm.budget import read_prices
from alpha_pipeline.market.markets import Market
from alpha_pipeline.mining.loop import MiningSettings
from alpha_pipeline.mining.sessions import USER, published_candidates

Config = TypeVar("Config", bound=dg.Config)
Value = TypeVar("Value")


def with_fields_of(settings: object) -> Callable[[type[Config]], type[Config]]:
    """Add the fields of a section of the settings to a configuration; its values are the defaults."""

    def add(config: type[Config]) -> type[Config]:
        added: dict[str, Any] = {
            part.name: _field(part.name, getattr(settings, part.name)) for part in _fields(settings)
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
        values[part.name] = section_of(value, before) if isinstance(value, dg.Config) else value
    return type(like)(**values)


def _fields(settings: object) -> tuple[Any, ...]:
    return fields(settings)  # type: ignore[arg-type]  # sections are dataclasses


def _field(name: str, value: Any) -> tuple[Any, Any]:
    """Type and default, as far as Dagster knows types: nested configurations, lists of text, numbers, text."""
    if is_dataclass(value):
        empty: type[dg.Config] = type(f"{name.capitalize()}Config", (dg.Config,), {"__doc__": type(value).__doc__})
        nested = with_fields_of(value)(empty)
        return nested, nested()
    return (list[str], list(value)) if isinstance(value, tuple) else (type(value), value)


class SubmissionConfig(dg.Config):
    """A formula of the user to try once; fields as in `alpha_pipeline.factors.submitted_factors.SubmittedFactor`."""

    expression: str
    name: str = ""
    rationale: str = ""
    dialect: str = "dsl"


@with_fields_of(SETTINGS.mining)
class MiningConfig(dg.Config):
    """
    Mining of one run date; fields as in `alpha_pipeline.settings.Mining`.

    Besides: `proposer` in place of the configured one; `fresh` asks every question again, `retry` those that were not
    answered, where otherwise stored answers count. `submissions` are formulas of the user, tried before the proposer
    is asked.
    """

    proposer: str = ""
    fresh: bool = False
    retry: bool = False
    submissions: list[SubmissionConfig] = Field(default_factory=list)

    def candidates_for(self, market: Market, file: Path) -> dict[str, tuple[SubmittedFactor, ...]]:
        """
        Formulas to try besides those of the proposer, by proposer: those submitted, of the file, of published sets.

        Raises:
            SettingError: the file is invalid.
        """
        submitted = [SubmittedFactor(**dict(submission)) for submission in self.submissions]
        in_file = [factor for factor in read_factor_file(file, MARKETS) if factor.market == market.name]
        return {USER: (*submitted, *in_file), **published_candidates(self.candidates)}

    def settings(self, prices: Path) -> MiningSettings:
        """The settings of the mining loop."""
        mining = section_of(self, SETTINGS.mining)
        return MiningSettings(
            **{part.name: getattr(mining, part.name) for part in _fields(mining)}, prices=read_prices(prices)
        )


@with_fields_of(SETTINGS.fusion)
class FusionConfig(dg.Config):
    """Fusion of one run; fields as in `alpha_pipeline.settings.FusionSettings`."""

    def settings(self, market: Market | None = None) -> tuple[str, DecisionRule]:
        """The method and the rule: those of the run, else those of the market where it differs from the project."""
        chosen = section_of(self, SETTINGS.fusion)
        if market and chosen == SETTINGS.fusion:
            chosen = MARKET_SETTINGS[market.name].fusion
        return configured_method(chosen, chosen.method)
