"""Properties of every fusion method: bounded, additive contributions, reproducible, causal, able to learn."""

import hashlib
import importlib.util
import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.fusion.fused_signal import fuse
from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import Fitted
from alpha_pipeline.fusion.methods.method_table import METHODS, method_named
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.signals.sources import WEIGHTS
from alpha_pipeline.tables import SOURCE_SIGNALS
from tests.fusion.planted import NAMES, planted, push_of

GOOD, BAD, IDLE = "price_momentum", "funding", "onchain_flow"
TEXT, VOLUME = "sentiment_news", "volume_breakout"
HAS_TORCH = importlib.util.find_spec("torch") is not None
NO_TORCH = pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is absent (extra `attention`, installed by .ci/run)")
ALL = [pytest.param(name, marks=NO_TORCH if name == "cross_attention" else ()) for name in METHODS]
LEARNED = [param for param in ALL if param.values[0] != "weighted"]
methods = pytest.mark.parametrize("name", ALL)
learned = pytest.mark.parametrize("name", LEARNED)


def plain_truth(push: np.ndarray) -> np.ndarray:
    """One source has a positive slope, one a negative."""
    return 0.8 * push_of(push, GOOD) - 0.8 * push_of(push, BAD)


def together(push: np.ndarray) -> np.ndarray:
    """The sign of the news slope depends on volume: a pure interaction."""
    return 2.5 * push_of(push, TEXT) * np.sign(np.abs(push_of(push, VOLUME)) - 0.082)


def noise(push: np.ndarray) -> np.ndarray:
    """No source has a slope."""
    return np.zeros(len(push))


TAUGHT = planted(plain_truth)
NEW = planted(plain_truth, days=100, seed=1)


@pytest.fixture(autouse=True)
def no_warning() -> Iterator[None]:
    """Warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module="torch")  # imports of its own
        yield


def only(signals: SignalMatrix, names: list[str]) -> SignalMatrix:
    return signals.drop_sources([name for name in NAMES if name not in names])


@cache
def fitted(name: str) -> Fitted:
    """A method fitted on the additive market."""
    return METHODS[name].fit(TAUGHT)


def worth(fit: Fitted, name: str) -> float:
    """Value where one source alone is +1 with confidence 1."""
    value = np.where([n == name for n in NAMES], 1.0, np.nan)[None]
    return float(fit.combine(SignalMatrix(NEW.signals.keys.head(1), value, value.copy())).value[0])


@methods
def test_values_are_bounded_and_contributions_add_up(name: str) -> None:
    """Values lie in [-1, 1]; contributions add up to them and are 0 for inactive sources."""
    fused = fitted(name).combine(NEW.signals)
    assert (np.abs(fused.value) <= 1).all() and (fused.value != 0).any()
    np.testing.assert_allclose(fused.contribution.sum(axis=1), fused.value, atol=1e-9)
    assert (fused.contribution[~NEW.signals.active] == 0).all()
    assert np.isfinite(fused.contribution).all()


@methods
def test_rows_are_independent(name: str) -> None:
    """Bit-identical alone and in any order."""
    fit, signals = fitted(name), NEW.signals
    together_values = fit.combine(signals)
    order = np.random.default_rng(0).permutation(len(signals))
    turned = fit.combine(signals.take(order))
    np.testing.assert_array_equal(turned.value, together_values.value[order])
    np.testing.assert_array_equal(turned.contribution, together_values.contribution[order])
    for row in (0, 5, 799):
        alone = fit.combine(signals.take(np.array([row])))
        np.testing.assert_array_equal(alone.value, together_values.value[[row]])
        np.testing.assert_array_equal(alone.contribution, together_values.contribution[[row]])


@methods
def test_two_fits_are_the_same_to_the_last_bit(name: str) -> None:
    """In one process, independent of the global random state and without changing it."""
    np.random.seed(1)
    first = fitted(name).combine(NEW.signals)
    np.random.seed(2)
    state = np.random.get_state()[1].copy()
    second = METHODS[name].fit(TAUGHT).combine(NEW.signals)
    np.testing.assert_array_equal(first.value, second.value)
    np.testing.assert_array_equal(first.contribution, second.contribution)
    np.testing.assert_array_equal(state, np.random.get_state()[1])


def digest() -> dict[str, str]:
    """Hash of the values and contributions of each installed method."""
    out = {}
    for name in METHODS:
        if name != "cross_attention" or HAS_TORCH:
            fused = fitted(name).combine(NEW.signals)
            out[name] = hashlib.sha256(fused.value.tobytes() + fused.contribution.tobytes()).hexdigest()
    return out


def test_two_processes_are_the_same_to_the_last_bit() -> None:
    """Independent of string hashing and threads."""
    code = "import json; from tests.fusion.methods.test_methods import digest; print(json.dumps(digest()))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(output.stdout) == digest()


@methods
@pytest.mark.parametrize("days", [0, 1, 3, 59])
def test_few_samples_are_no_error(name: str, days: int) -> None:
    """Below sixty bars learned methods predict 0; the weight table needs no samples."""
    fused = METHODS[name].fit(planted(plain_truth, days=days) if days else LabeledSignals.empty()).combine(NEW.signals)
    assert (fused.value != 0).any() == (name == "weighted")
    assert (fused.contribution != 0).any() == (name == "weighted")


@methods
def test_no_active_source_is_zero(name: str) -> None:
    """A row without an active source has value 0; a table without rows has none."""
    fit = fitted(name)
    fused = fit.combine(NEW.signals.drop_sources(NAMES))
    assert not fused.value.any() and not fused.contribution.any()
    assert len(fit.combine(NEW.signals.take(np.arange(0))).value) == 0


@methods
@pytest.mark.parametrize("level", [0.0, 0.5, -1.0])
def test_constant_sources_have_no_weight(name: str, level: float) -> None:
    """In a rising market a constant source has no skill; nor has one that is never active."""
    signals = TAUGHT.signals
    same = replace(signals, value=np.full_like(signals.value, level), confidence=np.ones_like(signals.confidence))
    rising = replace(TAUGHT, signals=only(same, NAMES[:4]), forward=TAUGHT.forward + 0.005)
    fused = METHODS[name].fit(rising).combine(rising.signals)
    assert np.allclose(fused.value, level if name == "weighted" else 0.0)


@learned
def test_drift_is_no_skill(name: str) -> None:
    """A mostly positive source in a rising market gets a small value or none."""
    rng = np.random.default_rng(3)
    signals = TAUGHT.signals
    cheerful = np.clip(rng.normal(0.5, 0.3, signals.value.shape), -1, 1)
    noisy = planted(noise).forward + 0.003
    past = replace(TAUGHT, signals=replace(signals, value=np.where(signals.active, cheerful, np.nan)), forward=noisy)
    fused = METHODS[name].fit(past).combine(past.signals)
    assert abs(fused.value.mean()) < 0.25


@methods
def test_one_symbol_is_enough(name: str) -> None:
    """A cross-section of one is none; learning over time is left, and works."""
    past = planted(plain_truth, days=1_500, symbols=1)
    fit = METHODS[name].fit(past)
    assert worth(fit, GOOD) > 0
    if name != "weighted":
        assert worth(fit, BAD) < 0


@methods
def test_an_outcome_that_never_moves_is_no_error(name: str) -> None:
    """Constant outcomes give value 0."""
    flat = replace(TAUGHT, forward=np.zeros(len(TAUGHT)))
    fused = METHODS[name].fit(flat).combine(NEW.signals)
    assert np.isfinite(fused.value).all()
    assert name == "weighted" or not fused.value.any()


@learned
def test_a_source_that_is_right_is_followed_one_that_is_wrong_turned_round(name: str) -> None:
    """A source without a slope has a small contribution."""
    assert worth(fitted(name), GOOD) > 0.3 and worth(fitted(name), BAD) < -0.3
    effort = np.abs(fitted(name).combine(NEW.signals).contribution).mean(axis=0)
    good, bad, idle = (effort[NAMES.index(source)] for source in (GOOD, BAD, IDLE))
    assert idle < 0.35 * min(good, bad)


@learned
def test_what_was_learned_holds_out_of_sample(name: str) -> None:
    """Its out-of-sample hit rate exceeds that of the weight table."""
    fused, table = (fitted(n).combine(NEW.signals).value for n in (name, "weighted"))
    hits, plain_hits = (np.mean(np.sign(v)[v != 0] == np.sign(NEW.forward)[v != 0]) for v in (fused, table))
    assert hits > plain_hits and hits > 0.56


@pytest.mark.parametrize("name", LEARNED)
def test_only_some_see_what_matters_together(name: str) -> None:
    """An interaction: trees and attention capture it, additive methods cannot."""
    past, new = planted(together, days=900), planted(together, days=100, seed=1)
    value = METHODS[name].fit(past).combine(new.signals).value
    hits = np.mean((np.sign(value) == np.sign(new.forward))[value != 0]) if value.any() else 0.5
    if name in ("boosting", "cross_attention"):
        assert hits > 0.56
    else:
        assert hits < 0.56


@methods
def test_noise_is_right_half_of_the_time(name: str) -> None:
    """Out of sample the hit rate on noise is within four standard errors of one half."""
    new = planted(noise, days=400, seed=7)
    hits = []
    for seed in range(3):
        value = METHODS[name].fit(planted(noise, seed=seed)).combine(new.signals).value
        hits += [(np.sign(value) == np.sign(new.forward))[value != 0]]
    output = np.concatenate(hits)
    assert len(output) == 0 or abs(output.mean() - 0.5) < 2 / np.sqrt(len(new))


@methods
def test_what_is_learned_later_changes_nothing(name: str) -> None:
    """A decision is the same to the last bit whether later outcomes are known, and whatever they are."""
    moment = TAUGHT.signals.keys["timestamp"].iloc[400 * 8]
    row, column = np.nonzero(NEW.signals.active[:8])
    signals = SOURCE_SIGNALS.empty().reindex(range(len(row)))
    signals = signals.assign(
        timestamp=moment,
        symbol=NEW.signals.keys["symbol"].to_numpy()[row],
        source=np.array(NAMES, dtype=object)[column],
        value=NEW.signals.value[row, column],
        confidence=NEW.signals.confidence[row, column],
        reason="because",
    )
    later = TAUGHT.known_at > np.datetime64(moment.tz_localize(None))
    altered = replace(TAUGHT, forward=np.where(later, -9 * TAUGHT.forward, TAUGHT.forward))
    fused = [fuse({"m": signals}, {"m": past}, name) for past in (TAUGHT, altered, TAUGHT.take(~later))]
    assert later.any() and (fused[0]["value"] != 0).any()
    pd.testing.assert_frame_equal(fused[0], fused[1], check_exact=True)
    pd.testing.assert_frame_equal(fused[0], fused[2], check_exact=True)


def test_every_method_has_a_name_and_a_meaning() -> None:
    """The name of the settings and a one-line description."""
    for name, method in METHODS.items():
        assert method_named(name) is method and method.name == name
        assert 20 < len(method.meaning) < 100 and "\n" not in method.meaning
    with pytest.raises(SettingError, match="'crystal_ball'; expected one of weighted, ic_weighted, ridge"):
        method_named("crystal_ball")


def test_without_its_package_attention_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra."""
    monkeypatch.setitem(sys.modules, "torch", None)  # an import of it fails, installed or not
    monkeypatch.delitem(sys.modules, "alpha_pipeline.fusion.methods.attention_network", raising=False)
    monkeypatch.delattr(sys.modules["alpha_pipeline.fusion.methods"], "attention_network", raising=False)
    with pytest.raises(SettingError, match=r"requires PyTorch.*pip install 'alpha-pipeline\[attention\]'"):
        METHODS["cross_attention"].fit(LabeledSignals.empty())


def test_there_is_a_source_of_every_role() -> None:
    """The names used here are in the weight table."""
    assert {GOOD, BAD, IDLE, TEXT, VOLUME} <= set(WEIGHTS)
