"""Vectors of the RV32I step function, drawn by position: any part of a stream can be drawn anywhere.

Vector p of a seed is a function of seed and p alone. Each run of 64 vectors has one *shape* of instruction
word and one *distribution* of operands; both go round, the one in 48, the other in 13 runs, so that every 624
runs (39,936 vectors) hold every pair once. Random numbers are SplitMix64's (Steele, Lea, Flood, 2014) at a
counter that follows from p.

Of the 48 shapes 40 are an instruction each with its free bits uniform, half of them with a relation of
registers (x0, equal ones) or, of LUI, AUIPC and JAL, some with the immediates 0 and -1. The others are mostly
illegal: every opcode, funct3 and funct7 in turn (two of them), opcodes of RV32I with any funct3, legal words
with one or two bits flipped, OP and shifts with other upper bits, SYSTEM, 16-bit words, and uniform and
extreme words.

The distributions of operands are what a datapath gets wrong first; they set rs1 against rs2 or the immediate
by the throw of a coin, and pc against the immediate. None of them is the learner's.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.coverage.cells import immediate
from bsdgen.isa.encoding import ENCODINGS, decode

U32 = NDArray[np.uint32]
Word = np.uint64

RUN = 64
"""Vectors in a row that have one shape and one distribution."""

STREAM = "rv32i-1"
"""Name of what is drawn here; another one whenever a seed gives other vectors."""

DISTRIBUTIONS: tuple[str, ...] = (
    "uniform",
    "borders",
    "small",
    "one_hot",
    "runs",
    "sign_borders",
    "equal",
    "one_bit_apart",
    "off_by_one",
    "shared_prefix",
    "carries",
    "negated",
    "addresses",
)
"""Names of the distributions of operands."""

SHAPES: tuple[str, ...] = (
    *(encoding.name for encoding in ENCODINGS),
    "every_pattern",
    "every_pattern",
    "known_opcode",
    "bits_off",
    "other_funct7",
    "system",
    "compressed",
    "any_word",
)
"""Names of the shapes of instruction words."""

_N_LEGAL = len(ENCODINGS)
_N_SHAPES = len(SHAPES)
_N_DISTRIBUTIONS = len(DISTRIBUTIONS)
_N_PATTERN_SHAPES = 2
_UNIFORM, _CARRIES = DISTRIBUTIONS.index("uniform"), DISTRIBUTIONS.index("carries")

_MATCH = np.array([encoding.match for encoding in ENCODINGS], np.uint64)
_FREE = np.array([~encoding.mask & 0xFFFFFFFF for encoding in ENCODINGS], np.uint64)
_RD = np.array([0x1F << 7 if encoding.writes_rd else 0 for encoding in ENCODINGS], np.uint64)
_RS1 = np.array([0x1F << 15 if encoding.reads_rs1 else 0 for encoding in ENCODINGS], np.uint64)
_RS2 = np.array([0x1F << 20 if encoding.reads_rs2 else 0 for encoding in ENCODINGS], np.uint64)
_SYSTEM = np.array(
    [0x30200073, 0x10200073, 0x10500073, 0x12000073, 0x7B200073, 0x00200073, 0x00000073, 0x00100073],
    np.uint64,
)  # returns from traps, WFI, SFENCE.VMA, DRET, URET; the two that are legal


def _borders() -> NDArray[np.uint64]:
    powers = 1 << np.array([0, 1, 2, 4, 5, 7, 8, 11, 12, 15, 16, 19, 20, 31], np.int64)
    parts = [powers - 1, powers, powers + 1, -powers, -powers - 1, np.array([0x55555555, 0xAAAAAAAA])]
    return np.concatenate(parts).astype(np.uint32).astype(np.uint64)


_BORDERS = _borders()

# numba takes mixed signed and unsigned 64-bit numbers to floats: every constant here is unsigned.
_U = np.uint64
_0, _1, _2, _3, _4, _5, _6, _7, _8 = (_U(i) for i in range(9))
_M32 = _U(0xFFFFFFFF)
_SIGN = _U(0x80000000)
_GAMMA = _U(0x9E3779B97F4A7C15)
_DRAWS = _U(8)  # random words that a vector may take


@njit(cache=True, nogil=True)
def _mix(value: Word) -> Word:
    """Finish a 64-bit hash (SplitMix64)."""
    value = (value ^ (value >> _U(30))) * _U(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> _U(27))) * _U(0x94D049BB133111EB)
    return value ^ (value >> _U(31))


def stream_base(seed: int) -> np.uint64:
    """Where a seed's random numbers begin; apart from every other use of the same seed."""
    sequence = np.random.SeedSequence([0x6D656173, seed])
    return np.uint64(sequence.generate_state(1, np.uint64)[0])


@njit(cache=True, nogil=True)
def _below(bits: Word, limit: int) -> Word:
    """A number below `limit` from 16 random bits (`limit` far below 2**16)."""
    return ((bits & _U(0xFFFF)) * _U(limit)) >> _U(16)


@njit(cache=True, nogil=True)
def _insn_of(index: int, word: Word, relation: Word) -> Word:
    """A word of one instruction; of relations 0 to 7 one between its registers."""
    insn: Word = (word & _FREE[index]) | _MATCH[index]
    rd: Word = _RD[index]
    rs1: Word = _RS1[index]
    rs2: Word = _RS2[index]
    if relation >= _U(8):
        return insn
    if relation == _0:
        return insn & ~rd
    if rd != _0 and rs1 == _0 and relation < _3:
        # LUI, AUIPC, JAL: their wide immediates are hardly ever 0 or -1 by chance.
        return insn & _U(0xFFF) if relation == _1 else insn | _U(0xFFFFF000)
    if relation == _1:
        return insn & ~rs1
    if relation == _2:
        return insn & ~rs2
    if relation == _3:
        return (insn & ~rd) | ((insn >> _8) & rd) if rs1 != _0 else insn
    if relation == _4:
        return (insn & ~rd) | ((insn >> _U(13)) & rd) if rs2 != _0 else insn
    if relation == _5:
        return (insn & ~rs2) | ((insn << _5) & rs2)
    if relation == _6:
        insn = (insn & ~rs2) | ((insn << _5) & rs2)
        return (insn & ~rd) | ((insn >> _8) & rd) if rs1 != _0 else insn
    return insn & ~rd & ~rs1


@njit(cache=True, nogil=True)
def _odd_insn(shape: int, ordinal: Word, word: Word, more: Word) -> Word:
    """A word of one of the shapes that are no instruction; `ordinal` counts vectors of the pattern shapes."""
    if shape < _N_LEGAL + _N_PATTERN_SHAPES:
        # Every opcode, funct3 and funct7 in 2**17 vectors; an odd factor spreads neighbours.
        pattern = (ordinal * _U(0x9E37)) & _U(0x1FFFF)
        funct7, funct3, opcode = pattern >> _U(10), (pattern >> _7) & _7, pattern & _U(0x7F)
        return funct7 << _U(25) | (word & _U(0x01FF8F80)) | funct3 << _U(12) | opcode
    insn: Word = word
    if shape == _N_LEGAL + 2:
        insn = (word & _U(0xFFFFFF80)) | (_MATCH[_below(more, _N_LEGAL)] & _U(0x7F))
        return insn
    if shape == _N_LEGAL + 3:
        index = _below(more, _N_LEGAL)
        insn = (word & _FREE[index]) | _MATCH[index]
        insn ^= _1 << ((more >> _U(16)) & _U(31))
        return insn if (more >> _U(26)) & _1 else insn ^ (_1 << ((more >> _U(21)) & _U(31)))
    if shape == _N_LEGAL + 4:
        opcode = _U(0x33) if more & _1 else _U(0x13)
        funct7 = (more >> _8) & _U(0x7F)
        if more & _2:
            funct7 = _1 << _below(more >> _U(16), 7)
        elif opcode == _U(0x13):
            word = (word & ~_U(0x2000)) | _U(0x1000)  # a shift
        return funct7 << _U(25) | (word & _U(0x01FFFF80)) | opcode
    if shape == _N_LEGAL + 5:
        if more & _1:
            return (word & _U(0xFFFFFF80)) | _U(0x73)
        insn = _SYSTEM[(more >> _1) & _7]
        if more & _U(0x10):
            insn ^= _1 << ((more >> _U(16)) & _U(31))
        return insn ^ (_1 << ((more >> _U(21)) & _U(31))) if more & _U(0x60) == _U(0x60) else insn
    if shape == _N_LEGAL + 6:
        return (word & ~_3) | _below(more, 3)
    kind = more & _7
    if kind > _3:
        return word
    bit = _1 << ((more >> _8) & _U(31))
    if kind == _0:
        return _0 if more & _U(0x10000) else _M32
    if kind == _1:
        return bit
    return bit ^ _M32 if kind == _2 else word | _3


@njit(cache=True, nogil=True)
def _small(bits: Word) -> Word:
    """-64 to 63 from 9 random bits, zero and its neighbours more often."""
    near = (bits & _U(127)) - _U(64)
    if (bits >> _7) & _3 == _0:
        near = (bits & _3) - _1
    return near & _M32


@njit(cache=True, nogil=True)
def _one_hot(bits: Word) -> Word:
    return _1 << (bits & _U(31))


@njit(cache=True, nogil=True)
def _run_of_ones(bits: Word) -> Word:
    """1 to 32 ones at any place, or the complement, from 11 random bits."""
    run = (((_2 << ((bits >> _5) & _U(31))) - _1) << (bits & _U(31))) & _M32
    return run ^ _M32 if bits & _U(1024) else run


@njit(cache=True, nogil=True)
def _sign_byte(bits: Word) -> Word:
    """Next to a byte's sign border, or its ends."""
    kind = bits & _3
    if kind == _0:
        return _U(0x7F)
    if kind == _1:
        return _U(0x80)
    return _0 if kind == _2 else _U(0xFF)


@njit(cache=True, nogil=True)
def _words(
    kind: int, imm: Word, pc: Word, rs1: Word, rs2: Word, mem: Word, p: Word, q: Word
) -> tuple[Word, Word, Word, Word]:
    """Operands of one distribution from uniform ones; `p` and `q` are 64 random bits each."""
    if kind == 0:
        return pc, rs1, rs2, mem
    if kind == 1:
        n = _BORDERS.shape[0]
        return (
            _BORDERS[_below(p, n)],
            _BORDERS[_below(p >> _U(16), n)],
            _BORDERS[_below(p >> _U(32), n)],
            _BORDERS[_below(p >> _U(48), n)],
        )
    if kind == 2:
        return _small(p), _small(p >> _U(9)), _small(p >> _U(18)), _small(p >> _U(27))
    if kind == 3:
        lone_pc, lone_1, lone_2 = _one_hot(p), _one_hot(p >> _5), _one_hot(p >> _U(10))
        lone_mem = _one_hot(p >> _U(15))
        return (
            lone_pc ^ _M32 if p & _U(1 << 20) else lone_pc,
            lone_1 ^ _M32 if p & _U(1 << 21) else lone_1,
            lone_2 ^ _M32 if p & _U(1 << 22) else lone_2,
            lone_mem ^ _M32 if p & _U(1 << 23) else lone_mem,
        )
    if kind == 4:
        return (
            _run_of_ones(p),
            _run_of_ones(p >> _U(11)),
            _run_of_ones(p >> _U(22)),
            _run_of_ones(p >> _U(33)),
        )
    if kind == 5:
        mem = _sign_byte(p) | _sign_byte(p >> _2) << _8 | _sign_byte(p >> _4) << _U(16)
        mem |= _sign_byte(p >> _6) << _U(24)
        return pc, (_SIGN + _small(p >> _8)) & _M32, (_SIGN + _small(p >> _U(17))) & _M32, mem
    return _related_words(kind, imm, pc, rs1, rs2, mem, p, q)


@njit(cache=True, nogil=True)
def _related_words(
    kind: int, imm: Word, pc: Word, rs1: Word, rs2: Word, mem: Word, p: Word, q: Word
) -> tuple[Word, Word, Word, Word]:
    """Operands that are set against each other: rs1 against rs2 or the immediate, pc against the latter."""
    other = rs2 if p & _1 else imm
    with_pc = p & _2 != _0
    mask = (_1 << _below(p >> _8, 33)) - _1  # 0 to 32 low ones
    lone = _one_hot(p >> _U(24))
    if kind == 6:
        # Mostly the second operand; sometimes any other word of the row.
        same = other
        if p & _U(0xC) == _0:
            same = mem if p & _U(16) else pc
        return imm if with_pc else pc, same, rs2, mem
    if kind == 7:
        return imm ^ lone if with_pc else pc, other ^ lone, rs2, mem
    if kind == 8:
        # rs2 can have its low bits cleared, so that a borrow runs through them; the immediate cannot.
        step = (_1 << ((p >> _U(29)) & _1)) * (_M32 if p & _U(1 << 30) else _1)
        if p & _4:
            rs2 = rs2 & ~mask
            other = rs2
        return pc, (other + step) & _M32, rs2, mem
    if kind == 9:
        return pc, (other & ~mask & _M32) | (rs1 & mask), rs2, mem
    if kind == 10:
        # All bits propagate but for one, where a carry is made or killed; that one is often the lowest.
        odd = _0 if p & _U(0x30) == _0 else lone
        low = p & _U(0xC0) == _0
        first = (_1 if low else odd) ^ other ^ _M32
        second = (_4 if low else odd) ^ imm ^ _M32
        if low and q & _2:
            second = (_U(0x1000) ^ imm ^ _M32) & _U(0xFFFFF000)  # from where AUIPC's immediate begins
        if q & _1:
            # The borrow of a difference: 0 minus 1 below, equal above.
            first = (other ^ _1) & ~_1 & _M32 | (~other & _1)
            if p & _4:
                rs2 |= _1
                first = rs2 & ~_1
            return pc, first, rs2, mem
        return second & _M32 if with_pc else pc, first & _M32, rs2, mem
    near = _small(p >> _U(31))
    if kind == 11:
        return (near - imm) & _M32, (near - other) & _M32, rs2, mem
    aligned = (q & _M32 if p & _1 else _small(p >> _U(40))) & ~_7
    return pc, (aligned + ((p >> _U(50)) & _7) - imm) & _M32, rs2, mem


@njit(cache=True, nogil=True)
def draw_runs(base: np.uint64, first_run: int, columns: U32) -> None:  # pragma: no cover - compiled
    """Draw whole runs of vectors into `columns`: uint32, shape (5, 64 times the number of runs)."""
    for number in range(columns.shape[1] // RUN):
        run = first_run + number
        shape = run % _N_SHAPES
        kind = run % _N_DISTRIBUTIONS
        ordinal = _U(((run // _N_SHAPES) * _N_PATTERN_SHAPES + shape - _N_LEGAL) * RUN)
        for i in range(RUN):
            counter = base + (_U(run) * _U(RUN) + _U(i)) * _DRAWS * _GAMMA
            words = _mix(counter)
            more = _mix(counter + _GAMMA)
            insn = words & _M32
            if shape < _N_LEGAL:
                # By turns instead of by chance: what comes in turn a processor foresees.
                insn = _insn_of(shape, insn, _U(i) & _U(15))
                imm = _U(immediate(shape, np.int64(insn)))  # type: ignore[arg-type]
            else:
                insn = _odd_insn(shape, ordinal + _U(i), insn, words >> _U(32)) & _M32
                imm = _U(immediate(decode(np.int64(insn)), np.int64(insn)))  # type: ignore[arg-type]
            last = _mix(counter + _2 * _GAMMA)
            # Words that a distribution does not look at are not made: each is a twentieth of the time.
            p = _mix(counter + _3 * _GAMMA) if kind != _UNIFORM else _0
            q = _mix(counter + _4 * _GAMMA) if kind >= _CARRIES else _0
            pc, rs1, rs2, mem = _words(
                kind, imm, last & _M32, more & _M32, more >> _U(32), last >> _U(32), p, q
            )
            # Half of pc word aligned as a real one is, a quarter half-word aligned, the others as they are.
            if i < RUN // 2 + RUN // 4:
                pc = pc & ~_3
                if i >= RUN // 2:
                    pc = pc | _2
            at = number * RUN + i
            columns[0, at] = insn
            columns[1, at] = pc
            columns[2, at] = rs1
            columns[3, at] = rs2
            columns[4, at] = mem
