"""
The vocabulary: one decorated function, or one formula, is one operator.

Numbers come from `kernels`; texts become operators in `expressions`.
"""

from alpha_pipeline.operators import arithmetic, time_series, regression, partial, cross_section, indicators  # noqa: F401, I001  # declaring is importing; the order is the tables'
from alpha_pipeline.operators.registry import Operator, Parameter, operators
from alpha_pipeline.operators.units import Unit, unit_of_field

__all__ = ["Operator", "Parameter", "Unit", "operators", "unit_of_field"]
