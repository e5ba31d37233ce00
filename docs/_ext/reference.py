"""
Pages generated from the code: a line `<!-- generated: NAME ARGUMENT -->` of a page becomes what NAME gives.

Each generator returns Markdown and stands in a file of its own kind: the language, the graph, the shell.
"""

import re

import from_graph
import from_language
import from_settings
import from_shell
from sphinx.application import Sphinx

GENERATORS = {
    "operators": from_language.operators_by_group,
    "fields": from_language.fields,
    "tables": from_graph.tables,
    "assets": from_graph.assets,
    "checks": from_graph.factor_checks,
    "methods": from_graph.methods,
    "schedules": from_graph.schedules,
    "commands": from_shell.commands,
    "settings": from_settings.settings,
}
MARK = re.compile(r"^<!-- generated: (\w+) ?(.*?) -->$", re.MULTILINE)


def setup(app: Sphinx) -> dict[str, bool]:
    """Fill the marks whenever a page is read; such pages are read again with every build."""
    app.connect("source-read", fill)
    app.connect("env-before-read-docs", again)
    return {"parallel_read_safe": True}


def fill(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace the marks of a page, in place as the event asks for."""
    source[0] = filled(source[0])


def filled(text: str) -> str:
    """A page with its marks replaced."""
    return MARK.sub(lambda mark: GENERATORS[mark[1]](mark[2]), text)


def again(app: Sphinx, env: object, pages: list[str]) -> None:
    """Code may have changed although the page has not."""
    marked = (page for page in app.env.found_docs if MARK.search(app.env.doc2path(page).read_text("utf-8")))
    pages[:] = sorted({*pages, *marked})
