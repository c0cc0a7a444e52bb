"""UART, timer and pins, in Amaranth's own simulator."""

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.sim import Simulator

from bsdgen.soc import layout
from bsdgen.soc.peripherals import Peripherals, Receiver, Transmitter

CASES = [0x00, 0xFF, 0x55, 0xA3, 0x0A]


def simulated(design: Elaboratable, process: object) -> None:
    simulator = Simulator(design)
    simulator.add_clock(1e-6)
    simulator.add_testbench(process)
    simulator.run()


@pytest.mark.parametrize("clocks", [4, 5, 8, 13])
def test_the_line_has_a_start_bit_eight_bits_and_a_stop_bit(clocks: int) -> None:
    sender = Transmitter()

    async def process(ctx) -> None:  # type: ignore[no-untyped-def]
        ctx.set(sender.clocks, clocks)
        for byte in CASES:
            assert ctx.get(sender.ready) and ctx.get(sender.tx)
            ctx.set(sender.data, byte)
            ctx.set(sender.start, 1)
            await ctx.tick()
            ctx.set(sender.start, 0)
            ctx.set(sender.data, ~byte & 0xFF)
            line = []
            for _ in range(10 * clocks):
                line.append(ctx.get(sender.tx))
                assert not ctx.get(sender.ready)
                await ctx.tick()
            want = [0, *(byte >> bit & 1 for bit in range(8)), 1]
            assert line == [bit for bit in want for _ in range(clocks)]

    simulated(sender, process)


class Loop(Elaboratable):
    """A line from a transmitter to a receiver."""

    def __init__(self) -> None:
        self.sender, self.receiver = Transmitter(), Receiver()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules += [self.sender, self.receiver]
        m.d.comb += self.receiver.rx.eq(self.sender.tx)
        return m


@pytest.mark.parametrize(("sends", "receives"), [(4, 4), (8, 8), (100, 100), (100, 103), (100, 97)])
def test_what_is_sent_is_received(sends: int, receives: int) -> None:
    """Also where the two clocks are three percent apart."""
    loop = Loop()

    async def process(ctx) -> None:  # type: ignore[no-untyped-def]
        ctx.set(loop.sender.clocks, sends)
        ctx.set(loop.receiver.clocks, receives)
        for byte in CASES:
            ctx.set(loop.sender.data, byte)
            ctx.set(loop.sender.start, 1)
            await ctx.tick()
            ctx.set(loop.sender.start, 0)
            for _ in range(11 * max(sends, receives)):
                await ctx.tick()
            assert ctx.get(loop.receiver.valid) and ctx.get(loop.receiver.data) == byte
            ctx.set(loop.receiver.take, 1)
            await ctx.tick()
            ctx.set(loop.receiver.take, 0)
            assert not ctx.get(loop.receiver.valid)

    simulated(loop, process)


@pytest.mark.parametrize(
    ("line", "valid"),
    [
        ([0] + [1] * 99, False),  # a glitch is no start bit
        ([0] * 100, False),  # a break has no stop bit
        ([0] * 112 + [1] * 100, False),  # and its end is no frame
        ([0] * 8 + [1] * 92, True),
    ],
)
def test_what_is_no_frame_is_no_byte(line: list[int], valid: bool) -> None:
    receiver = Receiver()

    async def process(ctx) -> None:  # type: ignore[no-untyped-def]
        ctx.set(receiver.clocks, 8)
        for bit in line:
            ctx.set(receiver.rx, bit)
            await ctx.tick()
        assert ctx.get(receiver.valid) == valid
        if valid:
            assert ctx.get(receiver.data) == 0xFF

    simulated(receiver, process)


def test_registers() -> None:
    of = Peripherals(8)

    async def process(ctx) -> None:  # type: ignore[no-untyped-def]
        async def write(address: int, value: int, mask: int = 15) -> None:
            ctx.set(of.addr, address)
            ctx.set(of.wdata, value)
            ctx.set(of.wmask, mask)
            await ctx.tick()
            ctx.set(of.wmask, 0)

        async def read(address: int) -> int:
            ctx.set(of.addr, address)
            ctx.set(of.rmask, 15)
            value = ctx.get(of.rdata)
            await ctx.tick()
            ctx.set(of.rmask, 0)
            return value

        assert await read(layout.TIMER_LOW) == 0
        await ctx.tick().repeat(10)
        assert (await read(layout.TIMER_LOW), await read(layout.TIMER_HIGH)) == (11, 0)
        await write(layout.GPIO_OUT, 0xA5)
        assert ctx.get(of.pins_out) == await read(layout.GPIO_OUT) == 0xA5
        await write(layout.GPIO_OUT, 0x5A00, mask=0b0010)
        assert ctx.get(of.pins_out) == 0xA5
        ctx.set(of.pins_in, 0x3C)
        await ctx.tick().repeat(2)
        assert await read(layout.GPIO_IN) == 0x3C
        assert await read(layout.UART_STATE) == 1
        assert await read(layout.UART_CLOCKS) == 8
        await write(layout.UART_CLOCKS, 1)
        assert await read(layout.UART_CLOCKS) == ctx.get(of.clocks) == 4
        await write(layout.UART_DATA, 0x41)
        assert await read(layout.UART_STATE) == 0 and not ctx.get(of.tx)
        assert await read(0x1000_0FFC) == await read(0x2000_0000) == 0
        ctx.set(of.addr, layout.EXIT)
        ctx.set(of.wdata, 7)
        assert not ctx.get(of.ended)
        ctx.set(of.wmask, 15)
        assert (ctx.get(of.ended), ctx.get(of.code)) == (1, 7)

    simulated(of, process)


def test_both_halves_of_the_timer_are_of_one_moment() -> None:
    of = Peripherals(8)

    async def process(ctx) -> None:  # type: ignore[no-untyped-def]
        ctx.set(of.addr, layout.TIMER_LOW)
        ctx.set(of.rmask, 15)
        await ctx.tick()
        ctx.set(of.rmask, 0)
        ctx.set(of.addr, layout.TIMER_HIGH)
        await ctx.tick().repeat(3)
        assert ctx.get(of.rdata) == 0

    simulated(of, process)


def test_a_byte_waits_until_it_is_read() -> None:
    of = Peripherals(4)

    async def process(ctx) -> None:  # type: ignore[no-untyped-def]
        for bit in [0, *(0x42 >> bit & 1 for bit in range(8)), 1, 1]:
            ctx.set(of.rx, bit)
            await ctx.tick().repeat(4)
        ctx.set(of.addr, layout.UART_STATE)
        assert ctx.get(of.rdata) == 3 and ctx.get(of.rx_waiting)
        ctx.set(of.addr, layout.UART_DATA)
        assert ctx.get(of.rdata) == 0x42  # looking is not reading
        ctx.set(of.rmask, 1)
        await ctx.tick()
        ctx.set(of.rmask, 0)
        ctx.set(of.addr, layout.UART_STATE)
        assert ctx.get(of.rdata) == 1 and not ctx.get(of.rx_waiting)

    simulated(of, process)


def test_of_two_bytes_that_nobody_reads_the_older_one_is_lost() -> None:
    of = Peripherals(4)

    async def process(ctx) -> None:  # type: ignore[no-untyped-def]
        for byte in (0x42, 0x43):
            for bit in [0, *(byte >> bit & 1 for bit in range(8)), 1, 1]:
                ctx.set(of.rx, bit)
                await ctx.tick().repeat(4)
        ctx.set(of.addr, layout.UART_DATA)
        assert ctx.get(of.rdata) == 0x43

    simulated(of, process)
