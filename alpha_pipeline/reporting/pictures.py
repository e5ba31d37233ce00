"""
The key charts of a run date as PNG for mail and chat: signal, funnel, equity, reliability.

Same numbers as the charts of the report, from `funnel` and `outcomes.scores`.
"""

from collections.abc import Callable, Mapping
from io import BytesIO

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from alpha_pipeline.outcomes.scores import by_confidence, daily_returns
from alpha_pipeline.reporting.formatting import humanize, percent
from alpha_pipeline.reporting.funnel import STAGES, funnel_counts, proposals
from alpha_pipeline.reporting.sheet_figure import BLUE, GREY, ORANGE, SOFT, STYLE, dated, nothing_drawn
from alpha_pipeline.text.untrusted import clean_line, truncate

TITLES = {
    "signal": "Decisions of the run date",
    "funnel": "From proposal to library",
    "equity": "Equity of past decisions, after costs",
    "reliability": "Hit rate of decisions by confidence",
}
_MOST = 12


def report_pictures(latest: pd.DataFrame, trials: Mapping[str, pd.DataFrame], record: pd.DataFrame) -> dict[str, bytes]:
    """
    PNG by name, 1200 pixels wide; an empty chart states the reason. The same frames give the same bytes.

    Args:
        latest: one row of `fused_signal` per symbol, all markets.
        trials: market name to the run date's rows of `factor_definitions`.
        record: rows of `signal_track_record` up to the run date, all markets.
    """
    draw: dict[str, Callable[[Figure], None]] = {
        "signal": lambda picture: _signal(picture, latest),
        "funnel": lambda picture: _funnel(picture, trials),
        "equity": lambda picture: _equity(picture, record),
        "reliability": lambda picture: _reliability(picture, record),
    }
    pictures = {}
    for name, paint in draw.items():
        with rc_context({**STYLE, "font.size": 11, "axes.titlesize": 12, "figure.dpi": 150}):
            picture = Figure(figsize=(8, 5), layout="constrained")
            picture.suptitle(TITLES[name], x=0.02, ha="left", weight="bold", size=16)
            paint(picture)
            out = BytesIO()
            picture.savefig(out, format="png", metadata={"Software": None})
            pictures[name] = out.getvalue()
    return pictures


def _signal(picture: Figure, latest: pd.DataFrame) -> None:
    markets = sorted(latest["market"].unique())
    all_axes = picture.subplots(1, max(len(markets), 1), squeeze=False)[0]
    if nothing_drawn(all_axes[0], len(markets), "no signals"):
        return
    colours = {"LONG": BLUE, "SHORT": ORANGE}
    for axes, market in zip(all_axes, markets, strict=True):
        rows = latest[latest["market"] == market]
        shown = rows.loc[rows["value"].abs().nlargest(_MOST).index].sort_values("value")
        places = np.arange(len(shown))
        axes.barh(places, shown["value"].fillna(0.0), color=[colours.get(d, GREY) for d in shown["decision"]])
        labels = [
            f"{truncate(s, 14)}  {truncate(d, 6)}" for s, d in zip(shown["symbol"], shown["decision"], strict=True)
        ]
        axes.set_yticks(places, labels)
        axes.set_xlim(-1, 1)
        axes.axvline(0, color=SOFT, lw=0.6)
        axes.set_title(clean_line(market) + (f", {len(shown)} of {len(rows)}" if len(rows) > len(shown) else ""))
        axes.grid(axis="y", visible=False)


def _funnel(picture: Figure, trials: Mapping[str, pd.DataFrame]) -> None:
    all_axes = picture.subplots(1, max(len(trials), 1), squeeze=False, sharey=True)[0]
    if nothing_drawn(all_axes[0], sum(len(proposals(rows)) for rows in trials.values()), "no proposals"):
        return
    for axes, (market, rows) in zip(all_axes, trials.items(), strict=True):
        counts = [count for _, count in funnel_counts(rows)]
        bars = axes.barh([humanize(stage) for stage in STAGES], counts, color=BLUE)
        axes.bar_label(bars, padding=3)
        axes.margins(x=0.15)
        axes.set_title(clean_line(market))
        axes.grid(visible=False)
    all_axes[0].invert_yaxis()


def _equity(picture: Figure, record: pd.DataFrame) -> None:
    axes = picture.subplots()
    if nothing_drawn(axes, int(record["net_return"].notna().sum()), "no outcomes yet"):
        return
    for (market, rows), colour in zip(record.groupby("market"), (BLUE, ORANGE, SOFT), strict=False):
        returns = daily_returns(rows)
        start = returns.index[0] - pd.Timedelta(days=1)
        growth = np.concatenate([[0.0], 100 * ((1 + returns).cumprod() - 1)])
        times = pd.DatetimeIndex([start, *returns.index]).tz_localize(None)
        axes.plot(
            times, growth, color=colour, lw=1.6, label=f"{clean_line(market)} {percent(growth[-1] / 100, '+.1f')}"
        )
    axes.axhline(0, color=SOFT, lw=0.6)
    axes.set_ylabel("%")
    axes.legend(loc="best")
    dated(axes, 8)


def _reliability(picture: Figure, record: pd.DataFrame) -> None:
    axes = picture.subplots()
    buckets = by_confidence(record)
    if nothing_drawn(axes, len(buckets), "no outcomes yet"):
        return
    axes.plot([0, 100], [0, 100], color=SOFT, lw=0.8, label="perfectly calibrated")
    middles = np.array([100 * bucket.confidence for bucket in buckets])
    rates, lows, highs = (
        np.array([100 * getattr(bucket, part) for bucket in buckets]) for part in ("hit_rate", "low", "high")
    )
    axes.errorbar(middles, rates, yerr=[rates - lows, highs - rates], fmt="o", color=BLUE, capsize=4)
    for middle, rate, bucket in zip(middles, rates, buckets, strict=True):
        axes.annotate(f"{bucket.decisions:,}", (middle, rate), xytext=(8, 4), textcoords="offset points", color=SOFT)
    axes.set(xlim=(0, 100), ylim=(0, 100), xlabel="confidence of the decision, %", ylabel="hit rate, %")
    axes.legend(loc="upper left")
