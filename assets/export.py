"""
Asset `signal_export`: files of the signal for other programs, including freqtrade, and a webhook.
"""

import hashlib
import json
from typing import Any

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.assets.wiring.partitions import MARKETS, lookback, window
from alpha_pipeline.assets.wiring.table_asset import markdown_table, parquet_asset
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
from alpha_pipeline.resources.http.webhook import SignalWebhook
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.text.untrusted import clean_line

FOLDER = "signals"
WRITERS = {"parquet": signal_parquet, "csv": signal_csv, "json": signal_json}
TRADED = ["timestamp", "market", "symbol", "decision", "value", "confidence"]


def export_assets() -> list[dg.AssetsDefinition]:
    """`signal_export`."""

    @parquet_asset(
        tables.SIGNAL_EXPORT,
        "outcomes",
        description="The published signal as JSON, CSV and Parquet (signals/latest.* and by run date), for freqtrade "
        "and a webhook. An older run date does not replace a newer one.",
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
        run_dates = [day.start for day in window(context).days()]
        signals = {run_date: signal_as_of(decision_ledger, run_date) for run_date in run_dates}
        signals = {run_date: signal for run_date, signal in signals.items() if len(signal)}
        lake.lake.atomic_write(f"{FOLDER}/schema.json", signal_schema())
        rows = [_written(lake.lake, signal, run_date, f"{run_date:%Y-%m-%d}") for run_date, signal in signals.items()]
        metadata: dict[str, Any] = {"run_dates": len(rows), "webhook": "not sent"}
        if signals and _is_newest(lake.lake, last := max(signals)):
            latest = _written(lake.lake, signals[last], last, "latest")
            metadata |= {"latest": dg.MetadataValue.path(lake.lake.url(str(latest["path"])))}
            metadata |= {"unpaired": _freqtrade(lake.lake, signals[last])}
            metadata |= {"webhook": _posted(context, webhook, signals[last], last)}
            metadata |= {"signal": markdown_table(signals[last].drop(columns="reasons"))}
        elif signals:
            context.log.info(f"signals/latest.* is newer than {max(signals):%Y-%m-%d} and is not replaced")
        return dg.Output(pd.DataFrame(rows) if rows else tables.SIGNAL_EXPORT.empty(), metadata=metadata)

    return [signal_export]


def _written(lake: Lake, signal: pd.DataFrame, run_date: pd.Timestamp, name: str) -> dict[str, object]:
    """Parquet and CSV, then JSON: a reader of the new JSON finds the other files updated."""
    for kind, write in WRITERS.items():
        data = write(signal, run_date)
        lake.atomic_write(f"{FOLDER}/{name}.{kind}", data)
    path = f"{FOLDER}/{name}.json"
    return {"run_date": run_date, "path": path, "sha256": hashlib.sha256(data).hexdigest(), "signals": len(signal)}


def _is_newest(lake: Lake, run_date: pd.Timestamp) -> bool:
    path = f"{FOLDER}/latest.json"
    return not lake.exists(path) or json.loads(lake.read_bytes(path))["run_date"] <= f"{run_date:%Y-%m-%d}"


def _freqtrade(lake: Lake, signal: pd.DataFrame) -> str:
    """The pair list of the run date and the signals of every pair; returns the symbols without a pair."""
    decided = lake.read("decision_ledger", columns=TRADED, allow_missing=True)
    coins = [market.name for market in MARKETS if market.asset_type == "crypto"]
    decided = decided[decided["market"].isin(coins)]
    lake.atomic_write(f"{FOLDER}/freqtrade/pairlist.json", pairlist(signal[signal["market"].isin(coins)]))
    for pair, table in pair_tables(decided).items():
        lake.atomic_write(f"{FOLDER}/freqtrade/{file_of(pair)}.feather", feather(table))
    return ", ".join(map(clean_line, unpaired(decided["symbol"]))) or "none"


def _posted(
    context: dg.AssetExecutionContext, webhook: SignalWebhook, signal: pd.DataFrame, run_date: pd.Timestamp
) -> str:
    """Delivery status of the webhook; a failure is logged and does not fail the run."""
    body = signal_json(signal, run_date)
    key = f"{run_date:%Y-%m-%d}-{hashlib.sha256(body).hexdigest()}"
    try:
        status = webhook.send(body, key)
    except AlphaError as error:
        context.log.warning(f"the signal of {run_date:%Y-%m-%d} was not delivered: {error}")
        return f"failed: {error}"
    return "no address configured" if status is None else f"delivered, HTTP {status}"
