"""
Resources: market data, the language model, the Parquet lake, alerts.

They use the types of `alpha_pipeline` and know nothing of the asset graph.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # validation of settings is a slow import that the embedded prices do not need
    from alpha_pipeline.settings import Settings


def default_resources(settings: "Settings") -> dict[str, object]:
    """The resources of the graph by name, each from its part of the settings; the defaults work offline."""
    from alpha_pipeline.resources.alerts import Alerts  # a package that imports nothing heavy until it is used
    from alpha_pipeline.resources.http.webhook import SignalWebhook
    from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
    from alpha_pipeline.resources.llm.resource import LanguageModel
    from alpha_pipeline.resources.llm.sentiment import SentimentResource
    from alpha_pipeline.resources.market_data import MarketDataResource

    return {
        "alerts": Alerts.of(settings.alerts, settings.lake),
        "data": MarketDataResource.of(settings.data),
        "model": LanguageModel.of(settings.model),
        "lake": ParquetIOManager(root=settings.lake.root),
        "sentiment": SentimentResource.of(settings.sentiment),
        "webhook": SignalWebhook.of(settings.export),
    }
