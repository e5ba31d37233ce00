"""
Composition root: assets, checks, schedules and resources as one Dagster code location.

With `components`, the only module of this package that imports Dagster.
"""

import warnings
from functools import cache

import dagster as dg

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # backfill policies and mappings are beta by name only
warnings.filterwarnings("ignore", category=dg.PreviewWarning)

from alpha_pipeline.assets.automation.alert_sensors import build_alert_sensors  # noqa: E402
from alpha_pipeline.assets.automation.orphaned_run_monitor import orphaned_run_sensor  # noqa: E402
from alpha_pipeline.assets.automation.schedules import joined_sensor, nightly_schedule  # noqa: E402
from alpha_pipeline.assets.backtests import backtest_assets  # noqa: E402
from alpha_pipeline.assets.coverage import coverage_assets  # noqa: E402
from alpha_pipeline.assets.export import export_assets  # noqa: E402
from alpha_pipeline.assets.fusion_comparison import comparison_assets, comparison_schedule  # noqa: E402
from alpha_pipeline.assets.library import library_assets  # noqa: E402
from alpha_pipeline.assets.mining import factor_assets  # noqa: E402
from alpha_pipeline.assets.noise_floor import noise_assets  # noqa: E402
from alpha_pipeline.assets.outcomes import outcome_assets  # noqa: E402
from alpha_pipeline.assets.panel import panel_assets  # noqa: E402
from alpha_pipeline.assets.paper import paper_assets  # noqa: E402
from alpha_pipeline.assets.raw import raw_assets  # noqa: E402
from alpha_pipeline.assets.report import report_assets  # noqa: E402
from alpha_pipeline.assets.sealed_test import sealed_assets  # noqa: E402
from alpha_pipeline.assets.signals import joined_signal_assets, signal_assets  # noqa: E402
from alpha_pipeline.assets.tear_sheets import tear_sheet_assets  # noqa: E402
from alpha_pipeline.assets.wiring.partitions import MARKETS, register_market  # noqa: E402
from alpha_pipeline.market.markets import Market  # noqa: E402
from alpha_pipeline.resources import default_resources  # noqa: E402
from alpha_pipeline.settings import MarketSettings, load_settings  # noqa: E402  # the filters must stand before the asset modules load

__all__ = ["build_defs", "build_market_defs", "defs"]
PER_MARKET = (
    raw_assets, coverage_assets, panel_assets, factor_assets, library_assets, noise_assets, backtest_assets,
    sealed_assets, tear_sheet_assets, signal_assets,
)  # fmt: skip
EXECUTORS = {"in_process": dg.in_process_executor, "multiprocess": dg.multiprocess_executor}


def build_defs(resource_overrides: dict[str, object] | None = None) -> dg.Definitions:
    """
    Build the graph.

    Args:
        resource_overrides: resources that replace the configured ones, by name (`data`, `lake`, ...); for tests.

    Raises:
        SettingError: an unknown or invalid setting.
    """
    settings = load_settings()
    assets = [asset for market in MARKETS for asset in _market_assets(market)]
    assets += [
        *joined_signal_assets(),
        *comparison_assets(),
        *outcome_assets(),
        *paper_assets(),
        *export_assets(),
        *report_assets(),
    ]
    keys = [key for asset in assets for key in asset.keys]
    checks = [check for asset in assets for check in asset.check_keys]
    return dg.Definitions(
        assets=assets,
        schedules=[*(nightly_schedule(market, keys) for market in MARKETS), comparison_schedule()],
        sensors=[joined_sensor(), orphaned_run_sensor(), *build_alert_sensors(checks)],
        resources={**default_resources(settings), **(resource_overrides or {})},
        executor=EXECUTORS[settings.executor],
    )


def build_market_defs(name: str, section: MarketSettings) -> dg.Definitions:
    """
    Assets, checks, nightly schedule and resources of one market, for a component in another project.

    Args:
        name: of the market, where the section has none.
        section: of the settings.

    Raises:
        SettingError: values that do not fit each other.
    """
    market = register_market(name, section)
    assets = _market_assets(market)
    keys = [key for asset in assets for key in asset.keys]
    return dg.Definitions(assets=assets, schedules=[nightly_schedule(market, keys)], resources=_shared_resources())


def _market_assets(market: Market) -> list[dg.AssetsDefinition]:
    return [asset for build in PER_MARKET for asset in build(market)]


@cache
def _shared_resources() -> dict[str, object]:
    """One object each for all components: Dagster merges definitions whose resources of a name are the same."""
    return default_resources(load_settings())


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` and `dagster asset materialize -m alpha_pipeline.definitions` load."""
    return build_defs()
