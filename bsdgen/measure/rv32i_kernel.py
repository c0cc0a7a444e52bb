"""The whole measurement of an RV32I model in one compiled loop, a batch of vectors at a time.

Vectors are drawn, executed by the reference (`bsdgen.isa.step`, one at a time), evaluated by the model's code
(bit-parallel), compared on cared bits and counted by cell, all of it in the processor's caches and without
the interpreter's lock, so that one thread a core goes at full speed. Reference and model meet in the
comparison alone.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.coverage.cells import HAZARDS, N_CELLS, OPERANDS, ROWS, cell_of
from bsdgen.isa.step import care_words, step
from bsdgen.isa.subsets import OPCODES, beyond_rv32e
from bsdgen.measure.code import BATCH, LANES, Code, run_code, transpose
from bsdgen.measure.counts import Counts
from bsdgen.measure.rv32i_draw import RUN, draw_runs
from bsdgen.oracle.simulator import SimulatorOracle
from bsdgen.traces.schema import RVFI_SCHEMA

U32 = NDArray[np.uint32]

# Outputs stand in words of 32 bits: those of 32 bits in one each, the narrow ones together in word 0.
_N_WORDS = 1 + sum(field.width == 32 for field in RVFI_SCHEMA.outputs)
_N_IN = len(RVFI_SCHEMA.inputs)
_PER_ROW = len(OPERANDS) * len(HAZARDS)


def _places() -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.int64]]:
    """Word and mask of each output field, and the plane of each output bit."""
    words, masks, planes = [], [], []
    narrow, wide = 0, 1
    for field in RVFI_SCHEMA.outputs:
        if field.width == 32:
            word, low = wide, 0
            wide += 1
        else:
            word, low = 0, narrow
            narrow += field.width
        words.append(word)
        masks.append(((1 << field.width) - 1) << low)
        planes += [32 * word + low + bit for bit in range(field.width)]
    return np.array(words), np.array(masks, np.uint32), np.array(planes)


_WORD_OF, _MASK_OF, _PLANE_OF = _places()
_RS2, _RD, _RMASK, _WMASK, _TRAP = (
    int(_MASK_OF[[field.name for field in RVFI_SCHEMA.outputs].index(name)]).bit_length()
    - next(field.width for field in RVFI_SCHEMA.outputs if field.name == name)
    for name in ("rs2_addr", "rd_addr", "mem_rmask", "mem_wmask", "trap")
)
_ALWAYS = 0x1F << _RD | 0xF << _RMASK | 0xF << _WMASK | 1 << _TRAP  # cared whatever the instruction


@njit(cache=True, nogil=True)
def _reference(
    rows: U32, small: bool, cared: NDArray[np.bool_], expected: U32, care: U32, cells: NDArray[np.int64]
) -> None:  # pragma: no cover - compiled
    """Execute a batch: outputs, care and cell of each row. `small`: RV32E; `cared`: by opcode."""
    for i in range(rows.shape[1]):
        insn, pc, rs1 = np.int64(rows[0, i]), np.int64(rows[1, i]), np.int64(rows[2, i])
        rs2, mem = np.int64(rows[3, i]), np.int64(rows[4, i])
        cells[i] = cell_of(insn, pc, rs1, rs2, mem)  # type: ignore[arg-type]
        out = step(insn, pc, rs1, rs2, mem)  # type: ignore[arg-type]
        rd_care, pc_care, addr_care, wdata_care = care_words(out[2], out[6], out[7], out[9])
        narrow = out[0] | out[1] << _RS2 | out[2] << _RD | out[6] << _RMASK | out[7] << _WMASK
        narrow_care = _ALWAYS | (31 if out[10] else 0) | (31 << _RS2 if out[11] else 0)
        narrow |= out[9] << _TRAP
        if small and beyond_rv32e(insn):  # type: ignore[arg-type]
            narrow, narrow_care = 1 << _TRAP, _ALWAYS
            rd_care = pc_care = addr_care = wdata_care = 0
        keep = np.uint32(0xFFFFFFFF) if cared[insn & 0x7F] else np.uint32(0)
        expected[0, i], care[0, i] = narrow, narrow_care & keep
        expected[1, i], care[1, i] = out[3], rd_care & keep
        expected[2, i], care[2, i] = out[4], pc_care & keep
        expected[3, i], care[3, i] = out[5], addr_care & keep
        expected[4, i], care[4, i] = out[8], wdata_care & keep


@njit(cache=True, nogil=True)
def _model(
    rows: U32, operations: NDArray[np.int32], outputs: NDArray[np.int32], planes: U32, found: U32
) -> None:  # pragma: no cover - compiled
    """Evaluate the model on a batch: words of outputs as of `_reference`."""
    # Loops instead of slices that are assigned: those take numba seconds to compile.
    for lane in range(LANES):
        planes[0, lane] = 0
    for word in range(_N_IN):
        for k in range(32):
            plane = planes[1 + 32 * word + k]
            for lane in range(LANES):
                plane[lane] = rows[word, LANES * k + lane]
        transpose(planes[1 + 32 * word : 33 + 32 * word])
    run_code(operations, planes)
    by_plane = found.reshape((32 * _N_WORDS, LANES))
    for output in range(outputs.shape[0]):
        flip = np.uint32(0) - np.uint32(outputs[output, 1])
        source = planes[outputs[output, 0]]
        target = by_plane[_PLANE_OF[output]]
        for lane in range(LANES):
            target[lane] = source[lane] ^ flip
    for word in range(_N_WORDS):
        transpose(by_plane[32 * word : 32 * word + 32])


@njit(cache=True, nogil=True)
def _measure(
    base: np.uint64,
    first: int,
    last: int,
    code: tuple[NDArray[np.int32], NDArray[np.int32], int],
    small: bool,
    cared: NDArray[np.bool_],
    n: NDArray[np.int64],
    errors: NDArray[np.int64],
    by_output: NDArray[np.int64],
    failed: NDArray[np.int64],
) -> None:  # pragma: no cover - compiled
    """Measure vectors ``first .. last - 1``; `failed` gets the first position that differs by row class."""
    operations, outputs, n_planes = code
    planes = np.zeros((n_planes, LANES), np.uint32)
    rows = np.empty((_N_IN, BATCH), np.uint32)
    # Word 0 has bits that no output fills; nothing cares for them.
    found = np.zeros((_N_WORDS, BATCH), np.uint32)
    expected = np.empty((_N_WORDS, BATCH), np.uint32)
    care = np.empty((_N_WORDS, BATCH), np.uint32)
    cells = np.empty(BATCH, np.int64)
    for batch in range(first // BATCH, (last + BATCH - 1) // BATCH):
        draw_runs(base, batch * (BATCH // RUN), rows)
        _reference(rows, small, cared, expected, care, cells)
        _model(rows, operations, outputs, planes, found)
        differs = np.uint32(0)
        for word in range(_N_WORDS):
            for i in range(BATCH):
                found[word, i] = (found[word, i] ^ expected[word, i]) & care[word, i]
                differs |= found[word, i]
        begin, end = max(first - batch * BATCH, 0), min(last - batch * BATCH, BATCH)
        for i in range(begin, end):
            n[cells[i]] += 1
        if differs:
            for i in range(begin, end):
                wrong = False
                for output in range(by_output.shape[0]):
                    if found[_WORD_OF[output], i] & _MASK_OF[output]:
                        by_output[output] += 1
                        wrong = True
                if wrong:
                    errors[cells[i]] += 1
                    row = cells[i] // _PER_ROW
                    if failed[row] < 0:
                        failed[row] = batch * BATCH + i


class CompiledTask:
    """Measures ranges of one seed's stream against the built-in simulator; threads may share it.

    Parameters
    ----------
    code : the model, with the inputs and outputs of `RVFI_SCHEMA`.
    oracle : what it is compared with.
    base : where the seed's random numbers begin (`bsdgen.measure.rv32i_draw.stream_base`).
    """

    def __init__(self, code: Code, oracle: SimulatorOracle, base: np.uint64) -> None:
        self._code = (code.operations, code.outputs, code.n_planes)
        self._base = base
        self._small = oracle.base == "rv32e"
        self._cared = np.ones(128, np.bool_)
        if oracle.classes is not None:
            self._cared[:] = False
            self._cared[[OPCODES[name] for name in oracle.classes]] = True

    def run(self, first: int, last: int) -> Counts:
        """Measure vectors ``first .. last - 1`` of the stream."""
        n, errors = np.zeros(N_CELLS, np.int64), np.zeros(N_CELLS, np.int64)
        by_output = np.zeros(len(RVFI_SCHEMA.outputs), np.int64)
        failed = np.full(len(ROWS), -1, np.int64)
        _measure(self._base, first, last, self._code, self._small, self._cared, n, errors, by_output, failed)
        return Counts(n, errors, by_output, failed)
