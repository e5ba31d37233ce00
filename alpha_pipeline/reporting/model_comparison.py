"""
Out-of-sample comparison of the fusion methods: rows of `fusion_comparison` as text.
"""

import pandas as pd

from alpha_pipeline.reporting.formatting import figure, humanize, number, percent
from alpha_pipeline.text.untrusted import clean_line, truncate

HEAD = [
    ("Market", "w"), ("Method", "long"), ("Hit rate", "n"), ("Trade rate", "n"), ("Rank IC", "n"), ("t", "n"),
    ("Annual return", "n"), ("Sharpe", "n"),
]  # fmt: skip


def comparison_rows(comparison: pd.DataFrame) -> list[tuple[str, ...]]:
    """
    One row per market and method, then per excluded source, in the order of `HEAD`.

    Args:
        comparison: rows of `fusion_comparison` of one run date; methods that could not be compared are left out.

    Returns:
        Texts. Hit rate, rank IC, annual return and Sharpe are those of the continuous value held as a weight, net of
        costs, before thresholds; undefined numbers are "–".
    """
    compared = comparison[comparison["exclusion_reason"] == ""]
    order = compared.assign(excluded=compared["excluded_source"] != "", last=~compared["active"])
    order = order.sort_values(["market", "excluded", "last", "value_sharpe"], ascending=[True, True, True, False])
    return [
        (
            clean_line(row["market"]),
            _named(row["method"], row["excluded_source"], row["active"]),
            percent(row["hit_rate"], ".1f"),
            percent(row["trade_rate"], ".1f"),
            figure(row["rank_ic"], "+.3f"),
            figure(row["rank_ic_t_stat"], "+.1f"),
            percent(row["value_annual_return"], "+.1f"),
            figure(row["value_sharpe"], "+.2f"),
        )
        for row in order.to_dict("records")
    ]


def comparison_text(comparison: pd.DataFrame) -> str:
    """The comparison for a terminal, at most 100 columns; empty without rows."""
    lines = [
        "  "
        f"{truncate(market, 9):<10}{truncate(method, 32):<32}{hits:>9}{trades:>11}{ic:>9}{t:>6}{earned:>14}{sharpe:>7}"
        for market, method, hits, trades, ic, t, earned, sharpe in comparison_rows(comparison)
    ]
    head = (
        f"{'FUSION':<12}{'method':<32}{'hit rate':>9}{'trade rate':>11}{'rank IC':>9}{'t':>6}{'annual return':>14}"
        f"{'Sharpe':>7}"
    )
    note = "  out of sample; return and Sharpe of the fused value as a weight, net of costs, no thresholds"
    return "\n".join([head, *lines, note]).replace("\N{NO-BREAK SPACE}", "") if lines else ""


def why_held(rows: pd.DataFrame) -> str:
    """
    The reason a market has no trades; empty when it has some.

    Args:
        rows: of `fused_signal`, one per symbol of one market.
    """
    if rows.empty or (rows["decision"] != "HOLD").any():
        return ""
    bars = int(rows["calibration_bars"].max())
    if not bars:
        return "No trades: no outcomes are known yet to calibrate the confidence."
    top = max(rows.to_dict("records"), key=lambda row: row["confidence"] if row["confidence"] > 0 else 0.0)
    if not top["confidence"] > 0.5:
        return f"No trades: the fused score had no significant hit rate over the last {bars:,} observations."
    best = f"{clean_line(top['symbol'])} {number(top['value'], '+.2f')} at {number(top['confidence'], '.1%')}"
    return f"No trades: no value passes both thresholds; the highest confidence is {best}."


def _named(method: str, silent: str, active: bool) -> str:
    """The label of a method: excluded source, and whether the method is active."""
    without = f" without {humanize(silent)}" if silent else ""
    return f"{clean_line(method)}{without}{' (active)' if active else ''}"
