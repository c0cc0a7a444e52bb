"""The multi-cycle core as a master on Wishbone (revision B4, classic cycles), in Amaranth.

================ ===== ============================================================================
port             width meaning
================ ===== ============================================================================
clk, rst         1     rising edge; synchronous reset, active high, at any cycle
reset_pc         32    first pc, held constant (absent if the core was made with a fixed one)
wb_cyc, wb_stb   1     out: a transfer is asked for; both are one signal
wb_we            1     out: it is a store
wb_adr           30    out: address of a word, that of its first byte / 4
wb_sel           4     out: bytes that are read or written
wb_dat_w         32    out: data, in their lanes
wb_dat_r         32    the word, in the cycle in which wb_ack is 1
wb_ack           1     the transfer ends in this cycle
wb_err           1     it ends in this cycle and has failed
``rvfi_*``             out: what retires in this cycle, as in the RISC-V Formal Interface
================ ===== ============================================================================

A transfer that fails ends as one that does not, and the word that it reads is 0, whatever wb_dat_r says. A
fetch that fails so traps: 0 is no instruction. A load that fails reads 0, and a store that fails has no
effect: the learned step function has no input that could tell it. Where wb_ack and wb_err are both 1, wb_err
counts. wb_cyc stays up from one transfer to the next where the core has no cycle between them.
"""

from amaranth.hdl import Elaboratable, Module, Mux, Signal

from bsdgen.core.fpga import FpgaCore, fpga_modules
from bsdgen.core.learned import LearnedModule
from bsdgen.core.state import check_reset_pc
from bsdgen.core.text import shell_text
from bsdgen.model import Model


class WishboneCore(Elaboratable):
    """The shell; ports as in the module docstring, parameters as of `bsdgen.core.fpga.FpgaCore`."""

    def __init__(self, modules: list[LearnedModule], reset_pc: int | None = None) -> None:
        self.core = FpgaCore(modules, reset_pc)
        self.wb_cyc = Signal()
        self.wb_stb = Signal()
        self.wb_we = Signal()
        self.wb_adr = Signal(30)
        self.wb_sel = Signal(4)
        self.wb_dat_w = Signal(32)
        self.wb_dat_r = Signal(32)
        self.wb_ack = Signal()
        self.wb_err = Signal()

    def ports(self) -> list[Signal]:
        """All ports but clk and rst."""
        core = self.core
        strap = [core.reset_pc] if core.fixed_reset_pc is None else []
        asked = [self.wb_cyc, self.wb_stb, self.wb_we, self.wb_adr, self.wb_sel, self.wb_dat_w]
        return [*strap, *asked, self.wb_dat_r, self.wb_ack, self.wb_err, *core.rvfi.values()]

    def elaborate(self, platform: object) -> Module:
        """Build the shell."""
        m = Module()
        m.submodules.core = core = self.core
        m.d.comb += [
            self.wb_cyc.eq(core.bus_valid),
            self.wb_stb.eq(core.bus_valid),
            self.wb_we.eq(core.bus_wmask.any()),
            self.wb_adr.eq(core.bus_addr[2:]),
            self.wb_sel.eq(core.bus_rmask | core.bus_wmask),
            self.wb_dat_w.eq(core.bus_wdata),
            core.bus_ready.eq(self.wb_ack | self.wb_err),
            core.bus_rdata.eq(Mux(self.wb_err, 0, self.wb_dat_r)),
        ]
        return m


def wishbone_text(model: Model, name: str, reset_pc: int | None = None) -> str:
    """Verilog of the core, as `bsdgen.core.fpga.fpga_text`; errors as there."""
    check_reset_pc(reset_pc)
    core = WishboneCore(fpga_modules(model, name), reset_pc)
    says = (
        f"multi-cycle RV32I core, a Wishbone master, around the learned modules of {name}_step.v.\n"
        "Elaborated from bsdgen's Amaranth shell (bsdgen/core/wishbone.py), which holds state only."
    )
    return shell_text(core, f"{name}_wishbone", says, model)
