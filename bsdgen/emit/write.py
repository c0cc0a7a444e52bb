"""Emit a model in some formats, each file whole or absent, each netlist proved equal to the diagram."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from bsdgen.artifacts import check_writable, write_bytes, write_text
from bsdgen.emit.abi import abi_text
from bsdgen.emit.aiger import write_diagram
from bsdgen.emit.amaranth import amaranth_text, elaborated_verilog
from bsdgen.emit.blif import blif_text
from bsdgen.emit.check import check_covers, check_netlist
from bsdgen.emit.dot import dot_text
from bsdgen.emit.fusesoc import fusesoc_text
from bsdgen.emit.options import EmitOptions
from bsdgen.emit.parts import model_name
from bsdgen.emit.pla import covers, pla_names, pla_text, stale_tables
from bsdgen.emit.rtlil import rtlil_text
from bsdgen.emit.structural import structural_text
from bsdgen.emit.verilog import verilog_text
from bsdgen.errors import CheckFailed, UsageError
from bsdgen.model import Model

Format = Literal["verilog", "amaranth", "structural", "rtlil", "blif", "aiger", "pla", "dot", "fusesoc"]
FORMATS: tuple[Format, ...] = get_args(Format)
DEFAULT_FORMATS: tuple[Format, ...] = ("verilog", "amaranth")


@dataclass(frozen=True)
class Written:
    """Files of one format, still in a folder of their own.

    Attributes
    ----------
    files : by their name in the format's folder.
    netlists : those that hold the whole function, each proved by itself.
    tables : those that hold one output bit, and its position.
    """

    files: dict[str, Path]
    netlists: tuple[Path, ...] = ()
    tables: dict[Path, int] | None = None


def _one(work: Path, name: str, text: str, *, netlist: bool = True) -> Written:
    """One text file."""
    file = work / name
    write_text(file, text)
    return Written({name: file}, (file,) if netlist else ())


def _verilog(model: Model, name: str, work: Path, options: EmitOptions) -> Written:
    return _one(work, f"{name}_step.v", verilog_text(model, name))


def _structural(model: Model, name: str, work: Path, options: EmitOptions) -> Written:
    return _one(work, f"{name}_step.v", structural_text(model, name))


def _amaranth(model: Model, name: str, work: Path, options: EmitOptions) -> Written:
    source, netlist = work / f"{name}_step.py", work / f"{name}_step.v"
    write_text(source, amaranth_text(model, name))
    write_text(netlist, elaborated_verilog(source, name, model))
    return Written({source.name: source, netlist.name: netlist}, (netlist,))


def _rtlil(model: Model, name: str, work: Path, options: EmitOptions) -> Written:
    return _one(work, f"{name}_step.il", rtlil_text(model, name))


def _blif(model: Model, name: str, work: Path, options: EmitOptions) -> Written:
    return _one(work, f"{name}_step.blif", blif_text(model, name))


def _aiger(model: Model, name: str, work: Path, options: EmitOptions) -> Written:
    file = work / f"{name}_step.aig"
    write_diagram(file, model, name)
    return Written({file.name: file}, (file,))


def _pla(model: Model, name: str, work: Path, options: EmitOptions) -> Written:
    chosen = covers(model, options.pla_inputs)
    files: dict[str, Path] = {}
    for file, cover in zip(pla_names(model, name, chosen), chosen, strict=True):
        files[file] = work / file
        write_text(files[file], pla_text(model, name, cover))
    outputs = (cover.output for cover in chosen)
    return Written(files, tables=dict(zip(files.values(), outputs, strict=True)))


def _dot(model: Model, name: str, work: Path, options: EmitOptions) -> Written:
    return _one(work, f"{name}.dot", dot_text(model, name, options), netlist=False)


def _fusesoc(model: Model, name: str, work: Path, options: EmitOptions) -> Written:
    described, step, core = work / f"{name}.core", work / f"{name}_step.v", work / f"{name}_core.v"
    write_text(described, fusesoc_text(model, name, core=bool(options.core)))
    write_text(step, verilog_text(model, name))
    files = {f"rtl/{step.name}": step}
    if options.core:
        write_text(core, options.core)
        files[f"rtl/{core.name}"] = core
    return Written({**files, described.name: described}, (step,))


WRITERS: dict[str, Callable[[Model, str, Path, EmitOptions], Written]] = {
    "verilog": _verilog,
    "amaranth": _amaranth,
    "structural": _structural,
    "rtlil": _rtlil,
    "blif": _blif,
    "aiger": _aiger,
    "pla": _pla,
    "dot": _dot,
    "fusesoc": _fusesoc,
}


def emit(
    model: Model,
    folder: Path,
    formats: Sequence[str] = DEFAULT_FORMATS,
    *,
    options: EmitOptions | None = None,
    check: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write the learned logic under `folder`, each format into a folder of its name with an ``ABI.md``.

    Parameters
    ----------
    folder : the model's folder; its name is the prefix of the modules' names.
    formats : some of `FORMATS`.
    options : choices of single formats.
    check : prove each file equal to the diagram, read back by Yosys or ABC, before it is put in place (a
        drawing holds nothing that they could read).
    progress : called with (done, total) steps.

    Returns
    -------
    Paths of the files, in the order of `formats`.

    Raises
    ------
    UsageError
        A format or an output to draw is unknown.
    UnsuitableError
        The schema's names cannot be written in a format, or no output is small enough for a PLA.
    InputError
        A part's name cannot be a module's, or the folder cannot be written to.
    CheckFailed
        A file is not the diagram; nothing of that format is put in place.
    ToolError
        Yosys, ABC or python-sat is missing or fails.
    """
    unknown = [item for item in formats if item not in WRITERS]
    if unknown:
        raise UsageError(f"format {unknown[0]!r} is unknown; expected one of {', '.join(FORMATS)}")
    options = options or EmitOptions()
    options.drawn(model.schema)
    check_writable(folder)
    chosen = list(dict.fromkeys(formats))
    written: list[Path] = []
    for done, item in enumerate(chosen):
        if progress:
            progress(2 * done, 2 * len(chosen))
        with tempfile.TemporaryDirectory(prefix="bsdgen-") as temporary:
            made = WRITERS[item](model, model_name(folder), Path(temporary), options)
            if progress:
                progress(2 * done + 1, 2 * len(chosen))
            if check:
                check_written(model, item, made, f"{model_name(folder)}_step")
            written += _place(model, folder, item, made)
    if progress:
        progress(2 * len(chosen), 2 * len(chosen))
    return written


def check_written(model: Model, item: str, made: Written, top: str) -> None:
    """Refuse files that are not the diagram."""
    equal = all(check_netlist(model, [file], top).equal for file in made.netlists)
    if made.tables:
        equal = equal and check_covers(model, made.tables).equal
    if not equal:
        raise CheckFailed(f"{item}: the netlist is not the diagram; nothing was written, please report this")


def _place(model: Model, folder: Path, item: str, made: Written) -> list[Path]:
    """Put a format's files and its ABI in place."""
    for name, file in made.files.items():
        write_bytes(folder / item / name, file.read_bytes())
    if item == "pla":
        for old in stale_tables(folder / item, set(made.files)):
            old.unlink()
    text = abi_text(model, model_name(folder), item, list(made.files))
    write_text(folder / item / "ABI.md", text)
    return [folder / item / name for name in (*made.files, "ABI.md")]
