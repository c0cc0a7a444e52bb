"""Boards that the system is built for, and the top of the design there: pins, clock, reset.

Pins and constraints come from amaranth-boards.
"""

import importlib
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
_RESET_CYCLES = (
    255  # after power-up, before the first instruction: block RAM of some parts needs microseconds
)
_CORE = "core"


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
    says : in a line.
    """

    name: str
    module: str
    platform: str
    family: Literal["ecp5", "ice40"]
    clock_hz: int
    ram_bytes: int
    says: str


BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        Board(
            "ulx3s", "ulx3s", "ULX3S_85F_Platform", "ecp5", 25_000_000, 1 << 16, "Radiona ULX3S, LFE5U-85F"
        ),
        Board(
            "icebreaker",
            "icebreaker",
            "ICEBreakerPlatform",
            "ice40",
            12_000_000,
            1 << 13,
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


class BoardTop(Elaboratable):
    """The system on a board: UART on the board's, pins on its LEDs and buttons.

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
        for number, port in enumerate(_pins(platform, ("led",))):
            m.submodules[f"lamp{number}"] = lamp = io.Buffer("o", port)
            m.d.comb += lamp.o.eq(self.system.pins_out[number])
        for number, port in enumerate(_pins(platform, ("button", "switch"))):
            m.submodules[f"key{number}"] = key = io.Buffer("i", port)
            m.d.comb += self.system.pins_in[number].eq(key.i)
        return m

    def _clock(self, m: Module, platform: Any) -> None:
        """The system's clock, the board's or a part of it, and a reset after power-up."""
        setattr(m.domains, _CORE, ClockDomain(_CORE))
        if self.divide == 1:
            m.d.comb += ClockSignal(_CORE).eq(ClockSignal())
        else:
            count = Signal(range(self.divide))
            divided = Signal()
            m.d.sync += [count.eq((count + 1)[: len(count)]), divided.eq(count[-1])]
            m.d.comb += ClockSignal(_CORE).eq(divided)
            platform.add_clock_constraint(divided, self.board.clock_hz / self.divide)
        wait = Signal(range(_RESET_CYCLES + 1), init=_RESET_CYCLES, reset_less=True)
        held = Signal(init=1, reset_less=True)
        with m.If(wait.any()):
            m.d[_CORE] += wait.eq((wait - 1)[: len(wait)])
        m.d[_CORE] += held.eq(wait.any())
        m.d.comb += ResetSignal(_CORE).eq(held)


def _pins(platform: Any, names: tuple[str, ...]) -> list[Any]:
    """Ports of what the board has of some resources, at most as many as the system has pins."""
    from amaranth.build import ResourceError

    found: list[Any] = []
    for name in names:
        for number in range(layout.N_PINS):
            try:
                found.append(platform.request(name, number, dir="-"))
            except ResourceError:
                break
    return found[: layout.N_PINS]
