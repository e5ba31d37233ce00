"""
The table of fusion methods: one line each.
"""

from alpha_pipeline.errors import SettingError
from alpha_pipeline.fusion.method import Method
from alpha_pipeline.fusion.weighted import Weighted

METHODS: dict[str, Method] = {method.name: method for method in (Weighted(),)}
DEFAULT_METHOD = "weighted"


def method_named(name: str) -> Method:
    """
    The method of a name.

    Raises:
        SettingError: there is none.
    """
    if name not in METHODS:
        raise SettingError(f"fusion method is {name!r}; expected one of {', '.join(METHODS)}")
    return METHODS[name]
