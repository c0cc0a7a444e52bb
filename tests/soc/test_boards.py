"""What a board brings to the system: pins, a button that resets it."""

import re
from pathlib import Path

import pytest
from amaranth.sim import Simulator
from boards_needed import needs_amaranth_boards
from standin import rv32i_model

from bsdgen.core.fpga import fpga_modules
from bsdgen.soc import bitstream
from bsdgen.soc.boards import BoardTop, PowerUp, find_board


@pytest.mark.parametrize(
    ("name", "pins", "n_keys"),
    [("ulx3s", 'COMP "button_pwr_0__io" SITE "D6"', 8), ("icebreaker", "set_io button_0__io 10", 0)],
)
def test_a_button_resets_and_the_others_are_pins(tmp_path: Path, name: str, pins: str, n_keys: int) -> None:
    needs_amaranth_boards()
    board = find_board(name)
    top = BoardTop(fpga_modules(rv32i_model(), "cpu"), board, "fpga", 1, "image.hex")
    texts = {"image.hex": "0\n", "cpu_step.v": ""}
    bitstream._plan(top, board, texts, tmp_path, ["place"], ["pack"])
    constraints = tmp_path / {"ecp5": "top.lpf", "ice40": "top.pcf"}[board.family]
    assert pins in constraints.read_text()
    design = (tmp_path / "top.il").read_text()
    assert "top.power_up" in design
    assert len(set(re.findall(r"top\.key\d+", design))) == n_keys


def test_a_reset_ends_some_time_after_power_up_and_after_the_button() -> None:
    of = PowerUp(cycles=5)

    async def process(ctx) -> None:  # type: ignore[no-untyped-def]
        for pressed, cycles in ((0, 0), (1, 9)):
            ctx.set(of.pressed, pressed)
            await ctx.tick().repeat(max(cycles, 1))
            ctx.set(of.pressed, 0)
            held = 0
            while ctx.get(of.reset):
                held += 1
                await ctx.tick()
            assert 5 <= held <= 9
            for _ in range(20):
                assert not ctx.get(of.reset)
                await ctx.tick()

    simulator = Simulator(of)
    simulator.add_clock(1e-6)
    simulator.add_testbench(process)
    simulator.run()
