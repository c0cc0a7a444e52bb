"""``bsdgen soc``: a small system around a learned core, and programs on it."""

import os
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bsdgen.cli.console import Output, Progress
from bsdgen.cli.options import command
from bsdgen.errors import BudgetReached, CheckFailed, UsageError

if TYPE_CHECKING:
    from bsdgen.isa.program import Program
    from bsdgen.model import Model
    from bsdgen.soc.boards import Board

_MODEL = Path("rtl_out/rv32i")
_SMALLEST, _LARGEST = 1 << 10, 1 << 26
_TRAP = 0xDEAD  # what start.S ends a program with
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20}

Model_ = Annotated[
    Path, typer.Option("--model", "-m", metavar="MODEL", help="Folder of a learned RV32I model.")
]
Program_ = Annotated[Path, typer.Argument(metavar="PROGRAM", help="ELF file, linked with sim/soc/link.ld.")]


class Shell(StrEnum):
    """What the system is built around."""

    SINGLE = "single"
    FPGA = "fpga"


class BoardName(StrEnum):
    """What a bitstream can be made for; one of each family."""

    ULX3S = "ulx3s"
    ICEBREAKER = "icebreaker"


def memory_size(text: str) -> int:
    """Bytes of a text such as 64K.

    Raises
    ------
    UsageError
        It is no power of two from 1K to 64M.

    >>> memory_size("64K"), memory_size("1m")
    (65536, 1048576)
    """
    match = re.fullmatch(r"(\d+)([km]?)", text.lower())
    n_bytes = int(match[1]) * _UNITS[match[2]] if match else 0
    if not _SMALLEST <= n_bytes <= _LARGEST or n_bytes & (n_bytes - 1):
        raise UsageError(f"--ram must be a power of two from 1K to 64M, such as 64K or 1M, not {text!r}")
    return n_bytes


def run(
    out: Output,
    program: Program_,
    model: Model_ = _MODEL,
    *,
    shell: Annotated[
        Shell, typer.Option("--shell", metavar="single|fpga", help="One cycle an instruction, or block RAM.")
    ] = Shell.SINGLE,
    ram: Annotated[str, typer.Option("--ram", metavar="SIZE", help="Memory: a power of two, K or M.")] = "1M",
    given: Annotated[
        Path | None,
        typer.Option("--input", metavar="FILE", help="Send this file to the program (default: stdin)."),
    ] = None,
    pins: Annotated[
        int, typer.Option("--pins", metavar="N", min=0, max=255, help="What the GPIO inputs show.")
    ] = 0,
    max_cycles: Annotated[
        int, typer.Option("--max-cycles", metavar="N", min=0, help="Stop after N clock cycles. 0: never.")
    ] = 0,
) -> None:
    """Run a program on the learned core with memory, UART, timer and pins, in Verilator.

    What the program prints goes to stdout, stdin goes to it, behind its end the byte 0x04 (end of
    transmission); cycles and speed are told on stderr when it ends, also by Ctrl-C. Ends with exit code 1
    when the program ends with a code other than 0, 5 when the cycles are used up.
    """
    import tempfile

    import msgspec

    from bsdgen.artifacts import locked
    from bsdgen.isa.program import load_program
    from bsdgen.model import Model
    from bsdgen.soc.image import memory_words
    from bsdgen.soc.simulator import Streams, build
    from bsdgen.soc.simulator import run as simulate

    n_bytes = memory_size(ram)
    loaded = load_program(program)
    memory_words(loaded, n_bytes)  # refused before anything is built
    out.held.enter_context(locked(model, shared=True))
    with out.progress("building the system") as progress:
        simulator = build(Model.load(model), model, n_bytes, shell.value)
        progress(1, 1)
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as temporary:
        printed = Path(temporary) / "printed" if out.json else None
        try:
            ran = simulate(
                simulator,
                loaded,
                n_bytes,
                max_cycles=max_cycles,
                pins=pins,
                streams=Streams(given, printed),
            )
        except BrokenPipeError:
            raise typer.Exit(1) from None  # who read what it prints has seen enough
        text = printed.read_text(encoding="utf-8", errors="replace") if printed is not None else ""
    cpi = ran.cycles / max(1, ran.retired)
    facts = {"program": loaded.path.stem, "cpi": cpi, "printed": text, **msgspec.to_builtins(ran)}
    if out.json:
        out.result(facts, "")
    out.note(
        f"{loaded.path.stem}: {ran.retired:,} instructions in {ran.cycles:,} cycles "
        f"({cpi:.2f} an instruction), {ran.traps:,} traps, {ran.wall_s:.2f} s, "
        f"{ran.retired / max(ran.wall_s, 1e-9) / 1e6:.2f} M instructions/s"
    )
    if ran.interrupted:
        raise KeyboardInterrupt
    if not ran.ended:
        raise BudgetReached(
            f"{program}: has not ended after {ran.cycles:,} cycles, the last pc is {ran.pc:#010x}; raise "
            "--max-cycles"
        )
    if ran.code:
        why = ", a trap" if ran.code == _TRAP else ""
        raise CheckFailed(f"{program}: ended with code {ran.code:#x}{why}")


def build(
    out: Output,
    program: Program_,
    model: Model_ = _MODEL,
    *,
    board: Annotated[
        BoardName, typer.Option("--board", "-b", metavar="ulx3s|icebreaker", help="What it is built for.")
    ],
    shell: Annotated[
        Shell, typer.Option("--shell", metavar="single|fpga", help="One cycle an instruction, or block RAM.")
    ] = Shell.FPGA,
    simulate: Annotated[
        bool,
        typer.Option(
            "--simulate", help="Run the program on the netlist after synthesis too, and before it: compare."
        ),
    ] = False,
    given: Annotated[
        Path | None,
        typer.Option(
            "--input", metavar="FILE", help="Send this file to the program there (default: nothing)."
        ),
    ] = None,
    max_cycles: Annotated[
        int, typer.Option("--max-cycles", metavar="N", min=1, help="Of that simulation.")
    ] = 10_000_000,
    target: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="Results (default: soc/BOARD/ of the model)."),
    ] = None,
) -> None:
    """Make a bitstream of the system for a board, with a program in its memory.

    Yosys and nextpnr; prints the resources that it takes and the clock that it allows. The system gets the
    board's clock, or a half or a quarter of it where the timing asks for that. Needs `pip install
    'bsdgen[fpga]'`. Ends with exit code 1 when the timing is not met even so (there is no bitstream then), or
    when the program does anything else on the netlist than before synthesis, or ends there with a code other
    than 0; 5 when it has not ended within --max-cycles.
    """
    import msgspec

    from bsdgen.artifacts import locked, sha256, sole_writer, write_json
    from bsdgen.isa.program import load_program
    from bsdgen.model import Model
    from bsdgen.soc.bitstream import build_bitstream
    from bsdgen.soc.boards import check_shell, find_board

    loaded, on = load_program(program), find_board(board.value)
    check_shell(on, shell.value)
    folder = target if target is not None else model / "soc" / board.value
    out.held.enter_context(locked(model, shared=True))
    learned = Model.load(model)
    facts: dict[str, Any] = {
        "model_sha256": sha256(model / "model.npz"),
        "program_sha256": sha256(program),
    }
    document = folder / "build.json"
    out.held.enter_context(sole_writer(document))
    document.unlink(missing_ok=True)  # what it told of is replaced piece by piece
    with out.progress(f"building for {on.name}") as progress:
        built = build_bitstream(learned, model, on, shell.value, loaded, folder, progress.stage)
        facts |= msgspec.to_builtins(built)
        if simulate:
            source = given if given is not None else Path(os.devnull)
            facts |= _simulated(learned, model, loaded, on, shell.value, folder, max_cycles, source, progress)
    write_json(document, facts)
    out.result(facts, _built_text(facts))
    if not built.bitstream:
        raise CheckFailed(
            f"{on.name}: the timing allows {built.fmax_hz / 1e6:.1f} MHz, the slowest clock that is tried is "
            f"{built.clock_hz / 1e6:.1f} MHz; there is no bitstream. The longest path is in "
            f"{folder / 'top.tim'}"
        )
    if simulate:
        _judge(program, facts, max_cycles)


def _simulated(
    learned: "Model",
    model: Path,
    program: "Program",
    board: "Board",
    shell: str,
    folder: Path,
    max_cycles: int,
    given: Path,
    progress: Progress,
) -> dict[str, Any]:
    """Run a program on the netlist after synthesis: how it ran, what it printed, what differs from before."""
    import tempfile

    import msgspec

    from bsdgen.soc.netlist import differences, synthesised_simulator
    from bsdgen.soc.simulator import Ran, Streams
    from bsdgen.soc.simulator import build as build_simulator
    from bsdgen.soc.simulator import run as simulate

    def ran_on(simulator: Path, printed: Path) -> Ran:
        streams = Streams(given, printed)
        ran = simulate(simulator, program, board.ram_bytes, max_cycles=max_cycles, streams=streams)
        if ran.interrupted:
            raise KeyboardInterrupt
        return ran

    target, printed = folder / "netlist_simulator", folder / "printed.txt"
    simulator = synthesised_simulator(learned, model, board, shell, program, target, progress.stage)
    progress.stage("running the program on the netlist")
    after = ran_on(simulator, printed)
    progress.stage("running the program on the system before synthesis")
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as temporary:
        printed_before = Path(temporary) / "printed"
        before = ran_on(build_simulator(learned, model, board.ram_bytes, shell), printed_before)
        differs = differences(after, printed.read_bytes(), before, printed_before.read_bytes())
    text = printed.read_text(encoding="utf-8", errors="replace")
    return {"simulated": msgspec.to_builtins(after), "printed": text, "differs": differs}


def _judge(program: Path, facts: dict[str, Any], max_cycles: int) -> None:
    """Say what is wrong with a simulation of the netlist.

    Raises
    ------
    CheckFailed
        It differs from the one before synthesis, or the program ended with a code other than 0.
    BudgetReached
        It did not end.
    """
    ran = facts["simulated"]
    if facts["differs"]:
        raise CheckFailed(
            f"{program}: the netlist after synthesis does not do what the system before it does: "
            f"{'; '.join(facts['differs'])}. Do not trust the bitstream; the netlist is in "
            f"{Path(facts['bitstream']).with_name('netlist.v')}"
        )
    if not ran["ended"]:
        raise BudgetReached(
            f"{program}: has not ended on the netlist within {max_cycles:,} cycles (nor before synthesis; "
            "what it printed is the same). Raise --max-cycles, or simulate a program that ends by itself"
        )
    if ran["code"]:
        raise CheckFailed(f"{program}: on the netlist after synthesis it ended with code {ran['code']:#x}")


def _built_text(facts: dict[str, Any]) -> str:
    used = ", ".join(f"{n:,} of {facts['available'][key]:,} {key}" for key, n in facts["used"].items())
    lines = [
        f"bitstream  {facts['bitstream'] or 'none, the timing is not met'}",
        f"clock      {facts['clock_hz'] / 1e6:g} MHz, the board's by {facts['divide']}; "
        f"Fmax {facts['fmax_hz'] / 1e6:.1f} MHz",
        f"used       {used}",
    ]
    if ran := facts.get("simulated"):
        ending = f"ended with code {ran['code']:#x}" if ran["ended"] else "did not end"
        same = "not as" if facts["differs"] else "as"
        lines.append(
            f"netlist    {facts['program']} {ending} after {ran['retired']:,} instructions in "
            f"{ran['cycles']:,} cycles, {same} before synthesis; it printed:"
        )
        lines.append(facts["printed"].rstrip())
    return "\n".join(lines)


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "run": (run, "bsdgen soc run sim/soc/hello.elf"),
    "build": (build, "bsdgen soc build sim/soc/blink.elf --board icebreaker"),
}
"""Each command's function and the example that its help shows."""

app = typer.Typer(
    help="A small system around a learned core: programs that print, bitstreams.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _name, (_body, _example) in COMMANDS.items():
    app.command(_name, epilog=f"Example: {_example}")(command(_body))
