"""The generators of the reference, without the minutes that a whole build takes."""

import re
import sys
from pathlib import Path

import pytest

from tests.helpers.documents import DOCS, pages

sys.path.append(str(DOCS / "_ext"))

MARKED = [page for page in pages() if "<!-- generated: " in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", MARKED, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_mark_is_filled(page: Path) -> None:
    """Each gives a table, a heading or a block; a module whose extra is not installed does not end the build."""
    from reference import MARK, filled

    text = page.read_text(encoding="utf-8")
    parts = re.split(MARK, text)
    found = filled(text)
    assert MARK.search(found) is None and len(found) > len("".join(parts)) + 40
