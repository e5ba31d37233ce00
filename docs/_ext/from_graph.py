"""What is stored and what exists: tables from their declarations, assets and schedules from the definitions."""

import warnings
from collections.abc import Iterable
from functools import cache

import dagster as dg
from markdown_parts import code, table, words

from alpha_pipeline.assets.wiring.table_asset import LAYERS
from alpha_pipeline.fusion.methods.method_table import METHODS
from alpha_pipeline.tables import TABLES
from alpha_pipeline.validation import checks, meaning


def tables(_: str) -> str:
    """Every stored table: its key, then its columns with type, unit and meaning."""
    parts = []
    for one in TABLES.values():
        more = " Further columns are fields or factors, one number each." if one.open_ended else ""
        parts.append(f"## {one.name}\n\nOne row for each {', '.join(map(code, one.keys))}.{more}\n")
        columns = [(code(c.name), str(c.type), c.unit, words(c.meaning)) for c in one.columns]
        parts.append(table(("column", "type", "unit", "meaning"), columns))
    return "\n".join(parts)


def assets(_: str) -> str:
    """Every asset by layer: what it is, what it reads, what is checked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = _definitions().resolve_asset_graph()
    layers: dict[str, dict[str, list[dg.AssetKey]]] = {layer: {} for layer in LAYERS}
    for key in graph.toposorted_asset_keys:
        layers[graph.get(key).tags["layer"]].setdefault(key.path[-1], []).append(key)
    parts = []
    for layer, names in layers.items():
        parts.append(f"## {layer}\n")
        for name, keys in names.items():
            node = graph.get(keys[0])
            parts.append(f"### {name}\n\n{words(node.description or '')}\n")
            told = [f"- **Key:** {', '.join(code(key.to_user_string()) for key in keys)}"]
            told += [f"- **Reads:** {_names(node.parent_keys)}"]
            if str(name) in TABLES:
                told += [f"- **Columns:** [stored table](tables.md#{name})"]
            parts.append("\n".join(told) + "\n")
            found = [graph.get_check_spec(check) for check in sorted(node.check_keys)]
            if found:
                rows = [(code(s.name), "stops" if s.blocking else "warns", words(s.description or "")) for s in found]
                parts.append(table(("check", "a failure", "what it proves"), rows))
    return "\n".join(parts)


def factor_checks(_: str) -> str:
    """The checks on factor values, as registered."""
    rows = [(code(name), "stops" if blocks else "warns", words(meaning(name))) for name, blocks in checks().items()]
    return table(("check", "a failure", "what is measured"), rows)


def methods(_: str) -> str:
    """The table of fusion methods."""
    rows = [(code(name), words(method.meaning)) for name, method in METHODS.items()]
    return table(("method", "what it does"), rows)


def schedules(_: str) -> str:
    """Schedules and sensors of the definitions: when they run and whether they run from the start."""
    defs = _definitions().get_repository_def()
    rows = [
        (code(s.name), code(str(s.cron_schedule)), s.default_status.value.lower(), words(s.description or ""))
        for s in defs.schedule_defs
    ]
    rows += [
        (
            code(s.name),
            f"every {s.minimum_interval_seconds or 30} s",
            s.default_status.value.lower(),
            words(s.description or ""),
        )
        for s in defs.sensor_defs
    ]
    return table(("name", "when (UTC)", "at first", "what it does"), rows)


@cache
def _definitions() -> dg.Definitions:
    from alpha_pipeline.definitions import build_defs

    return build_defs()


def _names(keys: Iterable[dg.AssetKey]) -> str:
    found = sorted({key.path[-1] for key in keys})
    return ", ".join(map(code, found)) or "a door to the outside"
