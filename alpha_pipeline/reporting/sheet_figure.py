"""
The figure of a tear sheet, wide or narrow.

Numbers come from `backtesting.study`; the page is in `tear_sheet`.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import rc_context, rcParams
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from PIL import Image

from alpha_pipeline.market.markets import Market
from alpha_pipeline.reporting.formatting import figure as shown
from alpha_pipeline.text.untrusted import truncate, wrap

if TYPE_CHECKING:
    from alpha_pipeline.reporting.sheet import Sheet

BLUE, ORANGE, GREY, INK, SOFT = "#0072b2", "#b84800", "#c3cad2", "#1b2430", "#586473"
PIXELS_PER_INCH = 150
SIZE = (10.6, 14.6)
STYLE: Any = {
    "font.size": 8.5, "axes.titlesize": 10, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": GREY, "axes.labelcolor": SOFT,
    "xtick.color": SOFT, "ytick.color": SOFT, "text.color": INK, "axes.grid": True, "grid.color": "#eceff3",
    "axes.axisbelow": True, "text.parse_math": False, "figure.dpi": PIXELS_PER_INCH, "legend.frameon": False,
}  # fmt: skip
# On a phone the figure is shown at half its pixels, so letters are set twice the size.
NARROW_WIDTH = 5.2
NARROW_STYLE: Any = {"font.size": 10, "axes.titlesize": 12, "figure.dpi": PIXELS_PER_INCH}
TILES = (
    ("net Sharpe", "sharpe", "+.2f", ""), ("after cutoff", "sharpe_after_cutoff", "+.2f", ""),
    ("deflated Sharpe", "deflated_sharpe", ".2f", ""), ("rank IC", "rank_ic", "+.3f", ""), ("t", "t_stat", "+.1f", ""),
    ("max drawdown", "max_drawdown", ".1%", ""), ("turnover per day", "turnover", ".2f", ""),
    ("break-even", "break_even_bps", ".1f", "bps"),
)  # fmt: skip


def draw_png(sheet: "Sheet", narrow: bool = False) -> bytes:
    """The figure as PNG; `narrow` is one column for phones with a palette of 64 colours."""
    with rc_context({**STYLE, **NARROW_STYLE} if narrow else STYLE):
        picture = _draw_narrow(sheet) if narrow else _draw(sheet)
        out = BytesIO()
        picture.savefig(out, format="png", metadata={"Software": None})
    return _few_colours(out.getvalue()) if narrow else out.getvalue()


def _draw(sheet: "Sheet") -> Figure:
    picture = Figure(figsize=SIZE)
    rows = picture.add_gridspec(4, 1, left=0.06, right=0.97, top=0.845, bottom=0.03, hspace=0.27,
                                height_ratios=[2.3, 1.0, 1.0, 1.6])  # fmt: skip
    money = rows[0].subgridspec(2, 1, hspace=0.2, height_ratios=[2.4, 1.0])
    order = rows[1].subgridspec(1, 3, wspace=0.22, width_ratios=[2.0, 1.0, 1.0])
    trade = rows[2].subgridspec(1, 2, wspace=0.42, width_ratios=[2.0, 1.2])
    parts = rows[3].subgridspec(1, 4, wspace=0.85, width_ratios=[0.12, 1.0, 1.0, 0.9])
    _head(picture, sheet)
    _panels(
        sheet,
        picture,
        [money[0], money[1], order[0], order[1], order[2], trade[0], trade[1], parts[1], parts[2], parts[3]],
    )
    return picture


def _draw_narrow(sheet: "Sheet") -> Figure:
    heights = [2.6, 1.5, 2.0, 1.8, 1.8, 1.6, 2.2, 4.4, 3.6, 2.6]
    picture = Figure(figsize=(NARROW_WIDTH, 1.35 * sum(heights)))
    cells = picture.add_gridspec(len(heights), 1, height_ratios=heights, hspace=0.42, left=0.11, right=0.96, top=0.985,
                                 bottom=0.015)  # fmt: skip
    _panels(sheet, picture, [cells[row] for row in range(len(heights))])
    for axes in picture.axes[-4:]:  # bars with long names: they need the room on the left
        place = axes.get_position()
        axes.set_position((0.4, place.y0, 0.56, place.height))
        axes.set_title(axes.get_title(loc="left"), loc="left", x=-0.5)
    return picture


def _panels(sheet: "Sheet", picture: Figure, cells: Sequence[Any]) -> None:
    """Draw the ten panels, one per cell."""
    study, equity = sheet.study, picture.add_subplot(cells[0])
    _equity(equity, study.returns)
    _drawdown(picture.add_subplot(cells[1], sharex=equity), study.returns)
    _ic(picture.add_subplot(cells[2]), study.rank_ic)
    _decay(picture.add_subplot(cells[3]), study.ic_decay, sheet.market)
    _quantiles(picture.add_subplot(cells[4]), study.quantiles)
    _turnover(picture.add_subplot(cells[5]), study.returns)
    _funnel(picture.add_subplot(cells[6]), sheet.funnel, sheet.stage)
    _subsamples(picture.add_subplot(cells[7]), study.breakdown)
    _assumptions(picture.add_subplot(cells[8]), study.sensitivity)
    _correlations(picture.add_subplot(cells[9]), sheet.correlations)


def _few_colours(png: bytes) -> bytes:
    """Reduce the palette: a third of the bytes."""
    out = BytesIO()
    Image.open(BytesIO(png)).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _head(picture: Figure, sheet: "Sheet") -> None:
    picture.text(0.03, 0.975, truncate(sheet.name, 70), size=17, weight="bold", va="top")
    about = (
        f"{sheet.market.name}, {sheet.market.bar} bars, run date {sheet.run_date:%Y-%m-%d}; measured on {sheet.segment}"
    )
    picture.text(0.03, 0.953, about, size=9, color=SOFT, va="top")
    lines = wrap(sheet.expression, 130, 2)
    picture.text(0.03, 0.938, "\n".join(lines), size=8.5, family="monospace", va="top", linespacing=1.4)
    for place, (label, key, spec, unit) in enumerate(TILES):
        left = 0.03 + place * 0.1185
        value = float(sheet.measures.get(key, np.nan))
        picture.text(left, 0.904, shown(value, spec, unit), size=14, weight="bold", va="top")
        picture.text(left, 0.884, label, size=8.5, color=SOFT, va="top")


def _equity(axes: Axes, returns: pd.DataFrame) -> None:
    axes.set_title("Equity, start = 1")
    if nothing_drawn(axes, len(returns)):
        return
    for column, colour, label in (("gross", GREY, "before costs"), ("net", BLUE, "after costs")):
        equity = (1 + returns[column]).cumprod()
        axes.plot(equity.index, equity, color=colour, lw=1.3 if column == "net" else 1.0, label=label)
    axes.axhline(1, color=SOFT, lw=0.6)
    axes.legend(loc="upper left", ncols=2)
    axes.tick_params(labelbottom=False)


def _drawdown(axes: Axes, returns: pd.DataFrame) -> None:
    axes.set_title("Drawdown after costs, %")
    if nothing_drawn(axes, len(returns)):
        return
    equity = (1 + returns["net"]).cumprod().to_numpy()
    fallen = 100 * (equity / np.maximum(np.maximum.accumulate(equity), 1.0) - 1)
    axes.fill_between(returns.index, fallen, 0, color=ORANGE, alpha=0.35, lw=0)
    axes.margins(x=0.01)
    dated(axes, 12)


def _ic(axes: Axes, ic: pd.Series) -> None:
    axes.set_title("Rank IC summed over time")
    valid = ic.dropna()
    if nothing_drawn(axes, len(valid)):
        return
    axes.plot(valid.index, valid.cumsum(), color=BLUE, lw=1.2)
    slope = np.linspace(0, valid.sum(), len(valid))
    axes.plot(valid.index, slope, color=SOFT, lw=0.8, ls="--", label=f"mean {shown(valid.mean(), '+.4f')} a bar")
    axes.legend(loc="best")
    dated(axes, 6)


def _decay(axes: Axes, decay: Mapping[int, float], market: Market) -> None:
    axes.set_title("Rank IC by horizon")
    if nothing_drawn(axes, np.isfinite(list(decay.values())).sum()):
        return
    labels = [_span(bars, market) for bars in decay]
    axes.bar(labels, list(decay.values()), color=[BLUE if v >= 0 else ORANGE for v in decay.values()], width=0.7)
    axes.axhline(0, color=SOFT, lw=0.6)
    axes.tick_params(axis="x", labelsize=0.82 * rcParams["font.size"])


def _quantiles(axes: Axes, quantiles: np.ndarray) -> None:
    axes.set_title("Return by quintile, bps")
    if nothing_drawn(axes, np.isfinite(quantiles).sum()):
        return
    bps = 10_000 * quantiles
    labels = ["low", *(str(k) for k in range(2, len(bps))), "high"]
    axes.bar(labels, bps, color=[BLUE if v >= 0 else ORANGE for v in bps], width=0.7)
    axes.axhline(0, color=SOFT, lw=0.6)


def _turnover(axes: Axes, returns: pd.DataFrame) -> None:
    axes.set_title("Turnover per day (20-day mean)")
    if nothing_drawn(axes, len(returns)):
        return
    daily = returns["turnover"].resample("1D").sum()
    daily = daily[returns["turnover"].resample("1D").size() > 0]
    axes.plot(daily.index, daily.rolling(20, min_periods=1).mean(), color=BLUE, lw=1.1)
    axes.set_ylim(bottom=0)
    dated(axes, 6)


def _funnel(axes: Axes, funnel: Sequence[tuple[str, int]], stage: str) -> None:
    axes.set_title("Stage among all trials")
    names = [name.replace("_", " ") for name, _ in funnel]
    colours = [BLUE if name == stage else GREY for name, _ in funnel]
    _bars(axes, names, [count for _, count in funnel], colours, ",.0f")
    axes.xaxis.set_visible(False)
    for label, (name, _) in zip(axes.get_yticklabels(), funnel, strict=False):
        label.set(weight="bold", color=BLUE) if name == stage else None


def _subsamples(axes: Axes, breakdown: pd.DataFrame) -> None:
    axes.set_title("Net Sharpe by subsample (t of the rank IC)")
    parts = breakdown.head(18)
    names = parts["subsample"].str.replace(" the model's", "")
    labels = [f"{name} ({shown(t, '+.1f')})" for name, t in zip(names, parts["t_stat"], strict=True)]
    _bars(axes, labels, parts["sharpe"].tolist(), None, "+.1f")


def _assumptions(axes: Axes, protocol: pd.DataFrame) -> None:
    axes.set_title("Net Sharpe by assumption")
    labels = [f"{row.assumption} {row.setting}".strip() for row in protocol.itertuples()]
    _bars(axes, labels, protocol["sharpe"].tolist(), None, "+.1f")


def _correlations(axes: Axes, correlations: Mapping[str, float]) -> None:
    axes.set_title("Correlation to other factors")
    most = sorted(correlations.items(), key=lambda item: -abs(item[1]) if np.isfinite(item[1]) else 0)[:10]
    if not most:
        nothing_drawn(axes, 0, "no other active factor")
        return
    labels = [truncate(name.rsplit("_", 1)[0].replace("_", " "), 16) for name, _ in most]
    _bars(axes, labels, [value for _, value in most], None, "+.2f")


def _bars(axes: Axes, labels: Sequence[str], values: Sequence[float], colours: Sequence[str] | None, spec: str) -> None:
    if nothing_drawn(axes, len(labels)):
        return
    sizes = np.array(values, dtype=float)
    drawn = np.nan_to_num(sizes)
    rows, small = np.arange(len(sizes)), 0.88 * rcParams["font.size"]
    axes.barh(rows, drawn, color=colours or [BLUE if v >= 0 else ORANGE for v in drawn], height=0.68)
    for row, (value, size) in enumerate(zip(sizes, drawn, strict=True)):
        label = shown(value, spec) if np.isfinite(value) else "undefined"
        axes.annotate(label, (size, row), xytext=(3 if size >= 0 else -3, 0), textcoords="offset points", size=small,
                      va="center", ha="left" if size >= 0 else "right", color=SOFT)  # fmt: skip
    axes.set_yticks(rows, [truncate(label, 34) for label in labels])
    axes.invert_yaxis()
    axes.margins(x=0.28)
    axes.axvline(0, color=SOFT, lw=0.6)
    axes.grid(axis="y", visible=False)


def nothing_drawn(axes: Axes, count: int, reason: str = "no data") -> bool:
    """Write the reason into empty axes; False, without a change, where `count` is not 0."""
    if count:
        return False
    axes.text(0.5, 0.5, reason, ha="center", va="center", color=SOFT, transform=axes.transAxes)
    axes.set_xticks([])
    axes.set_yticks([])
    return True


def dated(axes: Axes, most: int) -> None:
    """Date ticks on the x axis, `most` at most."""
    places = AutoDateLocator(minticks=3, maxticks=most)  # type: ignore[no-untyped-call]  # matplotlib's class
    axes.xaxis.set_major_locator(places)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(places))  # type: ignore[no-untyped-call]  # the same


def _span(bars: int, market: Market) -> str:
    """A number of bars as hours or days."""
    hours = bars * market.bar_length.total_seconds() / 3600
    return f"{hours:g}h" if hours < 24 else f"{hours / 24:g}d"
