"""A multi-cycle RV32I core for FPGAs: one bus with wait states, registers that fit block RAM, in Amaranth.

Instructions and data share a bus on which a transfer takes as long as the other side wants. An instruction is
fetched, its registers are read as its word arrives, and it executes; the cycle in which it ends puts the
fetch of the next one on the bus already. A trap writes nothing and continues at reset pc + 4, as in `single`.

================ ===== ============================================================================
port             width meaning
================ ===== ============================================================================
clk, rst         1     rising edge; synchronous reset, active high, at any cycle
reset_pc         32    first pc, held constant (absent if the core was made with a fixed one)
bus_valid        1     out: a transfer is asked for
bus_ready        1     it ends in this cycle; means nothing without bus_valid
bus_instr        1     out: it is the fetch of an instruction
bus_addr         32    out: word address, a multiple of 4
bus_rmask        4     out: bytes that are read, all for a fetch; 0 without bus_valid
bus_wmask        4     out: bytes that are written; 0 without bus_valid
bus_wdata        32    out: data, in their lanes
bus_rdata        32    the word at bus_addr, in the cycle in which bus_ready is 1
bus_next         32    out: while an access is asked for, where the fetch that follows it will be
``rvfi_*``             out: what retires in this cycle, as in the RISC-V Formal Interface
================ ===== ============================================================================

A request stays as it is until bus_ready; only reset takes it back, and nothing may answer it then. Nothing is
asked for in a cycle with reset, nor in the one that follows it. bus_ready may come in the request's first
cycle. A memory that needs a cycle to read can begin at bus_next as an access ends, and answers the fetch in
its first cycle then: 2 cycles an instruction, 3 with an access. Phases:

- FETCH: the fetch at pc waits for its word. As that comes the registers that it names are read.
- EXECUTE: the instruction's results are there. Without an access it retires, and the fetch of the next one is
  on the bus; with one the access is on the bus, and it retires when that ends.
- READ: the next word came in the very cycle in which the instruction before retired, before its result was
  written: its registers are read now.
- START: the cycle after a reset, and the first one at power-up.

At power-up registers are 0. Where the first pc is fixed it is there, too; else pc is 0 until the first reset.
"""

from amaranth.hdl import Elaboratable, Module, Mux, ResetSignal, Signal

from bsdgen.core.learned import LearnedModule, instantiate, learned_modules, step_signals
from bsdgen.core.state import (
    accesses,
    check_reset_pc,
    pc_register,
    register_file,
    rvfi_signals,
    show_retired,
    write_back,
)
from bsdgen.core.text import shell_text
from bsdgen.errors import InputError
from bsdgen.model import Model

FETCH, READ, EXECUTE, START = range(4)
"""Values of the register `phase`; where bit 0 is 1 nothing is asked for, and the next one is ~phase."""

_NAMES_REGISTERS = ("rs1_addr", "rs2_addr")
_KNOWN_AT_FETCH = ("insn", "pc_rdata")


class FpgaCore(Elaboratable):
    """The shell; ports as in the module docstring.

    Parameters
    ----------
    modules : the learned modules, of which `check_sources` holds.
    reset_pc : first pc; None makes it a port.
    """

    def __init__(self, modules: list[LearnedModule], reset_pc: int | None = None) -> None:
        self.modules = modules
        self.fixed_reset_pc = reset_pc
        self.reset_pc = Signal(32)
        self.bus_valid = Signal()
        self.bus_ready = Signal()
        self.bus_instr = Signal()
        self.bus_addr = Signal(32)
        self.bus_rmask = Signal(4)
        self.bus_wmask = Signal(4)
        self.bus_wdata = Signal(32)
        self.bus_rdata = Signal(32)
        self.bus_next = Signal(32)
        self.rvfi = rvfi_signals()

    def ports(self) -> list[Signal]:
        """All ports but clk and rst."""
        strap = [self.reset_pc] if self.fixed_reset_pc is None else []
        asked = [
            self.bus_valid,
            self.bus_instr,
            self.bus_addr,
            self.bus_rmask,
            self.bus_wmask,
            self.bus_wdata,
            self.bus_next,
        ]
        return [*strap, *asked, self.bus_ready, self.bus_rdata, *self.rvfi.values()]

    def elaborate(self, platform: object) -> Module:
        """Build the shell."""
        m = Module()
        field = step_signals()
        phase = Signal(2, init=START)
        insn = Signal(32, reset_less=True)
        named = Signal(32)  # the word whose registers are named
        for learned in self.modules:
            early = learned.decides(*_NAMES_REGISTERS)
            instantiate(m, learned, field | {"insn": named} if early else field)
        executing, access, retire = Signal(), Signal(), Signal()
        m.d.comb += [
            executing.eq(phase == EXECUTE),
            access.eq(accesses(field)),
            retire.eq(executing & (~access | self.bus_ready) & ~ResetSignal()),
            field["insn"].eq(insn),
            field["mem_rdata"].eq(self.bus_rdata),
            named.eq(Mux(phase == FETCH, self.bus_rdata, insn)),
        ]
        pc, next_pc = pc_register(m, field, retire, self.reset_pc, self.fixed_reset_pc)
        m.d.comb += self.bus_next.eq(next_pc)
        self._registers(m, field, executing, retire)
        self._ask(m, field, phase, executing & access, Mux(executing, next_pc, pc))
        with m.If(self.bus_valid & self.bus_instr & self.bus_ready):
            m.d.sync += insn.eq(self.bus_rdata)
        with m.If(phase[0]):
            m.d.sync += phase.eq(~phase)  # START, FETCH; READ, EXECUTE
        with m.Elif(retire):
            m.d.sync += phase.eq(Mux(self.bus_ready & ~access, READ, FETCH))
        with m.Elif(~executing & self.bus_ready):
            m.d.sync += phase.eq(EXECUTE)
        show_retired(m, self.rvfi, field, retire, next_pc)
        return m

    @staticmethod
    def _registers(m: Module, field: dict[str, Signal], executing: Signal, retire: Signal) -> None:
        """Read at a clock edge that does not write: what is read holds until the instruction retires."""
        registers = register_file(m)
        for name in ("rs1", "rs2"):
            port = registers.read_port()
            m.d.comb += [
                port.en.eq(~executing),
                port.addr.eq(field[f"{name}_addr"]),
                field[f"{name}_rdata"].eq(port.data),
            ]
        write_back(m, registers, field, retire)

    def _ask(self, m: Module, field: dict[str, Signal], phase: Signal, access: Signal, fetch: Signal) -> None:
        """Put an access on the bus, or a fetch."""
        m.d.comb += [
            self.bus_valid.eq(~phase[0] & ~ResetSignal()),
            self.bus_instr.eq(~access),
            self.bus_addr.eq(Mux(access, field["mem_addr"], fetch)),
            self.bus_rmask.eq(Mux(access, field["mem_rmask"], 0xF) & self.bus_valid.replicate(4)),
            self.bus_wmask.eq(Mux(access, field["mem_wmask"], 0) & self.bus_valid.replicate(4)),
            self.bus_wdata.eq(field["mem_wdata"]),
        ]


def check_sources(modules: list[LearnedModule], name: str) -> None:
    """Refuse modules that need more than the word to say which registers it names.

    Raises
    ------
    InputError
        One reads a field that is not known when the word arrives.
    """
    for learned in modules:
        late = [field.name for field in learned.part.inputs if field.name not in _KNOWN_AT_FETCH]
        if late and learned.decides(*_NAMES_REGISTERS):
            raise InputError(
                f"model {name}: part {learned.part.name!r} says which registers are read and needs "
                f"{', '.join(late)} for it; a shell with synchronous registers knows no more than "
                f"{' and '.join(_KNOWN_AT_FETCH)} by then. Emit --shell single, or learn the model with the "
                "parts of the RVFI schema"
            )


def fpga_modules(model: Model, name: str) -> list[LearnedModule]:
    """The learned modules of a shell that reads its registers as the word arrives.

    Raises
    ------
    InputError
        As of `bsdgen.core.learned.learned_modules` and `check_sources`.
    """
    modules = learned_modules(model, name)
    check_sources(modules, name)
    return modules


def fpga_text(model: Model, name: str, reset_pc: int | None = None) -> str:
    """Verilog of the core; it instantiates the modules of ``<name>_step.v``.

    Raises
    ------
    InputError
        The model cannot be the step function of this core, see `fpga_modules`, or `reset_pc` is no address of
        an instruction.
    ToolError
        Yosys is missing or fails.
    """
    check_reset_pc(reset_pc)
    core = FpgaCore(fpga_modules(model, name), reset_pc)
    says = (
        f"multi-cycle RV32I core with a bus around the learned modules of {name}_step.v.\n"
        "Elaborated from bsdgen's Amaranth shell (bsdgen/core/fpga.py), which holds state only."
    )
    return shell_text(core, f"{name}_fpga", says, model)
