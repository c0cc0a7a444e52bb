"""Packed bit vectors: the one place where bit order is defined.

A *packed* array holds one assignment a row: shape ``(n, ceil(n_bits / 64))``, dtype ``uint64``,
C-contiguous. Bit ``i`` of a row is ``row[i // 64] >> (i % 64) & 1``. Fields follow each other in schema
order, each with its least significant bit first, without padding. Unused high bits of the last word are 0.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
_PART = 2048  # rows that a thread packs at once
_THREADED = 1 << 17  # rows from which threads pay: they burn time waiting for each other


def n_words(n_bits: int) -> int:
    """Words of a packed row of `n_bits` bits.

    >>> n_words(0), n_words(64), n_words(65)
    (0, 1, 2)
    """
    return (n_bits + 63) // 64


def offsets(widths: Sequence[int]) -> list[int]:
    """First bit of each field, then the total.

    >>> offsets([5, 32])
    [0, 5, 37]
    """
    out = [0]
    for width in widths:
        out.append(out[-1] + width)
    return out


@njit(cache=True, nogil=True)
def _pack(columns: U64, widths: I64, out: U64, first: int, last: int) -> None:  # pragma: no cover - compiled
    bit = 0
    for field in range(columns.shape[0]):
        width = widths[field]
        keep = ~np.uint64(0) if width >= 64 else (np.uint64(1) << np.uint64(width)) - np.uint64(1)
        word = bit >> 6
        shift = bit & 63
        for row in range(first, last):
            out[row, word] |= (columns[field, row] & keep) << np.uint64(shift)
        if shift + width > 64:
            for row in range(first, last):
                out[row, word + 1] |= (columns[field, row] & keep) >> np.uint64(64 - shift)
        bit += width


@njit(cache=True, nogil=True)
def _unpack(packed: U64, widths: I64, out: U64, first: int, last: int) -> None:  # pragma: no cover - compiled
    bit = 0
    for field in range(out.shape[0]):
        width = widths[field]
        keep = ~np.uint64(0) if width >= 64 else (np.uint64(1) << np.uint64(width)) - np.uint64(1)
        word = bit >> 6
        shift = bit & 63
        if shift + width > 64:
            for row in range(first, last):
                value = packed[row, word] >> np.uint64(shift) | packed[row, word + 1] << np.uint64(64 - shift)
                out[field, row] = value & keep
        else:
            for row in range(first, last):
                out[field, row] = (packed[row, word] >> np.uint64(shift)) & keep
        bit += width


@njit(cache=True, parallel=True, nogil=True)
def _pack_threaded(columns: U64, widths: I64, out: U64) -> None:  # pragma: no cover - compiled
    n = columns.shape[1]
    for part in prange((n + _PART - 1) // _PART):
        _pack(columns, widths, out, part * _PART, min(n, (part + 1) * _PART))


@njit(cache=True, parallel=True, nogil=True)
def _unpack_threaded(packed: U64, widths: I64, out: U64) -> None:  # pragma: no cover - compiled
    n = packed.shape[0]
    for part in prange((n + _PART - 1) // _PART):
        _unpack(packed, widths, out, part * _PART, min(n, (part + 1) * _PART))


def pack_fields(columns: U64, widths: Sequence[int]) -> U64:
    """Pack fields into rows.

    Parameters
    ----------
    columns : uint64, shape (n_fields, n)
        One row a field (each at most 64 bits wide); bits above a field's width are ignored.
    widths : widths of the fields in bits, each 1 to 64.

    Returns
    -------
    uint64, shape (n, n_words(sum(widths)))
    """
    if any(not 1 <= width <= 64 for width in widths):
        raise ValueError(f"widths must be 1 to 64, not {list(widths)!r}")
    out = np.zeros((columns.shape[1], n_words(sum(widths))), np.uint64)
    if columns.shape[1] and len(widths):
        columns, table = np.ascontiguousarray(columns, np.uint64), np.asarray(widths, np.int64)
        if columns.shape[1] < _THREADED:
            _pack(columns, table, out, 0, columns.shape[1])
        else:
            _pack_threaded(columns, table, out)
    return out


def unpack_fields(packed: U64, widths: Sequence[int]) -> U64:
    """Inverse of `pack_fields`: uint64, shape (n_fields, n)."""
    out = np.zeros((len(widths), packed.shape[0]), np.uint64)
    if packed.shape[0] and len(widths):
        packed, table = np.ascontiguousarray(packed, np.uint64), np.asarray(widths, np.int64)
        if packed.shape[0] < _THREADED:
            _unpack(packed, table, out, 0, packed.shape[0])
        else:
            _unpack_threaded(packed, table, out)
    return out


def to_bool(packed: U64, n_bits: int) -> NDArray[np.bool_]:
    """One bool a bit: shape (n, n_bits)."""
    flat = np.unpackbits(np.ascontiguousarray(packed).view(np.uint8), axis=1, bitorder="little")
    return flat[:, :n_bits].astype(np.bool_)


def from_bool(bits: NDArray[np.bool_]) -> U64:
    """Inverse of `to_bool`."""
    n, n_bits = bits.shape
    padded = np.zeros((n, n_words(n_bits) * 64), np.uint8)
    padded[:, :n_bits] = bits
    return np.packbits(padded, axis=1, bitorder="little").view(np.uint64)
