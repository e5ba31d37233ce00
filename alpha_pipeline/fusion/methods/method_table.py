"""
The table of fusion methods.
"""

from alpha_pipeline.errors import SettingError
from alpha_pipeline.fusion.method import Method
from alpha_pipeline.fusion.methods.boosting import Boosting
from alpha_pipeline.fusion.methods.cross_attention import CrossAttention
from alpha_pipeline.fusion.methods.ic_weighted import IcWeighted
from alpha_pipeline.fusion.methods.linear import ElasticNet, Ridge
from alpha_pipeline.fusion.methods.weighted import Weighted
from alpha_pipeline.settings import FusionSettings

METHODS: dict[str, Method] = {
    method.name: method for method in (Weighted(), IcWeighted(), Ridge(), ElasticNet(), Boosting(), CrossAttention())
}
DEFAULT_METHOD = FusionSettings().method


def method_named(name: str) -> Method:
    """
    The method of a name.

    Raises:
        SettingError: an unknown name.
    """
    if name not in METHODS:
        raise SettingError(f"fusion method is {name!r}; expected one of {', '.join(METHODS)}")
    return METHODS[name]
