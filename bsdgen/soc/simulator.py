"""Programs on the system in Verilator, the UART on standard input and output."""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bsdgen.artifacts import atomic_path, write_text
from bsdgen.core.fpga import fpga_modules
from bsdgen.core.learned import learned_modules
from bsdgen.core.text import shell_text
from bsdgen.cosim.verilator import compile_simulator
from bsdgen.emit.parts import model_name
from bsdgen.emit.verilog import verilog_text
from bsdgen.errors import InputError, ToolError
from bsdgen.isa.program import Program
from bsdgen.model import Model
from bsdgen.soc.image import memory_words, readmemh_text
from bsdgen.soc.system import System

CACHE = "soc_build"
CLOCKS_PER_BIT = 8
"""Of the simulated line at reset: fast, and slow enough for the receiver to find the middle of a bit."""
_KEEP = 4  # simulators
# One function at -O1 is the fastest for a netlist of single bits, as it is for the bench of co-simulation.
_FLAGS = (
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--output-split",
    "20000",
    "--output-split-cfuncs",
    "20000",
)
_MAKE = ("OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1")


class Ran(msgspec.Struct, frozen=True):
    """How a program ran.

    Attributes
    ----------
    ended, code : whether it ended by itself, and with which code.
    interrupted : somebody stopped it.
    cycles, retired, traps : clock cycles, instructions (traps too), traps.
    sent : bytes that the UART sent.
    pc : of the last instruction.
    pins : what the GPIO pins show.
    write_errno : why what was printed could not be written, 0 if it was.
    wall_s : seconds in the simulator.
    """

    ended: bool
    code: int
    interrupted: bool
    cycles: int
    retired: int
    traps: int
    sent: int
    pc: int
    pins: int
    write_errno: int
    wall_s: float


@dataclass(frozen=True)
class Streams:
    """Where the UART's bytes go to and come from; None: this process's own.

    Attributes
    ----------
    given : file that is sent to the program; behind its end, and that of the standard input, the program gets
        end of transmission (0x04).
    printed : file that what the program prints is written into.
    """

    given: Path | None = None
    printed: Path | None = None


def find_gateware() -> Path:
    """Folder ``sim/soc`` of the clone.

    Raises
    ------
    InputError
        It is not there.
    """
    folder = Path(__file__).resolve().parents[2] / "sim" / "soc"
    for name in ("ram.v", "soc.cpp"):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder / name}: is missing; the small system needs a clone of bsdgen, installed by "
                "`pip install -e .`"
            )
    return folder


def system_text(model: Model, name: str, shell: str, words: int, clocks_per_bit: int, image: str = "") -> str:
    """Verilog of the system; it instantiates the modules of ``<name>_step.v`` and those of ``ram.v``.

    Parameters
    ----------
    shell : of `bsdgen.soc.system.SHELLS`.
    words : of memory.
    image : file that memory holds at power-up, for synthesis; a simulation names its own as it starts.

    Raises
    ------
    InputError
        The model cannot be the step function of a core.
    ToolError
        Yosys is missing or fails.
    """
    modules = learned_modules(model, name) if shell == "single" else fpga_modules(model, name)
    says = (
        f"a small system around the learned modules of {name}_step.v.\n"
        "Elaborated from bsdgen's Amaranth sources (bsdgen/soc)."
    )
    return shell_text(System(modules, shell, words, clocks_per_bit, image), f"{name}_soc", says, model)


def build(model: Model, folder: Path, n_bytes: int, shell: str) -> Path:
    """The simulator of the system around a model; from the cache if it was built before.

    Parameters
    ----------
    folder : the model's; its cache is inside.
    n_bytes : of memory, a power of two.
    shell : of `bsdgen.soc.system.SHELLS`.

    Raises
    ------
    InputError, ToolError
        As `system_text`; Verilator or a compiler is missing.
    """
    name, gateware = model_name(folder), find_gateware()
    parts = {
        f"{name}_soc.v": system_text(model, name, shell, n_bytes // 4, CLOCKS_PER_BIT),
        f"{name}_step.v": verilog_text(model, name),
        **{file: (gateware / file).read_text(encoding="utf-8") for file in ("ram.v", "soc.cpp")},
    }
    digest = hashlib.sha256(repr((_FLAGS, _MAKE, sorted(parts.items()))).encode()).hexdigest()[:24]
    simulator = folder.resolve() / CACHE / f"soc-{digest}"
    if simulator.is_file() and os.access(simulator, os.X_OK):
        return simulator
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as temporary:
        work = Path(temporary)
        (work / "from").mkdir()
        for file, text in parts.items():
            write_text(work / "from" / file, text)
        (work / "build").mkdir()
        sources = [work / "from" / file for file in parts]
        made = compile_simulator(sources, f"{name}_soc", _FLAGS, _MAKE, work / "build")
        kept = sorted(simulator.parent.glob("soc-*"), key=lambda path: path.stat().st_mtime)
        for old in kept[: 1 - _KEEP]:
            old.unlink(missing_ok=True)
        with atomic_path(simulator, mode=0o777) as path:
            shutil.copyfile(made, path)
    return simulator


def run(
    simulator: Path,
    program: Program,
    n_bytes: int,
    *,
    max_cycles: int = 0,
    pins: int = 0,
    streams: Streams = Streams(),
) -> Ran:
    """Run a program until it ends.

    Parameters
    ----------
    n_bytes : of memory, as the simulator was built.
    max_cycles : after which it is stopped; 0: never.
    pins : what the GPIO inputs show.

    Raises
    ------
    InputError
        The program does not fit, or the file of input cannot be read.
    ToolError
        The simulator ends without an answer.
    OSError
        What the program prints cannot be written: the disk is full, or the reader of a pipe went away.
    KeyboardInterrupt
        Somebody stopped it and it told nothing; if it told how far it was, that is returned.
    """
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as temporary:
        work = Path(temporary)
        write_text(work / "image.hex", readmemh_text(memory_words(program, n_bytes)))
        command = [
            str(simulator.resolve()),
            "+image=image.hex",
            "result=result.json",
        ]
        command += [f"max_cycles={max_cycles}"] if max_cycles else []
        command += [f"pins={pins}"]
        try:
            given = None if streams.given is None else streams.given.open("rb")
        except OSError as error:
            raise InputError(f"{streams.given}: cannot be read ({error.strerror})") from error
        printed = None if streams.printed is None else streams.printed.open("wb")
        try:
            status, stopped = _call(command, work, given, printed)
        finally:
            for file in (given, printed):
                if file is not None:
                    file.close()
        try:
            ran = msgspec.json.decode((work / "result.json").read_bytes(), type=Ran)
        except (OSError, msgspec.DecodeError) as error:
            if stopped:
                raise KeyboardInterrupt from None
            raise ToolError(f"{simulator}: ended with exit code {status} and no result") from error
    if ran.write_errno:
        where = "standard output" if streams.printed is None else str(streams.printed)
        raise OSError(ran.write_errno, os.strerror(ran.write_errno), where)
    return msgspec.structs.replace(ran, interrupted=ran.interrupted or stopped)


def _call(command: list[str], work: Path, given: object, printed: object) -> tuple[int, bool]:
    """Run the simulator: its exit code, and whether it was stopped; an interrupt ends it, too."""
    process = subprocess.Popen(command, cwd=work, stdin=given, stdout=printed)  # type: ignore[call-overload]
    try:
        return int(process.wait()), False
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
    try:
        return int(process.wait(10)), True
    except BaseException:
        process.kill()
        process.wait()
        raise KeyboardInterrupt from None
