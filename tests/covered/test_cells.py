"""Not in a folder `coverage`: tests are on the import path, and numba looks for the tool of that name."""

import numpy as np
import pytest

from bsdgen.coverage.cells import (
    HAZARDS,
    ILLEGAL_PATTERNS,
    OPERANDS,
    ROWS,
    SHAPE,
    cell_of,
    cells_of,
    count_cells,
    row_classes,
)
from bsdgen.coverage.witnesses import possible
from bsdgen.isa.encoding import ENCODINGS, INSTRUCTIONS
from bsdgen.isa.step import classify, step
from bsdgen.measure.rv32i_draw import draw_runs, stream_base

ADD, ADDI, SUB, AND, SLL, SRAI = 0x003100B3, 0x00010093, 0x403100B3, 0x003170B3, 0x003110B3, 0x40015093
LB, LW, SH, JALR, AUIPC, BLT = 0x00010083, 0x00012083, 0x00311023, 0x000100E7, 0x00000097, 0x00314463
MOST = 0x7FFFFFFF


def named(insn: int, rs1: int, rs2: int = 0, pc: int = 0x1000, mem: int = 0) -> tuple[str, str, str]:
    row, operand, hazard = np.unravel_index(cell_of(insn, pc, rs1, rs2, mem), SHAPE)
    return ROWS[row], OPERANDS[operand], HAZARDS[hazard]


def imm(insn: int, value: int) -> int:
    return insn | (value & 0xFFF) << 20


@pytest.mark.parametrize(
    ("insn", "rs1", "rs2", "operand"),
    [
        (ADD, 5, 9, "ordinary"),
        (ADD, 1, 0xFFFFFFFF, "carry through"),
        (ADD, 3, 0xFFFFFFFF, "carry through"),
        (ADD, 0x55555555, 0xAAAAAAAB, "carry through"),
        (ADD, 2, 0xFFFFFFFE, "opposite"),
        (ADD, 0, 9, "zero"),
        (ADD, 6, 6, "equal"),
        (ADD, 2, 0xFFFFFFFF, "ones"),
        (ADD, MOST, 100, "sign border"),
        (ADD, MOST - 9, 100, "overflow"),
        (SUB, 6, 6, "equal"),
        (SUB, 0, 0, "equal"),
        (SUB, 0, 1, "carry through"),
        (SUB, 0x10, 0x11, "carry through"),
        (SUB, 0x11, 0x10, "off by one"),
        (SUB, 0x12, 0x10, "one bit apart"),
        (SUB, 0, 12, "zero"),
        (SUB, 0x80000000, 8, "sign border"),
        (SUB, 0x80000010, 0x7FFFFFF0, "overflow"),
        (SUB, 0xFFFFFF00, 0x10, "signs differ"),
        (AND, 0xFF, 0xFFFFFF00, "opposite"),
        (AND, 0x40, 0x61, "lone bit"),
        (AND, 0xFFFFFFFF, 0x61, "ones"),
        (SLL, 6, 32, "amount 0"),
        (SLL, 6, 63, "amount 31"),
        (SLL, 6, 33, "beyond 31"),
        (SLL, 0xFFFFFFF0, 3, "negative"),
        (imm(SRAI, 3), 0xFFFFFFF0, 99, "negative"),
        (imm(SRAI, 31), 6, 0, "amount 31"),
        (imm(ADDI, -8), 8, 0, "opposite"),
        (imm(JALR, -8), 4, 0, "wrap"),
        (imm(JALR, 8), 0xFFFFFFFC, 0, "wrap"),
        (imm(JALR, -8), 16, 0, "ordinary"),
    ],
)
def test_operand_classes(insn: int, rs1: int, rs2: int, operand: str) -> None:
    assert named(insn, rs1, rs2)[1] == operand


def test_pc_is_an_operand_where_it_is_added() -> None:
    assert named(AUIPC | 0xFFFFF << 12, 0, 0, 0x1000)[1] == "carry through"
    assert named(AUIPC | 0xFFFFE << 12, 0, 0, 0x2000)[1] == "opposite"
    assert named(AUIPC | 0x5 << 12, 0, 0, 0)[1] == "zero"


@pytest.mark.parametrize(
    ("insn", "rs1", "rs2", "pc", "hazard"),
    [
        (ADD, 5, 9, 0, "none"),
        (ADD & ~0xF80, 5, 9, 0, "rd = x0"),
        (ADD & ~0xF8000, 5, 9, 0, "rs1 = x0"),
        (ADD & ~0x1F00000, 5, 9, 0, "rs2 = x0"),
        (ADD | 0x2 << 7 & ~0x80, 5, 9, 0, "rd = rs2"),  # x3
        (ADD & ~0xF80 | 0x2 << 7, 5, 9, 0, "rd = rs1"),
        (ADD & ~0x1F00000 | 0x2 << 20, 5, 9, 0, "rs1 = rs2"),
        (LB, 0x1001, 9, 0, "at +1"),
        (LW, 0x1003, 9, 0, "at +3"),
        (SH, 0x1002, 9, 0, "at +2"),
        (JALR, 0x1003, 9, 0, "at +2"),  # bit 0 is cleared
        (BLT, 5, 9, 0x1001, "at +1"),
        (BLT, 9, 5, 0x1001, "none"),  # not taken
        (AUIPC, 0, 0, 0x1001, "none"),
        (AUIPC & ~0xF80, 0, 0, 0x1001, "rd = x0"),
    ],
)
def test_hazards(insn: int, rs1: int, rs2: int, pc: int, hazard: str) -> None:
    assert named(insn, rs1, rs2, pc)[2] == hazard


def test_branches_are_told_apart_by_where_they_go() -> None:
    assert named(BLT, 5, 9)[0] == "blt taken"
    assert named(BLT, 9, 5)[0] == "blt"


@pytest.mark.parametrize(
    ("insn", "address", "mem", "negative"),
    [
        (LB, 0x1001, 0x00008000, True),
        (LB, 0x1001, 0xFFFF7FFF, False),
        (LW, 0x1000, 0x80000000, True),
        (0x00011083, 0x1002, 0x80000000, True),  # lh
        (0x00011083, 0x1002, 0x7FFFFFFF, False),
    ],
)
def test_sign_of_what_is_loaded(insn: int, address: int, mem: int, negative: bool) -> None:
    assert (named(imm(insn, 0x10), address - 0x10, 0, 0, mem)[1] == "negative") is negative


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    columns = np.empty((5, 1 << 19), np.uint32)
    draw_runs(stream_base(2), 0, columns)
    return columns


def immediate_b(insn: int) -> int:
    """Immediate of a branch, without its sign."""
    return (insn >> 31) << 12 | (insn >> 7 & 1) << 11 | (insn >> 25 & 63) << 5 | (insn >> 8 & 15) << 1


def test_rows_are_the_instruction_and_whether_the_reference_takes_the_branch(drawn: np.ndarray) -> None:
    columns = drawn[:, :50_000]
    rows = cells_of(columns) // (SHAPE[1] * SHAPE[2])
    index = classify(columns[0])
    names, belongs = row_classes()
    assert np.array_equal(belongs[rows], np.where(index < 0, len(INSTRUCTIONS), index))
    branches = np.flatnonzero([i >= 0 and ENCODINGS[i].format == "B" for i in index])
    outcomes = set()
    for i in branches:
        pc_wdata = step(*(int(word) for word in columns[:, i]))[4]
        follows = pc_wdata == (int(columns[1, i]) + 4) & 0xFFFFFFFF
        if immediate_b(int(columns[0, i])) == 4:
            continue  # taken or not, it leads to the next instruction
        assert ROWS[rows[i]].endswith(" taken") == (not follows)
        outcomes.add((INSTRUCTIONS[index[i]], follows))
    names_of_branches = [encoding.name for encoding in ENCODINGS if encoding.format == "B"]
    assert outcomes == {(name, follows) for name in names_of_branches for follows in (True, False)}
    assert names[-1] == "illegal"


def test_alignment_is_why_the_reference_traps(drawn: np.ndarray) -> None:
    """Of the words at +1 to +3 those trap that are wider; of the others none but ECALL and EBREAK."""
    columns = drawn[:, :50_000]
    cells = cells_of(columns)
    hazards, rows = cells % SHAPE[2], cells // (SHAPE[1] * SHAPE[2])
    fits = {"lb": 3, "lbu": 3, "sb": 3, "lh": 2, "lhu": 2, "sh": 2}
    for i in range(columns.shape[1]):
        name = ROWS[rows[i]]
        if name in ILLEGAL_PATTERNS or name in ("ecall", "ebreak"):
            continue
        offset = int(hazards[i]) if hazards[i] in (1, 2, 3) else 0
        allowed = offset == 0 or fits.get(name) == 3 or (fits.get(name) == 2 and offset == 2)
        assert bool(step(*(int(word) for word in columns[:, i]))[9]) is not allowed, name


def test_cells_add_up(drawn: np.ndarray) -> None:
    counts = count_cells(drawn)
    assert counts.shape == SHAPE
    assert counts.sum() == drawn.shape[1]
    assert np.array_equal(counts.ravel(), np.bincount(cells_of(drawn), minlength=counts.size))


def test_each_witness_is_in_its_cell() -> None:
    for machine in (False, True):
        of = possible(machine=machine)
        found = np.flatnonzero(of.cells)
        assert np.array_equal(cells_of(of.rows[:, found]), found)


def test_witnesses_of_a_machine_are_a_machines() -> None:
    of = possible(machine=True)
    insn, pc, rs1, rs2, _ = of.rows[:, of.cells.ravel()]
    index = classify(insn)
    reads = np.array([[e.reads_rs1, e.reads_rs2] for e in ENCODINGS] + [[False, False]])[index]
    first, second = insn >> 15 & 31, insn >> 20 & 31
    assert (pc & 3 == 0).all()
    assert (rs1[reads[:, 0] & (first == 0)] == 0).all()
    assert (rs2[reads[:, 1] & (second == 0)] == 0).all()
    both = reads.all(axis=1) & (first == second)
    assert (rs1[both] == rs2[both]).all()


def test_what_is_drawn_is_possible_and_nearly_all_that_is_possible_is_drawn(drawn: np.ndarray) -> None:
    """The corners know every cell that random vectors reach; ten million reach them all."""
    met, known = count_cells(drawn) > 0, possible(machine=False).cells
    assert not (met & ~known).any()
    assert np.count_nonzero(met) > 0.97 * np.count_nonzero(known)
    assert known.any(axis=(1, 2)).all()
    assert known.any(axis=(0, 2)).all()
    assert known.any(axis=(0, 1)).all()
