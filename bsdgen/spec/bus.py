"""The machine with one bus for instructions and data: what follows in a cycle, and what its ports show.

State is that of `bsdgen.spec.machine` and two registers more: the word that is executed, and the phase. The
bus does what its side of the protocol asks for:

- FETCH asks for the word at pc; as the bus is ready the word becomes the one that is executed, in EXECUTE;
- EXECUTE asks for the instruction's access to memory, and retires as the bus is ready, then FETCH; without
  an access it retires at once and asks for the next word, then FETCH, or READ if the bus was ready already;
- READ asks for nothing; then EXECUTE;
- reset asks for nothing and writes nothing, at any cycle; then START;
- START asks for nothing, so that a request begins no earlier than the clock edge that follows the end of a
  reset (Wishbone B4, rule 3.20); then FETCH at reset_pc.

An instruction retires as `bsdgen.spec.machine` says, and nothing else changes pc or a register. Of a core
that keeps the operands of the word that is executed it says what they are: ``next_rs1_rdata`` must be the
register as it is then, where the word that is executed next reads one; and in any case the register whose
number the core shows: ``next_rs1_differs`` are the bits in which it is not.

Two outputs are about one cycle more (inputs ``later_*``): ``held_*`` is what the bus is asked for then, which
is what it was asked for before where it was not ready, and nothing where it was in reset; ``retires`` says
that in two cycles with a ready bus, not from START, an instruction retires.
"""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from bsdgen.circuit.aig import Aig
from bsdgen.spec.cells import Cell, Cube
from bsdgen.spec.graph import CARE, Specification, graph_of, split_care, with_care
from bsdgen.spec.machine import (
    DIFFERENCES,
    NEXT,
    REGISTERS,
    RESET,
    RVFI,
    STATE,
    describe_registers,
    describe_rvfi,
    read_registers,
)
from bsdgen.spec.step import Base, Step, byte_lanes, describe_step, instruction_cells, opcode_cubes
from bsdgen.traces.schema import Field, Schema

FETCH, READ, EXECUTE, START = range(4)
"""Values of the phase."""
PHASES = {FETCH: "fetch", READ: "read", START: "start"}
"""Names of the cells of cycles in the phases in which nothing retires."""
LATER, HELD = "later_", "held_"
"""What names of inputs and of outputs one cycle later start with."""
OPERANDS = ("rs1_rdata", "rs2_rdata")
"""Names of what a core may keep of the registers."""
BUS_STATE: tuple[tuple[str, int], ...] = (("phase", 2), ("insn", 32), *STATE)
"""Names and widths."""

_ONES = (1 << 64) - 1


@dataclass(frozen=True)
class Bus:
    """Ports of a bus.

    Attributes
    ----------
    name : of the machine.
    answers, asks : ports in and out, with their widths.
    requests : those of `asks` that say that anything is asked for.
    """

    name: str
    answers: tuple[tuple[str, int], ...]
    asks: tuple[tuple[str, int], ...]
    requests: tuple[str, ...]


NATIVE = Bus(
    "bus machine",
    (("bus_ready", 1), ("bus_rdata", 32)),
    (
        ("bus_valid", 1),
        ("bus_instr", 1),
        ("bus_addr", 32),
        ("bus_rmask", 4),
        ("bus_wmask", 4),
        ("bus_wdata", 32),
        ("bus_next", 32),
    ),
    ("bus_valid",),
)
"""A transfer is asked for with valid, and ends in the cycle in which ready is 1.

While that is an access, next is where the fetch behind it will be.
"""
WISHBONE = Bus(
    "Wishbone machine",
    (("wb_ack", 1), ("wb_err", 1), ("wb_dat_r", 32)),
    (
        ("wb_cyc", 1),
        ("wb_stb", 1),
        ("wb_we", 1),
        ("wb_adr", 30),
        ("wb_sel", 4),
        ("wb_dat_w", 32),
    ),
    ("wb_cyc", "wb_stb"),
)
"""Wishbone B4, classic cycles: ack or err ends a transfer; with err the word that is read is 0."""


@lru_cache(maxsize=2)
def bus_schema(bus: Bus) -> Schema:
    """Inputs and state in, next state and ports out."""
    answers = [("rst", 1), *bus.answers]
    given = [*answers, *((LATER + name, width) for name, width in answers), ("reset_pc", 32)]
    following = [*BUS_STATE, *((name, 32) for name in (*OPERANDS, *DIFFERENCES))]
    made = [(NEXT + name, width) for name, width in following]
    made += [*bus.asks, *((f"rvfi_{name}", width) for name, width in RVFI)]
    made += [(name, 32) for name in DIFFERENCES]
    made += [*((HELD + name, width) for name, width in bus.asks), ("retires", 1)]
    return Schema(
        (
            *(Field(name, width, "in") for name, width in (*given, *BUS_STATE)),
            *(Field(name, width, "out") for name, width in made),
        )
    )


def _said_of_bus(bus: Bus, valid: Any, access: Any, step: Step, fetch: Any) -> dict[str, tuple[Any, Any]]:
    """Value and care of what the bus is asked for: an access, or else a fetch at an address.

    In a cycle with an access `fetch` is the address of the fetch that follows it.
    """
    from amaranth.hdl import Mux

    address = Mux(access, step.address, fetch)
    rmask = Mux(access, step.rmask, 0xF) & valid.replicate(4)
    wmask = Mux(access, step.wmask, 0) & valid.replicate(4)
    if bus is NATIVE:
        return {
            "bus_valid": (valid, 1),
            "bus_instr": (~access, valid),
            "bus_addr": (address, valid.replicate(32)),
            "bus_rmask": (rmask, 0xF),
            "bus_wmask": (wmask, 0xF),
            "bus_wdata": (step.wdata, byte_lanes(wmask)),
            "bus_next": (fetch, (valid & access).replicate(32)),
        }
    return {
        "wb_cyc": (valid, 1),
        "wb_stb": (valid, 1),
        "wb_we": (wmask.any(), valid),
        "wb_adr": (address >> 2, valid.replicate(30)),
        "wb_sel": (rmask | wmask, valid.replicate(4)),
        "wb_dat_w": (step.wdata, byte_lanes(wmask)),
    }


def _answer(bus: Bus, s: dict[str, Any], when: str = "") -> tuple[Any, Any]:
    """Whether the transfer ends, and the word that is read."""
    from amaranth.hdl import Mux

    if bus is NATIVE:
        return s[f"{when}bus_ready"], s[f"{when}bus_rdata"]
    failed = s[f"{when}wb_err"]
    return s[f"{when}wb_ack"] | failed, Mux(failed, 0, s[f"{when}wb_dat_r"])


def _describe(bus: Bus, base: Base, classes: tuple[str, ...] | None, m: Any, s: dict[str, Any]) -> None:
    from amaranth.hdl import Mux, Signal

    ready, word = _answer(bus, s)
    rs1, rs2, next_pc, rdata = Signal(32), Signal(32), Signal(32), Signal(32)
    executing, access, retire, valid = Signal(), Signal(), Signal(), Signal()
    insn, pc, runs = s["insn"], s["pc"], ~s["rst"]
    step = describe_step(m, insn, pc, rs1, rs2, rdata, base)
    read_registers(m, s, insn, rs1, rs2)
    m.d.comb += [
        rdata.eq(word),
        executing.eq(s["phase"] == EXECUTE),
        access.eq(executing & (step.rmask | step.wmask).any()),
        retire.eq(runs & executing & (~access | ready)),
        valid.eq(runs & (s["phase"] != READ) & (s["phase"] != START)),
        next_pc.eq(Mux(step.trap, s["reset_pc"] + 4, step.pc)),
    ]
    asked = _said_of_bus(bus, valid, access, step, Mux(executing, next_pc, pc))
    fetched = valid & ~access & ready
    done = Mux(access, FETCH, Mux(ready, READ, FETCH))
    waits = (s["phase"] == START) | ((s["phase"] == FETCH) & ~ready)
    running = Mux(executing, Mux(retire, done, EXECUTE), Mux(waits, FETCH, EXECUTE))
    said: dict[str, tuple[Any, Any]] = {
        "next_phase": (Mux(runs, running, START), 3),
        "next_insn": (Mux(fetched, rdata, insn), _ONES),
        "next_pc": (Mux(runs, Mux(retire, next_pc, pc), s["reset_pc"]), _ONES),
        "next_order": (Mux(runs, s["order"] + retire, 0), _ONES),
        "next_intr": (Mux(runs, Mux(retire, step.trap, s["intr"]), 0), 1),
        **asked,
    }
    describe_registers(s, step, retire, said)
    rvfi = {**s, "fetch_data": insn, "mem_rdata": rdata}
    said |= describe_rvfi(rvfi, step, retire, (rs1, rs2), next_pc)
    said |= _later(bus, s, asked, valid & ~ready & ~s[f"{LATER}rst"])
    both = runs & ready & ~s[f"{LATER}rst"] & _answer(bus, s, LATER)[0]
    said["retires"] = (1, both & (s["phase"] != START))
    said |= _operands(base, classes, m, s)
    said |= {when + name: (0, _ONES) for when in ("", NEXT) for name in DIFFERENCES}
    for name, (value, care) in said.items():
        m.d.comb += [s[name].eq(value), s[name + CARE].eq(care)]


def _later(
    bus: Bus, s: dict[str, Any], asked: dict[str, tuple[Any, Any]], waiting: Any
) -> dict[str, tuple[Any, Any]]:
    """What the bus is asked for in the next cycle, if it did not answer in this one, or was in reset."""
    widths = dict(bus.asks)
    held = {name: waiting.replicate(widths[name]) & care for name, (_, care) in asked.items()}
    held |= {name: waiting | s["rst"] for name in bus.requests}  # in reset it is asked for nothing
    return {HELD + name: (s[name], care) for name, care in held.items()}


def _operands(
    base: Base, classes: tuple[str, ...] | None, m: Any, s: dict[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """Registers that the word which is executed next reads, as they are then."""
    from amaranth.hdl import Signal

    rs1, rs2 = Signal(32), Signal(32)
    insn = s[f"{NEXT}insn"]
    read_registers(m, {name: s[NEXT + name] for name in REGISTERS}, insn, rs1, rs2)
    reads = _reads(base, classes, m, insn)
    executes = s[f"{NEXT}phase"] == EXECUTE
    return {
        NEXT + name: (value, (executes & read).replicate(32))
        for name, value, read in zip(OPERANDS, (rs1, rs2), reads, strict=True)
    }


def _reads(base: Base, classes: tuple[str, ...] | None, m: Any, insn: Any) -> tuple[Any, Any]:
    """Whether a word is an instruction, of some opcode classes, that reads rs1, and rs2."""
    from amaranth.hdl import Cat, Const

    zero = Const(0, 32)
    step = describe_step(m, insn, zero, zero, zero, zero, base)
    cubes = opcode_cubes(classes)
    if cubes is None:
        return step.reads_rs1, step.reads_rs2
    inside = Cat(Cat(insn[bit] == value for bit, value in cube).all() for cube in cubes).any()
    return step.reads_rs1 & inside, step.reads_rs2 & inside


@lru_cache(maxsize=2)
def operand_schema() -> Schema:
    """A word and the registers in; their values, and whether they are read, out."""
    read = [Field("insn", 32, "in"), *(Field(name, 32, "in") for name in REGISTERS)]
    shown = [Field(name, 32, "out") for name in OPERANDS]
    return Schema((*read, *shown, Field("reads_rs1", 1, "out"), Field("reads_rs2", 1, "out")))


@lru_cache(maxsize=2)
def operand_graph(base: Base = "rv32i", classes: tuple[str, ...] | None = None) -> Aig:
    """What ``next_rs1_rdata`` and ``next_rs2_rdata`` must be of a word, and where, over `operand_schema`."""

    def describe(m: Any, s: dict[str, Any]) -> None:
        reads = _reads(base, classes, m, s["insn"])
        read_registers(m, s, s["insn"], s["rs1_rdata"], s["rs2_rdata"])
        m.d.comb += [s["reads_rs1"].eq(reads[0]), s["reads_rs2"].eq(reads[1])]

    return graph_of(operand_schema(), describe)


@lru_cache(maxsize=4)
def _joint(bus: Bus, base: Base, classes: tuple[str, ...] | None) -> Any:
    return graph_of(with_care(bus_schema(bus)), partial(_describe, bus, base, classes))


def _first(bus: Bus, name: str) -> int:
    """Variable of bit 0 of an input field."""
    at = 0
    for field in bus_schema(bus).inputs:
        if field.name == name:
            return at
        at += field.width
    raise KeyError(name)


@lru_cache(maxsize=8)
def bus_specification(
    bus: Bus = NATIVE, base: Base = "rv32i", classes: tuple[str, ...] | None = None
) -> Specification:
    """The machine over `bus_schema`, in all states in which x0, where there is one, is 0.

    Its cells are reset, the phases in which nothing retires, and each instruction that is executed.

    Parameters
    ----------
    base, classes : as in `bsdgen.spec.machine.machine_specification`.
    """
    schema = bus_schema(bus)
    values, care = split_care(schema, _joint(bus, base, classes))
    x0: Cube = tuple((_first(bus, "x0") + bit, False) for bit in range(32))
    rst, low, high = _first(bus, "rst"), _first(bus, "phase"), _first(bus, "phase") + 1
    runs: Cube = (*x0, (rst, False))
    cells = [Cell(RESET, (*x0, (rst, True)))]
    for phase, name in PHASES.items():
        cells.append(Cell(name, (*runs, (high, bool(phase & 2)), (low, bool(phase & 1)))))
    first = _first(bus, "insn")
    executes: Cube = (*runs, (high, True), (low, False))
    cells += [cell.within_cube(executes, first) for cell in instruction_cells(classes)]
    inside = Cell("all", (), (), opcode_cubes(classes)).within_cube(x0, first)
    idle: tuple[Cube, ...] = (((rst, True),), ((high, False),), ((low, True),))
    whole = Cell("all", x0, (), None if inside.within is None else (*idle, *inside.within))
    return Specification(f"{base} {bus.name}", schema, values, care, tuple(cells), whole)
