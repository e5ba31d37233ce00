"""The commands, as their own `--help` tells them."""

import contextlib
import io
import os
import re
from unittest.mock import patch

from alpha_pipeline.cli import main


def commands(_: str) -> str:
    """The help of the program, then one heading and one help text a command."""
    parts = [f"```text\n{told()}```\n"]
    parts += [f"## {name}\n\n```text\n{told(name)}```\n" for name in names()]
    return "\n".join(parts)


def names() -> list[str]:
    """Every command, in the order of the program's help."""
    return re.findall(r"^ {4}([a-z]+)(?: |$)", told().split("COMMAND\n", 1)[1].split("\n\n")[0], re.MULTILINE)


def told(*command: str) -> str:
    """What `--help` prints, 100 columns wide."""
    out = io.StringIO()
    with patch.dict(os.environ, COLUMNS="100"), contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main([*command, "--help"])
    return out.getvalue()
