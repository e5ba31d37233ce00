"""
Contracts of raw tables as Great Expectations suites, checked before anything is computed from them.

Checks of factors are in `validation.checks`.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from alpha_pipeline.market.markets import Market, expected_closes
from alpha_pipeline.settings import export_variable
from alpha_pipeline.tables import Table

# Minimum share of the calendar's bars. Exchanges have outages of hours; `feed_health` warns of smaller gaps.
MINIMUM_COVERAGE = 0.5
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Quality:
    """
    Result of a suite.

    Args:
        passed: every expectation was met.
        results: one row per expectation: `expectation`, `passed`, `unexpected`, `observed`.
        missing_bars: expected bars that are absent, per symbol on average.
    """

    passed: bool
    results: pd.DataFrame
    missing_bars: float

    def failures(self) -> str:
        """The failed expectations, one line."""
        failed = self.results[~self.results["passed"]]
        return "; ".join(f"{row.expectation}: {row.observed}" for row in failed.itertuples())


def check_ohlcv(table: pd.DataFrame, market: Market, start: pd.Timestamp, end: pd.Timestamp) -> Quality:
    """
    Run the OHLCV suite on the bars that closed in (start, end].

    Args:
        table: columns of `tables.RAW_OHLCV`.
        market: its calendar has the bars due.
        start: exclusive, UTC.
        end: inclusive, UTC.

    Returns:
        Expectations: unique (timestamp, symbol); positive prices; low <= open, close <= high where given; volume not
        negative, where any is given; available at the close at the earliest; inside the window; of a vendor at least
        `MINIMUM_COVERAGE` of the bars due.
    """
    expected = len(expected_closes(market, start, end)) * max(table["symbol"].nunique(), 1)
    due = None if market.source == "files" else expected  # symbols of files come and go, and hours differ by vendor
    return _validate(_with_comparables(table), _ohlcv_suite(table, start, end, due), expected, len(table))


def check_facts(frame: pd.DataFrame, table: Table, start: pd.Timestamp, end: pd.Timestamp) -> Quality:
    """
    Run the suite of facts on rows that became known in (start, end].

    Args:
        frame: columns of `table`.
        table: a raw table of facts.
        start: exclusive, UTC.
        end: inclusive, UTC.

    Returns:
        Expectations: the columns of the table, unique keys, a symbol in every row, available in the window and not
        before the event. An empty table meets them.
    """
    import great_expectations.expectations as e

    names = [column.name for column in table.columns]
    extra = [name for name in frame.columns if name not in names] if table.open_ended else []
    suite = [
        e.ExpectTableColumnsToMatchSet(column_set=[*names, *extra], exact_match=True),
        e.ExpectCompoundColumnsToBeUnique(column_list=list(table.keys)),
        e.ExpectColumnValuesToNotBeNull(column="symbol"),
        e.ExpectColumnValuesToBeBetween(
            column="available_at", min_value=start.to_pydatetime(), max_value=end.to_pydatetime(), strict_min=True
        ),
        e.ExpectColumnPairValuesAToBeGreaterThanB(column_A="available_at", column_B="timestamp", or_equal=True),
    ]
    return _validate(frame, suite, len(frame), len(frame))


def _ohlcv_suite(table: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp, expected: int | None) -> list[Any]:
    import great_expectations.expectations as e  # two seconds, spent only by runs that check raw data

    given = [price for price in PRICES if table[price].notna().any()]
    suite = [
        e.ExpectCompoundColumnsToBeUnique(column_list=["timestamp", "symbol"]),
        e.ExpectColumnValuesToNotBeNull(column="symbol"),
        e.ExpectColumnValuesToNotBeNull(column="close"),
        e.ExpectColumnValuesToBeBetween(
            column="timestamp", min_value=start.to_pydatetime(), max_value=end.to_pydatetime(), strict_min=True
        ),
        e.ExpectColumnPairValuesAToBeGreaterThanB(column_A="available_at", column_B="timestamp", or_equal=True),
    ]
    if expected is not None:
        least = int(expected * MINIMUM_COVERAGE)
        suite.append(e.ExpectTableRowCountToBeBetween(min_value=least, max_value=expected or None))
    if table["volume"].notna().any():
        suite += [
            e.ExpectColumnValuesToNotBeNull(column="volume"),
            e.ExpectColumnValuesToBeBetween(column="volume", min_value=0),
        ]
    suite += [e.ExpectColumnValuesToBeBetween(column=price, min_value=0, strict_min=True) for price in given]
    if {"high", "low"} <= set(given):
        suite += [
            e.ExpectColumnPairValuesAToBeGreaterThanB(column_A="high", column_B="highest_of_open_close", or_equal=True),
            e.ExpectColumnPairValuesAToBeGreaterThanB(column_A="lowest_of_open_close", column_B="low", or_equal=True),
        ]
    return suite


def _with_comparables(table: pd.DataFrame) -> pd.DataFrame:
    ends = table[["open", "close"]]
    return table.assign(highest_of_open_close=ends.max(axis=1), lowest_of_open_close=ends.min(axis=1))


def _validate(frame: pd.DataFrame, expectations: list[Any], expected: int, rows: int) -> Quality:
    export_variable("GX_ANALYTICS_ENABLED", "False")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    suite = gx.ExpectationSuite(name="raw", expectations=expectations)
    source = context.data_sources.add_pandas("raw").add_dataframe_asset("table")
    batch = source.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": frame})
    outcome = batch.validate(suite)
    results = pd.DataFrame([_row(result) for result in outcome.results])
    missing = (expected - rows) / max(frame["symbol"].nunique(), 1)
    return Quality(bool(outcome.success), results, float(missing))


def _row(result: Any) -> dict[str, object]:
    config, details = result.expectation_config, result.result or {}
    columns = [v for k, v in config.kwargs.items() if k.startswith("column")]
    error = next((i["exception_message"] for i in _exceptions(result)), "")
    unexpected = int(details.get("unexpected_count") or 0)
    sample = details.get("partial_unexpected_list") or details.get("observed_value", "")
    return {
        "expectation": f"{config.type.removeprefix('expect_')}({', '.join(map(str, columns))})",
        "passed": bool(result.success),
        "unexpected": unexpected,
        "observed": str(error or (f"{unexpected} rows, such as {sample[:3]}" if unexpected else sample)),
    }


def _exceptions(result: Any) -> list[dict[str, Any]]:
    info = result.exception_info or {}
    entries = [info] if "raised_exception" in info else list(info.values())
    return [entry for entry in entries if entry.get("raised_exception")]
