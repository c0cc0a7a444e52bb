"""A single-cycle RV32I core around the learned step function, in Amaranth.

The shell holds state and nothing else: pc, the registers, a memory port and an RVFI port. What an instruction
does, which registers it reads included, is the learned modules' business. Memory answers in the same cycle. A
trap writes nothing and continues at reset pc + 4, where a program puts a jump to its handler.

================ ===== ============================================================================
port             width meaning
================ ===== ============================================================================
clk, rst         1     rising edge; synchronous reset, active high
reset_pc         32    first pc, held constant (absent if the core was made with a fixed one)
enable           1     an instruction may retire in this cycle; 0 while the fetch keeps it waiting, or
                       something else that the access does not decide (below)
fetch_addr       32    out: address of the instruction
fetch_data       32    the instruction
mem_addr         32    out: word address
mem_rmask        4     out: bytes to read, 0 without an access or enable
mem_wmask        4     out: bytes to write, 0 without an access or enable
mem_wdata        32    out: data, in their lanes
mem_rdata        32    the word at mem_addr
``rvfi_*``             out: what retires in this cycle, as in the RISC-V Formal Interface
================ ===== ============================================================================

There are no wait states of data: an access is shown only in the cycle in which it happens, so that memory
cannot see one that it would delay, and `enable` made of the masks is a combinational loop. Memory that needs
a cycle to answer wants the shell `fpga`. At power-up registers are 0, and pc is the first pc where that is
fixed; else pc is 0 until the first reset.
"""

from pathlib import Path

from amaranth.hdl import Elaboratable, Module, Mux, ResetSignal, Signal

from bsdgen.artifacts import write_text
from bsdgen.core.learned import LearnedModule, instantiate, is_step_function, learned_modules, step_signals
from bsdgen.core.state import (
    RVFI_PORTS,
    TRAP_OFFSET,
    check_reset_pc,
    pc_register,
    register_file,
    rvfi_signals,
    show_retired,
    write_back,
)
from bsdgen.core.text import shell_text
from bsdgen.emit.parts import model_name
from bsdgen.model import Model

__all__ = [
    "RVFI_PORTS",
    "TRAP_OFFSET",
    "LearnedModule",
    "SingleCycleCore",
    "core_text",
    "is_step_function",
    "learned_modules",
    "write_core",
]


class SingleCycleCore(Elaboratable):
    """The shell; ports as in the module docstring.

    Parameters
    ----------
    modules : the learned modules.
    reset_pc : first pc; None makes it a port, so that one netlist serves programs with different entries.
    """

    def __init__(self, modules: list[LearnedModule], reset_pc: int | None = None) -> None:
        self.modules = modules
        self.fixed_reset_pc = reset_pc
        self.reset_pc = Signal(32)
        self.enable = Signal()
        self.fetch_addr = Signal(32)
        self.fetch_data = Signal(32)
        self.mem_addr = Signal(32)
        self.mem_rmask = Signal(4)
        self.mem_wmask = Signal(4)
        self.mem_wdata = Signal(32)
        self.mem_rdata = Signal(32)
        self.rvfi = rvfi_signals()

    def ports(self) -> list[Signal]:
        """All ports but clk and rst."""
        strap = [self.reset_pc] if self.fixed_reset_pc is None else []
        bus = [self.mem_addr, self.mem_rmask, self.mem_wmask, self.mem_wdata, self.mem_rdata]
        return [*strap, self.enable, self.fetch_addr, self.fetch_data, *bus, *self.rvfi.values()]

    def elaborate(self, platform: object) -> Module:
        """Build the shell."""
        m = Module()
        field = step_signals()
        for learned in self.modules:
            instantiate(m, learned, field)
        retire = Signal()
        m.d.comb += retire.eq(self.enable & ~ResetSignal())
        pc, next_pc = pc_register(m, field, retire, self.reset_pc, self.fixed_reset_pc)
        registers = register_file(m)
        for name in ("rs1", "rs2"):
            port = registers.read_port(domain="comb")
            m.d.comb += [port.addr.eq(field[f"{name}_addr"]), field[f"{name}_rdata"].eq(port.data)]
        write_back(m, registers, field, retire)
        m.d.comb += [
            self.fetch_addr.eq(pc),
            field["insn"].eq(self.fetch_data),
            self.mem_addr.eq(field["mem_addr"]),
            self.mem_rmask.eq(Mux(retire, field["mem_rmask"], 0)),
            self.mem_wmask.eq(Mux(retire, field["mem_wmask"], 0)),
            self.mem_wdata.eq(field["mem_wdata"]),
            field["mem_rdata"].eq(self.mem_rdata),
        ]
        show_retired(m, self.rvfi, field, retire, next_pc)
        return m


def core_text(model: Model, name: str, reset_pc: int | None = None) -> str:
    """Verilog of the core; it instantiates the modules of ``<name>_step.v``.

    Raises
    ------
    InputError
        The model cannot be the step function of a core, see `learned_modules`, or `reset_pc` is no address of
        an instruction.
    ToolError
        Yosys is missing or fails.
    """
    check_reset_pc(reset_pc)
    core = SingleCycleCore(learned_modules(model, name), reset_pc)
    says = (
        f"single-cycle RV32I core around the learned modules of {name}_step.v.\n"
        "Elaborated from bsdgen's Amaranth shell (bsdgen/core/single.py), which holds state only."
    )
    return shell_text(core, f"{name}_core", says, model)


def write_core(model: Model, folder: Path, reset_pc: int | None = None) -> Path:
    """Write ``verilog/<name>_core.v`` under the model's folder; parameters and errors as in `core_text`."""
    name = model_name(folder)
    path = folder / "verilog" / f"{name}_core.v"
    write_text(path, core_text(model, name, reset_pc))
    return path
