"""The step function against unicorn: 2**20 random single steps."""

import numpy as np
import pytest
from random_steps import random_operands, random_words, step_fields

from bsdgen.isa.disassembly import disassemble
from bsdgen.isa.encoding import ENCODINGS, INSTRUCTIONS
from bsdgen.isa.step import classify

pytest.importorskip("unicorn", reason="unicorn, the outside opinion on single steps, is not installed")

from unicorn_machine import (  # after the check that unicorn is there
    CODE_PAGES,
    DATA_PAGES,
    PAGE,
    PC,
    UnicornMachine,
    X,
    comparable,
)

N_BATCHES = 16
BLOCKS = 128
STEPS = 512  # steps a block: one page of code

_ACCESS_SIZE = {"lb": 1, "lbu": 1, "sb": 1, "lh": 2, "lhu": 2, "sh": 2, "lw": 4, "sw": 4}
_SIZE = np.array([_ACCESS_SIZE.get(name, 0) for name in INSTRUCTIONS] + [0])  # index -1: illegal
_STORES = np.array([encoding.format == "S" for encoding in ENCODINGS] + [False])
_EXCEPTIONS = [-1, INSTRUCTIONS.index("ecall"), INSTRUCTIONS.index("ebreak")]


def _steps(rng, n):
    """Words, with operands that lead accesses to mapped and aligned addresses."""
    insn = random_words(rng, n)
    insn = np.where((classify(insn) >= 0) | comparable(insn), insn, np.uint32(0x13)).astype(np.uint32)
    which = classify(insn)
    size, store = _SIZE[which], _STORES[which]
    rs1, rs2 = insn >> 15 & 31, insn >> 20 & 31
    a, b = random_operands(rng, n)
    imm_i = (insn.astype(np.int32) >> 20).astype(np.uint32)
    imm = np.where(store, (imm_i & ~np.uint32(31)) | (insn >> 7 & 31), imm_i)
    target = rng.choice(np.array(DATA_PAGES, np.uint32), n) + rng.integers(0, PAGE, n, dtype=np.uint32)
    aligned = target & ~(np.maximum(size, 1) - 1).astype(np.uint32)
    a = np.where(size > 0, aligned - imm, a)
    # An access relative to x0 goes where the immediate says: align that instead.
    relative = (size > 0) & (rs1 == 0)
    low_bits = (np.maximum(size, 1) - 1).astype(np.uint32)
    insn = np.where(relative, insn & ~(low_bits << np.where(store, 7, 20).astype(np.uint32)), insn)
    rs2 = insn >> 20 & 31
    a = np.where(rs1 == 0, 0, a)
    b = np.where(rs2 == 0, 0, np.where(rs2 == rs1, a, b))
    mem = rng.integers(0, 1 << 32, n, dtype=np.uint32)
    return {"insn": insn, "rs1_rdata": a, "rs2_rdata": b, "mem_rdata": mem}


def _tell(row):
    insn, pc, a, b, mem = row
    return f"{disassemble(insn, pc)} ({insn:#010x}) at {pc:#x}, rs1 {a:#x}, rs2 {b:#x}, mem {mem:#x}"


def _rows(inputs):
    """Inputs and our outputs row by row, and whether the row must raise an exception."""
    outputs, _ = step_fields(**inputs)
    columns = [inputs[name] for name in ("insn", "pc_rdata", "rs1_rdata", "rs2_rdata", "mem_rdata")]
    raises = np.isin(classify(inputs["insn"]), _EXCEPTIONS)
    return list(zip(*(column.tolist() for column in [*columns, *outputs.values(), raises]), strict=True))


def _run_block(machine, rng, page, memory, rows):
    """Execute a block on both sides."""
    uc = machine.uc
    machine.load(page, np.array([row[0] for row in rows], np.uint32))
    regs = [0, *(int(value) for value in rng.integers(0, 1 << 32, 31))]
    uc.reg_write_batch(list(zip(X, regs, strict=True)))
    for row in rows:
        insn, pc, a, b, mem, rs1, rs2, rd, value, next_pc, address, rmask, wmask, data, trap, must_raise = row
        if rs1:
            regs[rs1] = a
            uc.reg_write(X[rs1], a)
        if rs2:
            regs[rs2] = b
            uc.reg_write(X[rs2], b)
        if rmask or wmask:
            uc.mem_write(address, mem.to_bytes(4, "little"))
            memory[address : address + 4] = mem.to_bytes(4, "little")
        raised = machine.step(pc)
        told = (insn, pc, a, b, mem)
        assert raised == must_raise, f"{_tell(told)}: unicorn raised {raised}"
        if raised:
            assert trap, _tell(told)
            continue
        assert uc.reg_read(PC) == next_pc, (
            f"{_tell(told)}: unicorn's pc {uc.reg_read(PC):#x}, ours {next_pc:#x}"
        )
        if trap:  # a misaligned target: unicorn jumps and links
            assert next_pc & 3, _tell(told)
            uc.reg_write(X[insn >> 7 & 31], regs[insn >> 7 & 31])
        elif rd:
            regs[rd] = value
            assert uc.reg_read(X[rd]) == value, (
                f"{_tell(told)}: unicorn {uc.reg_read(X[rd]):#x}, ours {value:#x}"
            )
        if wmask:
            for lane in range(4):
                if wmask >> lane & 1:
                    memory[address + lane] = data >> 8 * lane & 0xFF
            assert uc.mem_read(address, 4) == memory[address : address + 4], _tell(told)
    assert list(uc.reg_read_batch(X)) == regs, "a step changed a register that it should not"


class _Pages:
    """The model's copy of unicorn's data pages, addressed as one memory."""

    def __init__(self):
        self.pages = {page: bytearray(PAGE) for page in DATA_PAGES}

    def __getitem__(self, where):
        page = self.pages[where.start & ~(PAGE - 1)]
        return page[where.start % PAGE : where.start % PAGE + 4]

    def __setitem__(self, where, value):
        start = where.start if isinstance(where, slice) else where
        length = 4 if isinstance(where, slice) else 1
        self.pages[start & ~(PAGE - 1)][start % PAGE : start % PAGE + length] = (
            value if isinstance(where, slice) else bytes([value])
        )


@pytest.mark.parametrize("batch", range(N_BATCHES))
def test_random_steps(batch):
    rng = np.random.default_rng([2306, batch])
    machine, memory = UnicornMachine(), _Pages()
    inputs = _steps(rng, BLOCKS * STEPS)
    pages = np.array(CODE_PAGES, np.uint64)[np.arange(BLOCKS) % len(CODE_PAGES)]
    inputs["pc_rdata"] = (pages[:, np.newaxis] + 8 * np.arange(STEPS, dtype=np.uint64)).ravel()
    counts = np.bincount(classify(inputs["insn"]) + 1, minlength=len(INSTRUCTIONS) + 1)
    assert counts.min() >= 500, dict(zip(("illegal", *INSTRUCTIONS), counts.tolist(), strict=True))
    rows = _rows(inputs)
    for block in range(BLOCKS):
        _run_block(machine, rng, int(pages[block]), memory, rows[block * STEPS : (block + 1) * STEPS])
    for page, content in memory.pages.items():
        assert machine.uc.mem_read(page, PAGE) == content, f"a stray write in page {page:#x}"
