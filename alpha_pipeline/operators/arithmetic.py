"""
Arithmetic and logic, cell by cell.

Operands may be numbers; the parser folds numbers among themselves, so at least one operand is a matrix.
"""

import numpy as np

from alpha_pipeline.kernels import elementwise
from alpha_pipeline.operators.registry import Flag, Like, Number, Plain, Series, operator
from alpha_pipeline.typing import Array


@operator("sum", "close + open", symbol="+", commutative=True)
def add(x: Series, y: Like, *, out: Array) -> None:
    """Sum x + y; units must agree."""
    elementwise.apply(np.add, x, y, out=out)


@operator("sum", "close - open", symbol="-", aliases=("sub", "minus"))
def subtract(x: Series, y: Like, *, out: Array) -> None:
    """Difference x - y; units must agree."""
    elementwise.apply(np.subtract, x, y, out=out)


@operator("product", "close * volume", symbol="*", aliases=("mul", "times"), commutative=True)
def multiply(x: Series, y: Series, *, out: Array) -> None:
    """Product x * y; units multiply (price * volume = money)."""
    elementwise.apply(np.multiply, x, y, out=out)


@operator("quotient", "close / open", symbol="/", aliases=("div", "protected_div", "safe_div"))
def divide(x: Series, y: Series, *, out: Array) -> None:
    """Quotient x / y; NaN where y is 0."""
    elementwise.apply(np.divide, x, y, out=out)


@operator("same", "-close", symbol="-", aliases=("neg",))
def negative(x: Series, *, out: Array) -> None:
    """-x."""
    elementwise.apply(np.negative, x, out=out)


@operator("same", "abs(close - open)", aliases=("absolute", "fabs"))
def abs_(x: Series, *, out: Array) -> None:
    """Absolute value."""
    elementwise.apply(np.abs, x, out=out)


@operator("ratio", "sign(close - open)", aliases=("sgn", "signum"))
def sign(x: Series, *, out: Array) -> None:
    """-1, 0 or 1."""
    elementwise.apply(np.sign, x, out=out)


@operator("ratio", "log(volume)", aliases=("ln",))
def log(x: Series, *, out: Array) -> None:
    """Natural logarithm; NaN where x <= 0."""
    elementwise.transcendental(elementwise.LOG, x, out)


@operator("ratio", "log1p(volume)")
def log1p(x: Series, *, out: Array) -> None:
    """log(1 + x); NaN where x <= -1."""
    elementwise.transcendental(elementwise.LOG1P, x, out)


@operator("ratio", "exp(ts_zscore(close, 20))")
def exp(x: Plain, *, out: Array) -> None:
    """Exponential e^x; x must be a plain number."""
    elementwise.transcendental(elementwise.EXP, x, out)


@operator("root", "sqrt(close * open)")
def sqrt(x: Series, *, out: Array) -> None:
    """Square root; NaN where x < 0."""
    elementwise.apply(np.sqrt, x, out=out)


@operator("square", "square(ts_return(close, 1))")
def square(x: Series, *, out: Array) -> None:
    """Square x * x."""
    elementwise.apply(np.square, x, out=out)


@operator("ratio", "tanh(ts_zscore(close, 20))")
def tanh(x: Plain, *, out: Array) -> None:
    """Hyperbolic tangent: squashes a plain number into (-1, 1)."""
    elementwise.transcendental(elementwise.TANH, x, out)


@operator("ratio", "sigmoid(ts_zscore(close, 20))")
def sigmoid(x: Plain, *, out: Array) -> None:
    """1 / (1 + exp(-x)): squashes a plain number into (0, 1)."""
    elementwise.transcendental(elementwise.SIGMOID, x, out)


@operator("same", "floor(ts_zscore(close, 20))")
def floor(x: Series, *, out: Array) -> None:
    """Largest whole number not above x."""
    elementwise.apply(np.floor, x, out=out)


@operator("power", "power(close / open, 2)", symbol="^", aliases=("pow",))
def power(x: Series, y: Plain, *, out: Array) -> None:
    """Power x^y; NaN for a negative x with a fractional exponent. Units take the power of a literal exponent."""
    elementwise.power(x, y, False, out)


@operator("same", "signed_power(ts_zscore(close, 20), 2)", aliases=("signedpower", "sign_power"))
def signed_power(x: Plain, y: Plain, *, out: Array) -> None:
    """sign(x) * abs(x) ^ y for plain numbers."""
    elementwise.power(x, y, True, out)


@operator("kept", "minimum(open, close)", aliases=("min", "min2", "min_of"), commutative=True)
def minimum(x: Series, y: Like, *, out: Array) -> None:
    """The smaller of two series, cell by cell."""
    elementwise.apply(np.minimum, x, y, out=out)


@operator("kept", "maximum(open, close)", aliases=("max", "max2", "max_of"), commutative=True)
def maximum(x: Series, y: Like, *, out: Array) -> None:
    """The larger of two series, cell by cell."""
    elementwise.apply(np.maximum, x, y, out=out)


@operator("same", "clip(ts_zscore(close, 20), -3, 3)", aliases=("clamp",))
def clip(x: Series, low: Number, high: Number, *, out: Array) -> None:
    """Values held between two numbers."""
    elementwise.apply(lambda block, out: np.clip(block, low, high, out=out), x, out=out)


@operator("ratio", "plain(close)", aliases=("unitless", "to_ratio"))
def plain(x: Series, *, out: Array) -> None:
    """The same values without a unit, for formulas that mix units on purpose."""
    elementwise.apply(np.positive, x, out=out)


@operator("kept", "fill(funding, 0)", aliases=("fillna", "fill_na", "nan_to_num", "fill_null"))
def fill(x: Series, value: Number = 0.0, *, out: Array) -> None:
    """Values with missing values replaced by a number."""
    elementwise.fill(x, value, out)


@operator("kept", "keep_if(close, volume > 0)", aliases=("only_if", "filter"))
def keep_if(x: Series, condition: Flag, *, out: Array) -> None:
    """Values where the condition holds, else NaN."""
    elementwise.choose(condition, x, np.nan, out)


@operator("boolean", "is_missing(funding)", aliases=("isnan", "isna", "is_nan"))
def is_missing(x: Series, *, out: Array) -> None:
    """Flag: 1 where x is NaN, else 0."""
    elementwise.missing(x, out)


@operator("kept", "larger_present(high, delay(close, 1))", aliases=("fmax",), commutative=True)
def larger_present(x: Series, y: Like, *, out: Array) -> None:
    """The larger of two series; the other one where one is NaN."""
    elementwise.apply(np.fmax, x, y, out=out)


@operator("kept", "smaller_present(low, delay(close, 1))", aliases=("fmin",), commutative=True)
def smaller_present(x: Series, y: Like, *, out: Array) -> None:
    """The smaller of two series; the other one where one is NaN."""
    elementwise.apply(np.fmin, x, y, out=out)


@operator("either", "where(close > open, volume, 0)", aliases=("if", "iff", "if_else", "ifelse", "cond"))
def where(condition: Flag, x: Series, y: Like, *, out: Array) -> None:
    """Choice: x where the condition holds, else y; NaN where the condition is NaN."""
    elementwise.choose(condition, x, y, out)


@operator("boolean", "close > open", symbol=">", aliases=("gt", "greater"))
def greater(x: Series, y: Like, *, out: Array) -> None:
    """1 where x > y, else 0; NaN where either is NaN."""
    elementwise.compare(elementwise.GREATER, x, y, out)


@operator("boolean", "close >= open", symbol=">=", aliases=("ge", "gte"))
def greater_equal(x: Series, y: Like, *, out: Array) -> None:
    """1 where x >= y, else 0; NaN where either is NaN."""
    elementwise.compare(elementwise.GREATER_EQUAL, x, y, out)


@operator("boolean", "close < open", symbol="<", aliases=("lt",))
def less(x: Series, y: Like, *, out: Array) -> None:
    """1 where x < y, else 0; NaN where either is NaN."""
    elementwise.compare(elementwise.GREATER, y, x, out)


@operator("boolean", "close <= open", symbol="<=", aliases=("le", "lte"))
def less_equal(x: Series, y: Like, *, out: Array) -> None:
    """1 where x <= y, else 0; NaN where either is NaN."""
    elementwise.compare(elementwise.GREATER_EQUAL, y, x, out)


@operator("boolean", "sign(close - open) == 1", symbol="==", aliases=("eq", "equals"), commutative=True)
def equal(x: Series, y: Like, *, out: Array) -> None:
    """1 where x equals y, else 0; NaN where either is NaN."""
    elementwise.compare(elementwise.EQUAL, x, y, out)


@operator("boolean", "close != open", symbol="!=", aliases=("ne",), commutative=True)
def not_equal(x: Series, y: Like, *, out: Array) -> None:
    """1 where x differs from y, else 0; NaN where either is NaN."""
    elementwise.compare(elementwise.NOT_EQUAL, x, y, out)


@operator("boolean", "close > open and volume > 0", symbol="and", aliases=("logical_and",), commutative=True)
def both(x: Flag, y: Flag, *, out: Array) -> None:
    """1 where both conditions hold; NaN where either is NaN."""
    elementwise.apply(np.multiply, x, y, out=out)


@operator("boolean", "close > open or volume > 0", symbol="or", aliases=("logical_or",), commutative=True)
def either(x: Flag, y: Flag, *, out: Array) -> None:
    """1 where at least one condition holds; NaN where either is NaN."""
    elementwise.apply(np.maximum, x, y, out=out)


@operator("boolean", "not close > open", symbol="not", aliases=("logical_not", "invert"))
def negate(x: Flag, *, out: Array) -> None:
    """1 where the condition does not hold; NaN where it is NaN."""
    elementwise.apply(np.subtract, 1.0, x, out=out)
