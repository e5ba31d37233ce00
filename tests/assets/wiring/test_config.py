"""What the launchpad shows of run configurations and resources."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._config import ConfigType, ConfigTypeKind

from alpha_pipeline.assets.backtests import BreakdownConfig
from alpha_pipeline.assets.noise_floor import NoiseConfig
from alpha_pipeline.assets.raw import RawConfig
from alpha_pipeline.assets.wiring.config import FusionConfig, MiningConfig
from alpha_pipeline.definitions import build_defs
from alpha_pipeline.errors import SettingError
from alpha_pipeline.fusion.methods.method_table import METHODS
from alpha_pipeline.mining.factor_types import FACTOR_TYPES
from alpha_pipeline.mining.proposers import PROPOSERS
from alpha_pipeline.resources.alerts import Alerts
from alpha_pipeline.resources.http.webhook import SignalWebhook
from alpha_pipeline.resources.llm.resource import LanguageModel
from alpha_pipeline.resources.market_data import MarketDataResource


def fields_of(config_type: ConfigType, path: str) -> Iterator[tuple[str, dg.Field]]:
    """Fields below a type, with their paths; nested shapes are entered."""
    for name, field in getattr(config_type, "fields", {}).items():
        yield f"{path}.{name}", field
        yield from fields_of(field.config_type, f"{path}.{name}")


def schemas() -> dict[str, dg.Field]:
    """Every field of the configurations of steps and resources of the graph."""
    repository = build_defs().get_repository_def()
    shown: dict[str, dg.Field] = {}
    for asset in repository.assets_defs_by_key.values():
        shown |= dict(fields_of(asset.op.config_schema.config_type, asset.op.name))
    for name, resource in repository.get_top_level_resources().items():
        shown |= dict(fields_of(resource.config_schema.config_type, name))
    return shown


def values_of(config_type: ConfigType) -> set[str]:
    """Choices of an enum, or of the entries of a list."""
    while config_type.kind in (ConfigTypeKind.NONEABLE, ConfigTypeKind.ARRAY):
        config_type = config_type.inner_type  # type: ignore[attr-defined]  # of these two kinds
    assert config_type.kind is ConfigTypeKind.ENUM, config_type.kind
    return set(config_type.config_values)  # type: ignore[attr-defined]  # an enum


@pytest.fixture(scope="module")
def shown() -> dict[str, dg.Field]:
    return schemas()


def test_every_field_has_a_description(shown: dict[str, dg.Field]) -> None:
    """Steps of all markets, nested sections, resources and the I/O manager."""
    assert {"crypto__factor_definitions.budget.night_usd", "model.api_key", "lake.root"} <= set(shown)
    assert [path for path, field in shown.items() if len(field.description or "") < 10] == []


@pytest.mark.parametrize(
    ("path", "choices"),
    [
        ("crypto__factor_definitions.proposer", {"configured", *PROPOSERS}),
        ("crypto__factor_definitions.prompt_modes", {"generate", "code", "optimize", "multimodal"}),
        ("crypto__factor_definitions.factor_types", set(FACTOR_TYPES)),
        ("fused_signal.method", set(METHODS)),
        ("fusion_comparison.method", set(METHODS)),
        ("model.proposer", set(PROPOSERS)),
        ("model.constrain", {"", "pattern", "schema", "none"}),
        ("sentiment.sentiment", {"lexicon", "model"}),
        ("data.source", {"", "sample", "live"}),
        ("alerts.mail_tls", {"starttls", "tls", "none"}),
    ],
)
def test_choices_are_enums(shown: dict[str, dg.Field], path: str, choices: set[str]) -> None:
    """The launchpad offers them, and a run with another value does not begin."""
    assert values_of(shown[path].config_type) == choices


def test_an_unknown_choice_is_refused_before_the_run() -> None:
    """Dagster names the path, and nothing is computed."""
    defs = build_defs()
    job = defs.resolve_implicit_global_asset_job_def()
    for config in ({"prompt_modes": ["guess"]}, {"proposer": "oracle"}):
        run_config = {"ops": {"crypto__factor_definitions": {"config": config}}}
        with pytest.raises(dg.DagsterInvalidConfigError, match="factor_definitions:config"):
            dg.validate_run_config(job, run_config)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RawConfig(batch_days=0), r"batch_days is 0; expected an integer in \[1, inf\)"),
        (lambda: NoiseConfig(replays=-1), r"replays is -1; expected an integer in \[0, inf\)"),
        (lambda: BreakdownConfig(combinations="perhaps"), "combinations is 'perhaps'; expected true or false"),
        (lambda: MiningConfig(rounds=-1), r"rounds is -1; expected an integer in \[0, inf\)"),
        (lambda: MiningConfig(budget={"night_usd": -0.5}), r"night_usd is -0.5; expected a number in \[0, inf\)"),
        (lambda: FusionConfig(threshold=1.0), r"threshold is 1.0; expected a number in \[0, 1\)"),
        (lambda: FusionConfig(method="tea"), "method is 'tea'; expected one of weighted"),
        (lambda: LanguageModel(attempts=0), r"attempts is 0; expected an integer in \[1, inf\)"),
        (lambda: LanguageModel(constrain="grammar"), "constrain is 'grammar'; expected one of pattern, schema, none"),
        (lambda: SignalWebhook(timeout_seconds=0), r"timeout_seconds is 0; expected a number in \(0, inf\)"),
        (lambda: MarketDataResource(source="bloomberg"), "source is 'bloomberg'; expected one of sample, live"),
        (lambda: Alerts(mail_tls="maybe"), "mail_tls is 'maybe'; expected one of starttls, tls, none"),
    ],
)
def test_a_value_out_of_range_is_a_typed_error(build, message: str) -> None:  # type: ignore[no-untyped-def]
    """Field, what was found, what is allowed."""
    with pytest.raises(SettingError, match=message):
        build()
