"""Espresso's PLA files as rows.

The format is that of espresso(5), read strictly. Refused are keywords other than ``.i .o .ilb .ob .p .type .e
.end`` (variables of more than two values, symbols, phases), a ``.p`` that is not the number of rows (a file
that is cut off has fewer), a product that ends inside of a line, and ``?``. `bsdgen.traces.cover` says what a
table means and which rows it stands for.

Inputs are ``0``, ``1``, ``-`` or ``2`` (either); outputs are ``1`` or ``4`` (ON-set), ``0`` or ``3``
(OFF-set), ``-`` or ``2`` (don't-care set), ``~`` (nothing), and a set that the type does not list means
nothing either. Without ``.type`` it is fd.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, from_bool, n_words
from bsdgen.errors import InputError
from bsdgen.traces.cover import Cover, rows_of
from bsdgen.traces.labels import fields_of
from bsdgen.traces.rows import Progress, Rows
from bsdgen.traces.schema import Schema

MOST_COLUMNS = 4096  # inputs, and outputs
TYPES = ("f", "r", "fd", "fr", "dr", "fdr")
_PART = 1 << 24  # bytes that are taken apart at once
_BLANK, _BAD = 254, 255
_ZERO, _ONE, _DASH, _NOTHING = range(4)

_SYMBOLS = np.full(256, _BAD, np.uint8)
for _text, _code in (("03", _ZERO), ("14", _ONE), ("2-", _DASH), ("~", _NOTHING), (" \t\r\f\v\n|", _BLANK)):
    _SYMBOLS[list(_text.encode())] = _code
_INPUT_ALSO_BAD = tuple(b"34~")

Bytes = NDArray[np.uint8]


@dataclass
class _Head:
    """What the keywords said."""

    path: Path
    inputs: int = 0
    outputs: int = 0
    sets: str = "fd"
    products: int | None = None
    names: dict[str, list[str]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    @property
    def width(self) -> int:
        return self.inputs + self.outputs


def _refuse(path: Path, line: int, what: str) -> NoReturn:
    raise InputError(f"{path}, line {line}: {what}")


def read_pla(path: Path, seed: int = 0, progress: Progress | None = None) -> Rows:
    """Read a PLA file.

    Parameters
    ----------
    seed : of what is drawn where a table stands for too many rows (`bsdgen.traces.cover.rows_of`).
    progress : called with bytes.

    Returns
    -------
    Rows, with fields by `bsdgen.traces.labels`; bits without labels are `i0`, `i1`, ... and `o0`, `o1`, ...

    Raises
    ------
    InputError
        The file cannot be read, is no PLA, or says nothing.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give an espresso PLA file") from error
    data = np.frombuffer(text, np.uint8).copy()
    head, end = _read_head(path, text, data)
    schema, order = _schema(head)
    cover = _read_body(head, data[:end], order, progress)
    inputs, outputs, care, how = rows_of(cover, seed)
    if not care.shape[0]:
        raise InputError(
            f"{path}: says nothing of any output (its type is {head.sets}); give rows with outputs 0 or 1"
        )
    provenance = {
        "oracle": "",
        "format": "pla",
        "sha256": hashlib.sha256(text).hexdigest(),
        "type": head.sets,
        "products": cover.mask.shape[0],
        **how,
        "path": str(path),
        "rows": inputs.shape[0],
    }
    return Rows(schema, provenance, inputs, outputs, care)


def _read_head(path: Path, text: bytes, data: Bytes) -> tuple[_Head, int]:
    """Take keywords and comments out of `data` (they become blanks); what they said, and where rows end."""
    head = _Head(path)
    done = line = 0  # bytes and line ends that were counted
    # Rows have neither sign, so only lines that have one are looked at.
    for at in np.flatnonzero((data == ord(".")) | (data == ord("#"))).tolist():
        if at < done:
            continue
        start = max(done, text.rfind(b"\n", done, at) + 1)
        line += text.count(b"\n", done, start)
        stop = text.find(b"\n", at)
        stop = len(text) if stop < 0 else stop
        done = stop
        if text[at] == ord("#"):
            data[at:stop] = ord(" ")
        elif text[start:at].strip():
            _refuse(path, line + 1, f"{_shown(text[start:stop])} has '.' inside; keywords begin a line")
        else:
            words = _words(path, text[at:stop], line + 1)
            if words[0] in (".e", ".end"):
                return _whole(head, path), at
            _keyword(head, words, line + 1)
            if words[0] in (".i", ".o", ".type") and _has_rows(data[:start]):
                _refuse(path, line + 1, f"{words[0]} comes after rows; put keywords before them")
            data[at:stop] = ord(" ")
    return _whole(head, path), len(text)


def _has_rows(data: Bytes) -> bool:
    return bool((_SYMBOLS[data] != _BLANK).any())


def _words(path: Path, text: bytes, line: int) -> list[str]:
    """Words of a keyword's line, without a comment behind them."""
    try:
        words = text.decode("utf-8").split()
    except UnicodeDecodeError:
        _refuse(path, line, f"{_shown(text)} is no UTF-8 text; is this a PLA file?")
    comment = next((at for at, word in enumerate(words) if word.startswith("#")), len(words))
    return words[:comment]


def _shown(text: bytes) -> str:
    """The beginning of a line as a message has it."""
    short = text[:40].decode("utf-8", "backslashreplace")
    return repr(short + ("..." if len(text) > 40 else ""))


def _keyword(head: _Head, words: list[str], line: int) -> None:
    name, given = words[0], words[1:]
    if name in head.seen:
        _refuse(head.path, line, f"{name} stands there twice; keep one")
    head.seen.add(name)
    if name in (".i", ".o", ".p"):
        low, most = (0, 1 << 40) if name == ".p" else (1, MOST_COLUMNS)
        number = given[0] if len(given) == 1 else ""
        if not (number.isascii() and number.isdigit() and len(number) < 14 and low <= int(number) <= most):
            said = " ".join(given)[:40]
            _refuse(head.path, line, f"{name} must be one number from {low} to {most}, not {said!r}")
        if name == ".p":
            head.products = int(number)
        elif name == ".i":
            head.inputs = int(number)
        else:
            head.outputs = int(number)
    elif name == ".type":
        if len(given) != 1 or given[0] not in TYPES:
            said = " ".join(given)[:40]
            _refuse(head.path, line, f".type must be one of {', '.join(TYPES)}, not {said!r}")
        head.sets = given[0]
    elif name in (".ilb", ".ob"):
        head.names[name] = given
    else:
        _refuse(
            head.path,
            line,
            f"{name[:40]!r} is no keyword that is read; expected .i .o .ilb .ob .p .type .e (variables of "
            "more than two values, symbols and phases are not read)",
        )


def _whole(head: _Head, path: Path) -> _Head:
    for name, number in ((".i", head.inputs), (".o", head.outputs)):
        if not number:
            raise InputError(
                f"{path}: has no {name}; is this a PLA file? It must say how many columns it has"
            )
    for label, of, number in ((".ilb", ".i", head.inputs), (".ob", ".o", head.outputs)):
        if label in head.names and len(head.names[label]) != number:
            raise InputError(
                f"{path}: {label} has {len(head.names[label])} names, {of} says {number}; correct either"
            )
    return head


def _schema(head: _Head) -> tuple[Schema, NDArray[np.intp]]:
    inputs = head.names.get(".ilb", [f"i{bit}" for bit in range(head.inputs)])
    outputs = head.names.get(".ob", [f"o{bit}" for bit in range(head.outputs)])
    return fields_of(inputs, outputs)


def _read_body(head: _Head, data: Bytes, order: NDArray[np.intp], progress: Progress | None) -> Cover:
    """Rows as cubes, whose columns go to the places that `order` gives."""
    parts: list[tuple[U64, ...]] = []
    begin, line, n_rows = 0, 1, 0
    pending = np.zeros(0, np.uint8)  # of a product that goes on in the next line
    in_order = bool((order == np.arange(order.size)).all())
    while begin < data.size:
        end = min(data.size, begin + _PART)
        if end < data.size:  # up to the end of a line
            back = np.flatnonzero(data[begin:end] == ord("\n"))
            ahead = np.flatnonzero(data[end : end + _PART] == ord("\n"))
            end = (
                begin + int(back[-1]) + 1
                if back.size
                else end + int(ahead[0]) + 1
                if ahead.size
                else data.size
            )
        text = data[begin:end]
        symbols, pending = _symbols(head, text, line, pending)
        if symbols.shape[0]:
            parts.append(_cubes(head, symbols if in_order else symbols[:, order]))
        n_rows += symbols.shape[0]
        line += int(np.count_nonzero(text == ord("\n")))
        begin = end
        if progress is not None:
            progress(end, data.size)
    if pending.size:
        _refuse(head.path, line, f"the last row has {pending.size} columns, expected {_expected(head)}")
    if head.products not in (None, n_rows):
        raise InputError(
            f"{head.path}: has {n_rows} rows, .p says {head.products}; it is cut off, or .p must be corrected"
        )
    if not n_rows and head.products is None:
        raise InputError(f"{head.path}: has no rows; if that is meant, say so with .p 0")
    words_in, words_out = n_words(head.inputs), n_words(head.outputs)
    arrays = [
        np.concatenate([np.zeros((0, words_in if which < 2 else words_out), np.uint64), *of])
        for which, of in enumerate(zip(*parts, strict=True) if parts else [()] * 5)
    ]
    return Cover(head.inputs, head.outputs, head.sets, *arrays)


def _expected(head: _Head) -> str:
    return f"{head.width} ({head.inputs} inputs, {head.outputs} outputs)"


def _symbols(head: _Head, text: Bytes, line: int, pending: Bytes) -> tuple[Bytes, Bytes]:
    """Symbols of whole products, shape (n, columns), and those of one that is not whole yet.

    `line` is the number of the first line, `pending` what came before it of its product.
    """
    codes = _SYMBOLS[text]
    bad = codes == _BAD
    if bad.any():
        at = int(np.argmax(bad))
        where = line + int(np.count_nonzero(text[:at] == ord("\n")))
        _refuse(
            head.path, where, f"{chr(text[at])!r} is no value; a row has 0, 1, - and ~, and | between parts"
        )
    is_symbol = codes != _BLANK
    marks = np.flatnonzero(text == ord("\n"))
    before = np.cumsum(is_symbol, dtype=np.int64)
    ends = np.concatenate([before[marks], before[-1:]]) + pending.size  # symbols up to each line's end
    # A product may go on in the next line, but not end inside of one, or a lost sign would shift all rows.
    whole = ends // head.width
    wrong = np.flatnonzero((ends % head.width != 0) & (np.diff(whole, prepend=0) > 0))
    wrong = np.union1d(wrong, np.flatnonzero(np.diff(whole, prepend=0) > 1))
    if wrong.size:
        at = int(wrong[0])
        count = int(ends[at]) - (int(ends[at - 1]) // head.width * head.width if at else 0)
        _refuse(head.path, line + at, f"the row has {count} columns, expected {_expected(head)}")
    symbols = codes[is_symbol]
    found = text[is_symbol]
    if pending.size:
        found = np.concatenate([pending, found])
        symbols = _SYMBOLS[found]
    n = found.size // head.width
    table, raw = (array[: n * head.width].reshape(n, head.width) for array in (symbols, found))
    _check_inputs(head, raw, ends, line)
    return table, found[n * head.width :]


def _check_inputs(head: _Head, raw: Bytes, ends: NDArray[np.int64], line: int) -> None:
    """Refuse signs that outputs alone may have."""
    inputs = raw[:, : head.inputs]
    wrong = np.zeros(raw.shape[0], np.bool_)
    for sign in _INPUT_ALSO_BAD:
        if (raw == sign).any():
            wrong |= (inputs == sign).any(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        at = int(np.searchsorted(ends, (row + 1) * head.width))
        sign = next(sign for sign in inputs[row] if sign in _INPUT_ALSO_BAD)
        _refuse(head.path, line + at, f"{chr(sign)!r} is no value of an input; expected 0, 1, - or 2")


def _cubes(head: _Head, symbols: Bytes) -> tuple[U64, ...]:
    """Packed mask, value, ON-set, OFF-set and don't-care set."""
    inputs, outputs = symbols[:, : head.inputs], symbols[:, head.inputs :]
    none = np.zeros((symbols.shape[0], n_words(head.outputs)), np.uint64)
    sets = [
        from_bool(outputs == code) if letter in head.sets else none
        for letter, code in (("f", _ONE), ("r", _ZERO), ("d", _DASH))
    ]
    return from_bool(inputs != _DASH), from_bool(inputs == _ONE), *sets
