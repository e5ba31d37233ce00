"""
Declaration of commands: help with grouped options and examples, suggestions for misspelt names.

Commands are implemented in the module of their subject.
"""

import argparse
import difflib
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

Run = Callable[[argparse.Namespace], int]
EXIT_CODES = "0 success, 1 error (reason on standard error), 2 wrong usage, 130 interrupted (Ctrl-C)"
NEAR = 0.5


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that suggests near names."""

    def error(self, message: str) -> NoReturn:
        """Print the error and near names in two lines; exit code 2."""
        choice = re.match(r"argument (.+): invalid choice: '(.*)' \(choose from (.*)\)$", message)
        if choice:
            name, given, listed = choice.groups()
            choices = [item.strip("' ") for item in listed.split(",")]
            message = f"{name} {given!r} is unknown{nearest(given, choices)}; choose from {', '.join(choices)}"
        self.exit(2, f"{self.prog}: {message}\nsee `{self.prog} --help`\n")


class Commands:
    """
    The commands of a program, each with its own parser.

    Args:
        parser: of the program.
    """

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._added = parser.add_subparsers(required=True, metavar="COMMAND", title="commands", parser_class=Parser)

    def add(
        self, name: str, run: Run, about: str, examples: Sequence[str], fields: str = ""
    ) -> argparse.ArgumentParser:
        """
        Add a command.

        Args:
            name: as typed.
            run: takes the options, returns the exit code.
            about: one line.
            examples: arguments after the command's name.
            fields: of the document of `--json`; empty without that option.
        """
        lines = "\n".join(f"  alpha-pipeline {name} {example}".rstrip() for example in examples)
        json_help = f"\n\n--json prints one document, undefined numbers as null:\n  {fields}" if fields else ""
        command = self._added.add_parser(
            name,
            help=about,
            description=about[:1].upper() + about[1:] + ".",
            epilog=f"examples:\n{lines}{json_help}\n\nexit codes: {EXIT_CODES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(command=run, parser=command)
        if fields:
            command.add_argument("--json", action="store_true", help="print one JSON document on standard output")
        return command


class Version(argparse.Action):
    """`--version`; reads the metadata of the installed package only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, **given: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=given.get("help"))

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print the version and exit."""
        from importlib.metadata import version

        print(f"alpha-pipeline {version('alpha-pipeline')}")
        parser.exit()


def parse(parser: argparse.ArgumentParser, given: Sequence[str]) -> argparse.Namespace:
    """
    Parse arguments; SystemExit 2 for wrong usage, 0 after `--help`.

    A factor may begin with a minus: "-rank(volume)" is an argument, not an option.
    """
    arguments = [f" {a}" if re.match(r"-[^-h]|-h.", a) else a for a in given]
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        valid = [option for action in options.parser._actions for option in action.option_strings]
        first = unknown[0].strip().split("=")[0]
        options.parser.error(f"unknown option {first!r}{nearest(first, valid)}")
    return options


def nearest(given: str, valid: Sequence[str]) -> str:
    """`; did you mean x?`; empty without a near name."""
    near = difflib.get_close_matches(given, valid, n=2, cutoff=NEAR)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def names(text: str) -> list[str]:
    """`A, B` as ["A", "B"]."""
    return [name.strip() for name in text.split(",") if name.strip()]


def complete(action: argparse.Action, values: str) -> None:
    """Complete an argument in the shell from a list named in `completion`."""
    action.complete = values  # type: ignore[attr-defined]  # read and replaced by `completion`
