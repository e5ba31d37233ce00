"""
Sections of the nightly report on operations: factor decay, model cost, data coverage.

Decisions, mining, library and track record are in `sections`.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from alpha_pipeline.library.lifecycle import decaying_factors
from alpha_pipeline.llm.budget import Budget
from alpha_pipeline.market.coverage import ABSENT, LATE
from alpha_pipeline.reporting.formatting import clock, day, figure, humanize, percent, plural
from alpha_pipeline.reporting.funnel import cost_text, tokens, unanswered
from alpha_pipeline.reporting.markup import bullets, folded, market_title, meter, paragraph, table
from alpha_pipeline.reporting.sections import MarketReport
from alpha_pipeline.text.untrusted import clean_line

_LIFE = ("live_rank_ic", "expected_rank_ic", "live_t_stat", "half_life_days")
# Share of a limit from which a warning is shown.
NEAR = 0.8


def life(markets: Sequence[MarketReport]) -> list[str]:
    """Live against expected measures of the active factors, largest shortfall first."""
    return [part for m in markets for part in _life(m)]


def moved(m: MarketReport) -> pd.DataFrame:
    """Factors put on probation or retired on the run date."""
    rows = m.library[m.library["status"].isin(["probation", "retired"])]
    if "status_since" not in rows.columns or m.library.empty:
        return rows.iloc[:0]
    table: pd.DataFrame = rows[rows["status_since"] == m.library["run_date"].max()]
    return table


def cost(markets: Sequence[MarketReport], took_seconds: float = np.nan) -> list[str]:
    """Tokens, USD and time of the run date and of the month, against their limits."""
    limits = Budget()
    seconds = sum(float(m.trials["model_seconds"].sum()) for m in markets)
    total = f"Model time: {figure(seconds, ',.0f', 's')}"
    total += f"; run time until this report: {figure(took_seconds, ',.0f', 's')}." if np.isfinite(took_seconds) else "."
    parts = [paragraph(total)]
    for m in markets:
        used = spent(m)
        missing = unanswered(m.trials)
        parts += [
            market_title(m.market.name, f"Run date: {cost_text(m.trials)}"),
            paragraph(f"{plural(missing, 'request')} without an answer." if missing else ""),
            "".join(meter(label, part, shown) for label, part, shown in used),
        ]
    note = (
        f"Default limits per market: USD {limits.night_usd:g} per run date and {limits.month_usd:g} per month. "
        "A request is sent only if its maximum cost fits the remaining budget."
    )
    return [*parts, paragraph(note, "soft")]


def spent(m: MarketReport) -> list[tuple[str, float, str]]:
    """(limit, used share, text) of the run date and of the month so far, this run date included."""
    limits, context = Budget(), m.trials
    calls, read = int(context["calls"].sum()), tokens(context)
    seconds, usd = float(context["model_seconds"].sum()), float(context["usd"].sum())
    used = [
        ("calls on the run date", calls, limits.night_calls, ",.0f"),
        ("tokens on the run date", read, limits.night_tokens, ",.0f"),
        ("model seconds on the run date", seconds, limits.night_seconds, ",.0f"),
        ("USD on the run date", usd, limits.night_usd, ",.4f"),
        ("tokens this month", read + m.month.tokens, limits.month_tokens, ",.0f"),
        ("USD this month", usd + m.month.usd, limits.month_usd, ",.4f"),
    ]
    return [(name, amount / most, f"{figure(amount, spec)} of {most:,.0f}") for name, amount, most, spec in used]


def data(markets: Sequence[MarketReport]) -> list[str]:
    """Per source: rows received, bars carried and missing, age of the newest row, rejected rows, reason of absence."""
    parts = []
    for m in markets:
        rows = m.coverage.sort_values("source", key=lambda names: names != "ohlcv", kind="stable")
        titles = [("Source", "name"), ("State", "state"), ("Rows", "n"), ("Share of expected rows", "n")]
        titles += [("Carried", "n"), ("Missing", "n"), ("Newest row", "n"), ("Rejected rows", "n"), ("Reason", "long")]
        cells = [
            (humanize(r["source"]), r["status"], f"{r['rows']:,}", percent(float(np.floor(r["share"] * 100) / 100)),
             f"{r['carried']:,}", f"{r['missing']:,}", clock(r["last_known"]), f"{r['rejected_rows']:,}", r["reason"])
            for r in rows[rows["status"] != ABSENT].to_dict("records")
        ]  # fmt: skip
        absent = rows[rows["status"] == ABSENT]
        reasons = [
            f"{humanize(r['source'])}: {clean_line(r['reason']) or 'unknown reason'}" for r in absent.to_dict("records")
        ]
        parts += [
            market_title(m.market.name, "" if len(rows) else "No coverage was measured for this market."),
            table(titles, cells, stacked=True),
            folded(f"{plural(len(absent), 'absent source')}", bullets(reasons)),
            bullets(m.notes),
        ]
    return parts


def troubles(m: MarketReport) -> list[str]:
    """Issues that need attention, one sentence each."""
    name = m.market.name
    late = m.coverage[m.coverage["status"] == LATE]
    issues = [f"{name}: {humanize(r['source'])} is late: {_lateness(r)}." for r in late.to_dict("records")]
    lost = m.coverage[(m.coverage["status"] == ABSENT) & (m.coverage["reason"] == "")]
    issues += [f"{name}: {humanize(source)} has no rows for an unknown reason." for source in lost["source"]]
    if rejected := int(m.coverage["rejected_rows"].sum()):
        issues.append(f"{name}: {plural(rejected, 'row')} failed validation and went to quarantine.")
    if missing := unanswered(m.trials):
        issues.append(f"{name}: {plural(missing, 'request')} to the model had no answer.")
    issues += [f"{name}: {shown} {name_of_limit} used." for name_of_limit, part, shown in spent(m) if part >= NEAR]
    issues += [
        f"{name}: {clean_line(r['name'])} changed to {humanize(r['status'])} on the run date: "
        f"{clean_line(r['reason'])}."
        for r in moved(m).to_dict("records")
    ]
    return issues


def _lateness(row: Mapping[Hashable, Any]) -> str:
    if row["source"] == "ohlcv":
        return f"{percent(float(np.floor(row['share'] * 100) / 100))} of the expected bars arrived"
    return f"newest row available at {clock(row['last_known'])}"


def _life(m: MarketReport) -> list[str]:
    voting = m.library[m.library["status"].isin(["accepted", "probation", "retired"])]
    if voting.empty:
        return [market_title(m.market.name, "No factor has been admitted to the library yet.")]
    if not set(_LIFE) <= set(voting.columns):
        return [market_title(m.market.name, "Live performance was not measured on this run date.")]
    lately = voting["factor_id"].isin(decaying_factors(voting)["factor_id"])
    voting = voting[(voting["status"] != "retired") | lately]
    order = {"retired": 2, "probation": 0, "accepted": 1}
    behind = (voting["live_rank_ic"] - voting["expected_rank_ic"]).fillna(0.0)
    rows = voting.assign(_o=voting["status"].map(order), _b=behind).sort_values(["_o", "_b", "factor_id"])
    titles = [("Factor", "factor"), ("Status", "w"), ("Status since", "n"), ("Live rank IC", "n"), ("expected", "n")]
    titles += [("live t", "n"), ("Half-life, days", "n")]
    cells = [
        ((r["name"], "", r["reason"]), r["status"], _since(r), figure(r["live_rank_ic"], "+.3f"),
         figure(r["expected_rank_ic"], "+.3f"), figure(r["live_t_stat"], "+.1f"), figure(r["half_life_days"], ",.0f"))
        for r in rows.to_dict("records")
    ]  # fmt: skip
    words = ", ".join(f"{n} {clean_line(status)}" for status, n in rows["status"].value_counts().items())
    return [market_title(m.market.name, words), table(titles, cells, stacked=True)]


def _since(row: Mapping[Hashable, Any]) -> str:
    moment = row.get("status_since")
    return "" if moment is None or pd.isna(moment) else day(moment)
