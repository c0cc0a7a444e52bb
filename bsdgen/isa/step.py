"""The RV32I step function: one instruction is one evaluation of a combinational function.

Written from The RISC-V Instruction Set Manual, Volume I. Fields, widths and packing are those of
`bsdgen.traces.schema.RVFI_SCHEMA`. An instruction traps if its encoding is illegal, if it is ECALL or
EBREAK, if a load or store is not aligned to its size, or if a jump or a *taken* branch has a target that is
no multiple of 4. On a trap nothing is written: `rd_addr`, `mem_rmask` and `mem_wmask` are 0.

`mem_addr` is word aligned, masks select bytes of that word, data stand in their lanes.

**Care.** An output bit that means nothing has care 0:

=============  ==============================================================
output         cared
=============  ==============================================================
rs1_addr       if the encoding is legal and reads rs1 (even if it then traps)
rs2_addr       if the encoding is legal and reads rs2 (even if it then traps)
rd_addr        always (0 if nothing is written)
rd_wdata       if rd_addr is not 0
pc_wdata       if there is no trap
mem_addr       if a bit of either mask is set
mem_rmask      always
mem_wmask      always
mem_wdata      the bytes of mem_wmask
trap           always
=============  ==============================================================

**Values where nothing is cared** are what a datapath computes if nothing masks it, selected by as few
instruction bits as tell the legal cases apart; no condition on data ever forces them. So the whole table of
values is:

=============  ================  =====================================================================
output         instruction bits  value
=============  ================  =====================================================================
rs1_addr       none              insn[19:15]
rs2_addr       none              insn[24:20]
rd_wdata       [6] = 1           pc + 4
..             [6,4] = 00        the load datapath on rs1 + immediate I, see below
..             [6,4,2] = 010     the ALU on rs1 and (insn[5] ? rs2 : immediate I), by funct3; it
                                 subtracts if funct3 = 000 and insn[5] and insn[30]; its right shift
                                 is arithmetic if insn[30]
..             [6,4,2] = 011     (insn[5] ? 0 : pc) + immediate U
pc_wdata       [6] = 0           pc + 4
..             [6,3,2] = 100     taken ? pc + immediate B, even if misaligned : pc + 4. Compared is by
                                 insn[14:13]: equal (0x), less signed (10), less unsigned (11);
                                 insn[12] inverts
..             [6,3,2] = 101     (rs1 + immediate I) with bit 0 cleared, even if misaligned
..             [6,3] = 11        pc + immediate J, even if misaligned
mem_addr       [5]               rs1 + (insn[5] ? immediate S : immediate I), bits 1:0 cleared
mem_wdata      [13:12]           rs2: byte 0 in four lanes (00), half 0 in two (01), as it is (1x)
=============  ================  =====================================================================

The load datapath: by insn[13:12] the byte of `mem_rdata` at address bits 1:0 (00), the half at address bit 1
(01), or the word (1x), whatever the alignment; byte and half sign-extended unless insn[14].

The scalar functions compute in int64 on words of 0 to 2**32 - 1, so that sums, differences and left shifts
never overflow before they are masked, and the same source runs in plain Python (`step.py_func`).
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words, offsets
from bsdgen.isa.encoding import ENCODINGS, ILLEGAL, INSTRUCTIONS, decode
from bsdgen.traces.schema import RVFI_SCHEMA

__all__ = ["INSTRUCTIONS", "classify", "decode", "step", "step_packed"]

_M32 = 0xFFFFFFFF
_SIGN = 0x80000000
_READS_RS1 = np.array([encoding.reads_rs1 for encoding in ENCODINGS])
_READS_RS2 = np.array([encoding.reads_rs2 for encoding in ENCODINGS])
_WRITES_RD = np.array([encoding.writes_rd for encoding in ENCODINGS])
_ECALL = INSTRUCTIONS.index("ecall")
_EBREAK = INSTRUCTIONS.index("ebreak")

# Where each field starts in a packed row; that order and widths are those of `step` is held by a test.
_IN = np.array(offsets([field.width for field in RVFI_SCHEMA.inputs]), np.int64)
_OUT = np.array(offsets([field.width for field in RVFI_SCHEMA.outputs]), np.int64)
_N_IN_WORDS = n_words(RVFI_SCHEMA.n_inputs)
_N_OUT_WORDS = n_words(RVFI_SCHEMA.n_outputs)

# Rows a thread takes at a time, and up to which no other thread is woken: waiting for one on a busy machine
# costs milliseconds (measured: 7.7 ms for 512 rows that take 20 us).
_CHUNK = 8192


@njit(cache=True, nogil=True, inline="always")
def _imm_i(insn: int) -> int:
    """Immediate I, signed."""
    return ((insn >> 20) ^ 0x800) - 0x800


@njit(cache=True, nogil=True, inline="always")
def _load(kind: int, address: int, word: int) -> int:
    """Load datapath: `kind` is funct3, `word` the aligned memory word."""
    if kind & 2:
        return word
    if kind & 1:
        value = word >> ((address & 2) << 3) & 0xFFFF
        return value if kind & 4 else ((value ^ 0x8000) - 0x8000) & _M32
    value = word >> ((address & 3) << 3) & 0xFF
    return value if kind & 4 else ((value ^ 0x80) - 0x80) & _M32


@njit(cache=True, nogil=True, inline="always")
def _alu(funct3: int, minus: int, arithmetic: int, a: int, b: int) -> int:
    """Arithmetic of OP and OP-IMM; `a` and `b` are unsigned words."""
    if funct3 == 0:
        return ((a - b) if minus else (a + b)) & _M32
    if funct3 == 1:
        return a << (b & 31) & _M32
    if funct3 == 2:
        return 1 if (a ^ _SIGN) < (b ^ _SIGN) else 0
    if funct3 == 3:
        return 1 if a < b else 0
    if funct3 == 4:
        return a ^ b
    if funct3 == 5:
        return (((a ^ _SIGN) - _SIGN) if arithmetic else a) >> (b & 31) & _M32
    if funct3 == 6:
        return a | b
    return a & b


@njit(cache=True, nogil=True, inline="always")
def _rd_wdata(insn: int, pc: int, rs1: int, rs2: int, mem: int) -> int:
    funct3 = insn >> 12 & 7
    if insn & 0x40:
        return (pc + 4) & _M32
    if not insn & 0x10:
        return _load(funct3, rs1 + _imm_i(insn), mem)
    if insn & 4:
        return ((0 if insn & 0x20 else pc) + (insn & 0xFFFFF000)) & _M32
    register = insn & 0x20
    return _alu(
        funct3, register and insn >> 30 & 1, insn >> 30 & 1, rs1, rs2 if register else _imm_i(insn) & _M32
    )


@njit(cache=True, nogil=True, inline="always")
def _target(insn: int, pc: int, rs1: int, rs2: int) -> tuple[int, bool]:
    """`pc_wdata`, and whether it is the target of a jump or taken branch."""
    if not insn & 0x40:
        return (pc + 4) & _M32, False
    sign = insn >> 31
    if insn & 8:
        offset = -(sign << 20) + (insn & 0xFF000) + ((insn >> 20 & 1) << 11) + ((insn >> 21 & 0x3FF) << 1)
        return (pc + offset) & _M32, True
    if insn & 4:
        return (rs1 + _imm_i(insn)) & 0xFFFFFFFE, True
    if insn & 0x4000 == 0:
        taken = rs1 == rs2
    elif insn & 0x2000 == 0:
        taken = (rs1 ^ _SIGN) < (rs2 ^ _SIGN)
    else:
        taken = rs1 < rs2
    if taken == (insn & 0x1000 != 0):
        return (pc + 4) & _M32, False
    offset = -(sign << 12) + ((insn >> 7 & 1) << 11) + ((insn >> 25 & 0x3F) << 5) + ((insn >> 8 & 0xF) << 1)
    return (pc + offset) & _M32, True


@njit(cache=True, nogil=True, inline="always")
def _mem_wdata(insn: int, rs2: int) -> int:
    if insn & 0x2000:
        return rs2
    if insn & 0x1000:
        return (rs2 & 0xFFFF) * 0x00010001
    return (rs2 & 0xFF) * 0x01010101


@njit(cache=True, nogil=True)
def step(
    insn: int, pc: int, rs1: int, rs2: int, mem: int
) -> tuple[int, int, int, int, int, int, int, int, int, int, bool, bool]:
    """Execute one instruction.

    Parameters
    ----------
    insn, pc, rs1, rs2, mem : words as int64, 0 to 2**32 - 1
        Instruction, its address, the source registers, and the aligned memory word at `mem_addr`.

    Returns
    -------
    rs1_addr, rs2_addr, rd_addr, rd_wdata, pc_wdata, mem_addr, mem_rmask, mem_wmask, mem_wdata, trap : int
        Outputs in schema order.
    reads_rs1, reads_rs2 : bool
        Whether `rs1_addr` and `rs2_addr` are cared; `care_words` gives the rest.

    Examples
    --------
    >>> step(0x00500093, 0x1000, 0, 0, 0)[2:5]  # addi x1, x0, 5: rd_addr, rd_wdata, pc_wdata
    (1, 5, 4100)
    """
    index = decode(insn)
    pc_wdata, jumps = _target(insn, pc, rs1, rs2)
    imm = (((insn >> 25) ^ 0x40) - 0x40 << 5) | (insn >> 7 & 31) if insn & 0x20 else _imm_i(insn)
    address = (rs1 + imm) & _M32
    legal = index not in (ILLEGAL, _ECALL, _EBREAK)
    rd_addr = insn >> 7 & 31 if legal and _WRITES_RD[index] else 0
    mask = 0
    trap = 0 if legal else 1
    if legal and jumps:
        trap = 1 if pc_wdata & 3 else 0
    elif legal and insn & 0x5F == 0x03:  # a load or a store
        size = 1 << (insn >> 12 & 3)
        trap = 1 if address & (size - 1) else 0
        mask = 0 if trap else ((1 << size) - 1) << (address & 3)
    return (
        insn >> 15 & 31,
        insn >> 20 & 31,
        0 if trap else rd_addr,
        _rd_wdata(insn, pc, rs1, rs2, mem),
        pc_wdata,
        address & 0xFFFFFFFC,
        0 if insn & 0x20 else mask,
        mask if insn & 0x20 else 0,
        _mem_wdata(insn, rs2),
        trap,
        legal and bool(_READS_RS1[index]),
        legal and bool(_READS_RS2[index]),
    )


@njit(cache=True, nogil=True, inline="always")
def care_words(rd_addr: int, mem_rmask: int, mem_wmask: int, trap: int) -> tuple[int, int, int, int]:
    """Care masks of rd_wdata, pc_wdata, mem_addr and mem_wdata (see the module's table)."""
    lanes = (
        (mem_wmask & 1) * 0xFF
        | (mem_wmask >> 1 & 1) * 0xFF00
        | (mem_wmask >> 2 & 1) * 0xFF0000
        | (mem_wmask >> 3 & 1) * 0xFF000000
    )
    return (
        _M32 if rd_addr else 0,
        0 if trap else _M32,
        _M32 if mem_rmask | mem_wmask else 0,
        lanes,
    )


@njit(cache=True, nogil=True, inline="always")
def _get(row: U64, bit: int) -> int:
    """The 32-bit field that starts at `bit` of a packed row."""
    word = bit >> 6
    shift = bit & 63
    value = row[word] >> np.uint64(shift)
    if shift > 32:
        value |= row[word + 1] << np.uint64(64 - shift)
    return np.int64(value & np.uint64(0xFFFFFFFF))  # type: ignore[return-value]


@njit(cache=True, nogil=True, inline="always")
def _put(row: U64, bit: int, width: int, value: int) -> None:
    """Or a field into a packed row."""
    word = bit >> 6
    shift = bit & 63
    row[word] |= np.uint64(value) << np.uint64(shift)
    if shift + width > 64:
        row[word + 1] |= np.uint64(value) >> np.uint64(64 - shift)


@njit(cache=True, nogil=True)
def _step_rows(inputs: U64, outputs: U64, care: U64) -> None:  # pragma: no cover - compiled
    for i in range(inputs.shape[0]):
        row = inputs[i]
        out = step(
            _get(row, _IN[0]), _get(row, _IN[1]), _get(row, _IN[2]), _get(row, _IN[3]), _get(row, _IN[4])
        )
        rd_care, pc_care, addr_care, wdata_care = care_words(out[2], out[6], out[7], out[9])
        o = outputs[i]
        c = care[i]
        _put(o, _OUT[0], 5, out[0])
        _put(c, _OUT[0], 5, 31 if out[10] else 0)
        _put(o, _OUT[1], 5, out[1])
        _put(c, _OUT[1], 5, 31 if out[11] else 0)
        _put(o, _OUT[2], 5, out[2])
        _put(c, _OUT[2], 5, 31)
        _put(o, _OUT[3], 32, out[3])
        _put(c, _OUT[3], 32, rd_care)
        _put(o, _OUT[4], 32, out[4])
        _put(c, _OUT[4], 32, pc_care)
        _put(o, _OUT[5], 32, out[5])
        _put(c, _OUT[5], 32, addr_care)
        _put(o, _OUT[6], 4, out[6])
        _put(c, _OUT[6], 4, 15)
        _put(o, _OUT[7], 4, out[7])
        _put(c, _OUT[7], 4, 15)
        _put(o, _OUT[8], 32, out[8])
        _put(c, _OUT[8], 32, wdata_care)
        _put(o, _OUT[9], 1, out[9])
        _put(c, _OUT[9], 1, 1)


@njit(cache=True, nogil=True, parallel=True)
def _step_chunks(inputs: U64, outputs: U64, care: U64) -> None:  # pragma: no cover - compiled
    n = inputs.shape[0]
    for chunk in prange((n + _CHUNK - 1) // _CHUNK):
        rows = slice(chunk * _CHUNK, min(n, (chunk + 1) * _CHUNK))
        _step_rows(inputs[rows], outputs[rows], care[rows])


def step_packed(inputs: U64) -> tuple[U64, U64]:
    """Execute a batch of independent instructions, on all cores.

    Parameters
    ----------
    inputs : uint64, shape (n, 3)
        Rows packed by the inputs of `RVFI_SCHEMA`.

    Returns
    -------
    outputs, care : uint64, shape (n, 3) each
        Rows packed by the outputs of `RVFI_SCHEMA`.

    Raises
    ------
    ValueError
        Wrong shape or type.
    """
    if inputs.dtype != np.uint64 or inputs.ndim != 2 or inputs.shape[1] != _N_IN_WORDS:
        raise ValueError(
            f"inputs must be uint64 of shape (n, {_N_IN_WORDS}), not {inputs.dtype} {inputs.shape}; "
            "pack them with bsdgen.bits.pack_fields"
        )
    outputs = np.zeros((inputs.shape[0], _N_OUT_WORDS), np.uint64)
    care = np.zeros_like(outputs)
    if inputs.shape[0] <= _CHUNK:
        _step_rows(np.ascontiguousarray(inputs), outputs, care)
    else:
        _step_chunks(np.ascontiguousarray(inputs), outputs, care)
    return outputs, care


@njit(cache=True, nogil=True)
def _classify(insn: NDArray[np.uint32], out: NDArray[np.int8]) -> None:  # pragma: no cover - compiled
    for i in range(insn.shape[0]):
        out[i] = decode(np.int64(insn[i]))  # type: ignore[arg-type]


def classify(insn: NDArray[np.uint32]) -> NDArray[np.int8]:
    """Which instruction each word is.

    Parameters
    ----------
    insn : uint32, shape (n,)

    Returns
    -------
    int8, shape (n,)
        Indices into `INSTRUCTIONS`, -1 for illegal encodings.

    Examples
    --------
    >>> [INSTRUCTIONS[i] for i in classify(np.array([0x37, 0x73], np.uint32))]
    ['lui', 'ecall']
    """
    out = np.empty(insn.shape[0], np.int8)
    _classify(np.ascontiguousarray(insn, np.uint32), out)
    return out
