"""
SVG primitives: style, ticks and shapes.

Charts are composed in `charts`, `curves`, `heat_map` and `calibration`.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from alpha_pipeline.reporting.formatting import figure
from alpha_pipeline.text.untrusted import clean_line, escape_html

Array = np.ndarray

# Okabe and Ito's palette, darkened or lightened per scheme until every hue stands 3:1 against its ground.
STYLE = """
.ap{--bg:#fff;--ink:#1b2430;--soft:#586473;--grid:#e4e8ed;--deep:.75;
--long:#0072b2;--short:#c94f00;--hold:#9aa3ae;--watch:#a87900;
--c0:#0072b2;--c1:#c94f00;--c2:#00845f;--c3:#b0588a;--c4:#a87900;--c5:#3d4fb5;--c6:#8a94a0}
@media(prefers-color-scheme:dark){.ap{--bg:#161b22;--ink:#e6edf3;--soft:#9eabb8;--grid:#2c343e;--deep:.5;
--long:#56b4e9;--short:#ff9145;--hold:#6f7a87;--watch:#e3b341;
--c0:#56b4e9;--c1:#ff9145;--c2:#2fc79a;--c3:#e39ac4;--c4:#e3b341;--c5:#a9b4ff;--c6:#7d8793}}
.ap text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;fill:var(--ink);
font-variant-numeric:tabular-nums}
.ap .bg{fill:var(--bg)}.ap .title{font-size:14px;font-weight:600}.ap .soft{fill:var(--soft)}
.ap .grid{stroke:var(--grid)}.ap .zero{stroke:var(--soft)}
.ap .curve{fill:none;stroke-width:1.75;stroke-linejoin:round;stroke-linecap:round}.ap .tint{fill-opacity:.16}
"""
_COLOURS = ("long", "short", "hold", "watch", *(f"c{i}" for i in range(7)))
STYLE += "".join(f".ap .f-{c}{{fill:var(--{c})}}.ap .l-{c}{{stroke:var(--{c})}}" for c in _COLOURS)

TITLE_HEIGHT = 44
_NARROW, _BROAD = frozenset("iljftrI.,:;|!'()[] "), frozenset("mwMWGOQD%@")


def document(width: float, height: float, title: str, body: Sequence[str], subtitle: str = "") -> str:
    """A whole chart: ground, title, one line under it, then `body`; pixels."""
    head = [text(12, 20, fit(title, width * 0.86), "title"), text(12, 37, fit(subtitle, width * 1.08), "soft")]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ap" role="img" aria-label="{escape_html(title)}" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">'
        f'<style>{STYLE}</style><rect class="bg" width="100%" height="100%" rx="6"/>{"".join([*head, *body])}</svg>'
    )


def nothing(title: str, reason: str = "no data", width: float = 640) -> str:
    """An empty chart: the title and the reason."""
    return document(width, 84, title, [text(12, 66, reason, "soft")])


def text(x: float, y: float, content: object, style: str = "", anchor: str = "start", turn: float = 0) -> str:
    """One line of (untrusted) text; `anchor` is start, middle or end; `turn` in degrees about its point."""
    if not (words := escape_html(content)):
        return ""
    extra = f' class="{style}"' if style else ""
    extra += f' text-anchor="{anchor}"' if anchor != "start" else ""
    extra += f' transform="rotate({turn:.0f} {x:.1f} {y:.1f})"' if turn else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{extra}>{words}</text>'


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """A straight stroke."""
    return f'<path class="{style}" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>'


def box(x: float, y: float, width: float, height: float, style: str, extra: str = "") -> str:
    """A filled rectangle; a negative width grows to the left."""
    left, wide = (x, width) if width >= 0 else (x + width, -width)
    return f'<rect class="{style}" x="{left:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{height:.1f}" rx="2"{extra}/>'


def heat(x: float, y: float, width: float, height: float, style: str, strength: float) -> str:
    """A rectangle tinted by `strength` in [0, 1], never so deep that text on it falls under 4.5:1."""
    return box(x, y, width, height, style, f' style="fill-opacity:calc(var(--deep)*{min(0.05 + strength, 1):.2f})"')


def curve(xs: Array, ys: Array, style: str) -> str:
    """A line through (n,) points; NaN breaks it, a lone point is a dot."""
    xs, ys = thin(np.asarray(xs, float), np.asarray(ys, float))
    pieces, pen_down = [], False
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        if np.isfinite(y):
            pieces.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}" + ("" if pen_down else "h0"))
        pen_down = bool(np.isfinite(y))
    return f'<path class="curve {style}" d="{"".join(pieces)}"/>' if pieces else ""


def area(xs: Array, ys: Array, base: float, style: str) -> str:
    """The ground between (n,) points and the level `base`; NaN counts as the level."""
    xs, ys = thin(np.asarray(xs, float), np.nan_to_num(np.asarray(ys, float), nan=base))
    if not len(xs):
        return ""
    points = "".join(f"L{x:.1f} {y:.1f}" for x, y in zip(xs.tolist(), ys.tolist(), strict=True))
    return f'<path class="tint {style}" d="M{xs[0]:.1f} {base:.1f}{points}L{xs[-1]:.1f} {base:.1f}Z"/>'


def thin(xs: Array, ys: Array, most: int = 400) -> tuple[Array, Array]:
    """At most about `most` of (n,) points: the lowest and the highest of each segment, so that no spike is lost."""
    if len(xs) <= most:
        return xs, ys
    keep = [0, len(xs) - 1]
    for segment in np.array_split(np.arange(len(xs)), most // 2):
        finite = segment[np.isfinite(ys[segment])]
        if len(finite) < len(segment):
            keep.append(int(segment[~np.isfinite(ys[segment])][0]))
        if len(finite):
            keep += [int(finite[np.argmin(ys[finite])]), int(finite[np.argmax(ys[finite])])]
    chosen = np.unique(keep)
    return xs[chosen], ys[chosen]


def scale(low: float, high: float, start: float, end: float) -> Callable[[Array | float], Array]:
    """The linear map of [low, high] onto [start, end] pixels."""
    span = (high - low) or 1.0
    return lambda value: start + (np.asarray(value, float) - low) / span * (end - start)


def ticks(low: float, high: float, count: int) -> list[float]:
    """Round values (1, 2, 2.5, 5 times a power of ten) inside [low, high], about `count` of them."""
    if not (np.isfinite(low) and np.isfinite(high)) or high <= low:
        return [low] if np.isfinite(low) else []
    rough = (high - low) / max(count, 1)
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(m * power for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= rough * 0.999)
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return [float(k * step) for k in np.arange(first, last + 1)]


def tick_labels(values: Sequence[float], unit: str = "", signed: bool = False) -> list[str]:
    """Values with just the decimals their spacing needs, each with its unit."""
    step = min(np.diff(values), default=abs(values[0]) if values else 1.0) or 1.0
    places = next((p for p in range(7) if abs(step * 10**p - round(step * 10**p)) < 1e-6), 6)
    sign = "+" if signed else ""
    return [figure(v, f"{sign if v else ''},.{places}f", unit) for v in values]


def time_ticks(start: pd.Timestamp, end: pd.Timestamp, room: float) -> list[tuple[pd.Timestamp, str]]:
    """Starts of hours, days, weeks, months or years inside [start, end], labelled, as many as fit `room` pixels."""
    for step, years, pixels in _CALENDAR:
        moments = pd.date_range(start.ceil(step if step.endswith("h") else "D"), end, freq=step)
        moments = moments[moments.year % years == 0] if years else moments
        if len(moments) * pixels <= room:
            break
    return [(moment, _moment_label(moment, step)) for moment in moments]


# Step, the years it may begin (every n-th; 0 for any), pixels its label needs.
_CALENDAR = (
    *((step, 0, 48.0) for step in ("h", "3h", "6h", "12h", "D", "2D", "W-MON")),
    ("SMS", 0, 60.0),  # from the 15th of February on, fourteen days wide and no more
    *((step, 0, 66.0) for step in ("MS", "QS")),
    *(("YS", years, 44.0) for years in (1, 2, 5, 10, 20)),
)


def span_of(content: object) -> float:
    """Estimated width of a label in pixels, on the generous side of the usual fonts."""
    words = clean_line(content)
    return sum(3.9 if c in _NARROW else 9.6 if c in _BROAD else 8.0 if c.isupper() else 7.0 for c in words)


def fit(content: object, room: float) -> str:
    """The label cut to `room` pixels, an ellipsis marking the cut."""
    words = clean_line(content)
    if span_of(words) <= room:
        return words
    while words and span_of(words) + 7 > room:
        words = words[:-1]
    return words.rstrip() + "…"


def _moment_label(moment: pd.Timestamp, step: str) -> str:
    if step == "YS":
        return f"{moment:%Y}"
    if step in {"MS", "QS"}:
        return f"{moment:%b %Y}"
    if step.endswith("h") and moment.hour:
        return f"{moment:%H:%M}"
    return f"{moment.day} {moment:%b}"
