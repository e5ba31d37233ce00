"""Correlation is the mean size of Spearman's correlation, exact for any number of symbols it takes."""

import warnings

import numpy as np
import pytest
from scipy.stats import spearmanr

from alpha_pipeline.errors import DataError
from alpha_pipeline.validation.rank_correlation import SampledRanks, rank_correlations, rank_correlations_of_each

BARS = 4


def factor(rng: np.random.Generator, symbols: int, ties: bool, absent: float) -> np.ndarray:
    values = rng.normal(size=(BARS, symbols))
    values = np.round(values * 2) if ties else values
    values[rng.random(values.shape) < absent] = np.nan
    values[0] = 1.0  # a flat bar says nothing
    return values


def mean_spearman(x: np.ndarray, y: np.ndarray) -> float:
    found = []
    for a, b in zip(x, y, strict=True):
        both = ~np.isnan(a) & ~np.isnan(b)
        if both.sum() >= 3:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # flat bars
                found.append(abs(spearmanr(a[both], b[both]).statistic))
    return float(np.nanmean(found)) if np.isfinite(found).any() else np.nan


@pytest.mark.parametrize("symbols", [3, 20, 1_800, 1_801, 2_500])
@pytest.mark.parametrize(("ties", "absent"), [(False, 0.0), (True, 0.0), (False, 0.2), (True, 0.2)])
def test_likeness_is_the_mean_size_of_spearmans_correlation(symbols: int, ties: bool, absent: float) -> None:
    """With ties, gaps and flat bars, on both sides of what 32 bits hold; itself is one."""
    rng = np.random.default_rng(symbols)
    x, y, z = (factor(rng, symbols, ties, absent) for _ in range(3))
    ranked = {name: SampledRanks.of(values) for name, values in (("x", x), ("y", y), ("z", z))}
    for values, found in zip((x, y), rank_correlations_of_each([ranked["x"], ranked["y"]], ranked), strict=True):
        for name, other in (("x", x), ("y", y), ("z", z)):
            np.testing.assert_allclose(found.get(name, np.nan), mean_spearman(values, other), atol=1e-12)


@pytest.mark.parametrize("symbols", [16_384, 20_000, 32_768])
def test_ranks_of_many_symbols_fit(symbols: int) -> None:
    """Ranks are doubled and centred: sixteen bits hold them up to 32,768 symbols."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(1, symbols)), rng.normal(size=(1, symbols))
    found = rank_correlations(SampledRanks.of(x), {"sum": SampledRanks.of(x + y), "minus": SampledRanks.of(-x)})
    assert found["sum"] == pytest.approx(abs(spearmanr(x[0], (x + y)[0]).statistic), abs=1e-12)
    assert found["minus"] == 1.0


def test_more_symbols_than_ranks_can_number_are_refused() -> None:
    """Instead of a wrong number."""
    ranked = SampledRanks.of(np.arange(32_769.0)[None, :])
    with pytest.raises(DataError, match="32,769 symbols"):
        rank_correlations(ranked, {"itself": ranked})
