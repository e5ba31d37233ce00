"""
Trading factors, mined and measured honestly: parse, evaluate, validate, backtest, mine, fuse.

    import alpha_pipeline as ap

    node = ap.parse("-zscore(close, 20)")
    values = ap.evaluate_one(node, panel)
    result = ap.backtest(values, ap.Bars.of(panel, ap.EQUITIES))

Names load at first use, so that importing the package costs nothing. The Dagster graph is in `definitions`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "alpha_pipeline.backtesting.information": ("rank_ic",),
    "alpha_pipeline.backtesting.bars": ("BacktestConfig", "Bars"),
    "alpha_pipeline.backtesting.portfolio": ("BacktestResult", "backtest"),
    "alpha_pipeline.backtesting.returns": ("forward_returns",),
    "alpha_pipeline.expressions": ("Node", "evaluate", "identity", "lookback", "parse", "to_text"),
    "alpha_pipeline.factors.values": ("evaluate_one",),
    "alpha_pipeline.fusion.decision": ("DecisionRule",),
    "alpha_pipeline.fusion.fused_signal": ("fuse",),
    "alpha_pipeline.market.markets": ("CRYPTO", "EQUITIES", "Market"),
    "alpha_pipeline.market.panel": ("Panel",),
    "alpha_pipeline.mining.judge": ("Admission",),
    "alpha_pipeline.mining.loop": ("MiningSettings", "mine"),
    "alpha_pipeline.reporting.sheet_page": ("tear_sheet",),
    "alpha_pipeline.signals.alpha_signal": ("AlphaSignal",),
    "alpha_pipeline.validation": ("CheckResult", "validate"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = ("errors",)

__all__ = [
    "CRYPTO",
    "EQUITIES",
    "Admission",
    "AlphaSignal",
    "BacktestConfig",
    "BacktestResult",
    "Bars",
    "CheckResult",
    "DecisionRule",
    "Market",
    "MiningSettings",
    "Node",
    "Panel",
    "backtest",
    "errors",
    "evaluate",
    "evaluate_one",
    "forward_returns",
    "fuse",
    "identity",
    "lookback",
    "mine",
    "parse",
    "rank_ic",
    "tear_sheet",
    "to_text",
    "validate",
]

if TYPE_CHECKING:
    from alpha_pipeline import errors
    from alpha_pipeline.backtesting.bars import BacktestConfig, Bars
    from alpha_pipeline.backtesting.information import rank_ic
    from alpha_pipeline.backtesting.portfolio import BacktestResult, backtest
    from alpha_pipeline.backtesting.returns import forward_returns
    from alpha_pipeline.expressions import Node, evaluate, identity, lookback, parse, to_text
    from alpha_pipeline.factors.values import evaluate_one
    from alpha_pipeline.fusion.decision import DecisionRule
    from alpha_pipeline.fusion.fused_signal import fuse
    from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market
    from alpha_pipeline.market.panel import Panel
    from alpha_pipeline.mining.judge import Admission
    from alpha_pipeline.mining.loop import MiningSettings, mine
    from alpha_pipeline.reporting.sheet_page import tear_sheet
    from alpha_pipeline.signals.alpha_signal import AlphaSignal
    from alpha_pipeline.validation import CheckResult, validate


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    if name in _HOME_OF:
        value = getattr(import_module(_HOME_OF[name]), name)
    elif name in _MODULES:
        value = import_module(f"alpha_pipeline.{name}")
    else:
        raise AttributeError(f"module 'alpha_pipeline' has no attribute {name!r}; it has {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
