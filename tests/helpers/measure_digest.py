"""
Values and measures of random factors as text, for comparing processors.

Run as a process of its own, because compiler target, numpy's instruction sets and BLAS kernels are chosen at start-up:

    python -m tests.helpers.measure_digest
"""

import hashlib
import json
import sys

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import Bars, EvaluationBars, measure_factor
from alpha_pipeline.expressions import evaluate, parse
from alpha_pipeline.expressions.grammar import random_expression
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel

BARS, SYMBOLS, RANDOM_FACTORS = 400, 61, 24
FIELDS = ("open", "high", "low", "close", "volume")
TRANSCENDENTAL = (
    "log(close)", "log1p(volume)", "exp(ts_zscore(close, 20))", "tanh(ts_zscore(close, 20))",
    "sigmoid(ts_zscore(close, 20))", "power(close / open, 0.3)", "signed_power(ts_zscore(close, 20), 1.7)",
)  # fmt: skip


def panel() -> Panel:
    """Generated prices, made with additions and products alone: those have the same bits everywhere."""
    rng = np.random.default_rng(1)
    noise = rng.random((4, BARS, SYMBOLS)) - 0.5
    close = 50 * np.cumprod(1 + 0.06 * noise[0], axis=0)
    open_ = close * (1 + 0.01 * noise[1])
    high, low = np.maximum(open_, close) * 1.01, np.minimum(open_, close) * 0.99
    times = pd.bdate_range("2015-01-01 21:00", periods=BARS).to_numpy("datetime64[us]")
    fields = {"open": open_, "high": high, "low": low, "close": close, "volume": 1e6 * (1 + noise[2])}
    return Panel(times, tuple(f"S{i:02}" for i in range(SYMBOLS)), fields)


def main() -> None:
    """One JSON object: factor -> measure -> exact text."""
    texts = [random_expression(np.random.default_rng(seed), FIELDS) for seed in range(RANDOM_FACTORS)]
    nodes, bars = [parse(text) for text in (*texts, *TRANSCENDENTAL)], panel()
    segment = EvaluationBars.of(Bars.of(bars, EQUITIES))
    measures = {}
    for place, values in evaluate(nodes, bars, threads=1):
        row = {name: repr(float(value)) for name, value in measure_factor(values, segment).to_row().items()}
        measures[str(nodes[place])] = {"values": hashlib.sha256(values.tobytes()).hexdigest(), **row}
    json.dump(measures, sys.stdout)


if __name__ == "__main__":
    main()
