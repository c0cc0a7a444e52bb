"""Designs to synthesise: a model's step function and core, and whatever is named to compare them with."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bsdgen.artifacts import write_text
from bsdgen.circuit.aig import aig_from_bsd, bsd_from_aig
from bsdgen.circuit.aiger import read_aiger
from bsdgen.circuit.equivalence import prove_equivalent
from bsdgen.circuit.netlist import order_by_schema
from bsdgen.circuit.steps import graph_digest
from bsdgen.core.fpga import fpga_text
from bsdgen.core.single import core_text, is_step_function
from bsdgen.emit.parts import model_name
from bsdgen.emit.verilog import verilog_text
from bsdgen.errors import InputError, UsageError
from bsdgen.model import Model

GOALS = ("area", "delay", "balanced")
LEARNED, EMITTED = "as learned", "circuit.aig"
_PARAMETER = re.compile(r"([A-Za-z_]\w*)=(-?\d+|\d*'[bodhBODH][0-9a-fA-F_]+)")


@dataclass(frozen=True)
class Design:
    """A Verilog design.

    Attributes
    ----------
    name : what results call it.
    files, top, parameters : sources, top module, and what its parameters are set to.
    graph : digest of the graph whose logic it has (`graph_digest`); "" of what no model is.
    model : of a step function: what its cells must be equal to.
    """

    name: str
    files: tuple[Path, ...]
    top: str
    parameters: tuple[tuple[str, str], ...] = ()
    graph: str = ""
    model: Model | None = field(default=None, compare=False, repr=False)


def parse_compare(text: str) -> Design:
    """``[NAME=]FILE[,FILE...]:TOP[:PARAMETER=NUMBER,...]`` as a design.

    Raises
    ------
    UsageError
        The text has another form.
    InputError
        A file is missing.

    Examples
    --------
    >>> parse_compare("examples/adder.py:top:WIDTH=4").parameters
    (('WIDTH', '4'),)
    """
    named = re.match(r"([\w.-]+)=(?=[^:]*:)", text)
    files, _, rest = text[named.end() if named else 0 :].partition(":")
    top, _, settings = rest.partition(":")
    found = [_PARAMETER.fullmatch(item) for item in settings.split(",") if item]
    if not files or not re.fullmatch(r"[A-Za-z_][\w$]*", top) or not all(found):
        raise UsageError(
            f"--compare {text!r} must have the form [NAME=]FILE[,FILE...]:TOP[:PARAMETER=NUMBER,...], "
            "such as picorv32.v:picorv32 or small=picorv32.v:picorv32:ENABLE_COUNTERS=0"
        )
    paths = tuple(Path(name) for name in files.split(","))
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: is missing; --compare needs the Verilog file of a core")
    parameters = tuple((match[1], match[2]) for match in found if match)
    name = named[1] if named else ":".join([top, settings] if settings else [top])
    return Design(name, paths, top, parameters)


def parse_compares(texts: Sequence[str]) -> list[Design]:
    """As `parse_compare`, for several designs, each of a name of its own.

    Raises
    ------
    UsageError
        Two have the same name.
    """
    designs = [parse_compare(text) for text in texts]
    names = [design.name for design in designs]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--compare: two designs are called {name!r}; give them names, NAME=FILE:TOP")
    return designs


def model_designs(model: Model, folder: Path, work: Path) -> list[Design]:
    """The step function and, if there is one, the core; as learned, of circuit.aig, and as optimised.

    As learned, also the core with a bus that fits block RAM, which others are like.

    Parameters
    ----------
    folder : of the model.
    work : where sources are written.

    Raises
    ------
    InputError
        A graph is damaged or of another model.
    """
    name = model_name(folder)
    step: list[Design] = []
    core: list[Design] = []
    bus: list[Design] = []
    for variant, made, graph in _variants(model, folder):
        step_file, core_file = work / f"{variant}_step.v", work / f"{variant}_core.v"
        write_text(step_file, verilog_text(made, name))
        step.append(Design(f"step, {variant}", (step_file,), f"{name}_step", graph=graph, model=model))
        if is_step_function(model.schema):
            write_text(core_file, core_text(made, name))
            core.append(Design(f"core, {variant}", (step_file, core_file), f"{name}_core", graph=graph))
        if is_step_function(model.schema) and variant == LEARNED:
            bus_file = work / "fpga.v"
            write_text(bus_file, fpga_text(made, name))
            bus = [Design(f"fpga shell, {variant}", (step_file, bus_file), f"{name}_fpga", graph=graph)]
    return [*step, *core, *bus]


def graph_files(folder: Path) -> dict[str, Path]:
    """Graphs of a model's folder that are there, by what their designs are called behind the comma."""
    named = {EMITTED: folder / "circuit.aig"}
    named |= {goal: folder / "optimised" / f"{goal}.aig" for goal in GOALS}
    return {variant: path for variant, path in named.items() if path.is_file()}


def _variants(model: Model, folder: Path) -> list[tuple[str, Model, str]]:
    reference = aig_from_bsd(model.bsd)
    variants = [(LEARNED, model, graph_digest(reference))]
    for variant, path in graph_files(folder).items():
        aig = order_by_schema(read_aiger(path), model.schema)
        if not prove_equivalent(reference, aig).equal:
            how = "emit" if variant == EMITTED else f"optimise --goal {variant}"
            raise InputError(
                f"{path}: is not the function of {folder}; write it again with `bsdgen {how}`, or remove it"
            )
        variants.append((variant, Model(bsd_from_aig(aig), model.schema, model.info), graph_digest(aig)))
    return variants


def read_commands(design: Design) -> list[str]:
    """Yosys commands that read a design, flatten it, and leave out what only watches it (``rvfi_*``)."""
    how = {".il": "read_rtlil", ".sv": "read_verilog -sv"}
    settings = " ".join(f"-set {name} {value}" for name, value in design.parameters)
    return [
        *(f'{how.get(file.suffix, "read_verilog")} "{file.resolve()}"' for file in design.files),
        *([f"chparam {settings} {design.top}"] if settings else []),
        f"hierarchy -check -top {design.top}",
        *("proc", "flatten", "delete -port o:rvfi_*", "opt_clean -purge"),
    ]
