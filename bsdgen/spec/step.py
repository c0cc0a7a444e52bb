"""The step function: one instruction as `bsdgen.spec.rv32i` has it, said in RVFI's names.

Field names and their meaning: RISC-V Formal Interface (riscv-formal, docs/source/rvfi.rst), with word-aligned
memory accesses: `mem_addr` is a multiple of 4 and the masks select bytes of that word. What is cared is
decided here, by the specification alone, so that a learned netlist cannot excuse itself:

=============  ====================================================================
output         means something
=============  ====================================================================
rs1_addr       if a legal instruction reads rs1
rs2_addr       if a legal instruction reads rs2
rd_addr        always; 0 if nothing is written, to x0 included
rd_wdata       if a register other than x0 is written
pc_wdata       unless there is a trap
mem_addr       if a byte is read or written
mem_rmask      always
mem_wmask      always
mem_wdata      in the bytes that are written
trap           always
=============  ====================================================================

A word that is no instruction of the base traps, as its reserved encodings may, and so does an instruction
that raises an exception; nothing is written then. In RV32E (chapter "RV32E and RV64E Base Integer Instruction
Sets") an instruction that names one of x16 to x31 where a register is read or written is none.
"""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, Literal

from bsdgen.spec.cells import Cell, Cube, masked_cube
from bsdgen.spec.graph import CARE, Specification, graph_of, split_care, with_care
from bsdgen.spec.rv32i import INSTRUCTIONS, OPCODES, After, Before, Instruction
from bsdgen.traces.schema import RVFI_SCHEMA

Base = Literal["rv32i", "rv32e"]
ILLEGAL = "illegal"
"""Name of the cell of all words that are no instruction."""


class Step:
    """Signals that say what one instruction does.

    Attributes
    ----------
    reads_rs1, reads_rs2, trap : 1 bit each.
    rd, rd_value, pc, address, rmask, wmask, wdata : as the outputs of these names; 0 where nothing happens.
    """

    def __init__(self) -> None:
        from amaranth.hdl import Signal

        self.reads_rs1, self.reads_rs2, self.trap = (
            Signal(name=n) for n in ("reads_rs1", "reads_rs2", "traps")
        )
        self.rd, self.rd_value, self.pc = Signal(5), Signal(32), Signal(32)
        self.address, self.wdata = Signal(32), Signal(32)
        self.rmask, self.wmask = Signal(4), Signal(4)


def describe_step(m: Any, insn: Any, pc: Any, rs1: Any, rs2: Any, memory: Any, base: Base) -> Step:
    """Add the logic of one instruction to a module.

    Parameters
    ----------
    m : module.
    insn, pc, rs1, rs2, memory : 32-bit values: instruction, its address, registers that it names, and the
        aligned word of memory that it accesses.
    base : RV32I or RV32E.
    """
    step = Step()
    m.d.comb += step.trap.eq(1)
    with m.Switch(insn):
        for instruction in INSTRUCTIONS:
            with m.Case(instruction.encoding.pattern):
                if base == "rv32e":
                    with m.If(~_beyond(instruction, insn)):
                        _describe(m, step, instruction, insn, pc, rs1, rs2, memory)
                else:
                    _describe(m, step, instruction, insn, pc, rs1, rs2, memory)
    return step


def _beyond(instruction: Instruction, insn: Any) -> Any:
    """Whether a register is named that RV32E does not have."""
    from amaranth.hdl import Cat

    fields = instruction.encoding.fields
    return Cat(insn[fields[name][0] + 4] for name in ("rd", "rs1", "rs2") if name in fields).any()


def _describe(
    m: Any, step: Step, instruction: Instruction, insn: Any, pc: Any, rs1: Any, rs2: Any, memory: Any
) -> None:
    from amaranth.hdl import Signal

    encoding = instruction.encoding
    shamt = insn[20:25] if "shamt" in encoding.fields else None
    immediate = encoding.value_of_immediate(insn) if encoding.immediate else None
    after: After = instruction.meaning(Before(pc, rs1, rs2, immediate, shamt, lambda address: memory))
    exception = Signal(name=f"{instruction.name}_exception")
    m.d.comb += [
        exception.eq(after.exception),
        step.trap.eq(exception),
        step.reads_rs1.eq(instruction.reads_rs1),
        step.reads_rs2.eq(instruction.reads_rs2),
        step.pc.eq(pc + 4 if after.pc is None else after.pc),
    ]
    with m.If(~exception):
        if instruction.writes_rd:
            assert after.rd is not None
            m.d.comb += [step.rd.eq(insn[7:12]), step.rd_value.eq(after.rd)]
        if after.address is not None:
            offset = after.address[:2]
            mask = ((1 << after.size) - 1) << offset
            m.d.comb += step.address.eq(after.address & 0xFFFFFFFC)
            if after.store is None:
                m.d.comb += step.rmask.eq(mask)
            else:
                m.d.comb += [step.wmask.eq(mask), step.wdata.eq(after.store << (offset << 3))]


def byte_lanes(mask: Any) -> Any:
    """A mask of bytes as a mask of bits."""
    from amaranth.hdl import Cat

    return Cat(mask[byte].replicate(8) for byte in range(4))


def _describe_rvfi(base: Base, m: Any, s: dict[str, Any]) -> None:
    insn = s["insn"]
    step = describe_step(m, insn, s["pc_rdata"], s["rs1_rdata"], s["rs2_rdata"], s["mem_rdata"], base)
    writes, accesses = step.rd.any(), (step.rmask | step.wmask).any()
    said = {
        "rs1_addr": (insn[15:20], step.reads_rs1.replicate(5)),
        "rs2_addr": (insn[20:25], step.reads_rs2.replicate(5)),
        "rd_addr": (step.rd, 0x1F),
        "rd_wdata": (step.rd_value, writes.replicate(32)),
        "pc_wdata": (step.pc, (~step.trap).replicate(32)),
        "mem_addr": (step.address, accesses.replicate(32)),
        "mem_rmask": (step.rmask, 0xF),
        "mem_wmask": (step.wmask, 0xF),
        "mem_wdata": (step.wdata, byte_lanes(step.wmask)),
        "trap": (step.trap, 1),
    }
    for name, (value, care) in said.items():
        m.d.comb += [s[name].eq(value), s[name + CARE].eq(care)]


def opcode_cubes(classes: Sequence[str] | None) -> tuple[Cube, ...] | None:
    """The words of some opcode classes, as cubes of the instruction's bits; None: all."""
    return None if classes is None else tuple(masked_cube(0x7F, OPCODES[name]) for name in classes)


def instruction_cells(classes: Sequence[str] | None = None) -> tuple[Cell, ...]:
    """A cell for each instruction of some opcode classes (None: all), and one for all other words of these.

    Variables are the bits of the instruction word.
    """
    all_cubes = [masked_cube(item.encoding.mask, item.encoding.match) for item in INSTRUCTIONS]
    opcodes = None if classes is None else {OPCODES[name] for name in classes}
    cells = [
        Cell(item.name, cube)
        for item, cube in zip(INSTRUCTIONS, all_cubes, strict=True)
        if opcodes is None or item.encoding.match & 0x7F in opcodes
    ]
    return (*cells, Cell(ILLEGAL, without=tuple(all_cubes), within=opcode_cubes(classes)))


@lru_cache(maxsize=2)
def _joint(base: Base) -> Any:
    return graph_of(with_care(RVFI_SCHEMA), partial(_describe_rvfi, base))


@lru_cache(maxsize=8)
def step_specification(base: Base = "rv32i", classes: tuple[str, ...] | None = None) -> Specification:
    """The step function over `RVFI_SCHEMA`.

    Parameters
    ----------
    base : RV32I or RV32E.
    classes : major opcodes (`bsdgen.spec.rv32i.OPCODES`) outside of which nothing is specified; None: all.
    """
    values, care = split_care(RVFI_SCHEMA, _joint(base))
    whole = Cell("all", within=opcode_cubes(classes))
    name = "+".join([base, *(classes or ())])
    return Specification(name, RVFI_SCHEMA, values, care, instruction_cells(classes), whole)
