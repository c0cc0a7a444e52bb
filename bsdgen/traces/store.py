"""Traces on disk: one Parquet file a recording; tables of others (PLA, CSV) are read, too.

A Parquet file has one unsigned column a field (the narrowest of 8, 16, 32 and 64 bits that holds it) and one
column ``<output>_care`` an output: a care bit of 0 says that this output bit means nothing in this row. The
file's metadata hold, as JSON:

=====================  ===============================================================================
``bsdgen.schema``      version, fields (name, width, role, part), bit order in words, digest of columns
``bsdgen.provenance``  where the rows came from; `oracle` is what `bsdgen.oracle.resolve` understands, or ""
=====================  ===============================================================================

The digest (SHA-256 of all columns' values, one column after the other, little endian) finds what Parquet's
own page checksums do not.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bsdgen.artifacts import atomic_path
from bsdgen.bits import U64, n_words, pack_fields
from bsdgen.errors import InputError
from bsdgen.traces.csv_table import read_csv
from bsdgen.traces.index import distinct_rows
from bsdgen.traces.pla import read_pla
from bsdgen.traces.rows import Rows, storage
from bsdgen.traces.schema import Field, Schema

TRACES_VERSION = 1
SUFFIXES = (".parquet", ".pla", ".csv")
"""Of files that `read_traces` reads. A file with another suffix is taken for Parquet."""

BIT_ORDER = (
    "Packed rows: inputs and outputs apart, fields in this order without padding, each least significant "
    "bit first; bit i of a row is bit i % 64 of its uint64 word i // 64."
)
_SCHEMA_KEY, _PROVENANCE_KEY = b"bsdgen.schema", b"bsdgen.provenance"
_PART = 1 << 18  # rows that are packed at once
_AGAIN = "record it again with `bsdgen record`, or convert it with `bsdgen convert`"


@dataclass(frozen=True, eq=False)
class Traces:
    """Recorded rows, packed.

    Attributes
    ----------
    schema : fields.
    inputs, outputs, care : uint64, shape (n, words)
        Distinct rows (`bsdgen.traces.index.distinct_rows`), packed as `bsdgen.bits` says.
    oracle : text that `bsdgen.oracle.resolve` understands, or "".
    provenance : one dictionary a file, with its `path` and number of `rows`.
    n_rows : rows read, before equal ones became one.
    n_contradictions : rows that have an earlier row's inputs but other cared outputs.
    """

    schema: Schema = field(repr=False)
    inputs: U64 = field(repr=False)
    outputs: U64 = field(repr=False)
    care: U64 = field(repr=False)
    oracle: str
    provenance: tuple[dict[str, Any], ...] = field(repr=False)
    n_rows: int
    n_contradictions: int

    def only(self, keep: NDArray[np.bool_]) -> "Traces":
        """Rows that are chosen: `keep` is bool, shape (n,). `n_rows` counts the distinct ones kept."""
        return replace(
            self,
            inputs=np.ascontiguousarray(self.inputs[keep]),
            outputs=np.ascontiguousarray(self.outputs[keep]),
            care=np.ascontiguousarray(self.care[keep]),
            n_rows=int(keep.sum()),
        )


class _Header(msgspec.Struct):
    """What ``bsdgen.schema`` holds."""

    version: int
    fields: tuple[Field, ...]
    columns_sha256: str
    bit_order: str = BIT_ORDER
    facts_sha256: str = ""  # of fields and provenance; earlier versions wrote none


def columns_of(schema: Schema) -> dict[str, int]:
    """Width of every column of a file: fields in their order, then the care masks.

    >>> columns_of(Schema((Field("a", 4, "in"), Field("q", 1, "out"))))
    {'a': 4, 'q': 1, 'q_care': 1}
    """
    widths = {column.name: column.width for column in schema.inputs + schema.outputs}
    return widths | {f"{column.name}_care": column.width for column in schema.outputs}


def _check_column(where: str, name: str, width: int, values: NDArray[Any], *, read: bool) -> None:
    """Unsigned integers within the width, or InputError; what to do depends on whether a file holds them."""
    limit = (1 << width) - 1
    if values.dtype.kind not in "ub" or values.ndim != 1:
        raise InputError(
            f"{where}: column {name!r} is {values.dtype} of shape {values.shape}, expected a flat array of "
            f"unsigned integers below 2**{width}; "
            + (_AGAIN if read else f"give it as {np.dtype(storage(width))}")
        )
    if values.size and int(values.max()) >> width:
        row = int(np.argmax(values > values.dtype.type(limit)))
        raise InputError(
            f"{where}: column {name!r}, row {row}: value {int(values[row]):#x} does not fit {width} bits; "
            + (
                f"the field is wider than the schema says or the file is damaged: {_AGAIN}"
                if read
                else f"mask it with & {limit:#x}, or widen the field in the schema"
            )
        )


def _digest(columns: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name, values in columns.items():
        digest.update(f"{name} {values.dtype.str} {values.shape[0]}\n".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def _facts_digest(fields: Sequence[Field], provenance: Mapping[str, Any]) -> str:
    """Of what the metadata say: Parquet has no checksum there, and a flipped bit names another oracle."""
    plain = msgspec.json.decode(msgspec.json.encode([fields, provenance]))  # as it will be read
    return hashlib.sha256(msgspec.json.encode(plain)).hexdigest()


def write_traces(
    path: Path, rows: Mapping[str, NDArray[Any]], schema: Schema, provenance: Mapping[str, Any]
) -> None:
    """Write a trace file; it is complete or absent.

    Parameters
    ----------
    path : file to write, by habit ``*.parquet``.
    rows : arrays of an unsigned type, of shape (n,), by name
        Every field of `schema`. An output without its ``<output>_care`` is cared everywhere.
    schema : fields.
    provenance : JSON-ready; `oracle` (default "") names who can answer more questions of this kind.

    Raises
    ------
    InputError
        A column is missing, has another length, is of another type, or holds a value wider than its field.
    """
    where = f"traces for {path}"
    columns: dict[str, NDArray[Any]] = {}
    for name, width in columns_of(schema).items():
        if name in rows:
            values = np.asarray(rows[name])
        elif name.endswith("_care") and name.removesuffix("_care") in rows:
            values = np.full(np.shape(rows[name.removesuffix("_care")]), (1 << width) - 1, np.uint64)
        else:
            raise InputError(f"{where}: column {name!r} is missing, there are {', '.join(rows) or 'none'}")
        _check_column(where, name, width, values, read=False)
        columns[name] = values.astype(storage(width), copy=False)
    lengths = {name: values.shape[0] for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"{where}: columns differ in length ({lengths}), expected one value a row in each")
    provenance = {"oracle": "", **provenance}
    facts = _facts_digest(schema.fields, provenance)
    header = _Header(TRACES_VERSION, schema.fields, _digest(columns), facts_sha256=facts)
    metadata = {
        _SCHEMA_KEY: msgspec.json.encode(header),
        _PROVENANCE_KEY: msgspec.json.encode(provenance),
    }
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    with atomic_path(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata(metadata), temporary, compression="zstd", write_page_checksum=True
        )


def _load_table(path: Path) -> tuple[_Header, dict[str, Any], Any]:
    try:
        # pyarrow verifies a page's checksum only where the page has one, so foreign files pass too.
        file = pq.ParquetFile(path, page_checksum_verification=True, memory_map=False)
        metadata = file.schema_arrow.metadata or {}
        if _SCHEMA_KEY not in metadata or _PROVENANCE_KEY not in metadata:
            raise InputError(
                f"{path}: is Parquet, but has no bsdgen schema (metadata {_SCHEMA_KEY.decode()!r}); "
                f"expected a trace file: {_AGAIN}"
            )
        header = msgspec.json.decode(metadata[_SCHEMA_KEY], type=_Header)
        provenance = msgspec.json.decode(metadata[_PROVENANCE_KEY], type=dict[str, Any])
        if header.version != TRACES_VERSION:
            raise InputError(
                f"{path}: has trace format {header.version}, expected {TRACES_VERSION}; {_AGAIN} of this "
                "version"
            )
        if header.facts_sha256 and header.facts_sha256 != _facts_digest(header.fields, provenance):
            raise InputError(
                f"{path}: its schema or provenance is not what was written (digests differ); {_AGAIN}"
            )
        return header, provenance, file.read()
    except InputError:
        raise
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: its schema or provenance is damaged ({error}); {_AGAIN}") from error
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: is truncated or no Parquet file ({reason}); {_AGAIN}") from error


def _read_parquet(path: Path) -> Rows:
    header, provenance, table = _load_table(path)
    schema = Schema(header.fields)
    columns: dict[str, NDArray[Any]] = {}
    for name, width in columns_of(schema).items():
        if name not in table.column_names:
            raise InputError(
                f"{path}: column {name!r} is missing, there are {', '.join(table.column_names)}; {_AGAIN}"
            )
        column = table.column(name)
        if column.null_count:
            raise InputError(f"{path}: column {name!r} has {column.null_count} empty values; {_AGAIN}")
        columns[name] = column.to_numpy()
        _check_column(str(path), name, width, columns[name], read=True)
    if _digest(columns) != header.columns_sha256:
        raise InputError(f"{path}: its columns are not those that were written (digests differ); {_AGAIN}")
    provenance = {**provenance, "path": str(path), "rows": table.num_rows}

    def packed(fields: Sequence[Field], suffix: str = "") -> U64:
        widths = [column.width for column in fields]
        parts = [np.zeros((0, n_words(sum(widths))), np.uint64)]
        for first in range(0, table.num_rows, _PART):  # fields at their full width take much memory
            some = [columns[column.name + suffix][first : first + _PART] for column in fields]
            n = min(_PART, table.num_rows - first)
            parts.append(pack_fields(np.array(some, np.uint64).reshape(len(fields), n), widths))
        return np.concatenate(parts)

    return Rows(
        schema, provenance, packed(schema.inputs), packed(schema.outputs), packed(schema.outputs, "_care")
    )


def _read_file(path: Path, schema: Schema | None) -> Rows:
    match path.suffix.lower():
        case ".pla":
            return read_pla(path)
        case ".csv":
            return read_csv(path, schema)
        case _:
            return _read_parquet(path)


def is_traces(path: Path) -> bool:
    """Whether a file's name is one of traces.

    >>> is_traces(Path("rows.PLA")), is_traces(Path("rows.toml"))
    (True, False)
    """
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def traces_in(folder: Path) -> list[Path]:
    """Files of a folder whose names are those of traces, sorted."""
    return sorted(file for file in folder.iterdir() if is_traces(file))


def trace_files(paths: Sequence[Path]) -> list[Path]:
    """Files themselves, folders as the files of `SUFFIXES` in them, sorted.

    Raises
    ------
    InputError
        A path does not exist, or a folder holds no trace file.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found = traces_in(path)
            if not found:
                raise InputError(
                    f"{path}: holds no *.parquet, *.pla or *.csv file; record some with `bsdgen record "
                    f"PROGRAM.elf -o {path}`"
                )
            files += found
        elif path.exists():
            files.append(path)
        else:
            raise InputError(f"{path}: does not exist; give trace files or folders of them")
    return files


def read_traces(paths: Sequence[Path], schema: Schema | None = None) -> Traces:
    """Read trace files and folders of them: Parquet, PLA (`bsdgen.traces.pla`) and CSV
    (`bsdgen.traces.csv_table`), which name no oracle.

    Parameters
    ----------
    schema : fields of CSV files, which they may say themselves; other files have their own.

    Raises
    ------
    InputError
        A path is missing or no trace file, or the files do not belong together.
    """
    files = trace_files(paths)
    if not files:
        raise InputError("no traces given; give trace files or folders of them")
    parts = [_read_file(path, schema) for path in files]
    fields = parts[0].schema
    for path, part in zip(files, parts, strict=True):
        if part.schema != fields:
            raise InputError(
                f"{path}: has other fields than {files[0]}; learn from traces of one kind at a time"
            )
    oracles = sorted({str(part.provenance.get("oracle", "")) for part in parts} - {""})
    if len(oracles) > 1:
        raise InputError(
            f"traces name different oracles ({', '.join(oracles)}); learn from traces of one kind at a time"
        )
    n_rows = sum(part.inputs.shape[0] for part in parts)
    inputs = np.concatenate([part.inputs for part in parts])
    outputs = np.concatenate([part.outputs for part in parts])
    care = np.concatenate([part.care for part in parts])
    assert inputs.shape[1] == n_words(fields.n_inputs)
    inputs, outputs, care, n_contradictions = distinct_rows(inputs, outputs, care)
    provenance = tuple(part.provenance for part in parts)
    return Traces(
        fields, inputs, outputs, care, oracles[0] if oracles else "", provenance, n_rows, n_contradictions
    )
