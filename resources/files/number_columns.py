"""
Columns of numbers: typed, decimal or text cells as float64; a text that is no number is reported by row.

Marks of thousands and decimals are told by evidence of the column, then of the file; without any the file is refused.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute

from alpha_pipeline.errors import DataError
from alpha_pipeline.typing import Array

MISSING = (
    "", "-", "--", "\N{EN DASH}", "\N{EM DASH}", ".", "nan", "na", "n/a", "n.a.", "#n/a", "<na>", "null", "none", "nil",
    "\\n",
)  # fmt: skip
PLAIN = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_PLAIN = re.compile(PLAIN)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_SPACED = re.compile(r"[+-]?\d{1,3}(?:[ '\u00a0\u202f\u2019]\d{3})+(?:[.,]\d+)?")
_COMMA_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DOT_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?")
_COMMA_DECIMAL = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_MARKED = (_SPACED, _COMMA_THOUSANDS, _DOT_THOUSANDS, _COMMA_DECIMAL)
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")  # 1,204 or 1.204


@dataclass(frozen=True)
class NumberColumn:
    """
    A column read as numbers.

    Args:
        values: (rows,) float64; NaN where the cell is empty or says that there is none.
        blanks: text that says so, such as "-", to its number of cells; empty cells are not counted.
        text_row: first row whose cell is no number; -1 without one.
        text: that cell.
        share_of_text: of the cells that are neither empty nor numbers.
    """

    values: Array
    blanks: Mapping[str, int] = field(default_factory=dict)
    text_row: int = -1
    text: str = ""
    share_of_text: float = 0.0


def is_text(kind: pa.DataType) -> bool:
    """Whether cells are text, dictionaries of text included."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_number(kind: pa.DataType) -> bool:
    """Whether a type holds numbers; truth values count as 0 and 1."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    )


def decimal_evidence(columns: Mapping[str, pa.ChunkedArray]) -> set[str]:
    """Decimal marks that some cell of the file tells for certain."""
    marks: set[str] = set()
    for column in columns.values():
        marks |= _evidence(_odd_cells(column)) | ({"."} if _has_dot_decimals(column) else set())
    return marks


def read_numbers(column: pa.ChunkedArray, decimal: str, of_file: Callable[[], set[str]]) -> NumberColumn:
    """
    One column as numbers.

    Args:
        column: any type.
        decimal: "." or "," as the user says, "" to be told by the cells.
        of_file: decimal marks certain from the other columns, when the column does not tell.

    Raises:
        DataError: a cell such as 1,204 has two readings and nothing tells which; the text names both.
    """
    if is_number(column.type):
        plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        plain = plain.cast(pa.int8()) if pa.types.is_boolean(plain.type) else plain
        return NumberColumn(_floats(plain.cast(pa.float64(), safe=False)))
    if pa.types.is_null(column.type):
        return NumberColumn(np.full(len(column), np.nan))
    if not is_text(column.type):
        return NumberColumn(np.full(len(column), np.nan), text_row=0, text=str(column[0].as_py()), share_of_text=1.0)
    if decimal != ",":
        try:
            return NumberColumn(_floats(column.cast(pa.float64())))
        except pa.ArrowInvalid:
            pass
    texts = compute.utf8_trim_whitespace(column.cast(pa.string()))
    is_odd = compute.invert(compute.match_substring_regex(texts, PLAIN))
    odd = compute.if_else(compute.fill_null(is_odd, True), texts, pa.scalar(None, pa.string()))
    words = odd.dictionary_encode().combine_chunks()
    words = words if isinstance(words, pa.DictionaryArray) else pa.chunked_array([words]).combine_chunks()
    distinct = [str(word) for word in words.dictionary.to_pylist()]
    mark = decimal or _mark(distinct, texts, of_file)
    numbers = np.array([_number(word, mark) for word in distinct] + [np.nan])
    codes = compute.fill_null(words.indices, len(distinct)).to_numpy(zero_copy_only=False)
    plain = compute.if_else(compute.fill_null(is_odd, True), pa.scalar("nan"), texts)
    values = _floats(plain.cast(pa.float64()))
    if mark == ",":  # 1.204 beside decimal commas is twelve hundred
        values = _with_dot_thousands(texts, values)
    values = np.where(codes < len(distinct), numbers[codes], values)
    counts = np.bincount(codes, minlength=len(distinct) + 1)
    blanks = {word: int(counts[k]) for k, word in enumerate(distinct) if word and word.lower() in MISSING}
    is_word = np.array(
        [word.lower() not in MISSING and np.isnan(numbers[k]) for k, word in enumerate(distinct)] + [False]
    )
    rows = np.flatnonzero(is_word[codes])
    if not len(rows):
        return NumberColumn(values, blanks)
    present = len(values) - int(sum(counts[k] for k, word in enumerate(distinct) if word.lower() in MISSING))
    return NumberColumn(values, blanks, int(rows[0]), distinct[codes[rows[0]]], len(rows) / max(present, 1))


def _floats(column: pa.ChunkedArray) -> Array:
    values: Array = column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    return np.asarray(values, dtype="float64")


def _odd_cells(column: pa.ChunkedArray) -> list[str]:
    """Distinct cells that are not plain numbers."""
    if not is_text(column.type):
        return []
    texts = compute.utf8_trim_whitespace(column.cast(pa.string()))
    is_odd = compute.invert(compute.match_substring_regex(texts, PLAIN))
    return [str(text) for text in compute.unique(texts.filter(is_odd)).to_pylist() if text]


def _has_dot_decimals(column: pa.ChunkedArray) -> bool:
    """Whether a cell such as 217.0 or 1204.55 has a dot that can only be a decimal mark."""
    if not is_text(column.type):
        return False
    certain = r"^[+-]?([0-9]*\.[0-9]{1,2}|[0-9]*\.[0-9]{4,}|0?\.[0-9]+|[0-9]{4,}\.[0-9]+)$"
    texts = compute.utf8_trim_whitespace(column.cast(pa.string()))
    return bool(compute.any(compute.match_substring_regex(texts, certain)).as_py())


def _evidence(words: list[str]) -> set[str]:
    """Decimal marks that distinct odd cells tell for certain."""
    marks = set()
    for word in words:
        if _AMBIGUOUS.fullmatch(word):
            continue
        if _COMMA_DECIMAL.fullmatch(word) or (_DOT_THOUSANDS.fullmatch(word) and ("," in word or word.count(".") > 1)):
            marks.add(",")
        elif _COMMA_THOUSANDS.fullmatch(word):
            marks.add(".")
    return marks


def _mark(distinct: list[str], texts: pa.ChunkedArray, of_file: Callable[[], set[str]]) -> str:
    marked = [word for word in distinct if any(form.fullmatch(word) for form in _MARKED)]
    if not any("," in word or word.count(".") > 1 for word in marked):
        return "."
    own = _evidence(distinct) | ({"."} if _has_dot_decimals(texts) else set())
    marks = own or of_file()
    if len(marks) == 1:
        return marks.pop()
    example = next((word for word in marked if "," in word), marked[0])
    if marks:
        raise DataError(f"has both decimal commas and decimal points, such as {example!r}; write one kind")
    thousands, fraction = example.replace(",", ""), example.replace(",", ".")
    raise DataError(
        f"has {example!r}, which is {thousands} or {fraction}, and no other cell tells which; "
        "give the decimal mark (--decimal . or --decimal ,)"
    )


def _with_dot_thousands(texts: pa.ChunkedArray, values: Array) -> Array:
    grouped = compute.match_substring_regex(texts, r"^[+-]?[0-9]{1,3}(\.[0-9]{3})+$").to_numpy()
    if not grouped.any():
        return values
    joined = compute.replace_substring(texts.filter(pa.array(grouped)), ".", "").cast(pa.float64())
    values = values.copy()
    values[grouped] = _floats(joined)
    return values


def _number(word: str, mark: str) -> float:
    """A cell that is no plain number; NaN where it is none."""
    if _INFINITE.fullmatch(word) or _PLAIN.fullmatch(word):
        return float(word)
    text = re.sub(r"(?<=\d)[ '\u00a0\u202f\u2019](?=\d{3})", "", word) if _SPACED.fullmatch(word) else word
    if mark == "," and (_COMMA_DECIMAL.fullmatch(text) or _DOT_THOUSANDS.fullmatch(text)):
        text = text.replace(".", "").replace(",", ".")
    elif mark == "." and _COMMA_THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    return float(text) if _PLAIN.fullmatch(text) else np.nan
