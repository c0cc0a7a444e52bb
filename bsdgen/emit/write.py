"""Emit a model in some formats, each file whole or absent, each netlist proved equal to the diagram."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

from bsdgen.artifacts import write_text
from bsdgen.emit.amaranth import amaranth_text, elaborated_verilog
from bsdgen.emit.check import check_netlist
from bsdgen.emit.parts import model_name
from bsdgen.emit.verilog import verilog_text
from bsdgen.errors import CheckFailed, UsageError
from bsdgen.model import Model

Format = Literal["verilog", "amaranth"]
FORMATS: tuple[Format, ...] = get_args(Format)


def _verilog(model: Model, name: str, work: Path) -> dict[str, Path]:
    file = work / f"{name}_step.v"
    write_text(file, verilog_text(model, name))
    return {f"verilog/{file.name}": file}


def _amaranth(model: Model, name: str, work: Path) -> dict[str, Path]:
    source, netlist = work / f"{name}_step.py", work / f"{name}_step.v"
    write_text(source, amaranth_text(model, name))
    write_text(netlist, elaborated_verilog(source, name))
    return {f"amaranth/{source.name}": source, f"amaranth/{netlist.name}": netlist}


_WRITERS: dict[str, Callable[[Model, str, Path], dict[str, Path]]] = {
    "verilog": _verilog,
    "amaranth": _amaranth,
}


def emit(
    model: Model,
    folder: Path,
    formats: Sequence[str] = FORMATS,
    *,
    check: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write the learned logic under `folder`.

    Parameters
    ----------
    folder : the model's folder; its name is the prefix of the modules' names.
    formats : ``verilog`` (``verilog/<name>_step.v``) and ``amaranth`` (``amaranth/<name>_step.py`` and its
        elaborated Verilog).
    check : prove each netlist equal to the diagram before it is put in place.
    progress : called with (done, total) steps.

    Returns
    -------
    Paths of the files, in the order of `formats`.

    Raises
    ------
    UsageError
        A format is unknown.
    InputError
        The schema's names cannot be written in a format.
    CheckFailed
        A netlist is not the diagram; nothing of that format is put in place.
    ToolError
        Yosys, ABC or python-sat is missing or fails.
    """
    unknown = [item for item in formats if item not in _WRITERS]
    if unknown:
        raise UsageError(f"format {unknown[0]!r} is unknown; expected one of {', '.join(FORMATS)}")
    name = model_name(folder)
    chosen = list(dict.fromkeys(formats))
    written: list[Path] = []
    for done, item in enumerate(chosen):
        if progress:
            progress(2 * done, 2 * len(chosen))
        with tempfile.TemporaryDirectory(prefix="bsdgen-") as temporary:
            files = _WRITERS[item](model, name, Path(temporary))
            if progress:
                progress(2 * done + 1, 2 * len(chosen))
            netlists = [file for file in files.values() if file.suffix == ".v"]
            if check and not check_netlist(model, netlists, f"{name}_step").equal:
                raise CheckFailed(
                    f"{item}: the netlist is not the diagram; nothing was written, please report this"
                )
            for place, file in files.items():
                write_text(folder / place, file.read_text(encoding="utf-8"))
                written.append(folder / place)
    if progress:
        progress(2 * len(chosen), 2 * len(chosen))
    return written
