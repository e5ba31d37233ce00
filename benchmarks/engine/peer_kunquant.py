"""
Factors as KunQuant runs them: our trees in its operators, its own sets as it ships them, compiled to C++.

One thread compiles and one runs; float64, time-major, with its fast statistics (its default) and fast logarithm.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from KunQuant import ops as k
from KunQuant.Driver import KunCompilerConfig
from KunQuant.jit import cfake
from KunQuant.Op import BoolOpTrait, Builder, ConstantOp, Input, OpBase, Output, Rank, Scale
from KunQuant.predefined import Alpha101, Alpha158
from KunQuant.runner import KunRunner
from KunQuant.Stage import Function

from alpha_pipeline.expressions import Node, walk
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array
from benchmarks.engine.panels import PRICES

Inputs = Mapping[str, OpBase]
Graph = Callable[[Inputs], Mapping[str, OpBase]]
Run = Callable[[Panel], dict[str, Array]]

OPERATORS: dict[str, Callable[..., OpBase]] = {
    "add": k.Add, "subtract": k.Sub, "multiply": k.Mul, "divide": k.Div, "power": k.Pow, "abs": k.Abs,
    "negative": lambda x: k.Mul(x, ConstantOp(-1)), "plain": lambda x: x, "sign": k.Sign, "log": k.Log,
    "signed_power": lambda x, y: k.Mul(k.Sign(x), k.Pow(k.Abs(x), y)), "maximum": k.Max, "minimum": k.Min,
    "less": k.LessThan, "less_equal": k.LessEqual, "greater": k.GreaterThan, "greater_equal": k.GreaterEqual,
    "where": k.Select, "delay": k.BackRef, "delta": lambda x, n: k.Sub(x, k.BackRef(x, n)),
    "ts_return": lambda x, n: k.Sub(k.Div(x, k.BackRef(x, n)), ConstantOp(1)),
    "ts_mean": k.WindowedAvg, "ts_sum": k.WindowedSum, "ts_product": k.WindowedProduct, "ts_min": k.WindowedMin,
    "ts_max": k.WindowedMax, "ts_argmin": k.TsArgMin, "ts_argmax": k.TsArgMax, "ts_std": k.WindowedStddev,
    "ts_skew": k.WindowedSkew, "ts_rank": lambda x, n: k.Div(k.TsRank(x, n), ConstantOp(n)),
    "ts_quantile": k.WindowedQuantile, "ts_corr": lambda x, y, n: k.WindowedCorrelation(x, n, y),
    "ts_cov": lambda x, y, n: k.WindowedCovariance(x, n, y), "ts_slope": k.WindowedLinearRegressionSlope,
    "decay_linear": k.DecayLinear, "cs_rank": Rank, "cs_scale": lambda x, a: k.Mul(Scale(x), ConstantOp(a)),
}  # fmt: skip


def translatable(node: Node) -> bool:
    """Whether KunQuant has every operator of the factor and the panel's prices are all it reads."""
    return all(
        step.is_constant or step.operator in OPERATORS or (step.operator == "field" and step.parameters[0] in PRICES)
        for step in walk(node)
    )


def trees(nodes: Mapping[str, Node]) -> Graph:
    """Our factors in its operators."""

    def build(inputs: Inputs) -> dict[str, OpBase]:
        memo: dict[Node, OpBase] = {}
        for node in nodes.values():
            for step in walk(node):
                if step not in memo:
                    memo[step] = _translated(step, memo, inputs)
        return {name: _number(memo[node]) for name, node in nodes.items()}

    return build


def alpha101(names: Sequence[str] | None = None) -> Graph:
    """Its own Alpha101, or some of it."""

    def build(inputs: Inputs) -> dict[str, OpBase]:
        data = Alpha101.AllData(**inputs)
        return {f.__name__: f(data) for f in Alpha101.all_alpha if names is None or f.__name__ in names}

    return build


def alpha158(names: Sequence[str] | None = None) -> Graph:
    """Its own Alpha158, or some of it."""

    def build(inputs: Inputs) -> dict[str, OpBase]:
        data = Alpha158.AllData(**inputs)
        prices = [(name.upper(), inputs[name]) for name in ("open", "high", "low", "vwap")]
        factors, found = data.build({"kbar": {}, "price": {"windows": [0], "feature": prices}, "rolling": {}})
        return {n: f for n, f in zip(found, factors, strict=True) if names is None or n in names}

    return build


def compiled(graphs: Mapping[str, Graph]) -> dict[str, Run]:
    """
    One library, a module per graph.

    Args:
        graphs: by name, letters and digits.

    Returns:
        By name a function from a panel to {factor: (bars, symbols)}; it keeps its output arrays for the next call on
        a panel of the same shape.
    """
    modules = [(f"graph_{name}", _function(graph), _settings()) for name, graph in graphs.items()]
    single = cfake.CppCompilerConfig(for_each=cfake.single_thread_compile)
    library = cfake.compileit(modules, "graphs", single)
    return {name: _runner(library, f"graph_{name}") for name in graphs}


def _function(graph: Graph) -> Function:
    builder = Builder()
    with builder:
        for name, factor in graph({name: Input(name) for name in PRICES}).items():
            Output(factor, name)
    return Function(builder.ops)


def _settings() -> KunCompilerConfig:
    options = {"opt_reduce": True, "fast_log": True, "no_fast_stat": "no_warn"}
    return KunCompilerConfig(partition_factor=4, dtype="double", input_layout="TS", output_layout="TS", options=options)


def _runner(library: KunRunner.Library, name: str) -> Run:
    module, executor = library.getModule(name), KunRunner.createSingleThreadExecutor()
    outputs: dict[str, Array] = {}

    def run(panel: Panel) -> dict[str, Array]:
        for factor in module.getOutputNames():
            if factor not in outputs or outputs[factor].shape != panel.shape:
                outputs[factor] = np.empty(panel.shape)
        inputs = {field: panel[field] for field in PRICES}
        KunRunner.runGraph(executor, module, inputs, 0, panel.shape[0], outputs)
        return outputs

    run.library = library  # type: ignore[attr-defined]  # the code stays loaded while it can be called
    return run


def _translated(step: Node, memo: Mapping[Node, OpBase], inputs: Inputs) -> OpBase:
    if step.operator == "field":
        return inputs[str(step.parameters[0])]
    if step.is_constant:
        return ConstantOp(step.parameters[0])
    series = [memo[a] for a in step.arguments]
    condition = 1 if step.operator == "where" else 0
    numbers = [*series[:condition], *(_number(s) for s in series[condition:])]
    return OPERATORS[step.operator](*numbers, *step.parameters)


def _number(value: OpBase) -> OpBase:
    """A comparison as 1 and 0, as here."""
    return k.Select(value, ConstantOp(1), ConstantOp(0)) if isinstance(value, BoolOpTrait) else value
