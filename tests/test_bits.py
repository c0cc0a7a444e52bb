"""Packing: every field lands where the module's docstring says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bsdgen import bits

WIDTHS = st.lists(st.one_of(st.integers(1, 64), st.sampled_from([1, 63, 64])), min_size=1, max_size=7)


def twin_pack(columns: bits.U64, widths: list[int]) -> bits.U64:
    """Packing with Python's integers, one bit string a row."""
    rows = []
    for column in columns.T:
        row, at = 0, 0
        for value, width in zip(column.tolist(), widths, strict=True):
            row |= (value & (1 << width) - 1) << at
            at += width
        rows.append([row >> 64 * word & (1 << 64) - 1 for word in range(bits.n_words(at))])
    return np.array(rows, np.uint64).reshape(len(rows), bits.n_words(sum(widths)))


@settings(max_examples=60, deadline=None)
@given(WIDTHS, st.integers(1, 5), st.integers(0, 1 << 32))
def test_pack_equals_python(widths: list[int], n: int, seed: int) -> None:
    columns = np.random.default_rng(seed).integers(0, 1 << 64, (len(widths), n), np.uint64)
    packed = bits.pack_fields(columns, widths)
    assert packed.flags.c_contiguous and packed.dtype == np.uint64
    assert np.array_equal(packed, twin_pack(columns, widths))
    kept = [np.uint64((1 << width) - 1) for width in widths]
    assert np.array_equal(bits.unpack_fields(packed, widths), columns & np.array(kept)[:, None])


@pytest.mark.parametrize("n", [8191, 8192, 8193, 10_240, 20_001])
def test_threads_and_no_threads_agree(n: int) -> None:
    """Both sides of the size from which threads are used, and a last part that is not full."""
    widths = [3, 64, 33, 1, 60]
    columns = np.random.default_rng(n).integers(0, 1 << 64, (len(widths), n), np.uint64)
    packed = bits.pack_fields(columns, widths)
    pieces = [bits.pack_fields(columns[:, i : i + 1000], widths) for i in range(0, n, 1000)]
    assert np.array_equal(packed, np.concatenate(pieces))
    unpacked = bits.unpack_fields(packed, widths)
    pieces = [bits.unpack_fields(packed[i : i + 1000], widths) for i in range(0, n, 1000)]
    assert np.array_equal(unpacked, np.concatenate(pieces, axis=1))
    assert np.array_equal(unpacked[1], columns[1]) and np.array_equal(unpacked[3], columns[3] & np.uint64(1))


def test_strided_and_narrow_columns_are_taken() -> None:
    columns = np.arange(24, dtype=np.uint64).reshape(2, 12)[:, ::3]
    assert np.array_equal(bits.pack_fields(columns, [5, 5]), twin_pack(columns, [5, 5]))
    assert bits.pack_fields(np.array([[1, 2]], np.uint8), [2]).tolist() == [[1], [2]]  # type: ignore[arg-type]


def test_empty() -> None:
    assert bits.pack_fields(np.zeros((2, 0), np.uint64), [40, 40]).shape == (0, 2)
    assert bits.unpack_fields(np.zeros((0, 2), np.uint64), [40, 40]).shape == (2, 0)
    assert bits.pack_fields(np.zeros((0, 3), np.uint64), []).shape == (3, 0)
    assert bits.unpack_fields(np.zeros((3, 0), np.uint64), []).shape == (0, 3)


@pytest.mark.parametrize("width", [0, -1, 65])
def test_widths_out_of_range(width: int) -> None:
    with pytest.raises(ValueError, match="widths must be 1 to 64"):
        bits.pack_fields(np.zeros((2, 3), np.uint64), [8, width])


def test_offsets_and_words() -> None:
    assert bits.offsets([]) == [0]
    assert bits.offsets([5, 32, 1]) == [0, 5, 37, 38]
    assert [bits.n_words(n) for n in (0, 1, 64, 65, 128, 129)] == [0, 1, 1, 2, 2, 3]


@pytest.mark.parametrize("n_bits", [1, 63, 64, 65, 130])
def test_bools_are_the_bits(n_bits: int) -> None:
    wanted = np.random.default_rng(n_bits).random((7, n_bits)) < 0.5
    packed = bits.from_bool(wanted)
    assert packed.shape == (7, bits.n_words(n_bits))
    for row in range(7):
        for i in range(n_bits):
            assert int(packed[row, i // 64]) >> (i % 64) & 1 == wanted[row, i]
    assert np.array_equal(bits.to_bool(packed, n_bits), wanted)
    assert np.array_equal(bits.from_bool(bits.to_bool(packed, n_bits)), packed)
