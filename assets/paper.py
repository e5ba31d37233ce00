"""
Asset `paper_ledger`: paper accounts of the published decisions, one per market.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.assets.outcomes import days_of
from alpha_pipeline.assets.wiring.partitions import LOOKBACK_DAYS, MARKETS, SETTINGS, Window, lookback, window
from alpha_pipeline.assets.wiring.table_asset import key_of, markdown_table, parquet_asset
from alpha_pipeline.market.gaps import complete
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.outcomes.paper_account import CASH, PaperConfig, bookable, keep_book
from alpha_pipeline.reporting.charts import markdown_image
from alpha_pipeline.reporting.curves import equity_chart
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.text.untrusted import clean_line

# Longest gap of the ledger that a run can catch up on.
PAPER_DAYS = 14
SHOWN = ["market", "symbol", "quantity", "price", "value", "ordered", "profit", "note"]


def paper_assets() -> list[dg.AssetsDefinition]:
    """`paper_ledger`."""
    past, optional = lookback(PAPER_DAYS), {"allow_missing": True}
    names = {f"{m.name}_{name}": key_of(name, m) for m in MARKETS for name in ("market_panel", "raw_funding")}
    names["decision_ledger"] = key_of("decision_ledger")

    @parquet_asset(
        tables.PAPER_LEDGER,
        "outcomes",
        description="Paper accounts: decisions become orders, filled a bar later at the market's costs; positions and "
        "cash at the end of every day. Append-only: a booked day, or one before it, is never booked again.",
        ins={name: dg.AssetIn(key, partition_mapping=past, metadata=optional) for name, key in names.items()},
        reads_own_past=True,
    )
    def paper_ledger(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[ParquetIOManager], **frames: pd.DataFrame
    ) -> dg.Output[pd.DataFrame]:
        span, config = window(context), SETTINGS.paper
        parts = [booked for m in MARKETS if len(booked := _booked(context, lake.lake, m, span, frames, config))]
        new = pd.concat(parts, ignore_index=True) if parts else tables.PAPER_LEDGER.empty()
        history = days_of(lake.lake, "paper_ledger", span, LOOKBACK_DAYS)
        history = pd.concat([part for part in (history, new) if len(part)] or [new]).drop_duplicates(
            list(tables.PAPER_LEDGER.keys)
        )
        return dg.Output(new, metadata=_metadata(history, new))

    return [paper_ledger]


def _booked(
    context: dg.AssetExecutionContext,
    lake: Lake,
    market: Market,
    span: Window,
    frames: Mapping[str, pd.DataFrame],
    config: PaperConfig,
) -> pd.DataFrame:
    panel = complete(Panel.from_table(frames[f"{market.name}_market_panel"]), market)
    decisions, funding = frames["decision_ledger"], frames[f"{market.name}_raw_funding"]
    since = _last_mark(lake, market)
    priced = set(lake.days(f"{market.name}/market_panel"))
    ends = [day.end for day in span.days() if day.run_date in priced]
    marks = bookable(panel, decisions, market, since, ends)
    if not marks:
        context.log.info(f"{market.name}: no day to book" + (f"; booked up to {since}" if since else ""))
        return tables.PAPER_LEDGER.empty()
    begun = since or marks[0] - pd.Timedelta(days=1)
    if begun < span.start - pd.Timedelta(days=PAPER_DAYS):
        context.log.warning(f"{market.name}: last booked {begun}; only the last {PAPER_DAYS} days are caught up")
    before = _rows_at(lake, market, since) if since else tables.PAPER_LEDGER.empty()
    rows = keep_book(before, decisions, panel, market, begun, marks, config, funding)
    last = rows[rows["timestamp"] == marks[-1]]
    unpriced = last[last["note"].str.startswith("no price")]
    if len(unpriced):
        context.log.warning(
            f"{market.name}: {len(unpriced)} orders without a price: "
            f"{', '.join(map(clean_line, unpriced['symbol'][:10]))}"
        )
    context.log.info(
        f"{market.name}: {len(marks)} days booked, equity {last['equity'].iloc[0]:,.2f}, "
        f"{int((last['quantity'] != 0).sum() - 1)} positions, {int((last['ordered'] != 0).sum())} open orders"
    )
    return rows


def _last_mark(lake: Lake, market: Market) -> pd.Timestamp | None:
    ledger = lake.read("paper_ledger", columns=["timestamp", "market"], allow_missing=True)
    marks = ledger.loc[ledger["market"] == market.name, "timestamp"]
    return marks.max() if len(marks) else None


def _rows_at(lake: Lake, market: Market, mark: pd.Timestamp) -> pd.DataFrame:
    day = str((mark - pd.Timedelta(days=1)).date())
    rows = lake.read("paper_ledger", day, day)
    return rows[rows["market"] == market.name]


def _metadata(history: pd.DataFrame, new: pd.DataFrame) -> dict[str, Any]:
    metadata: dict[str, Any] = {"booked": len(new)}
    for market, rows in history.groupby("market"):
        equity = rows[rows["symbol"] == CASH].set_index("timestamp")["equity"].sort_index()
        metadata[f"{market}_equity"] = float(equity.iloc[-1])
        curve = equity_chart(equity.pct_change().iloc[1:], f"Paper account, {market}")
        metadata[f"{market}_curve"] = dg.MetadataValue.md(markdown_image(curve, "equity of the paper account"))
    if len(new):
        last = new[new["timestamp"] == new.groupby("market")["timestamp"].transform("max")]
        largest = last.reindex(last["value"].abs().sort_values(ascending=False, kind="stable").index)
        metadata["positions"] = markdown_table(largest[SHOWN], 25)
        metadata["open_orders"] = int((last["ordered"] != 0).sum())
    return metadata
