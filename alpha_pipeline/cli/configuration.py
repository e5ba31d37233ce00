"""`settings`: every setting with its value, the source of the value, and the default."""

import argparse

from alpha_pipeline.cli.arguments import Commands
from alpha_pipeline.cli.terminal import echo, print_json

FIELDS = "[setting, subject, value, source, default, expected, meaning]; secrets are masked"


def add_commands(commands: Commands) -> None:
    """`settings`."""
    commands.add(
        "settings",
        _settings,
        "print all settings: value, source and default; secrets are masked",
        ("", "--json"),
        FIELDS,
    )


def _settings(options: argparse.Namespace) -> int:
    from alpha_pipeline.settings import all_settings, load_settings, setting_sources

    values, sources = load_settings(), setting_sources()
    rows = [
        {
            "setting": setting.variable,
            "subject": setting.title,
            "value": setting.shown(values.value(setting)),
            "source": sources[setting.variable],
            "default": setting.shown(setting.default),
            "expected": setting.expected,
            "meaning": setting.meaning,
        }
        for setting in all_settings()
    ]
    if options.json:
        print_json(rows)
        return 0
    columns = ("setting", "value", "source", "default")  # names are copied, so no line is folded
    lines = [columns, *(tuple(row[column] or "-" for column in columns) for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        echo("  ".join(map(str.ljust, line, widths)).rstrip())
    echo("\nA setting is an environment variable; meaning and allowed values: docs/reference/settings.md or --json.")
    return 0
