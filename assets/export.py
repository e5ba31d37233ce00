"""
The signal leaves the house: files for other programs, freqtrade's among them, and a webhook.
"""

import hashlib
import json
from typing import Any

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import AlphaError
from alpha_pipeline.outcomes.export import (
    STALE_DAYS,
    signal_as_of,
    signal_csv,
    signal_json,
    signal_parquet,
    signal_schema,
)
from alpha_pipeline.outcomes.freqtrade import feather, file_of, pair_tables, pairlist, unpaired
from alpha_pipeline.reporting.formatting import plain
from assets.wiring.partitions import lookback, window
from assets.wiring.table_asset import markdown_table, stored
from resources.http.webhook import SignalWebhook
from resources.lake.io_manager import ParquetIOManager
from resources.lake.lake import Lake

FOLDER = "signals"
WRITERS = {"parquet": signal_parquet, "csv": signal_csv, "json": signal_json}
TRADED = ["timestamp", "market", "symbol", "decision", "value", "confidence"]


def export_assets() -> list[dg.AssetsDefinition]:
    """`signal_export`."""

    @stored(
        tables.SIGNAL_EXPORT,
        "outcomes",
        description="The published signal as JSON, CSV and Parquet (signals/latest.* and by night), for freqtrade, and "
        "posted to a webhook. An older night never replaces a newer one.",
        kinds=("parquet", "json", "csv"),
        ins={
            "decision_ledger": dg.AssetIn(
                "decision_ledger", partition_mapping=lookback(STALE_DAYS), metadata={"allow_missing": True}
            )
        },
    )
    def signal_export(
        context: dg.AssetExecutionContext,
        lake: dg.ResourceParam[ParquetIOManager],
        webhook: SignalWebhook,
        decision_ledger: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        nights = [day.start for day in window(context).days()]
        signals = {night: signal_as_of(decision_ledger, night) for night in nights}
        signals = {night: signal for night, signal in signals.items() if len(signal)}
        lake.lake.atomic_write(f"{FOLDER}/schema.json", signal_schema())
        rows = [_written(lake.lake, signal, night, f"{night:%Y-%m-%d}") for night, signal in signals.items()]
        metadata: dict[str, Any] = {"nights": len(rows), "webhook": "not asked for"}
        if signals and _is_newest(lake.lake, last := max(signals)):
            latest = _written(lake.lake, signals[last], last, "latest")
            metadata |= {"latest": dg.MetadataValue.path(lake.lake.url(str(latest["path"])))}
            metadata |= {"unpaired": _freqtrade(lake.lake, signals[last])}
            metadata |= {"webhook": _posted(context, webhook, signals[last], last)}
            metadata |= {"signal": markdown_table(signals[last].drop(columns="reasons"))}
        elif signals:
            context.log.info(f"the latest signal is newer than {max(signals):%Y-%m-%d} and stays")
        return dg.Output(pd.DataFrame(rows) if rows else tables.SIGNAL_EXPORT.empty(), metadata=metadata)

    return [signal_export]


def _written(lake: Lake, signal: pd.DataFrame, night: pd.Timestamp, name: str) -> dict[str, object]:
    """Parquet and CSV, then JSON: who sees the new JSON finds the others new."""
    for kind, write in WRITERS.items():
        data = write(signal, night)
        lake.atomic_write(f"{FOLDER}/{name}.{kind}", data)
    path = f"{FOLDER}/{name}.json"
    return {"night": night, "path": path, "sha256": hashlib.sha256(data).hexdigest(), "signals": len(signal)}


def _is_newest(lake: Lake, night: pd.Timestamp) -> bool:
    path = f"{FOLDER}/latest.json"
    return not lake.exists(path) or json.loads(lake.read_bytes(path))["night"] <= f"{night:%Y-%m-%d}"


def _freqtrade(lake: Lake, signal: pd.DataFrame) -> str:
    """The pair list of tonight and every pair's signals of all nights; returns what has no pair, for the UI."""
    decided = lake.read("decision_ledger", columns=TRADED, allow_missing=True)
    decided = decided[decided["market"] == "crypto"]
    lake.atomic_write(f"{FOLDER}/freqtrade/pairlist.json", pairlist(signal[signal["market"] == "crypto"]))
    for pair, table in pair_tables(decided).items():
        lake.atomic_write(f"{FOLDER}/freqtrade/{file_of(pair)}.feather", feather(table))
    return ", ".join(map(plain, unpaired(decided["symbol"]))) or "none"


def _posted(
    context: dg.AssetExecutionContext, webhook: SignalWebhook, signal: pd.DataFrame, night: pd.Timestamp
) -> str:
    """What became of the webhook; its failure is told and ends nothing."""
    body = signal_json(signal, night)
    key = f"{night:%Y-%m-%d}-{hashlib.sha256(body).hexdigest()}"
    try:
        status = webhook.send(body, key)
    except AlphaError as error:
        context.log.warning(f"the signal of {night:%Y-%m-%d} was not delivered: {error}")
        return f"failed: {error}"
    return "no address is set" if status is None else f"delivered, HTTP {status}"
