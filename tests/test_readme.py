"""The README is short and its pictures and commands are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LARGEST_PICTURE = 300_000  # bytes


def test_it_is_short() -> None:
    """What is longer lives once, in docs/."""
    assert len(README.splitlines()) <= 150


def test_its_links_and_pictures_exist() -> None:
    """Every relative link is a file; pictures are PNG below 300 kB."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert [target for target in targets if not (ROOT / target).exists()] == []
    pictures = [target for target in targets if target.endswith(".png")]
    assert len(pictures) == 2
    assert all((ROOT / picture).stat().st_size < LARGEST_PICTURE for picture in pictures)


def test_its_python_runs() -> None:
    """The example of the front door, on a small table."""
    import numpy as np
    import pandas as pd

    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    rng, days = np.random.default_rng(0), pd.bdate_range("2024-01-01", periods=60, tz="UTC")
    rows = [(day, symbol, *rng.lognormal(3, 0.1, 4), 1e6) for day in days for symbol in "ABCDE"]
    table = pd.DataFrame(rows, columns=["timestamp", "symbol", "open", "high", "low", "close", "volume"])
    names: dict[str, object] = {"table": table}
    exec(compile(code, "README.md", "exec"), names)
    assert names["values"].shape == (60, 5)  # type: ignore[attr-defined]
