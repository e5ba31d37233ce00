"""Array types that every room shares; shapes are given in docstrings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Integers = NDArray[np.signedinteger[Any]]
Times = NDArray[np.datetime64]
# Positions or a mask: what selects rows of an array.
Selection = NDArray[np.bool_] | NDArray[np.signedinteger[Any]]
# Any real numbers, where a result is float64 whatever comes in.
Numbers = NDArray[np.floating[Any]] | NDArray[np.signedinteger[Any]]
