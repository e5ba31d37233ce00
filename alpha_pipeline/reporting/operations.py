"""
The chapters of the nightly page on the works themselves: what decays, what the run date cost, which data came late.

Decisions, mining, library and track record are `chapters`.
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
# Nearer to a limit than this, a person should know.
NEAR = 0.8


def life(markets: Sequence[MarketReport]) -> list[str]:
    """What the factors that vote still earn against what they promised; those that fall behind first."""
    return [part for m in markets for part in _life(m)]


def moved(m: MarketReport) -> pd.DataFrame:
    """Factors put on probation or retired that very run date."""
    rows = m.library[m.library["status"].isin(["probation", "retired"])]
    if "status_since" not in rows.columns or m.library.empty:
        return rows.iloc[:0]
    return rows[rows["status_since"] == m.library["run_date"].max()]


def cost(markets: Sequence[MarketReport], took_seconds: float = np.nan) -> list[str]:
    """Tokens, money and time of the run date, and of the month against its limits."""
    limits = Budget()
    seconds = sum(float(m.trials["model_seconds"].sum()) for m in markets)
    whole = f"The model worked {figure(seconds, ',.0f', 's')} in all"
    whole += (
        f"; the run had taken {figure(took_seconds, ',.0f', 's')} when this was written."
        if np.isfinite(took_seconds)
        else "."
    )
    parts = [paragraph(whole)]
    for m in markets:
        used = spent(m)
        silent = unanswered(m.trials)
        parts += [
            market_title(m.market.name, f"Tonight: {cost_text(m.trials)}"),
            paragraph(f"{plural(silent, 'question')} went unanswered." if silent else ""),
            "".join(meter(label, part, shown) for label, part, shown in used),
        ]
    note = (
        f"Limits as they stand unless a run sets others: USD {limits.night_usd:g} a run date and {limits.month_usd:g} a "
        "month, per market. A question is asked only while the most it could cost still fits."
    )
    return [*parts, paragraph(note, "soft")]


def spent(m: MarketReport) -> list[tuple[str, float, str]]:
    """(limit, part of it that is used, in words) of the run date and of the month so far, this run date included."""
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
    """Per source: what came, how old the newest row is, what was quarantined, and why it is absent."""
    parts = []
    for m in markets:
        rows = m.coverage.sort_values("source", key=lambda names: names != "ohlcv", kind="stable")
        titles = [("Source", "name"), ("State", "state"), ("Rows on the run date", "n"), ("Share of what was due", "n")]
        titles += [("Newest row known", "n"), ("Set aside", "n"), ("Why", "long")]
        cells = [
            (humanize(r["source"]), r["status"], f"{r['rows']:,}", percent(float(np.floor(r["share"] * 100) / 100)),
             clock(r["last_known"]), f"{r['rejected_rows']:,}", r["reason"])
            for r in rows[rows["status"] != ABSENT].to_dict("records")
        ]  # fmt: skip
        absent = rows[rows["status"] == ABSENT]
        why = [
            f"{humanize(r['source'])}: {clean_line(r['reason']) or 'no reason known'}"
            for r in absent.to_dict("records")
        ]
        parts += [
            market_title(m.market.name, "" if len(rows) else "No coverage was measured for this market."),
            table(titles, cells, stacked=True),
            folded(f"{plural(len(absent), 'absent source')}, and why", bullets(why)),
            bullets(m.notes),
        ]
    return parts


def troubles(m: MarketReport) -> list[str]:
    """What of all this a person should look at, a sentence each."""
    name = m.market.name
    late = m.coverage[m.coverage["status"] == LATE]
    said = [f"{name}: {humanize(r['source'])} is late: {_lateness(r)}." for r in late.to_dict("records")]
    lost = m.coverage[(m.coverage["status"] == ABSENT) & (m.coverage["reason"] == "")]
    said += [f"{name}: {humanize(source)} has no rows at all, and nobody knows why." for source in lost["source"]]
    if aside := int(m.coverage["rejected_rows"].sum()):
        said.append(f"{name}: {plural(aside, 'row')} could not be true and went to quarantine.")
    if silent := unanswered(m.trials):
        said.append(f"{name}: {plural(silent, 'question')} to the model went unanswered.")
    said += [f"{name}: {shown} {what} used." for what, part, shown in spent(m) if part >= NEAR]
    said += [
        f"{name}: {clean_line(r['name'])} is {humanize(r['status'])} since on the run date: {clean_line(r['reason'])}."
        for r in moved(m).to_dict("records")
    ]
    return said


def _lateness(row: Mapping[Hashable, Any]) -> str:
    if row["source"] == "ohlcv":
        return f"{percent(float(np.floor(row['share'] * 100) / 100))} of the bars due came"
    return f"its newest row became known at {clock(row['last_known'])}"


def _life(m: MarketReport) -> list[str]:
    voting = m.library[m.library["status"].isin(["accepted", "probation", "retired"])]
    if voting.empty:
        return [market_title(m.market.name, "No factor of the library has been admitted yet, so none can decay.")]
    if not set(_LIFE) <= set(voting.columns):
        return [market_title(m.market.name, "The life of the factors was not measured that run date.")]
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
