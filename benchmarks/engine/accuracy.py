"""
Rolling mean, standard deviation and correlation against exact arithmetic, on data that poison running sums.

What these operators cost is in `operators`.
"""

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from alpha_pipeline.typing import Array
from benchmarks.engine.measure import Table
from benchmarks.engine.rolling import engines

WINDOW, LIMIT = 20, 1e-9
BARS, SYMBOLS = 240, 16


def tables(quick: bool) -> Iterator[Table]:
    """One table per statistic: a row per engine, a column per kind of data."""
    data = _data(4 if quick else SYMBOLS)
    exact = {kind: _exact(x, y) for kind, (x, y) in data.items()}
    found = {
        kind: {name: prepare(x, y, WINDOW) for name, prepare in engines().items()} for kind, (x, y) in data.items()
    }
    for statistic in ("mean", "std", "corr"):
        rows = []
        for name in engines():
            cells = []
            for kind, prepared in ((kind, by_engine[name]) for kind, by_engine in found.items()):
                if statistic not in prepared.calls:
                    cells.append("-")
                    continue
                errors = _errors(prepared.read(prepared.calls[statistic]()), exact[kind][statistic])
                cells.append(f"{errors.max():.0e}, {(errors > LIMIT).mean():.0%}")
            rows.append((name, *cells, f"{LIMIT:.0e}, 0%" if name == "ours" else ""))
        title = f"Largest relative error and share of cells beyond {LIMIT:g}: {statistic} of {WINDOW} bars, float64"
        remark = "inf: a number where there is none, or none where there is one, or a number where the exact value is 0"
        yield Table(
            title,
            ("engine", *data, "target"),
            rows,
            [remark, "KunQuant with its default for float64, fast statistics."],
        )


def _data(symbols: int) -> dict[str, tuple[Array, Array]]:
    """Two series each: (bars, symbols)."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(BARS, symbols))
    y = 0.5 * x + rng.normal(size=x.shape)
    spike = x.copy()
    spike[BARS // 4] = 1e12
    flat, level = x.copy(), 100 + 0.1 * np.arange(symbols)
    for start in range(30, BARS - 40, 80):
        flat[start : start + 40] = level
    return {"after a spike of 1e12": (spike, y), "1e8 + N(0, 1)": (1e8 + x, 1e8 + y), "flat stretches": (flat, y)}


def _exact(x: Array, y: Array) -> dict[str, Array]:
    """Rounded once, at the end; NaN where the statistic does not exist."""
    out = {name: np.full(x.shape, np.nan) for name in ("mean", "std", "corr")}
    for symbol in range(x.shape[1]):
        u, v = [Fraction(a) for a in x[:, symbol]], [Fraction(b) for b in y[:, symbol]]
        for t in range(WINDOW - 1, len(x)):
            window = slice(t - WINDOW + 1, t + 1)
            a, b = u[window], v[window]
            sum_a, sum_b = sum(a), sum(b)
            sxx = WINDOW * sum(p * p for p in a) - sum_a * sum_a
            syy = WINDOW * sum(p * p for p in b) - sum_b * sum_b
            sxy = WINDOW * sum(p * q for p, q in zip(a, b, strict=True)) - sum_a * sum_b
            out["mean"][t, symbol] = sum_a / WINDOW
            out["std"][t, symbol] = math.sqrt(sxx / (WINDOW * (WINDOW - 1)))
            if sxx and syy:
                out["corr"][t, symbol] = math.copysign(math.sqrt(sxy * sxy / (sxx * syy)), sxy)
    return out


def _errors(found: Array, exact: Array) -> Array:
    """Relative, of the bars with a full window."""
    found, exact = np.asarray(found, float)[WINDOW - 1 :], exact[WINDOW - 1 :]
    difference = np.abs(found - exact)
    relative = np.where(difference == 0, 0.0, difference / np.abs(exact))
    wrong = np.isfinite(found) != np.isfinite(exact)
    return np.where(wrong, np.inf, np.where(np.isnan(exact), 0.0, relative))
