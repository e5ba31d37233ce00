"""
Generation of factors: random expressions, a pattern for constrained decoding, an operator table for prompts.

All three are derived from the operator registry and the units of the fields.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from alpha_pipeline.errors import SettingError
from alpha_pipeline.expressions.node import MAX_LOOKBACK, NodeError, build, field
from alpha_pipeline.market.durations import Clock
from alpha_pipeline.operators import Operator, operators, unit_of_field
from alpha_pipeline.operators.units import PRICE, VOLUME

# Windows that are offered, in sessions of a market: from a quarter day to sixty days.
WINDOW_SESSIONS = (0.25, 1, 2, 5, 10, 20, 40, 60)
SHORTEST_WINDOW = 2
# Windows in bars of a market of which nothing but its fields is known.
WINDOWS = (5, 10, 20, 40, 60)
MAX_DEPTH = 4


@dataclass(frozen=True)
class _Words:
    """Fields and operators by their place in an expression."""

    prices: tuple[str, ...]
    volumes: tuple[str, ...]
    plain: tuple[str, ...]
    keep: tuple[str, ...]  # f(series, window) in the unit of the series
    slow: tuple[str, ...]  # as keep, with infinite memory: only on a field, or warm-ups add up beyond the limit
    score: tuple[str, ...]  # f(series, window), a plain number whatever the unit
    cross: tuple[str, ...]  # f(series) across symbols, a plain number
    squash: tuple[str, ...]  # f(plain number) to a plain number
    windows: tuple[int, ...]  # bars
    slow_windows: tuple[int, ...]  # those that fit an infinite memory

    @property
    def fields(self) -> tuple[str, ...]:
        return self.prices + self.volumes + self.plain


def market_windows(clock: Clock) -> tuple[int, ...]:
    """
    The windows that are offered on a market, in bars, increasing: `WINDOW_SESSIONS` of its sessions, at least two bars,
    and short enough for as many nested ones as a random formula has.
    """
    longest = MAX_LOOKBACK // (MAX_DEPTH + 1)
    bars = {max(SHORTEST_WINDOW, round(sessions * clock.bars_per_session)) for sessions in WINDOW_SESSIONS}
    fitting = {window for window in bars if window <= longest}
    if max(bars) > longest and 2 * max(fitting, default=1) < longest:
        fitting.add(longest)
    return tuple(sorted(fitting))


def random_expression(
    rng: np.random.Generator, fields: Sequence[str], max_depth: int = MAX_DEPTH, windows: Sequence[int] = WINDOWS
) -> str:
    """
    A random DSL factor: units fit, the top is a plain number, the same seed gives the same text.

    Args:
        rng: source of randomness.
        fields: names the panel has.
        max_depth: levels of calls, at least 1.
        windows: to choose from, bars.

    Raises:
        SettingError: no fields.
    """
    return _Writer(rng, _words(fields, windows)).plain(max(1, max_depth))


class _Writer:
    """Writes sub-expressions of a kind; each level draws one production."""

    def __init__(self, rng: np.random.Generator, words: _Words) -> None:
        self.rng, self.words = rng, words

    def pick(self, options: Sequence[str]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def windowed(self, names: Sequence[str], series: Callable[[], str]) -> str:
        """A call of one of the operators, with a window that is long enough for it."""
        name = self.pick(names)
        arguments = series()
        window = self.words.windows[int(self.rng.integers(len(self.words.windows)))]
        return f"{name}({arguments}, {max(window, _shortest(name))})"

    def slow(self, names: Sequence[str]) -> str:
        windows = self.words.slow_windows
        window = windows[int(self.rng.integers(len(windows)))]
        return f"{self.pick(self.words.slow)}({self.pick(names)}, {window})"

    def any(self, depth: int) -> str:
        kinds: list[Callable[[int], str]] = [self.plain] if depth > 1 or self.words.plain else []
        kinds += [self.price] * 2 if self.words.prices else []
        kinds += [self.volume] if self.words.volumes else []
        return kinds[int(self.rng.integers(len(kinds)))](depth)

    def comparable(self, depth: int) -> str:
        """A series comparable across symbols: any but prices."""
        return self.volume(depth) if self.words.volumes and self.rng.random() < 0.4 else self.plain(depth)

    def price(self, depth: int) -> str:
        return self.dimensional(depth, self.words.prices, self.price)

    def volume(self, depth: int) -> str:
        return self.dimensional(depth, self.words.volumes, self.volume)

    def dimensional(self, depth: int, names: Sequence[str], again: Callable[[int], str]) -> str:
        draw = self.rng.random()
        if depth <= 1 or draw < 0.35:
            return self.pick(names)
        if draw < 0.42 and self.words.slow_windows:
            return self.slow(names)
        if draw < 0.8:
            return self.windowed(self.words.keep, lambda: again(depth - 1))
        return f"({again(depth - 1)} {self.pick('+-')} {again(depth - 1)})"

    def condition(self, depth: int) -> str:
        names = self.words.prices or self.words.volumes
        if names and self.rng.random() < 0.6:
            again = self.price if self.words.prices else self.volume
            return f"{again(depth)} {self.pick('<>')} {again(depth)}"
        return f"{self.plain(depth)} {self.pick('<>')} {self.pick(['0', '0.5', '1'])}"

    def plain(self, depth: int) -> str:
        words, below = self.words, depth - 1
        if depth <= 0:
            if words.plain:
                return self.pick(words.plain)
            return self.windowed(words.score, lambda: self.pick(words.fields))
        draw = self.rng.random()
        if depth == 1 or draw < 0.3:
            return self.windowed(words.score, lambda: self.any(below))
        if draw < 0.42:
            return f"{self.pick(words.cross)}({self.comparable(below)})"
        if draw < 0.52:
            return self.windowed(("ts_corr",), lambda: f"{self.any(below)}, {self.any(below)}")
        if draw < 0.6:
            return self.windowed(words.keep, lambda: self.plain(below))
        if draw < 0.66:
            return f"{self.pick(words.squash)}({self.plain(below)})"
        if draw < 0.74:
            return f"where({self.condition(below)}, {self.plain(below)}, {self.plain(below)})"
        if draw < 0.84 and words.prices:
            return f"{self.price(below)} / {self.price(below)}"
        return f"({self.plain(below)} {self.pick('+-*')} {self.plain(below)})"


def typed_pattern(fields: Sequence[str], windows: Sequence[int] = WINDOWS) -> str:
    """
    A regular expression whose every match parses and has fitting units.

    For the `pattern` of a JSON schema: anchored, without look-around or back-references, about 3 kB.

    Raises:
        SettingError: no fields.
    """
    longest = max(_shortest(operator) for operator in operators())
    words = _words(fields, sorted({max(window, longest) for window in windows}))
    window = _either([str(w) for w in words.windows])
    kinds = [names for names in (words.prices, words.volumes, words.plain) if names]
    keep = _either(words.keep)
    smoothed = [f"{keep}\\({_either(names)}, {window}\\)" for names in kinds]
    if words.slow_windows:
        slow, short = _either(words.slow), _either([str(w) for w in words.slow_windows])
        smoothed = [f"{one}|{slow}\\({_either(names)}, {short}\\)" for one, names in zip(smoothed, kinds, strict=True)]
    series = [f"({_bare(names)}|{one})" for one, names in zip(smoothed, kinds, strict=True)]
    comparable = series[1:] if words.prices else series
    ratios = [f"{_either(names)} / {_either(names)}" for names in kinds]
    ratios += [f"{_either(names)} / ts_(mean|min|max|median)\\({_either(names)}, {window}\\)" for names in kinds]
    score = f"({_bare(words.score)})\\({_either(series)}, {window}\\)"
    pairs = f"ts_corr\\({_either(words.fields)}, {_either(words.fields)}, {window}\\)"
    ranked = [f"{_either(words.cross)}\\({_either(comparable)}\\)"] if comparable else []
    basic = _either([score, *ranked, pairs, *ratios])
    short = _either([f"{_either(words.score)}\\({_either(words.fields)}, {window}\\)", pairs])
    conditions = [f"{_either(n)} [<>] {keep}\\({_either(n)}, {window}\\)" for n in kinds]
    top = [
        f"{basic}( [*+] {short})?",
        f"({keep}|{_either(words.score)})\\({short}, {window}\\)",
        f"{_either((*words.squash, *words.cross))}\\({short}\\)( [*+] {short})?",
        f"where\\({_either(conditions)}, {short}, -?{short}\\)",
    ]
    return f"^-?{_either(top)}$"


def vocabulary(fields: Sequence[str], documentation: bool = True) -> str:
    """
    The operators as a text table for prompts: one line each, under the heading of its group.

    Args:
        fields: names the panel has; listed first with their units.
        documentation: add the one-line meaning; without it only the signatures.
    """
    lines = ["fields: " + ", ".join(f"{name} ({unit_of_field(name)})" for name in fields)]
    groups: dict[str, list[Operator]] = {}
    for operator in operators().values():
        groups.setdefault(operator.group, []).append(operator)
    for group, members in groups.items():
        spelled = [m for m in members if not m.symbol]
        symbols = [m.symbol for m in members if m.symbol]
        lines.append(f"{group}: {' '.join(dict.fromkeys(symbols))}".rstrip(": ") + ":" * (not symbols))
        if documentation:
            lines += [f"  {m.signature()} - {m.doc}" for m in spelled]
        else:
            lines.append("  " + ", ".join(m.signature() for m in spelled))
    return "\n".join(lines)


def _words(fields: Sequence[str], windows: Sequence[int]) -> _Words:
    if not fields:
        raise SettingError("a grammar needs at least one field")
    by_unit = {name: unit_of_field(name) for name in fields}
    prices = tuple(name for name in fields if by_unit[name] == PRICE)
    volumes = tuple(name for name in fields if by_unit[name] == VOLUME)
    plain = tuple(name for name in fields if by_unit[name].is_plain)
    if not prices + volumes + plain:
        raise SettingError(f"none of the fields {list(fields)} is a price, a volume or a plain number")
    windowed = [o for o in operators().values() if o.group == "time series" and _is_plainly_windowed(o)]
    calls = [o for o in operators().values() if o.kernel and len(o.parameters) == 1 and not o.symbol]
    plain_results = {"ratio", "rank", "return", "count"}
    slow = tuple(o.name for o in windowed if o.returns in {"same", "kept"} and o.recursive)
    return _Words(
        prices,
        volumes,
        plain,
        tuple(o.name for o in windowed if o.returns in {"same", "kept"} and not o.recursive),
        slow,
        tuple(o.name for o in windowed if o.returns in plain_results and o.name not in {"ts_product", "log_return"}),
        tuple(o.name for o in calls if o.group == "cross section" and o.returns in plain_results),
        tuple(
            o.name for o in calls if o.group == "arithmetic" and o.returns == "ratio" and o.series[0].accepts == "plain"
        ),
        tuple(windows),
        tuple(window for window in windows if _fits(slow, window)),
    )


def _shortest(name: str) -> int:
    """The shortest window of an operator."""
    windows = [p.minimum for p in operators()[name].parameters if p.kind in {"window", "lag"}]
    return int(max(windows, default=1))


def _fits(slow: Sequence[str], window: int) -> bool:
    """Whether the memory of all these operators stays within the limit."""
    try:
        return all(build(name, [field("close")], [float(window)]) for name in slow)
    except NodeError:
        return False


def _is_plainly_windowed(operator: Operator) -> bool:
    """Whether f(series, window) is a complete call, for a series of any unit."""
    shape = [(p.kind, p.accepts) for p in operator.parameters]
    return operator.kernel is not None and shape in (
        [("series", "any"), ("window", "any")],
        [("series", "any"), ("lag", "any")],
    )


def _either(options: Sequence[str]) -> str:
    return f"({_bare(options)})" if len(options) > 1 else options[0]


def _bare(options: Sequence[str]) -> str:
    return "|".join(options)
