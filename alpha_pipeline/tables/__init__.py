"""
Column contracts of every stored table: name, type, unit and meaning.

The column schemas in the UI, the Parquet schemas and the checks on asset outputs are derived from them.
"""

from alpha_pipeline.tables.factors import (
    BREAKDOWN,
    FACTOR_VALUES,
    LIBRARY,
    MEASURES,
    METRICS,
    NOISE_FLOOR,
    REFERENCE,
    SEALED_TEST,
    STATED_RANK_IC,
    TEAR_SHEETS,
    TRIALS,
    UNANSWERED,
)
from alpha_pipeline.tables.raw import (
    DATA_COVERAGE,
    LISTING,
    LISTINGS,
    MARKET_PANEL,
    OHLCV,
    OHLCV_HISTORY,
    RAW_ADJUSTMENTS,
    RAW_DERIVATIVES,
    RAW_FUNDING,
    RAW_INSTRUMENTS,
    RAW_NEWS,
    RAW_OHLCV,
    RAW_ONCHAIN,
    RAW_SOCIAL,
)
from alpha_pipeline.tables.schema import FLOAT, INT, MOMENT, TEXT, TIME, Column, Table
from alpha_pipeline.tables.signals import (
    DECISION_LEDGER,
    FUSED_SIGNAL,
    FUSION_COMPARISON,
    NIGHTLY_REPORT,
    PAPER_LEDGER,
    SIGNAL_EXPORT,
    SOURCE_SIGNALS,
    TRACK_RECORD,
)

__all__ = [
    "BREAKDOWN",
    "DATA_COVERAGE",
    "DECISION_LEDGER",
    "FACTOR_VALUES",
    "FLOAT",
    "FUSED_SIGNAL",
    "FUSION_COMPARISON",
    "INT",
    "LIBRARY",
    "LISTING",
    "LISTINGS",
    "MARKET_PANEL",
    "MEASURES",
    "METRICS",
    "MOMENT",
    "NIGHTLY_REPORT",
    "NOISE_FLOOR",
    "OHLCV",
    "OHLCV_HISTORY",
    "PAPER_LEDGER",
    "RAW_ADJUSTMENTS",
    "RAW_DERIVATIVES",
    "RAW_FUNDING",
    "RAW_INSTRUMENTS",
    "RAW_NEWS",
    "RAW_OHLCV",
    "RAW_ONCHAIN",
    "RAW_SOCIAL",
    "REFERENCE",
    "SEALED_TEST",
    "SIGNAL_EXPORT",
    "SOURCE_SIGNALS",
    "STATED_RANK_IC",
    "TABLES",
    "TEAR_SHEETS",
    "TEXT",
    "TIME",
    "TRACK_RECORD",
    "TRIALS",
    "UNANSWERED",
    "Column",
    "Table",
]

TABLES = {
    table.name: table
    for table in (
        RAW_INSTRUMENTS, RAW_OHLCV, OHLCV_HISTORY, RAW_ADJUSTMENTS, RAW_FUNDING, RAW_DERIVATIVES, RAW_NEWS, RAW_SOCIAL,
        RAW_ONCHAIN, DATA_COVERAGE, MARKET_PANEL, TRIALS, LIBRARY, FACTOR_VALUES, METRICS, BREAKDOWN, SEALED_TEST,
        NOISE_FLOOR, TEAR_SHEETS, SOURCE_SIGNALS, FUSED_SIGNAL, FUSION_COMPARISON, DECISION_LEDGER, TRACK_RECORD,
        PAPER_LEDGER, SIGNAL_EXPORT, NIGHTLY_REPORT,
    )
}  # fmt: skip
