"""Random instructions with operands that make the rare cases common."""

import numpy as np

from bsdgen.bits import pack_fields, unpack_fields
from bsdgen.isa.encoding import ENCODINGS
from bsdgen.isa.step import step_packed
from bsdgen.traces.schema import RVFI_SCHEMA

_MATCH = np.array([encoding.match for encoding in ENCODINGS], np.uint32)
_MASK = np.array([encoding.mask for encoding in ENCODINGS], np.uint32)
_CORNERS = np.array(
    [
        0,
        1,
        2,
        31,
        32,
        0x7F,
        0x80,
        0xFF,
        0x7FFF,
        0x8000,
        0xFFFF,
        0x7FFFFFFF,
        0x80000000,
        0xFFFFFFFE,
        0xFFFFFFFF,
    ],
    np.uint32,
)


def random_words(rng, n, legal=0.8, flipped=0.1):
    """Instruction words: all 40 equally often, some of them with one bit flipped, the rest uniform."""
    words = rng.integers(0, 1 << 32, n, dtype=np.uint32)
    kind = rng.random(n)
    which = rng.integers(0, len(ENCODINGS), n)
    encoded = (words & ~_MASK[which]) | _MATCH[which]
    one_bit = np.uint32(1) << rng.integers(0, 32, n, dtype=np.uint32)
    words = np.where(kind < legal + flipped, encoded, words)
    return np.where((kind >= legal) & (kind < legal + flipped), words ^ one_bit, words).astype(np.uint32)


def random_operands(rng, n):
    """Two operand arrays: uniform, corner values, equal, and equal up to one bit."""
    a = rng.integers(0, 1 << 32, n, dtype=np.uint32)
    b = rng.integers(0, 1 << 32, n, dtype=np.uint32)
    a = np.where(rng.random(n) < 0.2, rng.choice(_CORNERS, n), a)
    b = np.where(rng.random(n) < 0.2, rng.choice(_CORNERS, n), b)
    kind = rng.random(n)
    b = np.where(kind < 0.2, a, b)
    b = np.where(kind < 0.1, b ^ (np.uint32(1) << rng.integers(0, 32, n, dtype=np.uint32)), b)
    return a.astype(np.uint32), b.astype(np.uint32)


def step_fields(**inputs):
    """Outputs and care masks of `step_packed` by name, from input fields by name."""
    columns = np.array([inputs[field.name] for field in RVFI_SCHEMA.inputs], np.uint64)
    outputs, care = step_packed(pack_fields(columns, [field.width for field in RVFI_SCHEMA.inputs]))
    widths = [field.width for field in RVFI_SCHEMA.outputs]
    names = [field.name for field in RVFI_SCHEMA.outputs]
    return (
        dict(zip(names, unpack_fields(outputs, widths), strict=True)),
        dict(zip(names, unpack_fields(care, widths), strict=True)),
    )
