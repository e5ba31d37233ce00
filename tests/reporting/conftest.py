"""Frames of one run date as the graph stores them, from a seeded generator; nothing here is a market's past."""

import hashlib
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.market.markets import CRYPTO, EQUITIES, MARKETS
from alpha_pipeline.reporting.funnel import STAGES
from alpha_pipeline.tables import FUSED_SIGNAL, LIBRARY, MEASURES, METRICS, SOURCE_SIGNALS, TRACK_RECORD, TRIALS

RUN_DATE = pd.Timestamp("2019-09-30", tz="UTC")
COINS = ["BTCUSDT", "ETHUSDT", "LTCUSDT", "XRPUSDT", "BCHUSDT"]
STOCKS = ["AAPL", "MSFT", "XOM", "JNJ", "GE", "T", "BRK-B"] + [f"ST{i:02d}" for i in range(93)]
SOURCES = ["price_momentum", "volume_breakout", "library_factors"]
EXPRESSIONS = [
    "neg(cs_rank(ts_sum(returns, 24)))",
    "ts_zscore(div(volume, ts_mean(volume, 168)), 168)",
    "mul(sign(ts_delta(close, 12)), cs_rank(div(ts_std(returns, 24), ts_std(returns, 168))))",
    "ts_corr(ts_delta(log(close), 1), ts_delta(log(volume), 1), 72)",
]
REASONS = {
    "proposed": ["unknown operator `momentum`", "syntax: expected `)`"],
    "parsed": ["type: price + volume have different units"],
    "type_valid": ["same as an earlier trial"],
    "unique": ["correlation 0.91 with reversal_24h"],
    "leakage_free": ["not significant on validation", "turnover too high: cost exceeds the gross return"],
    "significant": ["deflated Sharpe ratio below 0.95"],
    "accepted": [""],
}


def make_trials(rng, model="SmolLM2-135M", proposals=24, control=12, references=4):
    """A run date's ledger: a model, the random control and the references."""
    who = [("model", model)] * proposals + [("random_grammar", "")] * control + [("reference", "")] * references
    rows = []
    for i, (proposer, name) in enumerate(who):
        reached = int(min(rng.geometric(0.3) - 1, len(STAGES) - 1)) if proposer != "reference" else 4
        stage = STAGES[reached]
        identity = hashlib.sha256(str(i).encode()).hexdigest()
        measured, numbers = reached >= 4, np.random.default_rng(i)
        rows.append(
            {
                "run_date": RUN_DATE, "trial": i, "round": i // 6, "factor_type": "momentum",
                "factor_id": f"idea_{i}_{identity[:8]}",
                "name": f"idea {i}",
                "proposer": proposer, "model": name, "request_hash": "", "parent": "", "replaces": "", "dialect": "dsl",
                "source": EXPRESSIONS[i % 4], "canonical": EXPRESSIONS[i % 4] if reached else "", "identity": identity,
                "rationale": "prices overshoot and come back within a day", "expected_performance": "Sharpe 3",
                "stage": stage,
                "verdict": "accepted" if stage == "accepted" else "refused",
                "reason": REASONS[stage][i % len(REASONS[stage])], "feedback": "", "score": float(reached),
                "prompt_tokens": 420, "completion_tokens": 55, "calls": 1, "model_seconds": 1.5, "usd": 0.0001,
                **{m: float(numbers.normal()) if measured else np.nan for m in MEASURES},
            }
        )  # fmt: skip
    return as_stored(TRIALS, pd.DataFrame(rows, columns=[c.name for c in TRIALS.columns]))


def make_library(rng):
    """Eight factors of every status and their metrics; one of them was never measured."""
    statuses = ["accepted", "accepted", "probation", "retired", "reference", "reference", "reference", "reference"]
    names = [
        "short reversal",
        "volume surge",
        "calm trend",
        "old idea",
        "momentum 20",
        "reversal 24h",
        "low vol",
        "size",
    ]
    library, metrics = [], []
    for i, (status, name) in enumerate(zip(statuses, names, strict=True)):
        identity = hashlib.sha256(name.encode()).hexdigest()
        key = f"{name.replace(' ', '_')}_{identity[:8]}"
        library.append(
            [RUN_DATE, key, name, EXPRESSIONS[i % 4], identity, status, RUN_DATE - pd.Timedelta(days=3 * i),
             "reference" if status == "reference" else "model", "", 0.02 * (status == "accepted"), f"{status} by rule"]
        )  # fmt: skip
        ic = rng.normal(0.01, 0.02)
        drawdown = -abs(rng.normal(0.2, 0.1))
        metrics.append(
            {"run_date": RUN_DATE, "factor_id": key, "status": status, "bars": 2000, "rank_ic": ic, "icir": ic * 4,
             "t_stat": ic * 150, "annual_return": ic * 8, "volatility": 0.2, "sharpe": ic * 40, "sharpe_gross": ic * 60,
             "sharpe_delayed": ic * 30, "sortino": ic * 50, "calmar": ic * 10, "max_drawdown": drawdown,
             "win_rate": 0.5, "turnover": abs(rng.normal(0.8, 0.3)), "break_even_bps": 8.0,
             "probabilistic_sharpe": 0.8, "deflated_sharpe": np.nan}
        )  # fmt: skip
    frame = METRICS.complete(pd.DataFrame(metrics[:-1]))
    rows = pd.DataFrame(library, columns=[c.name for c in LIBRARY.columns[:11]])
    return as_stored(LIBRARY, LIBRARY.complete(rows)), as_stored(METRICS, frame)


def make_signals(rng, symbols, close):
    """What three sources say of each symbol at the last bar; volume is often silent."""
    rows = [
        [
            close,
            symbol,
            source,
            float(np.clip(rng.normal(0, 0.4), -1, 1)),
            float(rng.uniform(0.2, 0.9)),
            f"{source} said so",
        ]
        for symbol in symbols
        for source in SOURCES
        if source != "volume_breakout" or rng.random() < 0.5
    ]
    return as_stored(SOURCE_SIGNALS, pd.DataFrame(rows, columns=[c.name for c in SOURCE_SIGNALS.columns]))


def make_fused(rng, market, signals):
    """Averages of the sources with a decision by threshold; two bars, of which the later counts."""
    rows = []
    for symbol, said in signals.groupby("symbol"):
        value = float(said["value"].mean())
        confidence = float(said["confidence"].mean())
        decision = ("LONG" if value > 0 else "SHORT") if abs(value) > 0.3 and confidence > 0.5 else "HOLD"
        reasons = "; ".join(f"{s.source} {s.value:+.2f} (20 bars {s.value * 8:+.1f} %)" for s in said.itertuples())
        parts = json.dumps(dict(zip(said["source"], said["value"], strict=True)))
        close = said["timestamp"].iloc[0]
        for bar, v in ((close - market.bar_length, 0.0), (close, value)):
            made_by = ["weighted", 300]
            told = [len(said), len(said) / 9, reasons, parts]
            rows.append([bar, market.name, symbol, v, confidence, confidence, decision, *made_by, *told])
    return as_stored(FUSED_SIGNAL, pd.DataFrame(rows, columns=[c.name for c in FUSED_SIGNAL.columns]))


def make_record(rng, market, symbols, days=60):
    """Sixty days of outcomes."""
    rows = []
    for i in range(days):
        decided = RUN_DATE - pd.Timedelta(days=days - i)
        for symbol in symbols:
            decision = str(rng.choice(["LONG", "SHORT", "HOLD"], p=[0.2, 0.15, 0.65]))
            forward = float(rng.normal(0.0005, 0.02))
            side = {"LONG": 1, "SHORT": -1, "HOLD": 0}[decision]
            hit = np.nan if not side else float(side * forward > 0)
            net = side * forward - abs(side) * 0.001
            rows.append(
                [decided + pd.Timedelta(days=1), decided, market.name, symbol, decision, 0.4 * side,
                 float(rng.uniform(0.3, 0.95)), forward, hit, net]
            )  # fmt: skip
    return as_stored(TRACK_RECORD, pd.DataFrame(rows, columns=[c.name for c in TRACK_RECORD.columns]))


def make_closes(rng, symbols, bars, step):
    """Random walks with a stretch of missing closes in the second symbol."""
    times = pd.date_range(end=RUN_DATE + pd.Timedelta(days=1), periods=bars, freq=step, tz="UTC")
    walks = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, (bars, len(symbols))), axis=0))
    walks[bars // 3 : bars // 3 + 5, 1] = np.nan
    return pd.DataFrame(walks, index=times, columns=symbols)


def as_stored(table, frame):
    """The frame as it comes back from the lake: the table's columns and types, nothing else."""
    return table.conform(frame).to_pandas()


@pytest.fixture(scope="session")
def run_date() -> SimpleNamespace:
    """All frames of one run date; treat them as read-only."""
    rng = np.random.default_rng(7)
    close = {"crypto": RUN_DATE + pd.Timedelta(days=1), "equities": RUN_DATE + pd.Timedelta(hours=20)}
    symbols = {"crypto": COINS, "equities": STOCKS}
    signals = {m.name: make_signals(rng, symbols[m.name], close[m.name]) for m in MARKETS}
    libraries = {m.name: make_library(rng) for m in MARKETS}
    return SimpleNamespace(
        run_date=RUN_DATE,
        signals=signals,
        fused=pd.concat([make_fused(rng, m, signals[m.name]) for m in MARKETS], ignore_index=True),
        trials={"crypto": make_trials(rng), "equities": make_trials(rng, proposals=18, control=0)},
        library={name: pair[0] for name, pair in libraries.items()},
        metrics={name: pair[1] for name, pair in libraries.items()},
        record=pd.concat([make_record(rng, CRYPTO, COINS), make_record(rng, EQUITIES, STOCKS[:20])], ignore_index=True),
        closes={"crypto": make_closes(rng, COINS, 24 * 60, "h"), "equities": make_closes(rng, STOCKS, 90, "D")},
    )
