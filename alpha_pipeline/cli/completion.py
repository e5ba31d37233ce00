"""
`completion`: shell scripts that complete commands, options and their values.

Run dates are read from the lake at completion time; other values are part of the script.
"""

import argparse
from collections.abc import Iterator, Sequence

from alpha_pipeline.cli.arguments import Commands
from alpha_pipeline.cli.terminal import encodable

SHELLS = ("bash", "zsh", "tcsh")
RUN_DATES = "ls -1 \"${ALPHA_PIPELINE_LAKE:-data}/fused_signal\" 2>/dev/null | sed -n 's/^day=//p'"


def add_commands(commands: Commands) -> None:
    """`completion`."""
    command = commands.add("completion", _completion, "print a completion script for a shell", SHELLS)
    command.add_argument("shell", choices=SHELLS, help="shell of the script")


def _completion(options: argparse.Namespace) -> int:
    import shtab

    program = options.program
    lists = _lists()
    for action in _actions(program):
        values = getattr(action, "complete", None)
        if values:
            action.complete = dict.fromkeys(("bash", "zsh"), f"_alpha_pipeline_{values}")  # type: ignore[attr-defined]  # read by shtab
            action.complete["tcsh"] = f"`{RUN_DATES}`" if values == "run_dates" else f"({' '.join(lists[values])})"  # type: ignore[attr-defined]  # the same
        elif action.dest in {"data", "out"}:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # the same
    functions = "" if options.shell == "tcsh" else (_bash if options.shell == "bash" else _zsh)(lists)
    print(encodable(shtab.complete(program, options.shell, preamble=functions)))
    return 0


def _actions(program: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in program._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _lists() -> dict[str, Sequence[str]]:
    """Values by the name of their list."""
    from alpha_pipeline.fusion.methods.method_table import METHODS
    from alpha_pipeline.market.markets import configured_markets
    from alpha_pipeline.mining.factor_types import FACTOR_TYPES
    from alpha_pipeline.operators import operators
    from alpha_pipeline.resources.market_data import MarketDataResource
    from alpha_pipeline.settings import load_settings

    settings = load_settings()
    data, markets = MarketDataResource.of(settings.data), configured_markets(settings)
    known = [market for market in markets if market.source != "files"]  # files are not read for a key press
    symbols = [symbol for market in known for symbol in data.bar_source(market).symbols(market)]
    return {
        "symbols": symbols,
        "markets": [market.name for market in markets],
        "operators": sorted(operators()),
        "factor_types": list(FACTOR_TYPES),
        "methods": list(METHODS),
    }


def _bash(lists: dict[str, Sequence[str]]) -> str:
    functions = [
        f"_alpha_pipeline_{name}() {{ compgen -W '{' '.join(words)}' -- \"$1\"; }}" for name, words in lists.items()
    ]
    return "\n".join([*functions, f'_alpha_pipeline_run_dates() {{ compgen -W "$({RUN_DATES})" -- "$1"; }}'])


def _zsh(lists: dict[str, Sequence[str]]) -> str:
    functions = [f"_alpha_pipeline_{name}() {{ compadd -- {' '.join(words)}; }}" for name, words in lists.items()]
    return "\n".join([*functions, f"_alpha_pipeline_run_dates() {{ compadd -- $({RUN_DATES}); }}"])
