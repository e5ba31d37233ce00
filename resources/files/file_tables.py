"""
Files as one Arrow table: listing of folders and globs, CSV dialects, Parquet data sets; every cell as it is written.

What columns mean is decided in `layout`, what cells mean in `number_columns` and `stamps`.
"""

import ast
import bisect
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.dataset as arrow_dataset

from alpha_pipeline.errors import DataError, SettingError
from alpha_pipeline.resources.files.formats import (
    AVAILABLE_NAMES,
    METATRADER_NAMES,
    SYMBOL_NAMES,
    TIME_NAMES,
    VENDORS,
    FileFormat,
    field_of,
    fold,
)

PARQUET = (".parquet", ".pq", ".parq")
DELIMITED = (".csv", ".txt", ".tsv")
COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd", ".zip": "zip"}
HEAD_BYTES = 1 << 20
BLOCK_BYTES = 1 << 24  # the longest line: a wide table of 5,000 symbols has 100 kB
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")
_STAMP = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T]\d{1,2}:\d{2}(:\d{2})?)?")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_SEGMENT = re.compile(r"([A-Za-z_][\w-]*)=([^/]+)")


@dataclass(frozen=True)
class RawTable:
    """
    The rows of one or several files, cells as written.

    Args:
        columns: name in the file -> values; all of one length.
        pairs: name -> (field, symbol) of tables with two header rows; empty otherwise.
        files: (path, rows, lines before the first row) in order.
        cut_rows: (place, text) of lines with another number of cells than the header.
        preset: vendor that the number of columns without a header tells; "" otherwise.
        has_comma_cells: whether commas may be decimal marks, since they do not separate the columns.
    """

    columns: dict[str, pa.ChunkedArray]
    files: tuple[tuple[str, int, int], ...]
    pairs: dict[str, tuple[str, str]] = field(default_factory=dict)
    cut_rows: tuple[tuple[str, str], ...] = ()
    preset: str = ""
    has_comma_cells: bool = False

    @property
    def rows(self) -> int:
        return sum(rows for _, rows, _ in self.files)

    def place(self, row: int) -> str:
        """Where a row is: file and line, or row for Parquet; both from 1."""
        ends = list(accumulate(rows for _, rows, _ in self.files))
        number = min(bisect.bisect_right(ends, row), len(ends) - 1)
        path, rows, before = self.files[number]
        inside = row - (ends[number] - rows) + 1
        name = PurePosixPath(path).name
        return f"{name}, line {inside + before}" if before else f"{name}, row {inside}"


def read_table(file_format: FileFormat) -> RawTable:
    """
    All rows of a file, folder, glob or URL.

    Raises:
        SettingError: there is no such file, or it is of another kind.
        DataError: the folder has no data files, or a file is empty or unreadable.
    """
    system, files, root = _data_files(file_format.path)
    kinds = {_kind(path) for path in files}
    if len(kinds) > 1:
        raise DataError(
            f"{file_format.path} has both Parquet and CSV files; give one kind, such as {root}/**/*.parquet"
        )
    if kinds == {"parquet"}:
        return _read_parquet(system, files, root)
    return _joined([_read_csv(system, path, root, file_format) for path in files])


def read_head(file_format: FileFormat) -> RawTable:
    """The columns of the first file, without rows; errors of `read_table`."""
    system, files, _ = _data_files(file_format.path)
    if _kind(files[0]) == "parquet":
        return RawTable({}, ((files[0], 0, 0),))
    with _open(system, files[0]) as handle:
        dialect = _dialect(handle.read(HEAD_BYTES), PurePosixPath(files[0]).name, file_format)
    empty = pa.chunked_array([pa.array([], pa.string())])
    return RawTable(dict.fromkeys(dialect.names, empty), ((files[0], 0, 0),), preset=dialect.preset)


def _data_files(path: str) -> tuple[Any, list[str], str]:
    """File system, sorted data files, and the folder that holds them."""
    try:
        system, root = fsspec.core.url_to_fs(str(Path(path).expanduser()) if "://" not in path else path)
    except (ValueError, ImportError) as error:
        raise SettingError(f"{path} cannot be opened: {error}") from None
    try:
        if any(mark in path for mark in "*?["):
            files = [file for file in system.glob(root) if system.isfile(file)]
            root = re.split(r"[*?\[]", root)[0].rpartition("/")[0]
        elif system.isdir(root):
            files = [f for f in system.find(root) if not re.search(r"/[._]", f.removeprefix(root))]
        elif system.exists(root):
            if not _kind(root):
                raise SettingError(
                    f"{PurePosixPath(root).name} must end in .parquet or .csv (or .csv.gz, .zip); "
                    "export other kinds, such as .xlsx, as CSV"
                )
            return system, [root], root.rpartition("/")[0]
        else:
            raise SettingError(f"no such file: {path}")
    except OSError as error:
        raise DataError(f"{path} cannot be listed: {error}") from None
    data = sorted(file for file in files if _kind(file))
    if not data:
        other = f"; it has {len(files)} files of other kinds, such as {PurePosixPath(files[0]).name}" if files else ""
        raise DataError(f"{path} has no data files, .parquet or .csv{other}")
    return system, data, root


def _kind(path: str) -> str:
    """Of a file by its name: "parquet", "csv" or ""."""
    name = path.lower()
    if name.endswith(PARQUET):
        return "parquet"
    return "csv" if name.endswith((*DELIMITED, *(d + c for d in DELIMITED for c in COMPRESSED), ".zip")) else ""


def _segments(path: str, root: str) -> dict[str, str]:
    """Columns of a hive folder: `symbol=AAPL/year=2024` below the root."""
    return dict(_SEGMENT.findall(path.removeprefix(root).rpartition("/")[0]))


def _read_parquet(system: Any, files: list[str], root: str) -> RawTable:
    keys = {key: pa.string() for path in files for key in _segments(path, root)}
    try:
        fragments = arrow_dataset.dataset(files, filesystem=system, format="parquet")
        pieces = list(fragments.get_fragments())
        counts = [piece.count_rows() for piece in pieces]
        schema = _common_schema(pieces, files)
        table = arrow_dataset.dataset(files, schema=schema, filesystem=system, format="parquet").to_table()
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OSError) as error:
        raise DataError(f"{_first_broken(system, files)} cannot be read as Parquet: {_line(error)}") from None
    if table.num_rows == 0:
        raise DataError(f"{files[0] if len(files) == 1 else root} has no rows")
    columns = dict(zip(table.schema.names, table.columns, strict=True))
    for key in keys:
        if key not in columns:
            values = [_segments(path, root).get(key) for path in files]
            chunks = [
                pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([value], pa.string()))
                for value, rows in zip(values, counts, strict=True)
            ]
            columns[key] = pa.chunked_array(chunks)
    return RawTable(columns, tuple((f, n, 0) for f, n in zip(files, counts, strict=True)), _tuple_columns(schema))


def _common_schema(pieces: Sequence[Any], files: Sequence[str]) -> pa.Schema:
    """One schema for all files; whole numbers and fractions of one column are fractions."""
    schema = pieces[0].physical_schema
    for piece, path in zip(pieces[1:], files[1:], strict=True):
        other = piece.physical_schema
        if other.equals(schema):
            continue
        try:
            schema = pa.unify_schemas([schema, other], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise DataError(
                f"{PurePosixPath(path).name} has columns of other types than {PurePosixPath(files[0]).name}: "
                f"{_line(error)}"
            ) from None
    return schema


def _first_broken(system: Any, files: Sequence[str]) -> str:
    import pyarrow.parquet as parquet

    for path in files:
        try:
            with system.open(path, "rb") as handle:
                parquet.ParquetFile(handle)
        except (pa.ArrowInvalid, OSError):
            return path
    return files[0]


def _tuple_columns(schema: pa.Schema) -> dict[str, tuple[str, str]]:
    """Columns that pandas stored as pairs, such as ('Close', 'AAPL')."""
    pairs: dict[str, tuple[str, str]] = {}
    for name in schema.names:
        if name.startswith("('"):
            try:
                pair = ast.literal_eval(name)
            except (ValueError, SyntaxError):
                continue
            if isinstance(pair, tuple) and len(pair) == 2 and pair[1] != "":
                pairs[name] = (str(pair[0]), str(pair[1]))
    return _field_first(pairs)


def _field_first(pairs: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """(field, symbol) whichever of the two header rows has the fields; empty when neither has."""
    turned = {name: (lower, upper) for name, (upper, lower) in pairs.items()}
    return next((p for p in (pairs, turned) if p and all(field_of(upper) for upper, _ in p.values())), {})


@dataclass(frozen=True)
class _Dialect:
    """Separator, encoding, header of one CSV file."""

    delimiter: str
    encoding: str
    header_lines: int
    names: list[str]
    pairs: dict[str, tuple[str, str]]
    preset: str


def _read_csv(system: Any, path: str, root: str, file_format: FileFormat) -> RawTable:
    name = PurePosixPath(path).name
    try:
        with _open(system, path) as handle:
            head = handle.read(HEAD_BYTES)
        dialect = _dialect(head, name, file_format)
        table, cut = _parse_csv(system, path, dialect)
    except (pa.ArrowInvalid, OSError, EOFError, UnicodeError, ValueError) as error:
        raise DataError(f"{name} cannot be read: {_line(error)}") from None
    if table.num_rows == 0:
        raise DataError(
            f"{name} has no rows below its header"
            + (f"; all {len(cut)} lines have another number of cells, the first: {cut[0][1]!r}" if cut else "")
        )
    columns = dict(zip(table.schema.names, table.columns, strict=True))
    for key, value in _segments(path, root).items():
        columns.setdefault(key, pa.chunked_array([pa.array([value] * table.num_rows, pa.string())]))
    files = ((path, table.num_rows, dialect.header_lines),)
    return RawTable(columns, files, dialect.pairs, tuple(cut), dialect.preset, dialect.delimiter != ",")


def _open(system: Any, path: str) -> Any:
    compression = next((kind for end, kind in COMPRESSED.items() if path.lower().endswith(end)), None)
    return fsspec.core.OpenFile(system, path, "rb", compression=compression).open()


def _parse_csv(system: Any, path: str, dialect: _Dialect) -> tuple[pa.Table, list[tuple[str, str]]]:
    """The rows, and the lines with another number of cells; these are numbered by a second pass on one thread."""
    cut: list[tuple[str, str]] = []
    name = PurePosixPath(path).name
    repeated = {
        fold(n) for n in (*TIME_NAMES, *SYMBOL_NAMES, *AVAILABLE_NAMES)
    }  # few different values: as a dictionary
    types = {n: pa.dictionary(pa.int32(), pa.string()) if fold(n) in repeated else pa.string() for n in dialect.names}

    def parse(threads: bool) -> pa.Table:
        def note(row: Any) -> str:
            line = "" if row.number is None else f", line {row.number}"
            cut.append((f"{name}{line}", str(row.text)))
            return "skip"

        cut.clear()
        with _open(system, path) as handle:
            return arrow_csv.read_csv(
                pa.PythonFile(handle, "r"),
                arrow_csv.ReadOptions(
                    use_threads=threads, block_size=BLOCK_BYTES, skip_rows=dialect.header_lines,
                    column_names=dialect.names, encoding=dialect.encoding,
                ),
                arrow_csv.ParseOptions(delimiter=dialect.delimiter, invalid_row_handler=note),
                arrow_csv.ConvertOptions(column_types=types, strings_can_be_null=False),
            )  # fmt: skip

    table = parse(True)
    if cut:
        table = parse(False)
    return table, list(cut)


def _dialect(head: bytes, name: str, file_format: FileFormat) -> _Dialect:
    encoding = next(
        (e for mark, e in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")) if head.startswith(mark)), "utf8"
    )
    text = head.decode("utf-8-sig" if encoding == "utf8" else encoding, errors="replace")
    lines = text.splitlines()
    if not any(line.strip() for line in lines):
        raise DataError(f"{name} is empty")
    if encoding == "utf8" and "\ufffd" in text[:-8]:
        encoding = "cp1252"
        lines = head.decode(encoding, errors="replace").splitlines()
    start, delimiter = _header_line(lines)
    rows = list(csv.reader(io.StringIO("\n".join(lines[start : start + 4])), delimiter=delimiter))
    first = [cell.strip() for cell in rows[0]]
    if all(_NUMBER.fullmatch(cell) or _STAMP.fullmatch(cell) or _CLOCK.fullmatch(cell) for cell in first):
        preset, names = _without_header(first, name, file_format)
        return _Dialect(delimiter, encoding, start, names, {}, preset)
    pairs, header_rows = _two_headers(rows)
    if pairs:
        names = list(pairs)
        index = [cell for cell in (first[0], *(row[0] for row in rows[1:header_rows])) if cell][-1:] or [""]
        time = "Date" if fold(index[0]) in {"ticker", "price", "attributes", "symbols", ""} else index[0]
        return _Dialect(delimiter, encoding, start + header_rows, [time, *names], pairs, "")
    twice = [cell for cell, count in Counter(first).items() if count > 1 and cell]
    if twice:
        raise DataError(f"{name} has the column {twice[0]!r} more than once; rename one of them")
    names = [cell or f"unnamed_{k}" if k else cell for k, cell in enumerate(first)]
    return _Dialect(delimiter, encoding, start + 1, names, {}, "")


def _header_line(lines: Sequence[str]) -> tuple[int, str]:
    """Number of the header's line and the delimiter: comments and `sep=;` before it are skipped."""
    for start, line in enumerate(lines[:20]):
        if not line.strip() or line.startswith("#") or line.lower().startswith("sep="):
            continue
        counts = {mark: line.count(mark) for mark in ";\t|"}
        mark = max(counts, key=lambda m: counts[m])
        delimiter = mark if counts[mark] else ","
        after = lines[start + 1] if start + 1 < len(lines) else ""
        if delimiter not in line and any(after.count(m) > 1 for m in ",;\t|"):
            continue  # a line of text above the header
        return start, delimiter
    return 0, ","


def _without_header(cells: Sequence[str], name: str, file_format: FileFormat) -> tuple[str, list[str]]:
    """Preset and names of a file that begins with numbers."""
    if _STAMP.fullmatch(cells[0]) and len(cells) == 7 and _CLOCK.fullmatch(cells[1]):
        return "", list(METATRADER_NAMES)  # MetaTrader, HistData
    asked = [file_format.preset] if file_format.preset in VENDORS else list(VENDORS)
    for preset in asked:
        for names in VENDORS[preset].names:
            if len(names) == len(cells) and (len(cells) > 6 or _STAMP.fullmatch(cells[0])):
                return preset, list(names)
    raise DataError(
        f"{name} has no header line: it begins with {', '.join(cells[:4])}, ...; "
        "add a line of column names, or give the preset of a file of klines (binance has 12 columns, bybit 7)"
    )


def _two_headers(rows: list[list[str]]) -> tuple[dict[str, tuple[str, str]], int]:
    """Column -> (field, symbol) of a table with two header rows, and the number of header lines; else empty."""
    if len(rows) < 3 or len(rows[0]) != len(rows[1]) or len(rows[0]) < 2:
        return {}, 0
    pairs = {f"{upper} of {lower}": (upper, lower) for upper, lower in zip(rows[0][1:], rows[1][1:], strict=True)}
    if len(pairs) < len(rows[0]) - 1 or _NUMBER.fullmatch(rows[1][0]) or _STAMP.match(rows[1][0]):
        return {}, 0
    ordered = _field_first(pairs)
    third_is_index = bool(rows[2]) and not any(cell.strip() for cell in rows[2][1:])
    return ordered, 3 if third_is_index else 2


def _joined(tables: list[RawTable]) -> RawTable:
    """The rows of several files; a column that a file does not have is null there."""
    if len(tables) == 1:
        return tables[0]
    names = list(dict.fromkeys(name for table in tables for name in table.columns))
    columns = {}
    for name in names:
        pieces = [
            table.columns[name] if name in table.columns else pa.chunked_array([pa.nulls(table.rows, pa.string())])
            for table in tables
        ]
        kinds = {piece.type for piece in pieces}
        kind = kinds.pop() if len(kinds) == 1 else pa.string()
        columns[name] = pa.chunked_array([c for piece in pieces for c in piece.cast(kind).chunks], kind)
    pairs = {name: pair for table in tables for name, pair in table.pairs.items()}
    presets = {table.preset for table in tables}
    return RawTable(
        columns, tuple(file for table in tables for file in table.files), pairs,
        tuple(row for table in tables for row in table.cut_rows), presets.pop() if len(presets) == 1 else "",
        any(table.has_comma_cells for table in tables),
    )  # fmt: skip


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
