"""
Names refused with a reason: pandas and numpy functions that use later bars or the full sample, with remedies.

Other names are refused as unknown where they occur.
"""

import ast

from alpha_pipeline.expressions.pandas_code.code_values import Refusal

_REASONS = {
    "whole": "{0} uses the whole sample, later bars included",
    "order": "{0} changes the order of the bars",
    "place": "{0} picks rows by their place in the sample, not by their age",
    "future": "{0} fills or estimates a bar from later ones",
    "bars": "{0} changes the bars or their number, so values no longer belong to the bar of decision",
    "memory": "{0} has no bounded memory: its values depend on where history begins",
    "group": "{0} cuts the sample into parts; every symbol is already a factor's own column here",
    "chance": "{0} is not repeatable",
}
_TABLE: list[tuple[str, str, str]] = [  # reason, what to write instead, names
    ("whole", "rolling(20).{name}()", "mean std var sum min max median skew kurt sem"),
    ("whole", "rolling(20).apply(np.prod)", "prod product nanprod"),
    ("whole", "rolling(20).mean()", "average nanmean nansum nanstd nanvar nanmax nanmin nanmedian ptp amax amin"),
    ("whole", "rolling(20).corr(other)", "corr cov corrwith autocorr corrcoef correlate"),
    ("whole", "rolling(20).quantile(0.8)", "quantile percentile nanpercentile nanquantile mode describe qcut cut "
     "value_counts nunique unique histogram digitize"),
    ("whole", "rolling(20).rank(pct=True)", "argsort searchsorted"),
    ("whole", "rolling(20).max()", "idxmax idxmin argmax argmin nlargest nsmallest any all"),
    ("whole", "rolling(20).mean(), or ts_detrend(x, 20)", "fft rfft ifft convolve savgol_filter filtfilt lfilter "
     "detrend hilbert signal stats"),
    ("whole", "ts_slope(x, 20), or x.rolling(20).apply(lambda v: np.polyfit(np.arange(len(v)), v, 1)[0])",
     "polyfit linalg lstsq linregress"),
    ("whole", "windows, which are NaN until they are full", "shape size empty first_valid_index last_valid_index"),
    ("order", "rolling(20).rank(pct=True)", "sort_values sort_index sort nsort"),
    ("order", "shift(n)", "flip flipud fliplr roll"),
    ("place", "shift(n)", "iloc loc iat at tail head last first take truncate item"),
    ("future", "ffill(limit=5) or fillna(0)", "bfill backfill pad_backward interpolate interp"),
    ("future", "diff(n) / n, which looks back only", "gradient"),
    ("bars", "rolling(n), with n counted in bars", "resample asfreq to_period to_timestamp"),
    ("bars", "ffill(limit=5), fillna(0), or where(condition)", "dropna drop drop_duplicates query filter compress "
     "sample explode melt stack unstack pivot pivot_table reset_index set_index"),
    ("bars", "the columns of df, which are aligned already", "merge merge_asof merge_ordered join reindex align "
     "append concat"),
    ("memory", "rolling(n)", "expanding"),
    ("memory", "rolling(n).sum()", "cumsum nancumsum cumcount trapz"),
    ("memory", "(1 + x).rolling(n).apply(np.prod) - 1", "cumprod nancumprod"),
    ("memory", "rolling(n).max()", "cummax"),
    ("memory", "rolling(n).min()", "cummin"),
    ("group", "df['close'].rolling(20).mean(), or cs_rank(x) and cs_zscore(x) across symbols", "groupby transform"),
    ("chance", "a function of the data", "random"),
]  # fmt: skip
_NAMED = {name: (reason, remedy.format(name=name)) for reason, remedy, names in _TABLE for name in names.split()}

OTHERS = {  # causal or harmless, but not translated
    "round": ("rounding is not translated; it changes nothing a factor needs", "the series itself"),
    "around": ("rounding is not translated; it changes nothing a factor needs", "the series itself"),
    "to_frame": ("a factor is a series, not a frame", "the series itself"),
    "map": ("functions of one value are not translated", "arithmetic on the series, np.where(condition, a, b)"),
    "apply": (
        "functions of one value or row are not translated",
        "arithmetic on whole columns, np.where(condition, a, b)",
    ),
    "applymap": ("functions of one value are not translated", "arithmetic on the series, np.where(condition, a, b)"),
    "iterrows": ("rows are not visited one by one", "arithmetic on whole columns"),
    "itertuples": ("rows are not visited one by one", "arithmetic on whole columns"),
    "items": ("rows are not visited one by one", "arithmetic on whole columns"),
    "vectorize": ("functions of one value are not translated", "arithmetic on the series, np.where(condition, a, b)"),
    "isinf": ("infinities count as missing here, from where they arise", "x.isna()"),
    "eval": ("text is never evaluated", "the expression itself"),
    "reduce": ("reduce is not translated", "np.maximum(np.maximum(a, b), c)"),
}

STATEMENTS: dict[type, tuple[str, str]] = {  # by kind of syntax
    ast.If: ("`if` decides once for the whole sample", "np.where(condition, a, b); windows are NaN until full"),
    ast.While: ("`while` is not translated", "for n in [5, 10, 20]:"),
    ast.Try: ("`try` is not translated", "arithmetic; a division by zero is NaN"),
    ast.TryStar: ("`try` is not translated", "arithmetic; a division by zero is NaN"),
    ast.With: ("`with` is not translated, but for np.errstate", "the statements themselves"),
    ast.ClassDef: ("classes are not translated", "def calculate_factor(df):"),
    ast.AsyncFunctionDef: ("`async def` is not translated", "def calculate_factor(df):"),
    ast.Delete: ("`del` is not translated", "nothing: unused names cost nothing"),
    ast.Global: ("`global` is not translated", "a parameter"),
    ast.Nonlocal: ("`nonlocal` is not translated", "a parameter"),
    ast.Raise: ("`raise` is not translated", "NaN where there is no value"),
    ast.Assert: ("`assert` is not translated", "NaN where there is no value"),
    ast.Match: ("`match` is not translated", "np.where(condition, a, b)"),
}  # fmt: skip
EXPRESSIONS: dict[type, tuple[str, str | None]] = {  # by kind of syntax
    ast.BoolOp: ("`and` and `or` do not work on series", "(a > b) & (c > d)"),
    ast.IfExp: ("`a if c else b` decides once for the whole sample", "np.where(c, a, b)"),
    ast.JoinedStr: ("f-strings are not translated", "df['name']"),
    ast.NamedExpr: ("the walrus := is not translated", "an assignment on its own line"),
    ast.GeneratorExp: ("generators are not translated", "[f(n) for n in [5, 10, 20]]"),
    ast.DictComp: ("dictionaries built in a loop are not translated", "[f(n) for n in [5, 10, 20]]"),
    ast.SetComp: ("sets are not translated", "[f(n) for n in [5, 10, 20]]"),
    ast.Set: ("sets are not translated", "[5, 10, 20]"),
    ast.Starred: ("star arguments are not translated", "the arguments themselves"),
    ast.Await: ("await is not translated", None),
    ast.Yield: ("yield is not translated", "return factor"),
    ast.YieldFrom: ("yield is not translated", "return factor"),
}  # fmt: skip


def refused_name(name: str, written: str, available: str) -> Refusal:
    """The refusal of a name; `written` is how the code spells it, `available` what is translated instead."""
    if name in _NAMED:
        reason, remedy = _NAMED[name]
        return Refusal(_REASONS[reason].format(written), remedy, "leak")
    if name in OTHERS:
        reason, remedy = OTHERS[name]
        return Refusal(f"{written}: {reason}", remedy, "unknown")
    return Refusal(f"{written} is not translated; known are {available}", kind="unknown")
