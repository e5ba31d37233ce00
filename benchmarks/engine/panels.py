"""Seeded panels: random walks with the fields the factor sets read, without gaps."""

import numpy as np

from alpha_pipeline.market.panel import Panel

PRICES = ("open", "high", "low", "close", "volume", "vwap")
# Multiples of the four lanes KunQuant computes at once: with 50 symbols its quantiles and ranks took 25 times as long.
DAYS, HOURS, SMALL = (2_500, 500), (26_000, 52), (260, 64)
QUICK_DAYS, QUICK_HOURS, QUICK_SMALL = (300, 24), (600, 8), (260, 8)


def days(quick: bool = False) -> Panel:
    """Ten years of days of many symbols."""
    return market(*(QUICK_DAYS if quick else DAYS))


def hours(quick: bool = False) -> Panel:
    """Three years of hours of few symbols."""
    return market(*(QUICK_HOURS if quick else HOURS))


def small(quick: bool = False) -> Panel:
    """A year of days, for peers that take minutes on more."""
    return market(*(QUICK_SMALL if quick else SMALL))


def market(bars: int, symbols: int, seed: int = 17) -> Panel:
    """Open, high, low, close, volume, vwap, market value and three groupings: (bars, symbols) each."""
    rng = np.random.default_rng(seed)
    shape = (bars, symbols)
    close = 40 * np.exp(np.cumsum(rng.normal(0, 0.02, shape), axis=0))
    opened = close * np.exp(rng.normal(0, 0.01, shape))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.01, shape)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.01, shape)))
    group = np.tile(np.arange(symbols) % 5.0, (bars, 1))
    fields = {
        "open": opened, "high": high, "low": low, "close": close, "volume": rng.lognormal(10, 1, shape),
        "vwap": (high + low + close) / 3 * np.exp(rng.normal(0, 0.001, shape)), "cap": close * 1e6,
        "sector": group, "industry": group, "subindustry": group,
    }  # fmt: skip
    return Panel(
        np.arange(bars).astype("datetime64[m]").astype("datetime64[us]"),
        tuple(map("S{:03d}".format, range(symbols))),
        fields,
    )


def named(panel: Panel) -> str:
    return "{:,} x {:,}".format(*panel.shape)
