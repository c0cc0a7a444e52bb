"""The simulator of a model: the emitted Verilog, checked to be the model's, in its shell's test bench."""

from pathlib import Path
from typing import Literal

from bsdgen.artifacts import sha256
from bsdgen.core.shells import emit_command, shell_file, shell_module, write_shells
from bsdgen.core.single import learned_modules
from bsdgen.cosim.build import (
    BUS_HARNESS,
    BUS_TRACED,
    CACHE,
    HARNESS,
    SMALL_DEPTH,
    TRACED,
    WISHBONE_HARNESS,
    WISHBONE_TRACED,
    Kind,
    build,
)
from bsdgen.emit.parts import model_name, written_from
from bsdgen.errors import InputError
from bsdgen.model import Model

ShellName = Literal["single", "fpga", "wishbone"]
"""Shells that have a test bench: all."""
KINDS: dict[ShellName, tuple[Kind, Kind]] = {
    "single": (HARNESS, TRACED),
    "fpga": (BUS_HARNESS, BUS_TRACED),
    "wishbone": (WISHBONE_HARNESS, WISHBONE_TRACED),
}
"""Its builds for the fast harness: to run, and to draw waveforms."""


def verilog_of(folder: Path, shell: ShellName = "single") -> tuple[Path, Path]:
    """Where the Verilog of step function and shell of a model is, whether it is there or not."""
    return folder / "verilog" / f"{model_name(folder)}_step.v", shell_file(folder, shell)


def verilog_digests(folder: Path, shell: ShellName = "single") -> dict[str, str]:
    """SHA-256 of these files by name, as far as they are there."""
    return {file.name: sha256(file) for file in verilog_of(folder, shell) if file.is_file()}


def simulator_of(
    folder: Path, kind: Kind = HARNESS, depth: int = SMALL_DEPTH, shell: ShellName = "single"
) -> Path:
    """The built simulator of the model in `folder`; builds it if the Verilog changed.

    Parameters
    ----------
    kind, depth : see `bsdgen.cosim.build.build`.
    shell : around the step function; the kind must be one for its ports.

    Raises
    ------
    InputError
        The folder holds no model, the model is no RV32I step function, nothing was emitted yet, or what was
        emitted is another model's.
    ToolError
        A tool is missing or fails.
    """
    model = Model.load(folder)
    name = model_name(folder)
    learned_modules(model, name)
    step, core = verilog_of(folder, shell)
    if not step.is_file():
        raise InputError(f"{step}: is missing; write it with `bsdgen emit {folder} --format verilog`")
    if not core.is_file():
        write_shells(model, folder, [shell])
    for file in (step, core):
        if written_from(file) != model.digest:
            raise InputError(f"{file}: was emitted from another model; run `{emit_command(folder, shell)}`")
    return build([step, core], shell_module(name, shell), folder / CACHE, kind, depth)
