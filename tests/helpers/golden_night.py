"""
The golden night: one run date of the whole graph on the embedded data, as hashes of every stored column.

A change that only moves or renames code leaves every hash as it is. To compare a lake with the record, or renew it:

    python -m tests.helpers.golden_night LAKE [--renew]

A renewal prints which columns were renamed, which changed, which came and which went, and keeps the renamed ones.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

RECORD = Path(__file__).parents[1] / "processes" / "golden" / "night.json"
FIRST_DAY, RUN_DATE = "2019-09-23", "2019-09-30"
EXTRA_METHOD = "cross_attention"
SETTINGS = {"ALPHA_PIPELINE_FIRST_DAY": FIRST_DAY, "ALPHA_PIPELINE_PROPOSER": "random_grammar"}

Columns = dict[str, dict[str, str]]


def hashes(lake: Path) -> Columns:
    """Hash of the values of each column by file of the lake; columns have their exact values, not their encoding."""
    return {
        str(file.relative_to(lake)): {
            field: hashlib.sha256(repr(column.to_pylist()).encode()).hexdigest()[:16]
            for field, column in zip(table.column_names, table.columns, strict=True)
        }
        for file in sorted(lake.rglob("*.parquet"))
        for table in [_without_extras(pq.ParquetFile(file).read())]
    }


def _without_extras(table: pa.Table) -> pa.Table:
    """The fusion method of an optional package is measured where that is installed, and nowhere else."""
    return table.filter(pc.field("method") != EXTRA_METHOD) if "method" in table.column_names else table


def differences(lake: Path) -> list[str]:
    """One line for each file or column that is not as recorded; empty when the night is the same."""
    old, new = json.loads(RECORD.read_text())["files"], hashes(lake)
    lines = [f"missing file: {file}" for file in sorted(old.keys() - new.keys())]
    lines += [f"new file: {file}" for file in sorted(new.keys() - old.keys())]
    for file in sorted(old.keys() & new.keys()):
        lines += [f"{file}: {line}" for line in _columns(old[file], new[file])]
    return lines


def _columns(old: dict[str, str], new: dict[str, str]) -> list[str]:
    gone, come = old.keys() - new.keys(), sorted(new.keys() - old.keys())
    lines = [f"changed column: {name}" for name in sorted(old.keys() & new.keys()) if old[name] != new[name]]
    for name in sorted(gone):
        same = [other for other in come if new[other] == old[name]]
        lines.append(f"renamed column: {name} -> {' or '.join(same)}" if same else f"missing column: {name}")
    renamed = {old[name] for name in gone}
    return lines + [f"new column: {name}" for name in come if new[name] not in renamed]


def renew(lake: Path) -> None:
    """Record the lake as the golden night; what was renamed stays listed."""
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {"renamed": []}
    if RECORD.exists():
        lines = {line.split(": ", 1)[1] for line in differences(lake) if "renamed column" in line}
        record["renamed"] = sorted({*record["renamed"], *(line.removeprefix("renamed column: ") for line in lines)})
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text(json.dumps({**record, "files": hashes(lake)}, indent=1, sort_keys=True) + "\n")


def main() -> int:
    """Compare or renew; the exit code is 1 when the night differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path)
    parser.add_argument("--renew", action="store_true")
    options = parser.parse_args()
    lines = differences(options.lake) if RECORD.exists() else []
    if options.renew:
        renew(options.lake)
    sys.stdout.write("\n".join([*lines, f"{len(lines)} differences"]) + "\n")
    return 1 if lines and not options.renew else 0


if __name__ == "__main__":
    raise SystemExit(main())
