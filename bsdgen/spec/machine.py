"""The machine around the step function: what its state is after one clock edge, and what its ports show.

State is pc, x1 to x31 (x0 is no state: it reads 0), the number of retired instructions and whether the last
one trapped. `machine_specification` is the function from state and inputs to next state and outputs, so that
a netlist of a core can be proved to do the same from *every* state, and so in every run. It says what the
manual says of pc and registers (Volume I, "Programmers' Model for Base Integer ISA"), and of the rest:

- at reset pc becomes `reset_pc`; the registers stay as they are;
- an instruction retires in each cycle with `enable` and no reset, and nothing changes in any other;
- a trap writes no register and continues at reset_pc + 4;
- the memory port asks for nothing unless an instruction retires;
- rvfi_* show what retires (RISC-V Formal Interface), in machine mode, and `intr` the first one of a trap;
- where an instruction reads no rs1, any number may stand in rvfi_rs1_addr, but rvfi_rs1_rdata is the register
  of that number, and so for rs2: `DIFFERENCES` are the bits in which it is not.
"""

from functools import lru_cache, partial
from typing import Any

from bsdgen.spec.cells import Cell, Cube
from bsdgen.spec.graph import CARE, Specification, graph_of, split_care, with_care
from bsdgen.spec.step import Base, Step, byte_lanes, describe_step, instruction_cells, opcode_cubes
from bsdgen.traces.schema import Field, Schema

NEXT = "next_"
"""What the name of a state's next value starts with."""
RESET, WAIT = "reset", "wait"
"""Names of the cells of cycles in which nothing retires."""

REGISTERS = tuple(f"x{number}" for number in range(32))
STATE: tuple[tuple[str, int], ...] = (
    ("pc", 32),
    *((name, 32) for name in REGISTERS),
    ("order", 64),
    ("intr", 1),
)
"""Names and widths; x0 is there so that a core which has such a word can be held to leave it 0."""

_INPUTS = (("rst", 1), ("enable", 1), ("reset_pc", 32), ("fetch_data", 32), ("mem_rdata", 32))
_PORTS = (("fetch_addr", 32), ("mem_addr", 32), ("mem_rmask", 4), ("mem_wmask", 4), ("mem_wdata", 32))
DIFFERENCES = ("rs1_differs", "rs2_differs")
"""Names of outputs that a core has none of: its rvfi_rs1_rdata against the register rvfi_rs1_addr, before."""
RVFI = (
    ("valid", 1),
    ("order", 64),
    ("insn", 32),
    ("trap", 1),
    ("halt", 1),
    ("intr", 1),
    ("mode", 2),
    ("ixl", 2),
    ("rs1_addr", 5),
    ("rs2_addr", 5),
    ("rs1_rdata", 32),
    ("rs2_rdata", 32),
    ("rd_addr", 5),
    ("rd_wdata", 32),
    ("pc_rdata", 32),
    ("pc_wdata", 32),
    ("mem_addr", 32),
    ("mem_rmask", 4),
    ("mem_wmask", 4),
    ("mem_rdata", 32),
    ("mem_wdata", 32),
)

MACHINE_SCHEMA = Schema(
    (
        *(Field(name, width, "in") for name, width in (*_INPUTS, *STATE)),
        *(Field(NEXT + name, width, "out") for name, width in STATE),
        *(Field(name, width, "out") for name, width in _PORTS),
        *(Field(f"rvfi_{name}", width, "out") for name, width in RVFI),
        *(Field(name, 32, "out") for name in DIFFERENCES),
    )
)
"""Inputs and state in, next state and ports out."""


def describe_registers(s: dict[str, Any], step: Step, retire: Any, said: dict[str, tuple[Any, Any]]) -> None:
    """Next values: x0 stays 0, another one changes only if the instruction that retires writes it."""
    from amaranth.hdl import Mux

    said["next_x0"] = (0, 0xFFFFFFFF)
    for number in range(1, 32):
        name = f"x{number}"
        written = retire & (step.rd == number)
        said[NEXT + name] = (Mux(written, step.rd_value, s[name]), 0xFFFFFFFF)


def read_registers(m: Any, s: dict[str, Any], insn: Any, rs1: Any, rs2: Any) -> None:
    """Values of the registers that a word names."""
    for value, number in ((rs1, insn[15:20]), (rs2, insn[20:25])):
        with m.Switch(number):
            for register in range(1, 32):  # x0 is none of them: 0
                with m.Case(register):
                    m.d.comb += value.eq(s[f"x{register}"])


def describe_rvfi(
    s: dict[str, Any], step: Step, retire: Any, rs: tuple[Any, Any], next_pc: Any
) -> dict[str, Any]:
    """Value and care of each rvfi port; nothing but `valid` is cared for unless something retires."""
    from amaranth.hdl import Mux

    insn, everything = s["fetch_data"], (1 << 64) - 1
    accesses = (step.rmask | step.wmask).any()
    shown = {
        "order": (s["order"], everything),
        "insn": (insn, everything),
        "trap": (step.trap, everything),
        "halt": (0, everything),
        "intr": (s["intr"], everything),
        "mode": (3, everything),
        "ixl": (1, everything),
        "rs1_addr": (insn[15:20], step.reads_rs1.replicate(5)),
        "rs2_addr": (insn[20:25], step.reads_rs2.replicate(5)),
        "rs1_rdata": (rs[0], step.reads_rs1.replicate(32)),
        "rs2_rdata": (rs[1], step.reads_rs2.replicate(32)),
        "rd_addr": (step.rd, everything),
        "rd_wdata": (Mux(step.rd.any(), step.rd_value, 0), everything),
        "pc_rdata": (s["pc"], everything),
        "pc_wdata": (next_pc, everything),
        "mem_addr": (step.address, accesses.replicate(32)),
        "mem_rmask": (step.rmask, everything),
        "mem_wmask": (step.wmask, everything),
        "mem_rdata": (s["mem_rdata"], byte_lanes(step.rmask)),
        "mem_wdata": (step.wdata, byte_lanes(step.wmask)),
    }
    said: dict[str, Any] = {"rvfi_valid": (retire, 1)}
    for name, width in RVFI[1:]:
        value, care = shown[name]
        said[f"rvfi_{name}"] = (value, retire.replicate(width) & care)
    return said


def _describe(base: Base, m: Any, s: dict[str, Any]) -> None:
    from amaranth.hdl import Mux, Signal

    insn = s["fetch_data"]
    rs1, rs2, next_pc, retire = Signal(32), Signal(32), Signal(32), Signal()
    step = describe_step(m, insn, s["pc"], rs1, rs2, s["mem_rdata"], base)
    m.d.comb += [
        retire.eq(s["enable"] & ~s["rst"]),
        next_pc.eq(Mux(step.trap, s["reset_pc"] + 4, step.pc)),
    ]
    read_registers(m, s, insn, rs1, rs2)
    accesses = retire & (step.rmask | step.wmask).any()
    rmask, wmask = step.rmask & retire.replicate(4), step.wmask & retire.replicate(4)
    reset, stay = s["rst"], ~retire
    said: dict[str, tuple[Any, Any]] = {
        "next_pc": (Mux(reset, s["reset_pc"], Mux(stay, s["pc"], next_pc)), 0xFFFFFFFF),
        "next_order": (Mux(reset, 0, s["order"] + retire), (1 << 64) - 1),
        "next_intr": (Mux(reset, 0, Mux(stay, s["intr"], step.trap)), 1),
        "fetch_addr": (s["pc"], 0xFFFFFFFF),
        "mem_addr": (step.address, accesses.replicate(32)),
        "mem_rmask": (rmask, 0xF),
        "mem_wmask": (wmask, 0xF),
        "mem_wdata": (step.wdata, byte_lanes(wmask)),
    }
    describe_registers(s, step, retire, said)
    said |= describe_rvfi(s, step, retire, (rs1, rs2), next_pc)
    said |= dict.fromkeys(DIFFERENCES, (0, 0xFFFFFFFF))
    for name, (value, care) in said.items():
        m.d.comb += [s[name].eq(value), s[name + CARE].eq(care)]


@lru_cache(maxsize=2)
def _joint(base: Base) -> Any:
    return graph_of(with_care(MACHINE_SCHEMA), partial(_describe, base))


def _first(name: str) -> int:
    """Variable of bit 0 of an input field."""
    at = 0
    for field in MACHINE_SCHEMA.inputs:
        if field.name == name:
            return at
        at += field.width
    raise KeyError(name)


def _zero(name: str, width: int) -> Cube:
    return tuple((_first(name) + bit, False) for bit in range(width))


@lru_cache(maxsize=8)
def machine_specification(base: Base = "rv32i", classes: tuple[str, ...] | None = None) -> Specification:
    """The machine over `MACHINE_SCHEMA`, in all states in which x0, where there is one, is 0.

    Its cells are reset, a cycle in which nothing retires, and each instruction that retires.

    Parameters
    ----------
    base, classes : as in `bsdgen.spec.step.step_specification`; outside of the classes nothing is specified
        of a cycle in which a word retires.
    """
    values, care = split_care(MACHINE_SCHEMA, _joint(base))
    x0 = _zero("x0", 32)
    rst, enable = _first("rst"), _first("enable")
    retires: Cube = (*x0, (rst, False), (enable, True))
    cells = [Cell(RESET, (*x0, (rst, True))), Cell(WAIT, (*x0, (rst, False), (enable, False)))]
    cells += [cell.within_cube(retires, _first("fetch_data")) for cell in instruction_cells(classes)]
    opcodes = opcode_cubes(classes)
    idle: tuple[Cube, ...] = (((rst, True),), ((enable, False),))
    inside = Cell("all", (), (), opcodes).within_cube(x0, _first("fetch_data"))
    whole = Cell("all", x0, (), None if inside.within is None else (*idle, *inside.within))
    return Specification(f"{base} machine", MACHINE_SCHEMA, values, care, tuple(cells), whole)
