"""Every setting that the code reads is told in the reference, and none that it does not."""

import re
from pathlib import Path

from resources.alerts import Alerts
from resources.llm.sentiment import SentimentResource
from resources.market_data import MarketDataResource

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "settings.md"
# Names that are put together when they are read: what stands before the braces, and what may follow.
COMPOSED = {
    "ALPHA_PIPELINE_": (set(MarketDataResource.model_fields) | set(Alerts.model_fields)) - {"root"},
    "ALPHA_PIPELINE_MAIL_": {name.removeprefix("mail_") for name in Alerts.model_fields if name.startswith("mail_")},
    "ALPHA_PIPELINE_MOOD_": set(SentimentResource.model_fields) - {"sentiment"},
}


def read_by_code() -> dict[str, str]:
    """Names of all variables in the sources, with a file that names each."""
    found: dict[str, str] = {}
    for room in ("alpha_pipeline", "assets", "resources"):
        for file in sorted((ROOT / room).rglob("*.py")):
            text, place = file.read_text(encoding="utf-8"), str(file.relative_to(ROOT))
            for name, brace in re.findall(r"(ALPHA_PIPELINE_[A-Z_]*)(\{?)", text):
                if brace:
                    assert name in COMPOSED, f"{place} composes {name}...; say in COMPOSED what may follow"
                    found |= {name + rest.upper(): place for rest in COMPOSED[name]}
                elif not name.endswith("_"):
                    found[name] = place
    return found


def test_every_setting_is_told_once() -> None:
    """A row each, in a table with default and meaning; what is gone from the code is gone from the page."""
    told = re.findall(
        r"^\| `(ALPHA_PIPELINE_[A-Z_]+)` \| [^|]*\| [^|]+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    read = read_by_code()
    assert {name: place for name, place in read.items() if name not in told} == {}, f"not told in {PAGE.name}"
    assert [name for name in told if name not in read] == [], "told, but read by nobody"
    assert len(told) == len(set(told))
