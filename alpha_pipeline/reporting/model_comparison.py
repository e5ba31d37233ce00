"""
The fusion methods beside each other, out of sample: rows of `fusion_comparison` in words.
"""

import pandas as pd

from alpha_pipeline.reporting.formatting import figure, humanize, number, percent
from alpha_pipeline.text.untrusted import clean_line, truncate

HEAD = [
    ("Market", "w"), ("Method", "long"), ("Right sign", "n"), ("Acted on", "n"), ("Rank IC", "n"), ("t", "n"),
    ("Held, a year", "n"), ("Sharpe", "n"),
]  # fmt: skip


def comparison_rows(comparison: pd.DataFrame) -> list[tuple[str, ...]]:
    """
    A line per method and market, and per source that was silenced, in the order of `HEAD`.

    Args:
        comparison: rows of `fusion_comparison` of one run date; methods that could not be compared have no line.

    Returns:
        Texts; "Held" is what holding every value as a weight earned after costs, before thresholds. Undefined is "–".
    """
    found = comparison[comparison["exclusion_reason"] == ""]
    order = found.assign(whole=found["excluded_source"] != "", last=~found["active"])
    order = order.sort_values(["market", "whole", "last", "value_sharpe"], ascending=[True, True, True, False])
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
    """The same for a terminal, at most 100 columns; empty when nothing was compared."""
    lines = [
        f"  {truncate(market, 9):<10}{truncate(method, 38):<38}{right:>7}{trade_rate:>7}{ic:>9}{t:>6}{held:>9}{sharpe:>8}"
        for market, method, right, trade_rate, ic, t, held, sharpe in comparison_rows(comparison)
    ]
    head = f"{'FUSION':<12}{'method':<38}{'right':>7}{'trade_rate':>7}{'rank IC':>9}{'t':>6}{'held':>9}{'Sharpe':>8}"
    note = "  right: share of right signs; held: every value as a weight, a year, after costs; out of sample"
    return "\n".join([head, *lines, note]).replace("\N{NO-BREAK SPACE}", "") if lines else ""


def why_held(rows: pd.DataFrame) -> str:
    """
    Why a market whose decisions are all HOLD acts on nothing; empty when it acts.

    Args:
        rows: of `fused_signal`, one per symbol of one market.
    """
    if rows.empty or (rows["decision"] != "HOLD").any():
        return ""
    bars = int(rows["calibration_bars"].max())
    if not bars:
        return "All is held: nothing is known yet of how often such values are right."
    surest = max(rows.to_dict("records"), key=lambda row: row["confidence"] if row["confidence"] > 0 else 0.0)
    if not surest["confidence"] > 0.5:
        return f"All is held: on {bars:,} past bars such values had the right sign no more often than by chance."
    best = f"{clean_line(surest['symbol'])} {number(surest['value'], '+.2f')} at {number(surest['confidence'], '.1%')}"
    return f"All is held: no value passes both thresholds; the surest is {best}."


def _named(method: str, silent: str, active: bool) -> str:
    """The method as a person reads it, with what was silenced and whether it decides."""
    without = f" without {humanize(silent)}" if silent else ""
    return f"{clean_line(method)}{without}{' (active)' if active else ''}"
