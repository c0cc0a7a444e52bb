"""Bits, cubes and literals in words: neighbouring bits of a field are written as one range."""

from collections.abc import Iterable, Sequence

import numpy as np

from bsdgen.bits import U64, to_bool
from bsdgen.traces.schema import Field, Schema

_BINARY = 12  # bits of a range that are written in binary


class Names:
    """Texts for the bits of a schema.

    Examples
    --------
    >>> names = Names(Schema((Field("op", 3, "in"), Field("a", 2, "in"), Field("y", 1, "out"))))
    >>> names.inputs([0, 1, 4]), names.outputs([0]), names.literal(3), names.literal(14)
    ('op[1:0] a[1]', 'y', '!op[0]', 'f7')
    >>> names.cube(np.array([0b10110], np.uint64), np.array([0b10010], np.uint64))
    'op[2:1]=01 a[1]=1'
    """

    def __init__(self, schema: Schema) -> None:
        self.input_bits = _bits(schema.inputs)
        self.output_bits = _bits(schema.outputs)
        self.input_names = schema.input_names()
        self.output_names = schema.output_names()

    def inputs(self, variables: Iterable[int]) -> str:
        """Input bits as ranges, in packing order."""
        return " ".join(_ranges(self.input_bits, sorted(variables)))

    def outputs(self, positions: Iterable[int]) -> str:
        """Output bits as ranges, in packing order."""
        return " ".join(_ranges(self.output_bits, sorted(positions)))

    def cube(self, mask: U64, value: U64) -> str:
        """A cube as ``field[high:low]=bits``, high bit first; "everywhere" if it fixes nothing."""
        fixed = np.flatnonzero(to_bool(mask[None], len(self.input_bits))[0]).tolist()
        bits = to_bool(value[None], len(self.input_bits))[0]
        parts = []
        for run in _runs(self.input_bits, fixed):
            parts.append(f"{_range(self.input_bits, run)}={_number([int(bits[v]) for v in run])}")
        return " ".join(parts) or "everywhere"

    def literal(self, literal: int) -> str:
        """A literal: 0, 1, a variable, or f and a node's number; ``!`` complements."""
        if literal < 0:
            return "gone"
        index, sign = literal >> 1, "!" if literal & 1 else ""
        if index == 0:
            return str(literal & 1)
        if index <= len(self.input_bits):
            return sign + self.input_names[index - 1]
        return f"{sign}f{index}"


def _number(bits: Sequence[int]) -> str:
    """Bits, lowest first, as people read them: binary, or hexadecimal where that is too long.

    >>> _number([1, 0, 0]), _number([1] + 15 * [0])
    ('001', '0x0001')
    """
    if len(bits) <= _BINARY:
        return "".join(str(bit) for bit in reversed(bits))
    return f"0x{sum(bit << at for at, bit in enumerate(bits)):0{-(-len(bits) // 4)}x}"


def _bits(fields: Sequence[Field]) -> list[tuple[str, int, int]]:
    """Field, bit and the field's width of each bit in packing order."""
    return [(field.name, bit, field.width) for field in fields for bit in range(field.width)]


def _runs(bits: Sequence[tuple[str, int, int]], wanted: Iterable[int]) -> list[list[int]]:
    """Neighbouring bits of one field together."""
    runs: list[list[int]] = []
    for at in wanted:
        if runs and at == runs[-1][-1] + 1 and bits[at][0] == bits[runs[-1][-1]][0]:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def _range(bits: Sequence[tuple[str, int, int]], run: Sequence[int]) -> str:
    (field, low, width), high = bits[run[0]], bits[run[-1]][1]
    if width == 1:
        return field
    return f"{field}[{low}]" if low == high else f"{field}[{high}:{low}]"


def _ranges(bits: Sequence[tuple[str, int, int]], wanted: Sequence[int]) -> list[str]:
    return [_range(bits, run) for run in _runs(bits, wanted)]
