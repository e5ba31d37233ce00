"""
Vague identifiers per 1,000: words that say nothing without their file.

    python -m tests.helpers.identifiers [FOLDER ...]

lists the files that have most of them.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("alpha_pipeline", "assets", "resources")
VAGUE = frozenset(
    [
        "found",
        "known",
        "said",
        "told",
        "tell",
        "asked",
        "ask",
        "heard",
        "spoke",
        "speak",
        "mine",
        "whole",
        "why",
        "aside",
        "anew",
        "met",
        "gone",
        "kept",
        "came",
        "wanted",
        "meant",
    ]
)


def identifiers(file: Path) -> Iterator[str]:
    """Names, arguments, functions, classes and attributes of a module, each as often as it stands there."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name


def vague_per_thousand(folders: tuple[str, ...] = PACKAGES) -> tuple[float, dict[str, Counter[str]]]:
    """Vague identifiers among 1,000, and which ones by file."""
    total, by_file = 0, {}
    for file in sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py")):
        names = Counter(identifiers(file))
        total += names.total()
        vague = Counter({name: count for name, count in names.items() if name in VAGUE})
        if vague:
            by_file[str(file.relative_to(ROOT))] = vague
    return 1_000 * sum(count.total() for count in by_file.values()) / total, by_file


def main() -> None:
    """Print the figure and the files."""
    per_thousand, by_file = vague_per_thousand(tuple(sys.argv[1:]) or PACKAGES)
    for file, names in sorted(by_file.items(), key=lambda item: -item[1].total()):
        sys.stdout.write(f"{names.total():4} {file}: {', '.join(f'{n} {c}' for n, c in names.most_common())}\n")
    sys.stdout.write(f"{per_thousand:.1f} vague identifiers per 1,000\n")


if __name__ == "__main__":
    main()
