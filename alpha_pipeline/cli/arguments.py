"""
How commands are declared: short help with grouped options and examples, near names for what was misspelt.

What a command does is in the file of its subject.
"""

import argparse
import difflib
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

Run = Callable[[argparse.Namespace], int]
EXIT_CODES = "0 done, 1 refused with the reason on standard error, 2 wrong usage, 130 interrupted (Ctrl-C)"
NEAR = 0.5


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that says what was perhaps meant."""

    def error(self, message: str) -> NoReturn:
        """The fault and near names, in two lines; exit code 2."""
        wrong = re.match(r"argument (.+): invalid choice: '(.*)' \(choose from (.*)\)$", message)
        if wrong:
            name, given, listed = wrong.groups()
            choices = [choice.strip("' ") for choice in listed.split(",")]
            message = f"{given!r} is no {name}{nearest(given, choices)}; there are {', '.join(choices)}"
        self.exit(2, f"{self.prog}: {message}\n`{self.prog} --help` shows how it is called\n")


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
        A command.

        Args:
            name: as typed.
            run: takes the options, returns the exit code.
            about: one line.
            examples: arguments after the command's name, each a way to call it.
            fields: what `--json` prints, where there is such an option.
        """
        shown = "\n".join(f"  alpha-pipeline {name} {example}".rstrip() for example in examples)
        told = f"\n\n--json prints one document, undefined numbers as null:\n  {fields}" if fields else ""
        found = self._added.add_parser(
            name,
            help=about,
            description=about[:1].upper() + about[1:] + ".",
            epilog=f"examples:\n{shown}{told}\n\nexit codes: {EXIT_CODES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        found.set_defaults(command=run, parser=found)
        if fields:
            found.add_argument("--json", action="store_true", help="one JSON document on standard output, nothing else")
        return found


class Version(argparse.Action):
    """`--version`; the installed package is asked only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, **given: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=given.get("help"))

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print it and leave."""
        from importlib.metadata import version

        print(f"alpha-pipeline {version('alpha-pipeline')}")
        parser.exit()


def parse(parser: argparse.ArgumentParser, given: Sequence[str]) -> argparse.Namespace:
    """
    The options; SystemExit 2 for wrong usage, 0 after `--help`.

    A factor may begin with a minus: "-rank(volume)" is no option.
    """
    locked_step = [f" {a}" if re.match(r"-[^-h]|-h.", a) else a for a in given]
    options, strange = parser.parse_known_args(locked_step)
    if strange:
        known = [option for action in options.parser._actions for option in action.option_strings]
        first = strange[0].strip().split("=")[0]
        options.parser.error(f"{first!r} is not understood here{nearest(first, known)}")
    return options


def nearest(given: str, known: Sequence[str]) -> str:
    """`; did you mean x?`, or nothing when nothing is near."""
    near = difflib.get_close_matches(given, known, n=2, cutoff=NEAR)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def names(text: str) -> list[str]:
    """`A, B` as ["A", "B"]."""
    return [name.strip() for name in text.split(",") if name.strip()]


def complete(action: argparse.Action, what: str) -> None:
    """Have the shell complete an argument from a list named in `completion`."""
    action.complete = what  # type: ignore[attr-defined]  # read by `completion`, which replaces it
