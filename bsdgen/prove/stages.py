"""Stages of the way from the diagram to the core: each a graph, read from its own artifact."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bsdgen.circuit.aig import Aig, aig_from_bsd
from bsdgen.circuit.aiger import NamedAig, read_aiger
from bsdgen.circuit.netlist import order_by_schema, read_netlist
from bsdgen.core.shells import emit_command, shell_file, shell_module
from bsdgen.core.single import is_step_function, learned_modules
from bsdgen.emit.parts import model_name, written_from
from bsdgen.errors import InputError
from bsdgen.model import Model
from bsdgen.prove.core import core_begins_wrong, core_function, fitted, fixed_reset_pc, read_core, reset_cube
from bsdgen.prove.shell import (
    BUSES,
    built_in_reset_pc,
    read_shell,
    shell_begins_wrong,
    shell_function,
    shell_rows,
)
from bsdgen.spec.bus import PHASES, bus_specification
from bsdgen.spec.graph import Specification
from bsdgen.spec.machine import DIFFERENCES, NEXT, REGISTERS, RESET, WAIT, machine_specification
from bsdgen.spec.step import Base
from bsdgen.traces.schema import Schema

STAGES: tuple[str, ...] = ("diagram", "circuit", "verilog", "core")
"""In the order in which they are made."""
SHELL_STAGES: tuple[str, ...] = tuple(BUSES)
"""Shells that a model may have besides; they are made of the step function as the core is."""
MACHINES: tuple[str, ...] = ("core", *SHELL_STAGES)
"""Stages with state."""


@dataclass(frozen=True, eq=False)
class Stage:
    """What is to be proved of one artifact.

    Attributes
    ----------
    name : of `STAGES` or `SHELL_STAGES`.
    artifact : file that was read, the first if there were several.
    artifacts : digest of the bytes of each file that was read, by its path in the model's folder.
    specification : what it is held to.
    learned : its function over the specification's inputs.
    rows : outputs by row of the table: positions, by name.
    broken : what is wrong besides any function, "" for nothing: where the induction does not begin.
    notes : what the proof takes for granted here.
    """

    name: str
    artifact: Path
    artifacts: dict[str, str]
    specification: Specification
    learned: Aig
    rows: dict[str, tuple[int, ...]]
    broken: str = ""
    notes: tuple[str, ...] = field(default=())


def files_of(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Files that each stage reads."""
    name = model_name(folder)
    step, core = folder / "verilog" / f"{name}_step.v", folder / "verilog" / f"{name}_core.v"
    return {
        "diagram": (folder / "model.npz", folder / "model.json"),
        "circuit": (folder / "circuit.aig",),
        "verilog": (step,),
        "core": (core, step),
        **{shell: (shell_file(folder, shell), step) for shell in SHELL_STAGES},
    }


def emitted_shells(folder: Path) -> list[str]:
    """Stages of the shells whose Verilog is there."""
    return [shell for shell in SHELL_STAGES if shell_file(folder, shell).is_file()]


def cycles_of(name: str) -> tuple[str, ...]:
    """Cells of a stage in which no instruction retires."""
    return {"core": (RESET, WAIT)}.get(name, (RESET, *PHASES.values()) if name in MACHINES else ())


def stages_of(model: Model, specification: Specification) -> list[str]:
    """All stages of a model that a specification says something of, in order."""
    has_core = is_step_function(model.schema) and not specification.given
    return [name for name in STAGES if name != "core" or has_core]


def chosen_stages(
    model: Model, folder: Path, specification: Specification, names: Sequence[str]
) -> list[str]:
    """Stages to prove, in order: those named, else all that there are.

    Raises
    ------
    InputError
        A stage's file is missing or is of another model, or the model has no such stage.
    """
    there = stages_of(model, specification)
    machine = next((name for name in names if name in MACHINES), "")
    if machine and "core" not in there:
        raise InputError(f"{folder}: only an RV32I step function has a core; leave --stage {machine} out")
    wanted = [name for name in (*there, *SHELL_STAGES) if name in (names or there)]
    files = files_of(folder)
    missing = [str(file) for name in wanted for file in files[name] if not file.is_file()]
    if missing:
        if any(missing[0] == str(files[name][0]) for name in MACHINES):
            learned_modules(model, model_name(folder))  # raises where no core can be written
        shell = next((name for name in SHELL_STAGES if missing[0] == str(files[name][0])), "")
        how = emit_command(folder, shell)
        raise InputError(
            f"{missing[0]}: is missing; write it with `{how}`, or prove what is there with "
            f"--stage {next(n for n in STAGES if all(f.is_file() for f in files[n]))}"
        )
    for name in wanted:
        _check_source(name, model, folder, files[name])
    return wanted


def _check_source(name: str, model: Model, folder: Path, files: Sequence[Path]) -> None:
    """Refuse a core around the modules of another model: their ports may differ, and what is wrong is not it.

    What does not say which model it is of may be anybody's core, and is asked what it does.
    """
    for file in files if name in MACHINES else ():
        if written_from(file) not in ("", model.digest):
            shell = name if name in SHELL_STAGES else ""
            raise InputError(
                f"{folder / 'verilog' / file.name}: was emitted from another model; run "
                f"`{emit_command(folder, shell)}`, or prove the other stages with --stage"
            )


def load_stage(
    name: str,
    model: Model,
    folder: Path,
    specification: Specification,
    base: Base = "rv32i",
    classes: tuple[str, ...] | None = None,
) -> Stage:
    """Read a stage's artifact.

    Parameters
    ----------
    specification : of the model's function; the core is held to the machine around it, of `base` and
        `classes`.

    Raises
    ------
    InputError
        The file is missing or is of another model.
    ToolError
        Yosys is missing or refuses it.
    """
    with _copies(folder, files_of(folder)[name]) as (files, digests):
        _check_source(name, model, folder, files)
        if name == "core":
            stage = _core(f"{model_name(folder)}_core", files, base, classes)
        elif name in SHELL_STAGES:
            stage = _shell(name, shell_module(model_name(folder), name), files, base, classes)
        else:
            learned = _function(name, specification.schema, files, f"{model_name(folder)}_step")
            stage = Stage(name, files[0], {}, specification, learned, _by_field(specification))
    return replace(stage, artifact=files_of(folder)[name][0], artifacts=digests)


@contextmanager
def _copies(folder: Path, files: Sequence[Path]) -> Iterator[tuple[tuple[Path, ...], dict[str, str]]]:
    """Copies of files, each read once, and digests of what was read: nobody can change it meanwhile."""
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        copies, digests = [], {}
        for file in files:
            try:
                data = file.read_bytes()
            except OSError as error:
                raise InputError(
                    f"{file}: cannot be read ({error.strerror}); write it with `bsdgen emit {folder}`"
                ) from error
            copies.append(Path(name) / file.name)
            copies[-1].write_bytes(data)
            digests[file.relative_to(folder).as_posix()] = hashlib.sha256(data).hexdigest()
        yield tuple(copies), digests


def _function(name: str, schema: Schema, files: tuple[Path, ...], top: str) -> Aig:
    """The step's function as a stage has it, in the order of the fields of its specification."""
    if name == "diagram":
        model = Model.load(files[0].parent)
        names = tuple(model.schema.input_names()), tuple(model.schema.output_names())
        net = NamedAig(aig_from_bsd(model.bsd), *names)
    else:
        net = read_aiger(files[0]) if name == "circuit" else read_netlist(files, top)
    return order_by_schema(net, schema)


def _by_field(specification: Specification) -> dict[str, tuple[int, ...]]:
    rows, at = {}, 0
    for item in specification.schema.outputs:
        rows[item.name] = tuple(range(at, at + item.width))
        at += item.width
    return rows


def _core(top: str, files: Sequence[Path], base: Base, classes: tuple[str, ...] | None) -> Stage:
    net = read_core(files, top)
    learned, schema = core_function(net, top)
    reset_pc = fixed_reset_pc(net, learned, top)
    fixed = () if reset_pc is None else reset_cube(reset_pc)
    specification = fitted(machine_specification(base, classes), schema, fixed)
    fields = _by_field(specification)
    rows = {"next pc": fields[f"{NEXT}pc"], "next x0": fields[f"{NEXT}x0"]}
    rows["next x1-x31"] = tuple(at for name in REGISTERS[1:] for at in fields[NEXT + name])
    rows["next order, intr"] = fields[f"{NEXT}order"] + fields[f"{NEXT}intr"]
    rows |= {
        name: places for name, places in fields.items() if not name.startswith((NEXT, "rvfi_", *DIFFERENCES))
    }
    rows["rvfi_*"] = tuple(at for name in fields if name.startswith("rvfi_") for at in fields[name])
    rows["rvfi registers"] = tuple(at for name in DIFFERENCES for at in fields[name])
    notes = [] if reset_pc is None else [f"the core's first pc is fixed at {reset_pc:#010x}"]
    broken = core_begins_wrong(net, top, reset_pc)
    return Stage("core", files[0], {}, specification, learned, rows, broken, tuple(notes))


def _shell(name: str, top: str, files: Sequence[Path], base: Base, classes: tuple[str, ...] | None) -> Stage:
    bus = BUSES[name]
    net = read_shell(files, top)
    learned, schema = shell_function(net, top, bus, base, classes)
    reset_pc, fixed = built_in_reset_pc(net, top, learned, schema)
    specification = fitted(bus_specification(bus, base, classes), schema, fixed)
    notes = [] if reset_pc is None else [f"the core's first pc is fixed at {reset_pc:#010x}"]
    broken = shell_begins_wrong(net, top, reset_pc)
    return Stage(name, files[0], {}, specification, learned, shell_rows(schema, bus), broken, tuple(notes))
