"""
Declaration of an asset: key, partitions, column schema, owner and kinds, from its stored table.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import dagster as dg
import pandas as pd

from alpha_pipeline.assets.wiring.execution import locked_step
from alpha_pipeline.assets.wiring.freshness import freshness_policy
from alpha_pipeline.assets.wiring.partitions import DAYS, earlier
from alpha_pipeline.market.markets import Market
from alpha_pipeline.tables import Table
from alpha_pipeline.text.untrusted import escape_markdown

OWNER = "team:quant-research"
# In the order of the data flow. The UI sorts groups by name, hence numbers; the tag `layer` has the name alone.
LAYERS = ("raw", "panel", "mining", "factors", "backtest", "signal", "outcomes", "report", "sealed")
JOINED = "joined"


def parquet_asset(
    table: Table,
    layer: str,
    market: Market | None = None,
    *,
    description: str,
    code_version: str = "1",
    partitioned: bool = True,
    kinds: Iterable[str] = ("parquet", "pandas"),
    ins: Mapping[str, dg.AssetIn] | None = None,
    deps: Iterable[dg.AssetDep] = (),
    reads_own_past: bool = False,
    skippable: bool = False,
    checks: Mapping[str, str] | None = None,
    blocking: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """
    Decorate a function as an asset that stores a table as Parquet.

    Args:
        table: name, column schema and units.
        layer: one of LAYERS; with the market it is the group in the lineage graph, `crypto/1_raw`.
        market: prefix of the key; None for assets joined over markets.
        description: text in the lineage graph.
        code_version: increase it when the computation changes its result.
        partitioned: False for the history, the only table without partitions.
        kinds: badges of the node.
        ins: inputs with their partition mappings.
        deps: dependencies that the asset reads from the lake itself.
        reads_own_past: depends on its own earlier days, which it reads from the lake itself.
        skippable: may end without an output; the run succeeds and nothing is stored.
        checks: warning checks that the asset reports: name to description.
        blocking: checks that stop everything downstream: name to description.
    """
    key = key_of(table.name, market)

    def declare(compute: Callable[..., Any]) -> dg.AssetsDefinition:
        return dg.asset(
            key=key,
            group_name=group_of(layer, market),
            description=description,
            owners=[OWNER],
            kinds=set(kinds),
            tags={"market": market.name if market else "all", "layer": layer},
            metadata={
                "dagster/column_schema": column_schema(table),
                "dagster/table_name": key.to_user_string(),
                "dagster/code_references": _code_reference(compute),
            },
            code_version=code_version,
            partitions_def=DAYS if partitioned else None,
            backfill_policy=dg.BackfillPolicy.single_run(),
            freshness_policy=freshness_policy(layer, table.name, market),
            ins=ins,
            deps=[*deps, *([dg.AssetDep(key, partition_mapping=earlier(1))] if reads_own_past else [])],
            output_required=not skippable,
            io_manager_key="lake",
            check_specs=[dg.AssetCheckSpec(name, asset=key, description=text) for name, text in (checks or {}).items()]
            + [
                dg.AssetCheckSpec(name, asset=key, description=text, blocking=True)
                for name, text in (blocking or {}).items()
            ],
        )(locked_step(compute, key))

    return declare


def key_of(name: str, market: Market | None = None) -> dg.AssetKey:
    """Asset key of a table: prefixed by the market, or bare when joined over markets."""
    return dg.AssetKey([market.name, name] if market else [name])


def group_of(layer: str, market: Market | None = None) -> str:
    """Group of the UI, nested by market and layer: `crypto/1_raw`; `joined/6_signal` for tables joined over markets."""
    return f"{market.name if market else JOINED}/{LAYERS.index(layer) + 1}_{layer}"


def column_schema(table: Table) -> dg.TableSchema:
    """Column schema with types; descriptions have the unit in parentheses."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.type),
                description=f"{column.meaning} ({column.unit})" if column.unit else column.meaning,
            )
            for column in table.columns
        ]
    )


def markdown_table(frame: pd.DataFrame, rows: int = 20) -> dg.MarkdownMetadataValue:
    """First rows of a frame as Markdown metadata, escaped: names and texts of models and news are untrusted."""
    shown = frame.head(rows)
    lines = [" | ".join(escape_markdown(str(name)) for name in shown.columns), " | ".join("---" for _ in shown.columns)]
    lines += [" | ".join(escape_markdown(_text(value)) for value in row) for row in shown.itertuples(index=False)]
    if len(frame) > rows:
        lines.append(f"... {len(frame) - rows} more rows")
    return dg.MetadataValue.md("\n".join(lines))


def _code_reference(compute: Callable[..., Any]) -> dg.CodeReferencesMetadataValue:
    """File and line of the function, not of its wrapper."""
    line = inspect.getsourcelines(compute)[1]
    reference = dg.LocalFileCodeReference(file_path=str(inspect.getsourcefile(compute)), line_number=line)
    return dg.CodeReferencesMetadataValue(code_references=[reference])


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
