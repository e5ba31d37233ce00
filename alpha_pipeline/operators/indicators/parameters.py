"""
Parameters that formulas share: the series they take when none is given, and their windows.

What is done with them is in the rooms beside.
"""

from alpha_pipeline.operators.registry import Parameter


def bars(default: int, name: str = "window", minimum: int = 1) -> Parameter:
    """A window in bars."""
    return Parameter(name, "window", default=default, minimum=minimum)


OPEN, HIGH, LOW, CLOSE, VOLUME = (
    Parameter(name, "series", default=name) for name in ("open", "high", "low", "close", "volume")
)
X = Parameter("x", "series", default="close")
TYPICAL = Parameter("x", "series", default="(high + low + close) / 3")
WIDTH = Parameter("width", "number", default=2.0, minimum=0.0)
