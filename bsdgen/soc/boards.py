"""Boards that the system is built for, and the top of the design there: pins, clock, reset.

Pins and constraints come from amaranth-boards.
"""

import importlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    DomainRenamer,
    Elaboratable,
    Module,
    ResetSignal,
    Signal,
)
from amaranth.lib import io

from bsdgen.core.learned import LearnedModule
from bsdgen.errors import ToolError, UsageError
from bsdgen.soc import layout
from bsdgen.soc.system import System

BAUD = 115_200
_CORE = "core"
CORE_CLOCK = f"{_CORE}_clk"
"""Name of the system's clock in the netlist, where it is divided."""
_PORTS_OF_SINGLE = 2  # places that the single-cycle shell reads memory at, at once


@dataclass(frozen=True)
class Board:
    """A board.

    Attributes
    ----------
    name : for the command line.
    module, platform : where amaranth-boards has it.
    family : of the part.
    clock_hz : of the oscillator that the board's description names as the default.
    ram_bytes : of block RAM that the system takes there.
    reset : the button that resets the system, a resource of the platform and its number.
    small_memory : what the part makes memory without a clock of: a cell, bits of one, how many there are.
    says : in a line.
    """

    name: str
    module: str
    platform: str
    family: Literal["ecp5", "ice40"]
    clock_hz: int
    ram_bytes: int
    reset: tuple[str, int]
    small_memory: tuple[str, int, int]
    says: str


BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        Board(
            "ulx3s",
            "ulx3s",
            "ULX3S_85F_Platform",
            "ecp5",
            25_000_000,
            1 << 16,
            ("button_pwr", 0),
            ("TRELLIS_DPR16X4", 64, 10_455),
            "Radiona ULX3S, LFE5U-85F",
        ),
        Board(
            "icebreaker",
            "icebreaker",
            "ICEBreakerPlatform",
            "ice40",
            12_000_000,
            1 << 13,
            ("button", 0),
            ("flip-flops", 1, 5_280),
            "iCEBreaker, iCE40UP5K",
        ),
    )
}


def find_board(name: str) -> Board:
    """A board by name.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    if name not in BOARDS:
        raise UsageError(f"board {name!r} is unknown; expected one of {', '.join(BOARDS)}")
    return BOARDS[name]


def board_platform(board: Board) -> Any:
    """Amaranth's platform of a board.

    Raises
    ------
    ToolError
        amaranth-boards is missing.
    """
    try:
        module = importlib.import_module(f"amaranth_boards.{board.module}")
    except ImportError as error:
        raise ToolError("amaranth-boards is missing; install it with `pip install 'bsdgen[fpga]'`") from error
    return getattr(module, board.platform)()


def check_shell(board: Board, shell: str) -> None:
    """Refuse a shell that cannot be built for a board; synthesis would take many minutes to find it out.

    Raises
    ------
    UsageError
        It is the single-cycle shell, whose memory answers without a clock, and the part lacks that.
    """
    cell, n_bits, there = board.small_memory
    copies = _PORTS_OF_SINGLE if n_bits > 1 else 1  # a cell of memory has one port; a flip-flop any number
    needed = copies * 8 * board.ram_bytes // n_bits
    if shell == "single" and needed > there:
        raise UsageError(
            f"--shell single does not fit {board.name} ({board.says}): its memory of {board.ram_bytes:,} "
            f"bytes is read at {_PORTS_OF_SINGLE} places without a clock, which takes {needed:,} {cell} of "
            f"{there:,}; use --shell fpga, whose memory is block RAM"
        )


class PowerUp(Elaboratable):
    """A reset, after power-up and while a button is pressed.

    It stays for `cycles` more: block RAM of some parts is not there for microseconds after power-up, and a
    button bounces for milliseconds.

    Attributes
    ----------
    pressed : the button, of any clock.
    reset : out: hold the system.
    """

    def __init__(self, cycles: int = (1 << 17) - 1) -> None:
        self.cycles = cycles
        self.pressed = Signal()
        self.reset = Signal(init=1, reset_less=True)

    def elaborate(self, platform: object) -> Module:
        """Build it; nothing in it is reset."""
        m = Module()
        meta, held = Signal(reset_less=True), Signal(reset_less=True)
        wait = Signal(range(self.cycles + 1), init=self.cycles, reset_less=True)
        m.d.sync += [meta.eq(self.pressed), held.eq(meta), self.reset.eq(held | wait.any())]
        with m.If(held):
            m.d.sync += wait.eq(self.cycles)
        with m.Elif(wait.any()):
            m.d.sync += wait.eq((wait - 1)[: len(wait)])
        return m


class BoardTop(Elaboratable):
    """The system on a board: UART on the board's, pins on its LEDs and buttons, one button to reset it.

    Parameters
    ----------
    shell, image : as in `System`.
    divide : cycles of the board's clock a cycle of the system, a power of two.
    """

    def __init__(
        self, modules: list[LearnedModule], board: Board, shell: str, divide: int, image: str
    ) -> None:
        self.board = board
        self.divide = divide
        clocks_per_bit = max(4, round(board.clock_hz / divide / BAUD))
        self.system = System(modules, shell, board.ram_bytes // 4, clocks_per_bit, image)

    def elaborate(self, platform: Any) -> Module:
        """Build it."""
        m = Module()
        m.submodules.system = DomainRenamer(_CORE)(self.system)
        self._clock(m, platform)
        uart = platform.request("uart", 0, dir="-")
        m.submodules.tx = tx = io.Buffer("o", uart.tx)
        m.submodules.rx = rx = io.Buffer("i", uart.rx)
        m.d.comb += [tx.o.eq(self.system.tx), self.system.rx.eq(rx.i)]
        m.submodules.again = again = io.Buffer("i", platform.request(*self.board.reset, dir="-"))
        m.submodules.power_up = power_up = DomainRenamer(_CORE)(PowerUp())
        m.d.comb += [power_up.pressed.eq(again.i), ResetSignal(_CORE).eq(power_up.reset)]
        for number, port in enumerate(_pins(platform, ("led",))):
            m.submodules[f"lamp{number}"] = lamp = io.Buffer("o", port)
            m.d.comb += lamp.o.eq(self.system.pins_out[number])
        for number, port in enumerate(_pins(platform, ("button", "switch"))):
            m.submodules[f"key{number}"] = key = io.Buffer("i", port)
            m.d.comb += self.system.pins_in[number].eq(key.i)
        return m

    def _clock(self, m: Module, platform: Any) -> None:
        """The system's clock, the board's or a part of it."""
        setattr(m.domains, _CORE, ClockDomain(_CORE))
        if self.divide == 1:
            m.d.comb += ClockSignal(_CORE).eq(ClockSignal())
        else:
            count = Signal(range(self.divide))
            divided = Signal()
            m.d.sync += [count.eq((count + 1)[: len(count)]), divided.eq(count[-1])]
            m.d.comb += ClockSignal(_CORE).eq(divided)
            platform.add_clock_constraint(divided, self.board.clock_hz / self.divide)


def _pins(platform: Any, names: tuple[str, ...]) -> list[Any]:
    """Ports of what the board has of some resources and is free, at most as many as the system has pins."""
    from amaranth.build import ResourceError

    found: list[Any] = []
    for name in names:
        for number in range(layout.N_PINS):
            with suppress(ResourceError):  # there is none of that number, or it resets the system
                found.append(platform.request(name, number, dir="-"))
    return found[: layout.N_PINS]
