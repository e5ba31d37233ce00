"""The settings as tables, from the model: one heading and one table a subject."""

from markdown_parts import code, table, words

from alpha_pipeline.settings import Setting, all_settings


def settings(_: str) -> str:
    """Every variable with its default, what it may be and what it means."""
    subjects: dict[str, list[Setting]] = {}
    for setting in all_settings():
        subjects.setdefault(setting.title, []).append(setting)
    return "\n".join(
        f"## {title}\n\n" + table(("setting", "default", "allowed", "meaning"), map(_row, members))
        for title, members in subjects.items()
    )


def _row(setting: Setting) -> tuple[str, str, str, str]:
    allowed = words(setting.expected)
    return code(setting.variable), code(setting.shown(setting.default)), allowed, words(setting.meaning)
