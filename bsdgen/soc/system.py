"""Core, memory and peripherals put together, in Amaranth.

The memory is a Verilog module (``sim/soc/ram.v``): what a simulation loads is only known when it runs.
"""

from amaranth.hdl import ClockSignal, Elaboratable, Instance, Module, Mux, Signal

from bsdgen.core.single import LearnedModule, SingleCycleCore
from bsdgen.soc import layout
from bsdgen.soc.peripherals import Peripherals


class System(Elaboratable):
    """The system around the core that takes one cycle an instruction.

    Parameters
    ----------
    modules : the learned modules.
    words : of memory, a power of two.
    clocks_per_bit : of the UART at reset.
    image : file of `$readmemh` that the memory holds at power-up, "" for none.

    Attributes
    ----------
    tx, rx, pins_out, pins_in : the outside.
    retired : out: an instruction retires in this cycle.
    ended, code : out: the program ends in this cycle, and its exit code.
    """

    def __init__(
        self, modules: list[LearnedModule], words: int, clocks_per_bit: int, image: str = ""
    ) -> None:
        self.modules = modules
        self.words = words
        self.image = image
        self.clocks_per_bit = clocks_per_bit
        self.tx = Signal()
        self.rx = Signal()
        self.pins_out = Signal(layout.N_PINS)
        self.pins_in = Signal(layout.N_PINS)
        self.retired = Signal()
        self.trapped = Signal()
        self.pc = Signal(32)
        self.ended = Signal()
        self.code = Signal(32)

    def ports(self) -> list[Signal]:
        """All ports but clk and rst."""
        outside = [self.tx, self.rx, self.pins_out, self.pins_in]
        return [*outside, self.retired, self.trapped, self.pc, self.ended, self.code]

    def elaborate(self, platform: object) -> Module:
        """Build the system."""
        m = Module()
        m.submodules.core = core = SingleCycleCore(self.modules, layout.RESET_PC)
        m.submodules.peripherals = around = Peripherals(self.clocks_per_bit)
        in_ram, ram_data = Signal(), Signal(32)
        m.submodules.ram = Instance(
            "soc_ram_async",
            p_WORDS=self.words,
            p_IMAGE=self.image,
            i_clk=ClockSignal(),
            i_fetch_addr=core.fetch_addr,
            o_fetch_data=core.fetch_data,
            i_addr=core.mem_addr,
            i_wmask=Mux(in_ram, core.mem_wmask, 0),
            i_wdata=core.mem_wdata,
            o_rdata=ram_data,
        )
        m.d.comb += [
            in_ram.eq(core.mem_addr[31]),
            core.enable.eq(1),
            core.mem_rdata.eq(Mux(in_ram, ram_data, around.rdata)),
            around.addr.eq(core.mem_addr),
            around.wdata.eq(core.mem_wdata),
            around.rmask.eq(Mux(in_ram, 0, core.mem_rmask)),
            around.wmask.eq(Mux(in_ram, 0, core.mem_wmask)),
            around.rx.eq(self.rx),
            around.pins_in.eq(self.pins_in),
            self.tx.eq(around.tx),
            self.pins_out.eq(around.pins_out),
            self.retired.eq(core.rvfi["valid"]),
            self.trapped.eq(core.rvfi["trap"]),
            self.pc.eq(core.rvfi["pc_rdata"]),
            self.ended.eq(around.ended),
            self.code.eq(around.code),
        ]
        return m
