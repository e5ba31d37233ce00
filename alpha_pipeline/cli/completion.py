"""
`completion`: what the shell needs to complete commands, options and their values.

Run dates are looked up in the lake while one types; all else is written into the script.
"""

import argparse
from collections.abc import Iterator, Sequence

from alpha_pipeline.cli.arguments import Commands
from alpha_pipeline.cli.terminal import encodable

SHELLS = ("bash", "zsh", "tcsh")
RUN_DATES = "ls -1 \"${ALPHA_PIPELINE_LAKE:-data}/fused_signal\" 2>/dev/null | sed -n 's/^day=//p'"


def add_commands(commands: Commands) -> None:
    """`completion`."""
    found = commands.add(
        "completion", _completion, "print a script that teaches the shell to complete this program", SHELLS
    )
    found.add_argument("shell", choices=SHELLS, help="whose script")


def _completion(options: argparse.Namespace) -> int:
    import shtab

    from alpha_pipeline.cli import parser

    program = parser()
    lists = _lists()
    for action in _actions(program):
        wanted = getattr(action, "complete", None)
        if wanted:
            action.complete = dict.fromkeys(("bash", "zsh"), f"_alpha_pipeline_{wanted}")  # type: ignore[attr-defined]  # read by shtab
            action.complete["tcsh"] = f"`{RUN_DATES}`" if wanted == "run_dates" else f"({' '.join(lists[wanted])})"  # type: ignore[attr-defined]  # the same
        elif action.dest in {"data", "out"}:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # the same
    functions = {"bash": _bash, "zsh": _zsh, "tcsh": lambda lists: ""}[options.shell](lists)
    print(encodable(shtab.complete(program, options.shell, preamble=functions)))
    return 0


def _actions(program: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in program._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _lists() -> dict[str, Sequence[str]]:
    """Words by the name of their list."""
    from alpha_pipeline.fusion.methods.registry import METHODS
    from alpha_pipeline.market.markets import MARKETS
    from alpha_pipeline.mining.factor_types import FACTOR_TYPES
    from alpha_pipeline.operators import operators
    from resources.market_data import MarketDataResource

    data = MarketDataResource.from_environment()
    symbols = [symbol for market in MARKETS for symbol in data.bar_source(market).symbols(market)]
    return {
        "symbols": symbols,
        "operators": sorted(operators()),
        "factor_types": list(FACTOR_TYPES),
        "methods": list(METHODS),
    }


def _bash(lists: dict[str, Sequence[str]]) -> str:
    each = [
        f"_alpha_pipeline_{name}() {{ compgen -W '{' '.join(words)}' -- \"$1\"; }}" for name, words in lists.items()
    ]
    return "\n".join([*each, f'_alpha_pipeline_run_dates() {{ compgen -W "$({RUN_DATES})" -- "$1"; }}'])


def _zsh(lists: dict[str, Sequence[str]]) -> str:
    each = [f"_alpha_pipeline_{name}() {{ compadd -- {' '.join(words)}; }}" for name, words in lists.items()]
    return "\n".join([*each, f"_alpha_pipeline_run_dates() {{ compadd -- $({RUN_DATES}); }}"])
