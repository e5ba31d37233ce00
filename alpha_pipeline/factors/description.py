"""
Description of a factor for a terminal: steps, units, look-back and operators; and the table of operators.

Read from the expression tree and the registry; values are shown by `preview`.
"""

import json
import math
from collections.abc import Sequence

import pandas as pd

from alpha_pipeline.errors import AlphaError, SettingError
from alpha_pipeline.expressions import Node, complexity, fields_used, identity, lookback, to_text, walk
from alpha_pipeline.expressions.dsl.calls import nearest_names
from alpha_pipeline.expressions.dsl.printer import number
from alpha_pipeline.operators import Operator, operators, unit_of_field


def explain(node: Node, bar: str) -> str:
    """
    Describe a factor for a terminal.

    Args:
        node: the factor.
        bar: length of a bar, for the look-back in time.

    Raises:
        SettingError: `bar` is no length of time.
    """
    facts = [
        ("canonical", str(node)),
        ("unit", _unit(node)),
        ("fields", ", ".join(f"{name} ({unit_of_field(name)})" for name in sorted(fields_used(node))) or "none"),
        ("look-back", look_back(node, bar)),
        ("complexity", f"{complexity(node)} nodes, {node.depth} levels, {node.windows} windows"),
        ("identity", identity(node)),
    ]
    parts = ["\n".join(f"{name:<12}{fact}" for name, fact in facts), _tree(node)]
    used = dict.fromkeys(step.operator for step in reversed(walk(node)) if step.arguments)
    if used:
        words = [(operators()[name].signature(), operators()[name].doc) for name in used]
        room = max(len(signature) for signature, _ in words)
        parts.append("\n".join(["in words", *(f"  {signature:<{room}}  {doc}" for signature, doc in words)]))
    for dialect in ("dsl", "math", "pandas"):
        text = to_text(node, dialect).rstrip("\n")
        parts.append("\n".join([f"as {dialect}", *(f"  {line}" for line in text.splitlines())]))
    return "\n\n".join(parts)


def look_back(node: Node, bar: str) -> str:
    """
    Bars of history a value depends on, exactly or to 1e-9.

    Raises:
        SettingError: `bar` is no length of time.
    """
    bars = lookback(node)
    named = f"{bars} bar{'s' * (bars != 1)} of {bar}" + (f" ({_span(bars * bar_length(bar))})" if bars else "")
    endless = sorted({step.operator for step in walk(node) if step.arguments and operators()[step.operator].recursive})
    if not endless:
        return f"{named}, exact: older bars have no influence"
    verb = "are" if len(endless) > 1 else "is"
    return f"warm-up of {named}: {', '.join(endless)} {verb} recursive, older bars change less than 1e-9"


def bar_length(bar: str) -> pd.Timedelta:
    """A bar size such as "1h" or "1D"; SettingError when it is none."""
    try:
        length = pd.Timedelta(bar)
    except ValueError:
        raise SettingError(f"the bar {bar!r} is no length of time; expected one such as 1h, 4h or 1D") from None
    if not length > pd.Timedelta(0):
        raise SettingError(f"the bar {bar!r} must be longer than 0; expected one such as 1h, 4h or 1D")
    return length


def vocabulary_table(match: str) -> str:
    """
    The operators whose name, alias or documentation contains `match`, under the headings of their groups.

    Raises:
        AlphaError: there is none; close matches are suggested.
    """
    lines: list[str] = []
    matches = matching(match)
    room = max(len(operator.example) for operator in matches)
    for group in dict.fromkeys(operator.group for operator in matches):
        lines += ["", group.upper()] if lines else [group.upper()]
        for operator in (o for o in matches if o.group == group):
            lines.append(f"  {operator.example:<{room}}  {operator.doc}")
            if match and operator.aliases:
                lines.append(f"  {'':<{room}}  also: {', '.join(operator.aliases)}")
    return "\n".join(lines)


def vocabulary_json(match: str) -> str:
    """The same operators as a JSON list; AlphaError when there is none."""
    return json.dumps([_record(operator) for operator in matching(match)], indent=1)


def matching(match: str) -> list[Operator]:
    """The operators that match, all for an empty text; AlphaError when there is none."""
    text = match.lower().strip()
    matches = [o for o in operators().values() if any(text in word.lower() for word in (o.name, *o.aliases, o.doc))]
    if not matches:
        near = nearest_names(text)
        hint = f"; near are {', '.join(near)}" if near else "; without an argument all are listed"
        raise AlphaError(f"no operator has {match!r} in its name, aliases or description{hint}")
    return matches


def _record(operator: Operator) -> dict[str, object]:
    return {
        "name": operator.name,
        "signature": operator.signature(),
        "symbol": operator.symbol,
        "group": operator.group,
        "doc": operator.doc,
        "example": operator.example,
        "aliases": list(operator.aliases),
        "returns": operator.returns,
        "recursive": operator.recursive,
        "formula": operator.formula,
        "parameters": [
            {
                "name": p.name,
                "kind": p.kind,
                "accepts": p.accepts,
                "default": p.default,
                "minimum": p.minimum if math.isfinite(p.minimum) else None,
                "maximum": p.maximum if math.isfinite(p.maximum) else None,
            }
            for p in operator.parameters
        ],
    }


def _tree(node: Node) -> str:
    """One line per node, arguments indented below; a repeated part is shown once."""
    rows: list[tuple[str, str, str]] = []
    shown: set[Node] = set()
    stack = [(node, 0)]
    while stack:
        step, level = stack.pop()
        repeated = step in shown and step.size > 1
        shown.add(step)
        rows.append(
            ("  " * level + _label(step) + (" (as above)" if repeated else ""), _unit(step), str(step.lookback))
        )
        if not repeated:
            stack += [(argument, level + 1) for argument in reversed(step.arguments)]
    return _columns([("tree", "unit", "look-back"), *rows])


def _label(node: Node) -> str:
    if not node.arguments:
        return str(node)
    operator = operators()[node.operator]
    numbers = zip(operator.numbers, node.parameters, strict=True)
    named = [f"{parameter.name}={number(float(value))}" for parameter, value in numbers]
    return " ".join([f"{operator.symbol} ({operator.name})" if operator.symbol else operator.name, *named])


def _columns(rows: Sequence[tuple[str, str, str]]) -> str:
    first, second = (max(len(row[place]) for row in rows) for place in (0, 1))
    return "\n".join(f"  {a:<{first}}  {b:<{second}}  {c:>9}" for a, b, c in rows)


def _unit(node: Node) -> str:
    return "number" if node.unit is None else str(node.unit)


def _span(length: pd.Timedelta) -> str:
    parts = length.components
    named = ((parts.days, "d"), (parts.hours, "h"), (parts.minutes, "min"), (parts.seconds, "s"))
    return " ".join(f"{count} {unit}" for count, unit in named if count) or str(length)
