"""The shells by name, and their files."""

from collections.abc import Callable, Sequence
from pathlib import Path

from bsdgen.artifacts import write_text
from bsdgen.core.fpga import fpga_text
from bsdgen.core.single import core_text
from bsdgen.core.wishbone import wishbone_text
from bsdgen.emit.parts import model_name, written_from
from bsdgen.errors import UsageError
from bsdgen.model import Model

_TEXTS: dict[str, Callable[[Model, str, int | None], str]] = {
    "single": core_text,
    "fpga": fpga_text,
    "wishbone": wishbone_text,
}
SHELLS: tuple[str, ...] = tuple(_TEXTS)


def shell_module(name: str, shell: str) -> str:
    """Name of a shell's module, and of its file without the ending.

    >>> shell_module("rv32i", "single"), shell_module("rv32i", "fpga")
    ('rv32i_core', 'rv32i_fpga')
    """
    return f"{name}_{'core' if shell == 'single' else shell}"


def shell_file(folder: Path, shell: str) -> Path:
    """The Verilog of a shell of the model in `folder`."""
    return folder / "verilog" / f"{shell_module(model_name(folder), shell)}.v"


def emit_command(folder: Path | str, shell: str = "") -> str:
    """The command that writes a shell's Verilog, and that of the step function with it.

    >>> emit_command("rtl_out/rv32i"), emit_command("rtl_out/rv32i", "fpga")
    ('bsdgen emit rtl_out/rv32i', 'bsdgen emit rtl_out/rv32i --shell fpga')
    """
    return f"bsdgen emit {folder}" + (f" --shell {shell}" if shell not in ("", "single") else "")


def stale_shells(model: Model, folder: Path) -> list[str]:
    """Shells whose Verilog in `folder` was written from another model: they do not fit its step function."""
    files = {shell: shell_file(folder, shell) for shell in SHELLS}
    return [shell for shell, file in files.items() if file.is_file() and written_from(file) != model.digest]


def remove_shells(folder: Path, shells: Sequence[str]) -> list[Path]:
    """Remove what bsdgen wrote of some shells; what does not say which model it is of is left alone."""
    files = [file for shell in shells if (file := shell_file(folder, shell)).is_file() and written_from(file)]
    for file in files:
        file.unlink()
    return files


def shell_texts(
    model: Model, folder: Path, shells: Sequence[str], reset_pc: int | None = None
) -> dict[str, str]:
    """The Verilog of some shells, by shell; parameters and errors as of `write_shells`."""
    unknown = [shell for shell in shells if shell not in _TEXTS]
    if unknown:
        raise UsageError(f"shell {unknown[0]!r} is unknown; expected one of {', '.join(SHELLS)}")
    name = model_name(folder)
    return {shell: _TEXTS[shell](model, name, reset_pc) for shell in dict.fromkeys(shells)}


def place_shells(folder: Path, texts: dict[str, str]) -> list[Path]:
    """Put what `shell_texts` made in place."""
    for shell, text in texts.items():
        write_text(shell_file(folder, shell), text)
    return [shell_file(folder, shell) for shell in texts]


def write_shells(
    model: Model, folder: Path, shells: Sequence[str], reset_pc: int | None = None
) -> list[Path]:
    """Write some shells' Verilog under the model's folder: all, or none if one cannot be made.

    Parameters
    ----------
    shells : of `SHELLS`.
    reset_pc : first pc; None makes it a port.

    Raises
    ------
    UsageError
        There is no shell of a name.
    InputError
        The model cannot be the step function of a shell, or `reset_pc` is no address of an instruction.
    ToolError
        Yosys is missing or fails.
    """
    return place_shells(folder, shell_texts(model, folder, shells, reset_pc))
