"""CSV files as rows: a header, then a row a line.

What the columns are says a schema: the one that is given, or else a TOML file beside the table that has its
name (``rows.toml`` for ``rows.csv``); columns have the names of its fields then, in any order. Without a
schema the header says it, as a Verilog declaration would::

    in:a[3:0],in:b[3:0],in:carry,out:total[4:0]

A name without a range is one bit. Fields are in the order of the schema, or else of the header. A column
``<output>_care`` has the output's care mask, as in Parquet; it needs no role.

Values are decimal, ``0x`` hexadecimal or ``0b`` binary. An output that is empty, ``-`` or ``x`` is not cared
for in that row; a binary one may have ``-`` or ``x`` for single bits. Lines that are empty are passed over.
"""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NoReturn, TypeVar

import numpy as np

from bsdgen.bits import U64, n_words, pack_fields
from bsdgen.errors import InputError
from bsdgen.traces.rows import Progress, Rows
from bsdgen.traces.schema import Field, Schema, load_schema

T = TypeVar("T")
_PART = 1 << 14  # lines that are packed at once
_CELL = re.compile(r"(?:(in|out):)?(\w+)(?:\[(\d{1,3}):0\])?")
_NUMBER = re.compile(r"[0-9]{1,20}|0[xX][0-9a-fA-F]{1,16}|0[bB][01]{1,64}", re.ASCII)
_PARTLY = re.compile(r"0[bB][01xX-]{1,64}", re.ASCII)
_HOW = "write in:NAME[3:0] for 4 bits (in:NAME for one), out: for outputs, or give a schema"
_VALUES = "expected a decimal number, 0x and hexadecimal or 0b and binary digits"


@dataclass(frozen=True)
class _Columns:
    """Positions of each field's column and of its care mask (-1: it has none)."""

    schema: Schema
    values: dict[str, int]
    cares: dict[str, int]
    width: int


def _refuse(path: Path, line: int, what: str) -> NoReturn:
    raise InputError(f"{path}, line {line}: {what}")


def read_csv(path: Path, schema: Schema | None = None, progress: Progress | None = None) -> Rows:
    """Read a CSV table.

    Parameters
    ----------
    schema : fields; by default those of the TOML file beside the table, or of the header.
    progress : called with bytes.

    Raises
    ------
    InputError
        The file cannot be read, is no such table, or has other columns than the schema.
    """
    beside = path.with_suffix(".toml")
    if schema is None and beside.is_file():
        schema = load_schema(beside)
    parts: list[tuple[U64, U64, U64]] = []
    try:
        size = path.stat().st_size
        digest = _digest(path)
        with path.open("rb") as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
            lines = _lines(path, file)
            header = next(lines, None)
            if header is None:
                raise InputError(f"{path}: is empty; its first line must name the columns: {_HOW}")
            columns = _header(path, header, schema)
            while some := list(islice(lines, _PART)):
                parts.append(_packed(path, columns, some))
                if progress is not None:
                    progress(min(size, raw.tell()), size)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a CSV file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is no UTF-8 text ({error.reason}); save it as CSV in UTF-8") from error
    if not parts:
        raise InputError(f"{path}: has a header and no rows; add some")
    inputs, outputs, care = (np.concatenate([part[which] for part in parts]) for which in range(3))
    n = inputs.shape[0]
    provenance = {"oracle": "", "format": "csv", "sha256": digest, "path": str(path), "rows": n}
    return Rows(columns.schema, provenance, inputs, outputs, care)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lines(path: Path, file: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Numbers of lines, and their cells without blanks around them."""
    reader = csv.reader(file, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            _refuse(path, reader.line_num, f"is no CSV ({error}); expected cells with commas between them")
        if cells:
            yield reader.line_num, [cell.strip() for cell in cells]


def _header(path: Path, header: tuple[int, list[str]], schema: Schema | None) -> _Columns:
    line, cells = header
    fields: list[Field] = []
    at: dict[str, int] = {}
    for place, cell in enumerate(cells):
        match = _CELL.fullmatch(cell)
        if match is None or not match[2].isidentifier():
            _refuse(path, line, f"{cell[:40]!r} is no name of a column; {_HOW}")
        role, name, high = match.groups()
        if name in at:
            _refuse(path, line, f"column {name!r} is there twice; rename or remove one")
        at[name] = place
        if role is not None:
            width = int(high or 0) + 1
            if width > 64:
                _refuse(path, line, f"column {cell!r} has {width} bits, at most 64 are read; split it")
            fields.append(Field(name, width, "in" if role == "in" else "out"))
        elif high is not None:
            _refuse(path, line, f"column {cell!r} has a range and no role; write in:{cell} or out:{cell}")
    if schema is None:
        schema = Schema(tuple(fields))
        _check_sides(path, line, schema)
    else:
        _check_fields(path, line, fields, schema)
    outputs = {field.name for field in schema.outputs}
    values = {field.name: at.pop(field.name) for field in schema.fields if field.name in at}
    missing = [field.name for field in schema.fields if field.name not in values]
    if missing:
        _refuse(path, line, f"there is no column {missing[0]!r}, which the schema has; add it")
    cares = {name: at.pop(f"{name}_care") for name in outputs if f"{name}_care" in at}
    if at:
        name = next(iter(at))
        _refuse(
            path, line, f"column {name!r} is no field and no care mask of an output; remove it, or {_HOW}"
        )
    return _Columns(schema, values, cares, len(cells))


def _check_sides(path: Path, line: int, schema: Schema) -> None:
    for role, fields in (("in", schema.inputs), ("out", schema.outputs)):
        if not fields:
            _refuse(path, line, f"no column is an {role}put ({role}:); {_HOW}")


def _check_fields(path: Path, line: int, fields: Sequence[Field], schema: Schema) -> None:
    """Refuse roles and widths in the header that are not those of the schema."""
    known = {field.name: (field.role, field.width) for field in schema.fields}
    for field in fields:
        if field.name in known and known[field.name] != (field.role, field.width):
            role, width = known[field.name]
            _refuse(
                path,
                line,
                f"column {field.name!r} is {role}put of {width} bits in the schema, {field.role}put of "
                f"{field.width} here; correct either",
            )


def _packed(path: Path, columns: _Columns, lines: list[tuple[int, list[str]]]) -> tuple[U64, U64, U64]:
    for line, cells in lines:
        if len(cells) != columns.width:
            _refuse(path, line, f"has {len(cells)} cells, the header has {columns.width}")
    values: dict[str, list[int]] = {}
    cares: dict[str, list[int]] = {}
    for field in columns.schema.fields:
        place, limit = columns.values[field.name], 1 << field.width
        if field.role == "in":
            values[field.name] = _read(path, field, lines, place, partial(_number, limit=limit))
            continue
        pairs = _read(path, field, lines, place, partial(_cared, limit=limit))
        cares[field.name] = [care for _, care in pairs]
        if field.name in columns.cares:
            place = columns.cares[field.name]
            mask = _read(path, field, lines, place, partial(_number, limit=limit))
            cares[field.name] = [care & more for care, more in zip(cares[field.name], mask, strict=True)]
        values[field.name] = [value & care for (value, _), care in zip(pairs, cares[field.name], strict=True)]
    outputs = columns.schema.outputs
    return (
        _pack(columns.schema.inputs, values, len(lines)),
        _pack(outputs, values, len(lines)),
        _pack(outputs, cares, len(lines)),
    )


def _pack(fields: Sequence[Field], columns: dict[str, list[int]], n: int) -> U64:
    if not fields:
        return np.zeros((n, n_words(0)), np.uint64)
    table = np.array([columns[field.name] for field in fields], np.uint64)
    return pack_fields(table, [field.width for field in fields])


def _read(
    path: Path, field: Field, lines: list[tuple[int, list[str]]], place: int, parse: Callable[[str], T]
) -> list[T]:
    """A column's values; each text is parsed once."""
    known: dict[str, T] = {}
    out: list[T] = []
    for line, cells in lines:
        text = cells[place]
        if text not in known:
            try:
                known[text] = parse(text)
            except ValueError as error:
                _refuse(path, line, f"column {field.name!r}: {text[:40]!r} {error}")
        out.append(known[text])
    return out


def _number(text: str, limit: int) -> int:
    if not _NUMBER.fullmatch(text):
        also = "; only an output can be left open" if text.lower() in ("", "-", "x") else ""
        raise ValueError(f"is no value{also}; {_VALUES}")
    value = int(text, 0) if text[:1] == "0" and text[1:2].isalpha() else int(text)
    if value >= limit:
        bits = limit.bit_length() - 1
        raise ValueError(f"does not fit {bits} bit{'s' if bits > 1 else ''}; widen the field, or correct it")
    return value


def _cared(text: str, limit: int) -> tuple[int, int]:
    """Value of an output, and which of its bits are cared for."""
    if text in ("", "-", "x", "X"):
        return 0, 0
    if _PARTLY.fullmatch(text) and not _NUMBER.fullmatch(text):
        digits = text[2:].lower().replace("-", "x")
        value, open_bits = (
            int(digits.replace("x", "0"), 2),
            int(digits.replace("1", "0").replace("x", "1"), 2),
        )
        if (value | open_bits) >= limit:
            _number(f"{limit}", limit)  # says what is wrong
        return value, (limit - 1) & ~open_bits
    return _number(text, limit), limit - 1
