"""UART, timer and GPIO in Amaranth, as registers on one port.

The port works in a single cycle: `rdata` follows `addr` at once, and an access takes effect at the clock edge
of a cycle in which a bit of `rmask` or `wmask` is set. Addresses are those of `bsdgen.soc.layout`.
"""

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal

from bsdgen.soc import layout

_FRAME = 10  # start bit, eight data bits, stop bit
_COUNT = layout.DIVISOR_BITS


class Transmitter(Elaboratable):
    """Sends bytes: a start bit (0), eight bits with the lowest first, a stop bit (1).

    Attributes
    ----------
    clocks : clocks a bit.
    data, start : a byte, and the cycle in which to take it; ignored unless `ready`.
    ready : out: the last byte is gone.
    tx : out: the line.
    """

    def __init__(self) -> None:
        self.clocks = Signal(_COUNT)
        self.data = Signal(8)
        self.start = Signal()
        self.ready = Signal()
        self.tx = Signal(init=1)

    def elaborate(self, platform: object) -> Module:
        """Build it."""
        m = Module()
        left = Signal(range(_FRAME + 1))
        frame = Signal(_FRAME, init=(1 << _FRAME) - 1)
        count = Signal(_COUNT)
        m.d.comb += [self.ready.eq(left == 0), self.tx.eq(frame[0])]
        with m.If(left == 0), m.If(self.start):
            m.d.sync += [
                frame.eq(Cat(0, self.data, 1)),
                left.eq(_FRAME),
                count.eq((self.clocks - 1)[:_COUNT]),
            ]
        with m.Elif(count == 0):
            m.d.sync += [
                frame.eq(Cat(frame[1:], 1)),
                left.eq((left - 1)[: len(left)]),
                count.eq((self.clocks - 1)[:_COUNT]),
            ]
        with m.Else():
            m.d.sync += count.eq((count - 1)[:_COUNT])
        return m


class Receiver(Elaboratable):
    """Receives bytes, each bit read in its middle; a frame without its stop bit is dropped.

    Attributes
    ----------
    clocks : clocks a bit.
    rx : the line, of any clock.
    data, valid : out: the last byte, and whether there is one.
    take : the cycle in which it is taken. A byte that comes while another waits replaces it: the older one
        is lost.
    """

    def __init__(self) -> None:
        self.clocks = Signal(_COUNT)
        self.rx = Signal(init=1)
        self.data = Signal(8)
        self.valid = Signal()
        self.take = Signal()

    def elaborate(self, platform: object) -> Module:
        """Build it."""
        m = Module()
        meta, line, before = Signal(init=1), Signal(init=1), Signal(init=1)
        m.d.sync += [meta.eq(self.rx), line.eq(meta), before.eq(line)]
        left = Signal(range(_FRAME + 1))
        bits = Signal(_FRAME - 1)
        count = Signal(_COUNT)
        with m.If(self.take):
            m.d.sync += self.valid.eq(0)
        with m.If(left == 0), m.If(before & ~line):  # an edge: a line that stays low is a break, no start bit
            m.d.sync += [left.eq(_FRAME), count.eq(self.clocks >> 1)]
        with m.Elif(count == 0):
            m.d.sync += [
                bits.eq(Cat(bits[1:], line)),
                left.eq((left - 1)[: len(left)]),
                count.eq((self.clocks - 1)[:_COUNT]),
            ]
            with m.If((left == _FRAME) & line):  # no start bit, a glitch
                m.d.sync += left.eq(0)
            with m.If((left == 1) & line):
                m.d.sync += [self.data.eq(bits[1:]), self.valid.eq(1)]
        with m.Else():
            m.d.sync += count.eq((count - 1)[:_COUNT])
        return m


class Peripherals(Elaboratable):
    """All registers but memory.

    Parameters
    ----------
    clocks_per_bit : of the UART, until a program says otherwise.

    Attributes
    ----------
    addr, rmask, wmask, wdata, rdata : the port.
    tx, rx, pins_out, pins_in : the outside.
    clocks : out: of the UART, a bit.
    rx_waiting : out: a byte was received and not read yet.
    ended, code : out: a word was stored to EXIT in this cycle, and which.
    """

    def __init__(self, clocks_per_bit: int) -> None:
        self.clocks_per_bit = clocks_per_bit
        self.addr = Signal(32)
        self.rmask = Signal(4)
        self.wmask = Signal(4)
        self.wdata = Signal(32)
        self.rdata = Signal(32)
        self.tx = Signal()
        self.rx = Signal()
        self.pins_out = Signal(layout.N_PINS)
        self.pins_in = Signal(layout.N_PINS)
        self.clocks = Signal(_COUNT)
        self.rx_waiting = Signal()
        self.ended = Signal()
        self.code = Signal(32)

    def elaborate(self, platform: object) -> Module:
        """Build them."""
        m = Module()
        m.submodules.transmitter = send = Transmitter()
        m.submodules.receiver = receive = Receiver()
        clocks = Signal(_COUNT, init=self.clocks_per_bit)
        cycles, upper = Signal(64), Signal(32)
        out = Signal(layout.N_PINS)
        meta, pins = Signal(layout.N_PINS), Signal(layout.N_PINS)
        reads, writes = self.rmask.any(), self.wmask.any()

        def at(address: int) -> Signal:
            here = Signal(name=f"at_{address:08x}")
            m.d.comb += here.eq(self.addr[2:] == address >> 2)
            return here

        m.d.comb += [
            send.clocks.eq(clocks),
            send.data.eq(self.wdata[:8]),
            send.start.eq(at(layout.UART_DATA) & self.wmask[0]),
            receive.clocks.eq(clocks),
            receive.rx.eq(self.rx),
            receive.take.eq(at(layout.UART_DATA) & reads),
            self.tx.eq(send.tx),
            self.clocks.eq(clocks),
            self.rx_waiting.eq(receive.valid),
            self.pins_out.eq(out),
            self.ended.eq(at(layout.EXIT) & writes),
            self.code.eq(self.wdata),
        ]
        m.d.sync += [cycles.eq((cycles + 1)[:64]), meta.eq(self.pins_in), pins.eq(meta)]
        with m.If(at(layout.UART_CLOCKS) & self.wmask[:2].all()):
            m.d.sync += clocks.eq(Mux(self.wdata[2:_COUNT].any(), self.wdata[:_COUNT], 4))
        with m.If(at(layout.TIMER_LOW) & reads):
            m.d.sync += upper.eq(cycles[32:])
        with m.If(at(layout.GPIO_OUT) & self.wmask[0]):
            m.d.sync += out.eq(self.wdata[: layout.N_PINS])
        readable = {
            layout.UART_DATA: receive.data,
            layout.UART_STATE: Cat(send.ready, receive.valid),
            layout.UART_CLOCKS: clocks,
            layout.TIMER_LOW: cycles[:32],
            layout.TIMER_HIGH: upper,
            layout.GPIO_OUT: out,
            layout.GPIO_IN: pins,
        }
        for address, value in readable.items():
            with m.If(at(address)):
                m.d.comb += self.rdata.eq(value)
        return m
