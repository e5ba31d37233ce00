"""
The chapters of the nightly page that rest on one market's frames: decisions, mining, library, track record.

The page around them is `report`; drawing, tables and wording come from the neighbours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import pandas as pd

from alpha_pipeline.fusion.scores import by_confidence, daily_returns, hit_rate
from alpha_pipeline.market import Market
from alpha_pipeline.reporting.charts import funnel_chart, ic_bars, signal_bars, signal_heat
from alpha_pipeline.reporting.curves import equity_chart, price_chart
from alpha_pipeline.reporting.floor import floor_rows
from alpha_pipeline.reporting.funnel import REFERENCE, proposals, proposer_label, refusals, tokens
from alpha_pipeline.reporting.markup import chart, columns, folded, market_title, paragraph, table
from alpha_pipeline.reporting.terminal import library_with_metrics, strongest
from alpha_pipeline.reporting.wording import clock, figure, percent, plain, plural, spoken
from alpha_pipeline.tables import NOISE_FLOOR

_PRICE_DAYS = 90
_PRICE_LINES = 5
_BARS = 16


@dataclass(frozen=True)
class MarketNight:
    """
    What one market brings to the page.

    Args:
        market: its costs and horizon are named in the method notes.
        trials: the night's rows of `factor_definitions`.
        library: the night's rows of `factor_library`.
        metrics: the night's rows of `backtest_metrics`.
        signals: the night's rows of `source_signals`.
        closes: index UTC bar closes, columns symbols; the last ninety days are drawn.
        absent: source name to the reason it was absent that night.
        notes: further lines on the coverage of the data.
        noise: the night's rows of `noise_floor`.
        openings: how often the sealed bars were looked at so far.
    """

    market: Market
    trials: pd.DataFrame
    library: pd.DataFrame
    metrics: pd.DataFrame
    signals: pd.DataFrame
    closes: pd.DataFrame
    absent: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    noise: pd.DataFrame = field(default_factory=NOISE_FLOOR.empty)
    openings: int = 0


def decisions(m: MarketNight, latest: pd.DataFrame) -> list[str]:
    """What was decided and why; `latest` holds one row of `fused_signal` per symbol, all markets."""
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
        chart(partial(signal_heat, m.signals, symbols=shown["symbol"].tolist())),
        chart(partial(price_chart, prices, f"Prices, last {_PRICE_DAYS} days")),
    ]
    return [
        market_title(m.market.name, f"decided at the close of {clock(rows['timestamp'].max())}"),
        columns(blocks),
        _decision_table(shown),
        folded(f"The other {plural(len(rest), 'symbol')}", _decision_table(rest)),
    ]


def mining(m: MarketNight) -> list[str]:
    """What was proposed and refused, and why."""
    ours = proposals(m.trials)
    references = int((m.trials["proposer"] == REFERENCE).sum())
    apart = f"; {plural(references, 'reference factor')} measured alike, not counted" if references else ""
    return [
        market_title(m.market.name, f"{plural(tokens(ours), 'token')} of a language model{apart}"),
        columns(
            [
                chart(partial(funnel_chart, m.trials)),
                table([("Why proposals were refused", "long"), ("Proposals", "n")], refusals(m.trials, 8)),
            ]
        ),
        _noise_table(m.noise),
        folded(f"All {plural(len(ours), 'proposal')}, best validated first", _trial_table(ours)),
    ]


def library(markets: Sequence[MarketNight]) -> list[str]:
    """The factors in force with what they earned."""
    drawn = [chart(partial(ic_bars, m.metrics, f"Rank IC, {m.market.name}")) for m in markets if len(m.metrics)]
    return [columns(drawn), *(part for m in markets for part in _factors(m))]


def track_record(record: pd.DataFrame) -> list[str]:
    """How past decisions of all markets did."""
    if record.empty:
        return [paragraph("No past decision has an outcome yet.")]
    curves, rows = [], []
    for market, group in record.groupby("market"):
        curves.append(chart(partial(equity_chart, daily_returns(group), f"Equity of past decisions, {market}")))
        buckets = [(f"{percent(low)} to {percent(high)}", hits) for low, high, hits, _ in by_confidence(group)]
        rows += [
            (market, confidence, hits.decisions, percent(hits.rate), f"{percent(hits.low)} to {percent(hits.high)}")
            for confidence, hits in [("any", hit_rate(group)), *buckets]
            if hits.decisions
        ]
    titles = [("Market", "w"), ("Confidence", "w"), ("Decisions", "n"), ("Hit rate", "n"), ("95 % interval", "n")]
    note = "The intervals take decisions as independent; neighbouring ones overlap, so the truth is wider."
    hits_table = table(titles, rows) or paragraph("All past decisions were HOLD.")
    return [columns(curves), hits_table, paragraph(note, "soft")]


def _noise_table(noise: pd.DataFrame) -> str:
    titles = [("Best of the night", "name"), ("real bars", "n"), ("shuffled bars", "n"), ("Luck", "long")]
    return table(titles, floor_rows(noise))


def _factors(m: MarketNight) -> list[str]:
    rows = library_with_metrics(m.library, m.metrics)
    counts = ", ".join(f"{n} {plain(status)}" for status, n in rows["status"].value_counts().items())
    titles = [("Factor", "factor"), ("Status", "w"), ("Rank IC", "n"), ("t", "n"), ("Sharpe", "n"), ("gross", "n")]
    titles += [("Return", "n"), ("Drawdown", "n"), ("Turnover", "n"), ("Break-even", "n"), ("Deflated", "n")]
    cells = [
        (
            (r["name"], r["expression"], r["reason"]),
            r["status"],
            figure(r["rank_ic"], "+.3f"),
            figure(r["t_stat"], "+.1f"),
            figure(r["sharpe"], "+.2f"),
            figure(r["sharpe_gross"], "+.2f"),
            percent(r["annual_return"], "+.1f"),
            percent(r["max_drawdown"]),
            figure(r["turnover"], ".2f"),
            figure(r["break_even_bps"], ".1f", "bps"),
            percent(r["deflated_sharpe"]),
        )
        for r in rows.to_dict("records")
    ]
    return [
        market_title(m.market.name, counts or "The library is empty."),
        table(titles, cells, stacked=True),
    ]


def _decision_table(rows: pd.DataFrame) -> str:
    titles = [("Symbol", "w"), ("Decision", "decision"), ("Value", "n"), ("Confidence", "n")]
    cells = [
        (r["symbol"], r["decision"], figure(r["value"], "+.2f"), percent(r["confidence"]), r["reasons"])
        for r in rows.to_dict("records")
    ]
    return table([*titles, ("Why", "long")], cells, stacked=True)


def _trial_table(trials: pd.DataFrame) -> str:
    titles = [("Factor, with the proposer's rationale", "factor"), ("Proposer", "name"), ("Last stage passed", "w")]
    titles += [("Rank IC", "n"), ("t", "n"), ("Sharpe", "n"), ("Verdict", "long")]
    best = trials.sort_values("valid_t_stat", ascending=False, na_position="last")
    cells = [
        (
            (r["name"], r["canonical"] or r["source"], r["rationale"]),
            proposer_label(r["proposer"], r["model"]),
            spoken(r["stage"]),
            figure(r["valid_rank_ic"], "+.3f"),
            figure(r["valid_t_stat"], "+.1f"),
            figure(r["valid_sharpe"], "+.2f"),
            "accepted" if r["verdict"] == "accepted" else r["reason"],
        )
        for r in best.to_dict("records")
    ]
    return table(titles, cells, stacked=True)
