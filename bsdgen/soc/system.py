"""Core, memory and peripherals put together, in Amaranth.

The memory is a Verilog module (``sim/soc/ram.v``): what a simulation loads is only known when it runs.
"""

from amaranth.hdl import ClockSignal, Elaboratable, Instance, Module, Mux, Signal, Value

from bsdgen.core.fpga import FpgaCore
from bsdgen.core.learned import LearnedModule
from bsdgen.core.single import SingleCycleCore
from bsdgen.soc import layout
from bsdgen.soc.peripherals import Peripherals

SHELLS: tuple[str, ...] = ("single", "fpga")
"""Shells that a system can be built around: one cycle an instruction, or block RAM behind a bus."""


class System(Elaboratable):
    """The system.

    Parameters
    ----------
    modules : the learned modules.
    shell : of `SHELLS`.
    words : of memory, a power of two.
    clocks_per_bit : of the UART at reset.
    image : file of `$readmemh` that the memory holds at power-up, "" for none.

    Attributes
    ----------
    tx, rx, pins_out, pins_in : the outside.
    clocks : out: of the UART, a bit.
    rx_waiting : out: a byte was received that the program has not read yet.
    retired, trapped, pc : out: an instruction retires in this cycle, it traps, its address.
    ended, code : out: the program ends in this cycle, and its exit code.
    """

    def __init__(
        self, modules: list[LearnedModule], shell: str, words: int, clocks_per_bit: int, image: str = ""
    ) -> None:
        self.modules = modules
        self.shell = shell
        self.words = words
        self.image = image
        self.clocks_per_bit = clocks_per_bit
        self.tx = Signal(init=1)
        self.rx = Signal(init=1)
        self.pins_out = Signal(layout.N_PINS)
        self.pins_in = Signal(layout.N_PINS)
        self.clocks = Signal(layout.DIVISOR_BITS)
        self.rx_waiting = Signal()
        self.retired = Signal()
        self.trapped = Signal()
        self.pc = Signal(32)
        self.ended = Signal()
        self.code = Signal(32)

    def ports(self) -> list[Signal]:
        """All ports but clk and rst."""
        outside = [self.tx, self.rx, self.pins_out, self.pins_in, self.clocks, self.rx_waiting]
        return [*outside, self.retired, self.trapped, self.pc, self.ended, self.code]

    def elaborate(self, platform: object) -> Module:
        """Build the system."""
        m = Module()
        m.submodules.peripherals = around = Peripherals(self.clocks_per_bit)
        core = self._single(m, around) if self.shell == "single" else self._behind_bus(m, around)
        m.d.comb += [
            around.rx.eq(self.rx),
            around.pins_in.eq(self.pins_in),
            self.tx.eq(around.tx),
            self.pins_out.eq(around.pins_out),
            self.clocks.eq(around.clocks),
            self.rx_waiting.eq(around.rx_waiting),
            self.retired.eq(core.rvfi["valid"]),
            self.trapped.eq(core.rvfi["trap"]),
            self.pc.eq(core.rvfi["pc_rdata"]),
            self.ended.eq(around.ended),
            self.code.eq(around.code),
        ]
        return m

    def _ram(self, module: str, **pins: object) -> Instance:
        image = {"p_IMAGE": self.image} if self.image else {}
        return Instance(module, p_WORDS=self.words, **image, i_clk=ClockSignal(), **pins)

    def _holds(self, address: Signal) -> Value:
        """Whether memory is there: with fewer bits it would repeat through the upper half."""
        return address[(4 * self.words - 1).bit_length() :] == layout.RAM_BASE // (4 * self.words)

    def _single(self, m: Module, around: Peripherals) -> SingleCycleCore:
        """Memory and registers that answer at once."""
        m.submodules.core = core = SingleCycleCore(self.modules, layout.RESET_PC)
        in_ram, ram_data, fetched = Signal(), Signal(32), Signal(32)
        m.submodules.ram = self._ram(
            "soc_ram_async",
            i_fetch_addr=core.fetch_addr,
            o_fetch_data=fetched,
            i_addr=core.mem_addr,
            i_wmask=Mux(in_ram, core.mem_wmask, 0),
            i_wdata=core.mem_wdata,
            o_rdata=ram_data,
        )
        m.d.comb += [
            in_ram.eq(self._holds(core.mem_addr)),
            core.fetch_data.eq(Mux(self._holds(core.fetch_addr), fetched, 0)),
            core.enable.eq(1),
            core.mem_rdata.eq(Mux(in_ram, ram_data, around.rdata)),
            around.addr.eq(core.mem_addr),
            around.wdata.eq(core.mem_wdata),
            around.rmask.eq(Mux(in_ram, 0, core.mem_rmask)),
            around.wmask.eq(Mux(in_ram, 0, core.mem_wmask)),
        ]
        return core

    def _behind_bus(self, m: Module, around: Peripherals) -> FpgaCore:
        """Memory and registers that take a request in one cycle and answer in the next.

        As an access ends, the memory reads where the fetch behind it will be, which is so answered at once. A
        store has been written by then, so what it stored is what is fetched. Bit 31 alone says whether it
        reads ahead, as bus_next comes late; whether memory is there is known with the answer.
        """
        m.submodules.core = core = FpgaCore(self.modules, layout.RESET_PC)
        in_ram, ram_data, kept = Signal(), Signal(32), Signal(32)
        asks, answers, ahead, from_ram = Signal(), Signal(), Signal(), Signal()
        m.submodules.ram = self._ram(
            "soc_ram_sync",
            i_enable=(asks & in_ram) | ahead,
            i_addr=Mux(ahead, core.bus_next, core.bus_addr),
            i_wmask=Mux(ahead, 0, core.bus_wmask),
            i_wdata=core.bus_wdata,
            o_rdata=ram_data,
        )
        m.d.comb += [
            in_ram.eq(self._holds(core.bus_addr)),
            asks.eq(core.bus_valid & ~answers),
            core.bus_ready.eq(answers),
            ahead.eq(core.bus_valid & answers & ~core.bus_instr & core.bus_next[31]),
            core.bus_rdata.eq(Mux(from_ram, ram_data, kept)),
            around.addr.eq(core.bus_addr),
            around.wdata.eq(core.bus_wdata),
            around.rmask.eq(Mux(asks & ~in_ram, core.bus_rmask, 0)),
            around.wmask.eq(Mux(asks & ~in_ram, core.bus_wmask, 0)),
        ]
        m.d.sync += [
            answers.eq(asks | ahead),
            from_ram.eq(Mux(ahead, self._holds(core.bus_next), in_ram)),
            kept.eq(Mux(ahead, 0, around.rdata)),
        ]
        return core
