"""What all shells have of the architecture: pc, the write port of the registers, and the RVFI port."""

from collections.abc import Mapping

from amaranth.hdl import Cat, Const, Module, Mux, ResetSignal, Signal, Value
from amaranth.lib.memory import Memory

from bsdgen.errors import InputError

TRAP_OFFSET = 4  # a trap continues at reset pc + 4
_MACHINE_MODE = 3
_XLEN_32 = 1

RVFI_PORTS: tuple[tuple[str, int], ...] = (
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
"""Ports ``rvfi_<name>`` and their widths."""


def rvfi_signals() -> dict[str, Signal]:
    """The ports, by their names without the prefix."""
    return {name: Signal(width, name=f"rvfi_{name}") for name, width in RVFI_PORTS}


def check_reset_pc(reset_pc: int | None) -> None:
    """Refuse a first pc at which no instruction can stand.

    Raises
    ------
    InputError
        It is no multiple of 4 below 2**32.
    """
    if reset_pc is not None and not (0 <= reset_pc < 2**32 and reset_pc % 4 == 0):
        raise InputError(f"reset_pc must be a multiple of 4 below 2**32, not {reset_pc:#x}")


def pc_register(
    m: Module, field: Mapping[str, Signal], retire: Signal, reset_pc: Signal, fixed: int | None
) -> tuple[Signal, Signal]:
    """The pc, and where the instruction at it goes on: what it decides, or behind the trap.

    A first pc that is fixed is there at power-up, too, so that such a core needs no reset.

    Parameters
    ----------
    reset_pc : the port of the first pc.
    fixed : what the first pc is instead; None: the port counts.
    """
    first = reset_pc if fixed is None else Const(fixed, 32)
    pc = Signal(32, name="pc", reset_less=fixed is None, init=fixed or 0)
    next_pc = Signal(32)
    m.d.comb += [
        next_pc.eq(Mux(field["trap"], (first + TRAP_OFFSET)[:32], field["pc_wdata"])),
        field["pc_rdata"].eq(pc),
    ]
    with m.If(retire):
        m.d.sync += pc.eq(next_pc)
    if fixed is None:
        with m.If(ResetSignal()):
            m.d.sync += pc.eq(reset_pc)
    return pc, next_pc


def register_file(m: Module) -> Memory:
    """31 words; x0 has one too, which is never written and so stays 0."""
    m.submodules.registers = registers = Memory(shape=32, depth=32, init=[])
    return registers


def write_back(m: Module, registers: Memory, field: Mapping[str, Signal], retire: Signal) -> None:
    """Write a register when an instruction retires that has one; with a trap it has none."""
    write = registers.write_port()
    m.d.comb += [
        write.addr.eq(field["rd_addr"]),
        write.data.eq(field["rd_wdata"]),
        write.en.eq(retire & field["rd_addr"].any()),
    ]


def accesses(field: Mapping[str, Signal]) -> Value:
    """Whether the instruction reads or writes memory."""
    return (field["mem_rmask"] | field["mem_wmask"]).any()


def _bytes(mask: Signal) -> Cat:
    """A mask of bytes as a mask of bits."""
    return Cat(mask[byte].replicate(8) for byte in range(4))


def show_retired(
    m: Module, rvfi: Mapping[str, Signal], field: Mapping[str, Signal], retire: Signal, next_pc: Signal
) -> None:
    """Drive the RVFI port; everything is 0 that means nothing, as RVFI has it."""
    order = Signal(64)
    trapped = Signal()
    with m.If(retire):
        m.d.sync += [order.eq((order + 1)[:64]), trapped.eq(field["trap"])]
    shown = {name: field[name] for name in ("insn", "pc_rdata", "trap")}
    shown |= {name: field[name] for name in ("rs1_addr", "rs2_addr", "rs1_rdata", "rs2_rdata", "rd_addr")}
    shown |= {name: field[name] for name in ("mem_rmask", "mem_wmask")}
    shown |= {
        "valid": retire,
        "order": order,
        "halt": Const(0, 1),
        "intr": trapped,
        "mode": Const(_MACHINE_MODE, 2),
        "ixl": Const(_XLEN_32, 2),
        "rd_wdata": Mux(field["rd_addr"].any(), field["rd_wdata"], 0),
        "pc_wdata": next_pc,
        "mem_addr": Mux(accesses(field), field["mem_addr"], 0),
        "mem_rdata": field["mem_rdata"] & _bytes(field["mem_rmask"]),
        "mem_wdata": field["mem_wdata"] & _bytes(field["mem_wmask"]),
    }
    m.d.comb += [rvfi[name].eq(value) for name, value in shown.items()]
