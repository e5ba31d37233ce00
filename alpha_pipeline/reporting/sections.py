"""
Sections of the nightly report on results: decisions, mining, library, track record.

The page is assembled by `report`; cost, data and factor decay are in `operations`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import pandas as pd

from alpha_pipeline.llm.budget import Spent
from alpha_pipeline.market.markets import Market
from alpha_pipeline.outcomes.scores import by_confidence, daily_returns, hit_rate
from alpha_pipeline.reporting.calibration_charts import reliability_chart
from alpha_pipeline.reporting.charts import funnel_chart, ic_bars, signal_bars
from alpha_pipeline.reporting.curves import equity_chart, price_chart
from alpha_pipeline.reporting.formatting import clock, figure, humanize, percent, plural
from alpha_pipeline.reporting.funnel import floor_rows, power_of, proposals, proposer_label, refusals, tokens
from alpha_pipeline.reporting.heat_map import signal_heat
from alpha_pipeline.reporting.markup import chart, columns, folded, links, market_title, paragraph, table
from alpha_pipeline.reporting.text_tables import library_with_metrics, strongest
from alpha_pipeline.tables import DATA_COVERAGE, NOISE_FLOOR, RAW_NEWS, REFERENCE, TEAR_SHEETS
from alpha_pipeline.text.untrusted import clean_line, truncate

_PRICE_DAYS = 90
_PRICE_LINES = 5
_BARS = 16
_NEWS = "sentiment_news"


@dataclass(frozen=True)
class MarketReport:
    """
    Data of one market for the report.

    Args:
        market: its costs and horizon are named in the method notes.
        trials: the run date's rows of `factor_definitions`.
        library: the run date's rows of `factor_library`.
        metrics: the run date's rows of `backtest_metrics`.
        signals: the run date's rows of `source_signals`.
        closes: index UTC bar closes, columns symbols; the last ninety days are drawn.
        notes: further lines on the coverage of the data.
        noise: the run date's rows of `noise_floor`.
        holdout_accesses: number of accesses to the sealed bars so far.
        coverage: the run date's rows of `data_coverage`.
        headlines: rows of `raw_news` behind the sentiment of the run date.
        month: model usage of the earlier run dates of the month.
        sheets: the run date's rows of `tear_sheets`.
    """

    market: Market
    trials: pd.DataFrame
    library: pd.DataFrame
    metrics: pd.DataFrame
    signals: pd.DataFrame
    closes: pd.DataFrame
    notes: Sequence[str] = ()
    noise: pd.DataFrame = field(default_factory=NOISE_FLOOR.empty)
    holdout_accesses: int = 0
    coverage: pd.DataFrame = field(default_factory=DATA_COVERAGE.empty)
    headlines: pd.DataFrame = field(default_factory=RAW_NEWS.empty)
    month: Spent = field(default_factory=Spent)
    sheets: pd.DataFrame = field(default_factory=TEAR_SHEETS.empty)


def decisions(m: MarketReport, latest: pd.DataFrame) -> list[str]:
    """Decisions and their reasons; `latest` holds one row of `fused_signal` per symbol, all markets."""
    rows = latest[latest["market"] == m.market.name]
    if rows.empty:
        return [market_title(m.market.name, "No signal was stored for this market.")]
    shown = strongest(rows)
    rest = rows.drop(shown.index)
    largest = rows.loc[rows["value"].abs().nlargest(_PRICE_LINES).index, "symbol"]
    prices = m.closes[[symbol for symbol in largest if symbol in m.closes.columns]]
    prices = prices[prices.index > rows["timestamp"].max() - pd.Timedelta(days=_PRICE_DAYS)] if len(prices) else prices
    blocks = [
        chart(partial(signal_bars, rows, most=_BARS)),
        chart(partial(signal_heat, contributions(shown), "Contribution by source", symbols=shown["symbol"].tolist())),
        chart(partial(price_chart, prices, f"Prices, last {_PRICE_DAYS} days")),
    ]
    return [
        market_title(m.market.name, f"decided at the close of {clock(rows['timestamp'].max())}"),
        columns(blocks),
        _decision_table(shown, m),
        folded(f"The other {plural(len(rest), 'symbol')}", _decision_table(rest, m)),
    ]


def contributions(fused: pd.DataFrame) -> pd.DataFrame:
    """
    Contribution of each source to each decision: the breakdown of `fused_signal`, one row per symbol and source.

    A breakdown that is no JSON object of numbers has no rows.
    """
    rows = [
        (r["timestamp"], r["symbol"], source, float(share))
        for r in fused.to_dict("records")
        for source, share in _parts(r["breakdown"]).items()
    ]
    return pd.DataFrame(rows, columns=["timestamp", "symbol", "source", "value"])


def headline(news: pd.DataFrame, symbol: str, breakdown: object) -> str:
    """The headline with the strongest sentiment, if news contributed to the decision; else empty."""
    if not _parts(breakdown).get(_NEWS):
        return ""
    about = news[(news["symbol"] == symbol) & news["news_sentiment"].notna()]
    if about.empty:
        return ""
    strongest_row = about.iloc[int(about["news_sentiment"].abs().to_numpy().argmax())]
    sentiment = figure(float(strongest_row["news_sentiment"]), "+.2f")
    return f"Strongest headline ({sentiment}): “{truncate(strongest_row['title'], 160)}”"


def mining(m: MarketReport) -> list[str]:
    """Proposals and reasons for refusal."""
    ours = proposals(m.trials)
    references = int((m.trials["proposer"] == REFERENCE).sum())
    apart = f"; {plural(references, 'reference factor')} measured, not counted as proposals" if references else ""
    return [
        market_title(m.market.name, f"{plural(tokens(ours), 'token')} of a language model{apart}"),
        columns(
            [
                chart(partial(funnel_chart, m.trials)),
                table([("Why proposals were refused", "long"), ("Proposals", "n")], refusals(m.trials, 8)),
            ]
        ),
        paragraph(power_of(m.trials)),
        _noise_table(m.noise),
        folded(f"All {plural(len(ours), 'proposal')}, highest validation t first", _trial_table(ours)),
    ]


def library(markets: Sequence[MarketReport]) -> list[str]:
    """The library factors and their measures."""
    drawn = [chart(partial(ic_bars, m.metrics, f"Rank IC, {m.market.name}")) for m in markets if len(m.metrics)]
    return [columns(drawn), *(part for m in markets for part in _factors(m))]


def track_record(record: pd.DataFrame, paper: pd.DataFrame) -> list[str]:
    """Performance of past decisions of all markets, and of the paper accounts."""
    accounts = [
        chart(partial(equity_chart, equity.pct_change().iloc[1:], f"Paper account, {market}"))
        for market, rows in paper.groupby("market")
        if len(equity := rows.groupby("timestamp")["equity"].first().sort_index()) > 1
    ]
    if record.empty:
        return [paragraph("No past decision has an outcome yet."), columns(accounts) if accounts else ""]
    curves, rows = accounts, []
    for market, group in record.groupby("market"):
        curves.append(chart(partial(equity_chart, daily_returns(group), f"Equity of past decisions, {market}")))
        curves.append(chart(partial(reliability_chart, by_confidence(group), f"Reliability, {market}")))
        buckets = [(percent(bucket.confidence, ".1f"), bucket) for bucket in by_confidence(group)]
        rows += [
            (market, confidence, hits.decisions, percent(hits.hit_rate), f"{percent(hits.low)} to {percent(hits.high)}")
            for confidence, hits in [("any", hit_rate(group)), *buckets]
            if hits.decisions
        ]
    titles = [("Market", "w"), ("Confidence", "w"), ("Decisions", "n"), ("Hit rate", "n")]
    titles += [("95 % confidence interval", "n")]
    note = "Standard errors are clustered by bar of decision; overlapping horizons make the intervals too narrow."
    hits_table = table(titles, rows) or paragraph("All past decisions were HOLD.")
    return [columns(curves), hits_table, paragraph(note, "soft")]


def _noise_table(noise: pd.DataFrame) -> str:
    titles = [("Best of the run date", "name"), ("real bars", "n"), ("shuffled bars", "n"), ("Rank", "long")]
    return table(titles, floor_rows(noise), stacked=True)


def _factors(m: MarketReport) -> list[str]:
    rows = library_with_metrics(m.library, m.metrics)
    names, sheets = dict(zip(rows["factor_id"], rows["name"], strict=True)), m.sheets.to_dict("records")
    counts = ", ".join(f"{n} {clean_line(status)}" for status, n in rows["status"].value_counts().items())
    titles = [("Factor", "factor"), ("Status", "w"), ("Rank IC", "n"), ("t", "n"), ("Sharpe", "n"), ("gross", "n")]
    titles += [
        ("Annual return", "n"),
        ("total", "n"),
        ("Drawdown", "n"),
        ("Turnover", "n"),
        ("Break-even", "n"),
        ("Deflated", "n"),
    ]
    cells = [
        (
            (r["name"], r["expression"], r["reason"]),
            r["status"],
            figure(r["rank_ic"], "+.3f"),
            figure(r["t_stat"], "+.1f"),
            figure(r["sharpe"], "+.2f"),
            figure(r["sharpe_gross"], "+.2f"),
            percent(r["annual_return"], "+.0f"),
            percent(r["total_return"], "+.1f"),
            percent(r["max_drawdown"]),
            figure(r["turnover"], ".2f"),
            figure(r["break_even_bps"], ".1f", "bps"),
            percent(r["deflated_sharpe"]),
        )
        for r in rows.to_dict("records")
    ]
    return [
        market_title(m.market.name, counts or "The library is empty."),
        links((f"../{r['html_path']}", f"Tear sheet: {names.get(r['factor_id'], r['factor_id'])}") for r in sheets),
        table(titles, cells, stacked=True),
    ]


def _parts(breakdown: object) -> dict[str, float]:
    try:
        parts = json.loads(str(breakdown))
    except ValueError:
        return {}
    return {k: float(v) for k, v in parts.items() if isinstance(v, int | float)} if isinstance(parts, dict) else {}


def _decision_table(rows: pd.DataFrame, m: MarketReport) -> str:
    titles = [("Symbol", "w"), ("Decision", "decision"), ("Value", "n"), ("Confidence", "n")]
    cells = [
        (r["symbol"], r["decision"], figure(r["value"], "+.2f"), percent(r["confidence"]),
         (r["reasons"], headline(m.headlines, r["symbol"], r["breakdown"])))
        for r in rows.to_dict("records")
    ]  # fmt: skip
    return table([*titles, ("Reasons", "why")], cells, stacked=True)


def _trial_table(trials: pd.DataFrame) -> str:
    titles = [("Factor, with the proposer's rationale", "factor"), ("Proposer", "name"), ("Last stage passed", "w")]
    titles += [("Rank IC", "n"), ("t", "n"), ("Sharpe", "n"), ("Verdict", "long")]
    best = trials.sort_values("valid_t_stat", ascending=False, na_position="last")
    cells = [
        (
            (r["name"], r["canonical"] or r["source"], r["rationale"]),
            proposer_label(r["proposer"], r["model"]),
            humanize(r["stage"]),
            figure(r["valid_rank_ic"], "+.3f"),
            figure(r["valid_t_stat"], "+.1f"),
            figure(r["valid_sharpe"], "+.2f"),
            "accepted" if r["verdict"] == "accepted" else r["reason"],
        )
        for r in best.to_dict("records")
    ]
    return table(titles, cells, stacked=True)
