"""
Rows of a table in long form: time, symbol, numbers; wide tables are unfolded.

Faults of rows are judged in `bar_files`.
"""

from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute

from alpha_pipeline.errors import DataError
from alpha_pipeline.resources.files.file_tables import RawTable
from alpha_pipeline.resources.files.formats import BAR_FIELDS, FIELD_NAMES, FileFormat
from alpha_pipeline.resources.files.layout import Layout
from alpha_pipeline.resources.files.number_columns import (
    NumberColumn,
    decimal_evidence,
    is_number,
    is_text,
    read_numbers,
)
from alpha_pipeline.resources.files.stamps import Stamps, read_stamps
from alpha_pipeline.typing import Array, Integers

_MOSTLY_TEXT = 0.5


@dataclass(frozen=True)
class LongColumns:
    """
    The rows of a file.

    Args:
        stamps: times as written; of long and wide tables one per row of the file.
        rows: (n,) row of the file of each entry.
        symbols: (n,) place in `names`; -1 without a symbol.
        names: sorted symbols.
        values: field -> (n,) float64.
        available: times at which rows were known; None without that column.
        remarks: cells read as missing, columns that are no fields.
    """

    stamps: Stamps
    rows: Integers
    symbols: Integers
    names: tuple[str, ...]
    values: dict[str, Array]
    available: Stamps | None = None
    remarks: tuple[str, ...] = field(default=())

    def take(self, keep: Integers) -> "LongColumns":
        """Some rows, in order."""
        values = {name: column[keep] for name, column in self.values.items()}
        return replace(self, rows=self.rows[keep], symbols=self.symbols[keep], values=values)


def long_columns(table: RawTable, layout: Layout, file_format: FileFormat) -> LongColumns:
    """
    The rows of a table in long form.

    Raises:
        DataError: a time or a number has no certain reading; the message names the column, the row and the text.
    """
    stamps = _stamps(table, layout.times, file_format)
    available = _stamps(table, (layout.available,), file_format) if layout.available else None
    reader = _NumberReader(table, file_format)
    if layout.cells:
        return _unfolded(table, layout, stamps, reader)
    symbols, names, remarks = _symbols(table, layout)
    values = {}
    for ours, column in layout.fields.items():
        numbers = reader.read(ours, column, is_required=ours in FIELD_NAMES or ours in file_format.columns)
        if numbers is not None and (ours == "close" or not np.isnan(numbers).all()):
            values[ours] = numbers
        table.columns.pop(column, None)  # free the text: half of the memory of a large file
    return LongColumns(
        stamps, np.arange(table.rows), symbols, names, values, available, (*remarks, *reader.remarks())
    )  # fmt: skip


class _NumberReader:
    """Reads columns of one file, with the evidence of all for each, and collects what to remark."""

    def __init__(self, table: RawTable, file_format: FileFormat) -> None:
        self._table, self._decimal = table, str(file_format.decimal)
        self._blanks: dict[str, dict[str, int]] = {}
        self._texts: list[str] = []
        numeric = {c: v for c, v in table.columns.items() if is_text(v.type)}
        self._evidence = cache(lambda: decimal_evidence(numeric))
        if table.has_comma_cells and not self._decimal and self._evidence() == {","}:
            self._decimal = ","

    def read(self, ours: str, column: str, is_required: bool) -> Array | None:
        """A column as numbers; None for a column of text that is not required."""
        cells = self._table.columns[column]
        if not (is_text(cells.type) or is_number(cells.type) or pa.types.is_null(cells.type)) and not is_required:
            self._texts.append(column)
            return None
        try:
            numbers: NumberColumn = read_numbers(cells, self._decimal, self._evidence)
        except DataError as error:
            raise DataError(f"{self._table.place(0).split(',')[0]}: column {column!r} {error}") from None
        if numbers.text_row >= 0:
            if not is_required and numbers.share_of_text > _MOSTLY_TEXT:
                self._texts.append(column)
                return None
            raise DataError(
                f"{self._table.place(numbers.text_row)}: column {column!r} has {numbers.text!r}, expected a number "
                "(an empty cell, '-', 'n.a.' and the like are missing values)"
            )
        if numbers.blanks:
            self._blanks[ours] = {**self._blanks.get(ours, {}), **numbers.blanks}
        return numbers.values

    def remarks(self) -> tuple[str, ...]:
        """Cells read as missing, and columns of text."""
        blanks = [
            f"{name}: " + ", ".join(f"{count} cell{'s' * (count != 1)} {text!r}" for text, count in words.items())
            for name, words in self._blanks.items()
        ]
        lines = [f"read as missing: {'; '.join(blanks)}"] if blanks else []
        if self._texts:
            lines.append(f"columns of text, not fields: {', '.join(self._texts)}")
        return tuple(lines)


def _stamps(table: RawTable, columns: tuple[str, ...], file_format: FileFormat) -> Stamps:
    cells = table.columns[columns[0]]
    if len(columns) == 2:
        dates, clocks = (_as_text(table.columns[column]) for column in columns)
        cells = pa.chunked_array([compute.binary_join_element_wise(dates, clocks, " ")])
    label = f"{table.place(0).split(',')[0]}: column {' '.join(columns)!r}"
    return read_stamps(cells, file_format.time_zone, file_format.date_order, label)


def _as_text(column: pa.ChunkedArray) -> pa.Array:
    column = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    merged = column.cast(pa.string()).combine_chunks()
    return merged.chunk(0) if isinstance(merged, pa.ChunkedArray) else merged


def _symbols(table: RawTable, layout: Layout) -> tuple[Integers, tuple[str, ...], tuple[str, ...]]:
    """Place of each row's symbol among the sorted names; -1 for an empty one."""
    remarks: tuple[str, ...] = ()
    if layout.symbols:
        texts = list(layout.symbols)
        codes = np.repeat(np.arange(len(texts)), [rows for _, rows, _ in table.files])
    else:
        column = table.columns[layout.symbol]
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        merged = encoded.unify_dictionaries().combine_chunks()
        merged = merged.chunk(0) if isinstance(merged, pa.ChunkedArray) else merged
        codes = np.asarray(merged.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
        written = merged.dictionary.to_pylist()
        if written and not isinstance(written[0], str):
            remarks = (
                f"symbols are numbers in the file, such as {written[0]}: leading zeros, if any, were lost before",
            )
        texts = [_text(value) for value in written]
    names, place = np.unique(np.array([*texts, ""], dtype=object).astype(str), return_inverse=True)
    place = np.where(names[place] == "", -1, place - 1)  # the empty text sorts first
    table.columns.pop(layout.symbol, None)
    return place[codes], tuple(names[1:].tolist()), remarks


def _text(symbol: object) -> str:
    if isinstance(symbol, float) and symbol == int(symbol):
        return str(int(symbol))
    return str(symbol).strip()


def _unfolded(table: RawTable, layout: Layout, stamps: Stamps, reader: _NumberReader) -> LongColumns:
    """Long columns of a wide table, without the cells in which a symbol has no value at all."""
    names = tuple(sorted({symbol for _, symbol, _ in layout.cells}))
    place = {symbol: k for k, symbol in enumerate(names)}
    shape = (len(names), table.rows)
    values: dict[str, Array] = {}
    for name, symbol, column in layout.cells:
        numbers = reader.read(name, column, is_required=True)
        assert numbers is not None
        values.setdefault(name, np.full(shape, np.nan))[place[symbol]] = numbers
    present = np.zeros(shape, bool)
    for name, matrix in values.items():
        present |= np.isfinite(matrix) if name != "volume" else np.isfinite(matrix) & (matrix != 0)
    symbols, rows = np.nonzero(present)
    order = [name for name in (*BAR_FIELDS, *FIELD_NAMES) if name in values]
    unfolded = {name: values[name][symbols, rows] for name in dict.fromkeys(order)}
    return LongColumns(stamps, rows, symbols, names, unfolded, None, reader.remarks())
