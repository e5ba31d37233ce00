"""
Operators across symbols: each bar by itself.

Absent symbols (NaN) take no part and stay NaN. Prices are not compared: see `Unit.is_comparable`.
"""

from typing import Annotated

from alpha_pipeline.kernels import cross_section
from alpha_pipeline.operators.registry import Fraction01, Number, Parameter, Series, operator
from alpha_pipeline.typing import Array

Comparable = Annotated[Array, Parameter("", "series", accepts="comparable")]


@operator("rank", "cs_rank(volume)", aliases=("rank", "rank_cs", "xrank", "percentile_rank", "cross_rank"))
def cs_rank(x: Comparable, *, out: Array) -> None:
    """Rank among the symbols of the bar, in (0, 1]; ties get average ranks."""
    cross_section.rank(x, out)


@operator("ratio", "cs_zscore(volume)", aliases=("zscore", "z_score", "standardize", "normalize"))
def cs_zscore(x: Comparable, *, out: Array) -> None:
    """(x - mean) / sample deviation over the symbols of the bar; NaN where they are all equal."""
    cross_section.centre(x, cross_section.ZSCORE, 1.0, out)


@operator("same", "cs_demean(ts_return(close, 5))", aliases=("demean", "market_neutral", "indneutralize", "neutralize"))
def cs_demean(x: Comparable, *, out: Array) -> None:
    """Distance of x from the mean over the symbols of the bar."""
    cross_section.centre(x, cross_section.DEMEAN, 1.0, out)


@operator("ratio", "cs_scale(ts_return(close, 5))", aliases=("scale",))
def cs_scale(x: Comparable, target: Number = 1.0, *, out: Array) -> None:
    """Values divided by the sum of abs(x) over the symbols of the bar, times `target`."""
    cross_section.centre(x, cross_section.SCALE, target, out)


@operator("same", "cs_winsorize(volume, 0.05)", aliases=("winsorize", "winsorise"))
def cs_winsorize(x: Comparable, fraction: Fraction01 = 0.05, *, out: Array) -> None:
    """Values clipped to the quantiles `fraction` and 1 - `fraction` over the symbols of the bar."""
    cross_section.winsorize(x, fraction, out)


@operator(
    "same",
    "cs_residual(ts_return(close, 5), log(volume))",
    aliases=("cs_neutralize", "neutralize", "cs_regression_residual"),
)
def cs_residual(x: Comparable, y: Comparable, *, out: Array) -> None:
    """What a regression of x on y over the symbols of the bar leaves of x."""
    cross_section.neutralize(x, y, out)


@operator("same", "group_demean(ts_return(close, 5), sector)", aliases=("group_neutralize", "indneutralize"))
def group_demean(x: Comparable, group: Series, *, out: Array) -> None:
    """Distance of x from the mean over the symbols of the bar that share the value of `group`."""
    cross_section.by_group(x, group, 0, out)


@operator("rank", "group_rank(volume, sector)")
def group_rank(x: Comparable, group: Series, *, out: Array) -> None:
    """Rank among the symbols of the bar that share the value of `group`, in (0, 1]."""
    cross_section.by_group(x, group, 1, out)
