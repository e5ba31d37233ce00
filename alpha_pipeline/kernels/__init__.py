"""
Numbers only: compiled loops over (bars, symbols) matrices, time-major and C-ordered.

Names, types and documentation of operators live in `operators`; scheduling and memory in `expressions.evaluation`.

Rules every kernel keeps:
- a value is a finite number or NaN; NaN in gives NaN out for exactly the windows that hold it, never beyond;
- a window needs all its values: too few bars, or one NaN among them, give NaN;
- the same window gives the same bits wherever the matrix starts, so a slice with its look-back equals full history;
- matrices are float64, or float32 with the arithmetic of a kernel still in float64.
"""

from alpha_pipeline.kernels import cross_section, deviation, elementwise, moments, ranking, recursive, trends
from alpha_pipeline.kernels import holdings as portfolio
from alpha_pipeline.kernels import present_values as partial
from alpha_pipeline.kernels import value_statistics as survey
from alpha_pipeline.kernels import window_loops as windows

MODULES = (
    cross_section,
    deviation,
    elementwise,
    moments,
    partial,
    portfolio,
    ranking,
    recursive,
    survey,
    trends,
    windows,
)
