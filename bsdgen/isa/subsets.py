"""Parts of the instruction set: opcode classes, and the registers of RV32E.

An opcode class is all words with one value of ``insn[6:0]``, legal or not. The classes do not overlap; words
of no class are illegal.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from bsdgen.bits import U64, offsets
from bsdgen.errors import UsageError
from bsdgen.isa.encoding import ENCODINGS, ILLEGAL, decode
from bsdgen.traces.schema import RVFI_SCHEMA

OPCODES: dict[str, int] = {
    "lui": 0x37,
    "auipc": 0x17,
    "jal": 0x6F,
    "jalr": 0x67,
    "branch": 0x63,
    "load": 0x03,
    "store": 0x23,
    "op-imm": 0x13,
    "op": 0x33,
    "misc-mem": 0x0F,
    "system": 0x73,
}
"""``insn[6:0]`` of each class (The RISC-V Instruction Set Manual, Volume I, "RISC-V base opcode map")."""

_READS_RS1 = np.array([encoding.reads_rs1 for encoding in ENCODINGS])
_READS_RS2 = np.array([encoding.reads_rs2 for encoding in ENCODINGS])
_WRITES_RD = np.array([encoding.writes_rd for encoding in ENCODINGS])
_CHUNK = 8192  # rows a thread takes at a time


def opcode_classes(text: str) -> tuple[str, ...]:
    """Classes by a text such as ``branch,load``, in the order of `OPCODES`.

    Raises
    ------
    UsageError
        No such class, or none at all.

    Examples
    --------
    >>> opcode_classes("load,branch")
    ('branch', 'load')
    """
    names = [word.strip() for word in text.split(",")]
    unknown = [name for name in names if name not in OPCODES]
    if unknown:
        raise UsageError(
            f"there is no opcode class {', '.join(map(repr, unknown))}; there are {', '.join(OPCODES)}"
        )
    return tuple(name for name in OPCODES if name in names)


def rows_inside(inputs: U64, classes: Sequence[str]) -> NDArray[np.bool_]:
    """Which packed rows hold a word of one of the classes: bool, shape (n,).

    Parameters
    ----------
    inputs : uint64, packed by the inputs of `RVFI_SCHEMA`, whose first 32 bits are the instruction word.
    """
    inside: NDArray[np.bool_] = _table(classes)[(inputs[:, 0] & np.uint64(0x7F)).astype(np.intp)]
    return inside


def _table(classes: Sequence[str]) -> NDArray[np.bool_]:
    table = np.zeros(128, np.bool_)
    for name in classes:
        table[OPCODES[name]] = True
    return table


@njit(cache=True, nogil=True, inline="always")
def beyond_rv32e(insn: int) -> bool:
    """Whether a word is legal in RV32I and reads or writes one of x16 to x31.

    Examples
    --------
    >>> bool(beyond_rv32e(0x00000833)), bool(beyond_rv32e(0x000007B3))  # add x16, x0, x0; add x15, x0, x0
    (True, False)
    """
    index = decode(insn)
    if index == ILLEGAL:
        return False
    return bool(
        (_WRITES_RD[index] and insn >> 11 & 1)
        or (_READS_RS1[index] and insn >> 19 & 1)
        or (_READS_RS2[index] and insn >> 24 & 1)
    )


# Outputs that a trap changes, as masks of packed words; held to the schema by `_masks`.
def _masks() -> tuple[U64, U64, U64]:
    """Of packed outputs: bits that a trap clears, the trap bit, bits that stay cared for on a trap."""
    first = dict(
        zip(
            [field.name for field in RVFI_SCHEMA.outputs],
            offsets([field.width for field in RVFI_SCHEMA.outputs])[:-1],
            strict=True,
        )
    )
    masks = np.zeros((3, 3), np.uint64)
    for field in RVFI_SCHEMA.outputs:
        for bit in range(first[field.name], first[field.name] + field.width):
            one = np.uint64(1) << np.uint64(bit & 63)
            if field.name in ("rd_addr", "mem_rmask", "mem_wmask"):
                masks[0, bit >> 6] |= one
            if field.name == "trap":
                masks[1, bit >> 6] |= one
    masks[2] = masks[0] | masks[1]
    return masks[0], masks[1], masks[2]


_CLEARED, _TRAP, _CARED = _masks()


@njit(cache=True, nogil=True, parallel=True)
def _trap_beyond(inputs: U64, outputs: U64, care: U64) -> None:  # pragma: no cover - compiled
    n = inputs.shape[0]
    for chunk in prange((n + _CHUNK - 1) // _CHUNK):
        for i in range(chunk * _CHUNK, min(n, (chunk + 1) * _CHUNK)):
            if beyond_rv32e(np.int64(inputs[i, 0] & np.uint64(0xFFFFFFFF))):  # type: ignore[arg-type]
                for word in range(outputs.shape[1]):
                    outputs[i, word] = outputs[i, word] & ~_CLEARED[word] | _TRAP[word]
                    care[i, word] = _CARED[word]


def trap_beyond_rv32e(inputs: U64, outputs: U64, care: U64) -> None:
    """Make answers of RV32I those of RV32E, in place: words beyond it are illegal and trap.

    Parameters
    ----------
    inputs, outputs, care : uint64, packed by `RVFI_SCHEMA`, shapes (n, 3)
    """
    _trap_beyond(inputs, outputs, care)
