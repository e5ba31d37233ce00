"""
Text of a project file and of `.env.example`: every setting with its meaning, defaults as comments.
"""

import json
from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from alpha_pipeline.settings.catalog import Setting, walk
from alpha_pipeline.settings.market_section import MarketSettings, complete_market
from alpha_pipeline.settings.project import Settings

HEAD = """\
# Project file of alpha_pipeline. A line without '#' is in force; the others show the defaults.
# `alpha-pipeline settings` prints what is in force and where each value comes from. Every value can also be set in the
# environment, such as ALPHA_PIPELINE_MARKETS__CRYPTO__FEE_BPS=2, which is over this file. Secrets belong there: .env
"""
MARKETS_HEAD = """
# A market is a table [markets.NAME]; without any the embedded markets crypto and equities run. Sections [mining],
# [fusion] and [model] may also stand below a market, [markets.NAME.mining], where it differs from the project.
"""
BEFORE_MARKETS = ("days", "lake", "data")
AFTER_MARKETS = ("model", "sentiment", "mining", "fusion", "paper", "alerts")
WIDTH = 44


def project_template(given: Mapping[str, object]) -> str:
    """
    The text of a project file.

    Args:
        given: values in force, nested as the settings are; each table of `markets` becomes one of the file.
    """
    parts = [HEAD, *(_of_project(name, given) for name in BEFORE_MARKETS), MARKETS_HEAD]
    for name, values in _table(given.get("markets")).items():
        known = {"asset_type": "stock", "calendar": "XNYS", "bar": "1D"}
        market = MarketSettings(**{**known, **complete_market(name, _plain(_table(values)), {}), "source": ""})
        parts.append(_section(("markets", name), market, _table(values)))
    return "\n".join([*parts, *(_of_project(name, given) for name in AFTER_MARKETS)])


def environment_template() -> str:
    """The text of `.env.example`: every secret and what is usually set on a machine, not in a project."""
    lines = ["# Copy to .env, which `dagster` commands read; it stays out of version control."]
    for setting in walk(Settings.model_construct(markets={})):
        if setting.field.annotation is SecretStr or setting.path in (("model", "url"), ("model", "name")):
            lines.append(f"# {setting.meaning}\n# {setting.variable}=")
    return "\n".join(lines) + "\n"


def _of_project(name: str, given: Mapping[str, object]) -> str:
    return _section((name,), Settings.model_fields[name].default, _table(given.get(name)))


def _section(path: tuple[str, ...], section: object, given: Mapping[str, object]) -> str:
    """A table and those below it; defaults are comments, and so is the head of a table without a given value."""
    own: list[Setting] = []
    below: list[Setting] = []
    for setting in walk(section, path, "section"):
        (own if len(setting.path) == len(path) + 1 else below).append(setting)
    if path[0] == "markets":
        below = [setting for setting in below if setting.path[2] in ("files", "portfolio", "split")]
    lines = [f"[{'.'.join(path)}]", *(_line(setting, given) for setting in own if _shown(setting))]
    for name, members in _grouped(below, len(path)):
        inner = _table(given.get(name))
        mark = "" if inner else "# "
        lines += ["", f"{mark}[{'.'.join((*path, name))}]", *(_line(setting, inner) for setting in members)]
    return "\n".join(lines) + "\n"


def _grouped(settings: list[Setting], depth: int) -> Iterator[tuple[str, list[Setting]]]:
    groups: dict[str, list[Setting]] = {}
    for setting in settings:
        groups.setdefault(".".join(setting.path[depth:-1]), []).append(setting)
    yield from groups.items()


def _shown(setting: Setting) -> bool:
    return setting.field.annotation is not SecretStr and setting.path[-1] not in ("group", "label")


def _line(setting: Setting, given: Mapping[str, object]) -> str:
    name = setting.path[-1]
    text = f"{name} = {_toml(given.get(name, setting.default))}"
    text = text if name in given else f"# {text}"
    return f"{text:<{WIDTH}}  # {setting.meaning}" if setting.meaning else text


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return (
            "{ " + ", ".join(f"{json.dumps(str(k))} = {_toml(v)}" for k, v in value.items()) + " }" if value else "{}"
        )
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:g}" if isinstance(value, float) and value == float(f"{value:g}") else str(value)


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}


def market_table(name: str, given: Mapping[str, object]) -> str:
    """The table of one market with the given values alone."""
    own = [f"{key} = {_toml(value)}" for key, value in given.items() if not isinstance(value, Mapping)]
    below = [
        f"\n[markets.{name}.{key}]\n" + "\n".join(f"{inner} = {_toml(one)}" for inner, one in value.items())
        for key, value in given.items()
        if isinstance(value, Mapping) and value
    ]
    return "\n".join([f"[markets.{name}]", *own, *below]) + "\n"
