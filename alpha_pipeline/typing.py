"""Types that every room shares."""

from typing import Any

from numpy.typing import NDArray

# Numbers by bar and symbol, time-major: (bars, symbols) unless a docstring says otherwise. Also holds datetime64, bool
# and whole numbers where a docstring says so.
Array = NDArray[Any]
