"""
The summary of a run date for a terminal: signal, funnel and library in at most 100 columns.

The HTML report is built from the same frames in `report`.
"""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from alpha_pipeline.reporting.formatting import clock, number, plural
from alpha_pipeline.reporting.funnel import STAGES, cost_text, funnel_table, power_of, refusals, unanswered
from alpha_pipeline.reporting.model_comparison import why_held
from alpha_pipeline.tables import REFERENCE, UNANSWERED
from alpha_pipeline.text.untrusted import clean_line, truncate, wrap

WIDTH = 100
_EVERY_SYMBOL = 12
_STRONGEST = 5
_STATUS_ORDER = ("accepted", "probation", "reference", "retired")


def signal_text(fused: pd.DataFrame) -> str:
    """
    The latest decision per symbol with its main reasons.

    Args:
        fused: rows of `fused_signal`; only each symbol's latest row counts. Undefined numbers show as "–".

    Returns:
        Lines of at most 100 columns. A market of more than twelve symbols shows its strongest LONG and SHORT
        decisions and counts the others; when all are HOLD, the ones nearest to a decision.
    """
    if fused.empty:
        return "SIGNAL\n  no signal was stored for this run date"
    latest = latest_decisions(fused)
    lines = ["SIGNAL"]
    for market, rows in latest.groupby("market"):
        counts = rows["decision"].value_counts()
        totals = ", ".join(f"{counts.get(d, 0)} {d}" for d in ("LONG", "SHORT", "HOLD"))
        lines.append(f"{clean_line(market)}: {totals}, decided at the close of {clock(rows['timestamp'].max())}")
        shown = strongest(rows)
        room = max(6, *(len(clean_line(s)) for s in shown["symbol"]))
        lines.append(f"  {'symbol':<{room}}  value  conf.  decision  main reasons")
        lines += [line for row in shown.to_dict("records") for line in _decision(row, room)]
        hidden = rows.drop(shown.index)["decision"].value_counts()
        if len(hidden):
            lines.append("  and " + ", ".join(f"{n} more {d}" for d, n in hidden.items()))
        lines += [f"  {line}" for line in wrap(why_held(rows), WIDTH - 2, 2) if line]
        lines.append("")
    return "\n".join(lines[:-1])


def funnel_text(trials: Mapping[str, pd.DataFrame]) -> str:
    """
    Proposals that passed each stage, per market and proposer, with the reasons for refusal.

    Args:
        trials: market name to the run date's rows of `factor_definitions`.

    Returns:
        Lines of at most 100 columns; reference factors are listed apart and not counted.
    """
    label_room = WIDTH - 2 - sum(len(stage) + 2 for stage in STAGES)
    lines = ["FUNNEL".ljust(label_room + 2) + "".join(f"  {stage.replace('_', '-')}" for stage in STAGES)]
    for market, rows in trials.items():
        counts = funnel_table(rows)
        lines.append(clean_line(market) + ("" if len(counts) else ": no proposals that run date"))
        for label, passed in zip(counts.index, counts.to_numpy().tolist(), strict=True):
            first, *more = wrap(label, label_room, 2)
            numbers = "".join(f"  {n:>{len(stage)},}" for n, stage in zip(passed, STAGES, strict=True))
            lines += [f"  {first:<{label_room}}{numbers}", *(f"  {rest}" for rest in more)]
        lines += [f"  {n:>4} x {truncate(reason, WIDTH - 10)}" for reason, n in refusals(rows)]
        if missing := unanswered(rows):
            why = str(rows.loc[rows["verdict"] == UNANSWERED, "reason"].iloc[0])
            message = f"{plural(missing, 'request')} to the model without an answer; {clean_line(why)}"
            lines.append(f"  {truncate(message, WIDTH - 2)}")
        lines.append(f"  cost: {cost_text(rows)}")
        if stated := power_of(rows):
            lines += [f"  {line}" for line in wrap(stated, WIDTH - 2, 2)]
        references = int((rows["proposer"] == REFERENCE).sum())
        if references:
            lines.append(f"  {plural(references, 'reference factor')} measured, not counted as proposals")
    return "\n".join(lines)


def library_text(library: Mapping[str, pd.DataFrame], metrics: Mapping[str, pd.DataFrame]) -> str:
    """
    Library factors with their measures after costs, per market.

    Args:
        library: market name to the run date's rows of `factor_library`.
        metrics: market name to the run date's rows of `backtest_metrics`; a factor without a row shows "–".

    Returns:
        Lines of at most 100 columns.
    """
    head = f"  {'factor':<44}  {'status':<9}  rank IC      t  Sharpe  max DD  turnover"
    lines = ["LIBRARY   validation bars; Sharpe annualized, net of costs; turnover per day; references as written"]
    for market, rows in library.items():
        lines.append(clean_line(market) + (_measured_bars(metrics.get(market)) if len(rows) else ": empty"))
        lines += [head] if len(rows) else []
        for row in library_with_metrics(rows, metrics.get(market)).to_dict("records"):
            measured = (
                f"  {number(row['rank_ic'], '+.3f'):>7}  {number(row['t_stat'], '+.1f'):>5}"
                f"  {number(row['sharpe'], '+.2f'):>6}  {number(row['max_drawdown'], '.0%'):>6}"
                f"  {number(row['turnover'], '.2f'):>8}"
            )
            lines.append(f"  {truncate(row['factor_id'], 44):<44}  {truncate(row['status'], 9):<9}{measured}")
            lines.append(f"    {truncate(row['expression'], WIDTH - 4)}")
    return "\n".join(lines)


def latest_decisions(fused: pd.DataFrame) -> pd.DataFrame:
    """Each symbol's latest row of `fused_signal`, by market, strongest LONG first."""
    latest = fused.sort_values("timestamp", kind="stable").drop_duplicates(["market", "symbol"], keep="last")
    return latest.sort_values(["market", "value", "symbol"], ascending=[True, False, True], ignore_index=True)


def strongest(rows: pd.DataFrame, each: int = _STRONGEST) -> pd.DataFrame:
    """
    The most relevant rows of one market, strongest LONG first.

    All of a small market; else `each` strongest LONG and SHORT, or the nearest to a decision when all are HOLD.
    """
    if len(rows) <= _EVERY_SYMBOL:
        return rows
    size = rows["value"].abs()
    chosen = [size[rows["decision"] == decision].nlargest(each).index for decision in ("LONG", "SHORT")]
    selected = chosen[0].union(chosen[1])
    return rows.loc[rows.index.isin(selected if len(selected) else size.nlargest(each).index)]


def library_with_metrics(library: pd.DataFrame, metrics: pd.DataFrame | None) -> pd.DataFrame:
    """Rows of `factor_library` in order of status and t-statistic, joined to their metrics; NaN where unmeasured."""
    measured = [
        "rank_ic",
        "icir",
        "t_stat",
        "annual_return",
        "total_return",
        "sharpe",
        "sharpe_gross",
        "max_drawdown",
        "turnover",
    ]
    measured += ["break_even_bps", "deflated_sharpe"]
    columns = pd.DataFrame(columns=["factor_id", *measured]) if metrics is None else metrics[["factor_id", *measured]]
    joined = library.merge(columns, on="factor_id", how="left")
    joined[measured] = joined[measured].astype("float64")
    rank = joined["status"].map({s: i for i, s in enumerate(_STATUS_ORDER)}).fillna(len(_STATUS_ORDER))
    order = joined.assign(_rank=rank).sort_values(["_rank", "t_stat", "factor_id"], ascending=[True, False, True])
    return order.drop(columns="_rank").reset_index(drop=True)


def _measured_bars(metrics: pd.DataFrame | None) -> str:
    """The most bars that a factor of the market was measured on, as `: 1,445 bars`; empty where none was."""
    return "" if metrics is None or metrics.empty else f": {plural(int(metrics['bars'].max()), 'bar')}"


def _decision(row: Mapping[Hashable, Any], room: int) -> list[str]:
    symbol, decision = truncate(row["symbol"], room), truncate(row["decision"], 8)
    value, confidence = number(row["value"], "+.2f"), number(row["confidence"], ".0%")
    start = f"  {symbol:<{room}}  {value:>5}  {confidence:>5}  {decision:<8}  "
    folded = wrap(row["reasons"], WIDTH - len(start), 2)
    return [(start if i == 0 else " " * len(start)) + words for i, words in enumerate(folded)]
