"""The commands, as their own `--help` tells them."""

import argparse
import os

from alpha_pipeline import cli


def commands(_: str) -> str:
    """One heading and one help text a command, in the order of the program."""
    os.environ["COLUMNS"] = "100"
    parser = cli._parser()
    found = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    parts = [f"```text\n{parser.format_help()}```\n"]
    parts += [f"## {name}\n\n```text\n{one.format_help()}```\n" for name, one in found.choices.items()]
    return "\n".join(parts)
