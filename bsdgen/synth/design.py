"""Designs to synthesise: a model's step function and core, and whatever is named to compare them with."""

import re
from dataclasses import dataclass
from pathlib import Path

from bsdgen.artifacts import write_text
from bsdgen.circuit.aig import Aig, aig_from_bsd, bsd_from_aig
from bsdgen.circuit.aiger import read_aiger
from bsdgen.circuit.equivalence import prove_equivalent
from bsdgen.circuit.netlist import order_by_schema
from bsdgen.core.single import core_text, is_step_function
from bsdgen.emit.parts import model_name
from bsdgen.emit.verilog import verilog_text
from bsdgen.errors import InputError, UsageError
from bsdgen.model import Model

GOALS = ("area", "delay", "balanced")
_PARAMETER = re.compile(r"([A-Za-z_]\w*)=(-?\d+|\d*'[bodhBODH][0-9a-fA-F_]+)")


@dataclass(frozen=True)
class Design:
    """A Verilog design.

    Attributes
    ----------
    name : what results call it.
    files, top, parameters : sources, top module, and what its parameters are set to.
    """

    name: str
    files: tuple[Path, ...]
    top: str
    parameters: tuple[tuple[str, str], ...] = ()


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


def model_designs(model: Model, folder: Path, work: Path) -> list[Design]:
    """The step function and, if there is one, the core; as learned, and of each graph that was optimised.

    Parameters
    ----------
    folder : of the model.
    work : where sources are written.

    Raises
    ------
    InputError
        An optimised graph is damaged or of another model.
    """
    name = model_name(folder)
    step: list[Design] = []
    core: list[Design] = []
    for variant, made in _variants(model, folder):
        step_file, core_file = work / f"{variant}_step.v", work / f"{variant}_core.v"
        write_text(step_file, verilog_text(made, name))
        step.append(Design(f"step, {variant}", (step_file,), f"{name}_step"))
        if is_step_function(model.schema):
            write_text(core_file, core_text(made, name))
            core.append(Design(f"core, {variant}", (step_file, core_file), f"{name}_core"))
    return step + core


def optimised_file(folder: Path, goal: str) -> Path:
    """Where the graph that was optimised for a goal stands."""
    return folder / "optimised" / f"{goal}.aig"


def _variants(model: Model, folder: Path) -> list[tuple[str, Model]]:
    variants = [("as learned", model)]
    reference: Aig | None = None
    for goal in GOALS:
        path = optimised_file(folder, goal)
        if not path.is_file():
            continue
        reference = reference or aig_from_bsd(model.bsd)
        aig = order_by_schema(read_aiger(path), model.schema)
        if not prove_equivalent(reference, aig).equal:
            raise InputError(
                f"{path}: is not the function of {folder}; optimise again with "
                f"`bsdgen optimise {folder} --goal {goal}`, or remove it"
            )
        variants.append((goal, Model(bsd_from_aig(aig), model.schema, model.info)))
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
