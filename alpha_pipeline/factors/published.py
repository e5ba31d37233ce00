"""
Formulas that have a name: the published sets, the references, and the factors of a library.

Their values are computed like those of any formula; which of them are admitted is decided by mining.
"""

import difflib
import re
from collections.abc import Collection
from functools import cache

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import NamedFactors, Node, fields_used, parse
from alpha_pipeline.factors.alpha101 import ALPHA101
from alpha_pipeline.factors.alpha158 import ALPHA158
from alpha_pipeline.factors.references import REFERENCES, ReferenceFactor
from alpha_pipeline.market.durations import Clock

PUBLISHED = {"alpha101": ALPHA101, "alpha158": ALPHA158}
SOURCES = {
    "alpha101": "Kakushadze, 101 Formulaic Alphas (2016)",
    "alpha158": "Yang et al., Qlib (2020), feature set Alpha158",
}
_NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)?", re.ASCII)


def published_set(name: str) -> tuple[ReferenceFactor, ...]:
    """The formulas of `alpha101` or `alpha158`, each named `set.formula`."""
    return tuple(ReferenceFactor(f"{name}.{key}", text, SOURCES[name]) for key, text in PUBLISHED[name].items())


def published_formula(name: str) -> ReferenceFactor | None:
    """A published formula by `set.formula` or by its own name, in any case; None for another name."""
    return _published().get(name.lower())


def parse_named(
    text: str,
    dialect: str = "dsl",
    fields: Collection[str] | None = None,
    bar: str | Clock = "1h",
    factors: NamedFactors | None = None,
    library: NamedFactors | None = None,
) -> Node:
    """
    Read a factor given by its formula or by its name.

    What the language itself reads wins, so a field of the panel is never taken for a published formula of its name. A
    name is then looked up among the references, the published sets and the factors of the library, in this order.

    Args:
        text, dialect, fields, bar: as of `expressions.parse`.
        factors: admitted factors, for `factor("name")` within a formula; None where there is no library.
        library: factors to look a name up among, such as retired ones besides; `factors` by default.

    Raises:
        ExpressionError: the text is refused, no formula has that name, or it needs fields that the panel lacks.
        SettingError: no such dialect.
    """
    name, library = text.strip(), library or factors
    if not _NAME.fullmatch(name):
        return parse(text, dialect, fields, bar, factors)
    try:
        return parse(text, dialect, fields, bar, factors)
    except ExpressionError as error:
        expression = named_expression(name, library)
        if expression is None:
            raise _unknown(name, fields, library, error) from None
    node = parse(expression, bar=bar)
    missing = sorted(fields_used(node) - set(fields)) if fields is not None else []
    if missing:
        lacking = f"{name} is {expression}: it needs the field{'s' * (len(missing) > 1)} {', '.join(missing)}"
        raise ExpressionError(f"{lacking}; there are {', '.join(sorted(fields or ()))}", name, 0, kind="unknown")
    return node


def named_expression(name: str, library: NamedFactors | None = None) -> str | None:
    """The expression of a reference, a published formula or a library factor; None for another name."""
    reference = _references().get(name) or published_formula(name)
    if reference is not None:
        return reference.source
    return library().get(name) if library is not None else None


def _unknown(
    name: str, fields: Collection[str] | None, library: NamedFactors | None, error: ExpressionError
) -> ExpressionError:
    """The error of a name that stands for nothing: near names of formulas, if any is nearer than a field."""
    written = {other.lower(): other for other in (fields or ())}
    formulas = {key: formula.name for key, formula in _published().items()}
    formulas |= {other.lower(): other for other in (*_references(), *(library() if library is not None else ()))}
    near = difflib.get_close_matches(name.lower(), {**formulas, **written}, n=3, cutoff=0.7)
    if not near or near[0] in written:
        return error
    names = list(dict.fromkeys(written.get(key) or formulas[key] for key in near))
    subject = f"no published formula or library factor is named {name!r}" if "." in name else error.reason
    reason = f"{subject}; did you mean the formula {' or '.join(names)}?"
    return ExpressionError(reason, name, 0, names[0], "unknown")


@cache
def _published() -> dict[str, ReferenceFactor]:
    """By lower-case `set.formula` and formula."""
    formulas = [(name, formula) for name in PUBLISHED for formula in published_set(name)]
    full = {formula.name.lower(): formula for _, formula in formulas}
    return {**{formula.name.removeprefix(f"{name}.").lower(): formula for name, formula in formulas}, **full}


@cache
def _references() -> dict[str, ReferenceFactor]:
    return {reference.name: reference for reference in REFERENCES}
