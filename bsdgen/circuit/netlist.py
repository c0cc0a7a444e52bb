"""A Verilog or RTLIL netlist as a graph, through Yosys."""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bsdgen.circuit.aig import Aig, AigBuilder, copy_into
from bsdgen.circuit.aiger import NamedAig, read_aiger, read_state_aiger
from bsdgen.circuit.tools import run_yosys
from bsdgen.errors import InputError
from bsdgen.traces.schema import Schema

_TO_ANDS = ("proc", "flatten", "opt_clean", "techmap", "aigmap", "opt_clean")
# Word-level sources say much twice, and mapping each copy to gates takes ten times as long.
_TO_ANDS_MERGED = ("proc", "flatten", "opt_clean", "opt_expr", "opt_merge", "techmap", "opt_merge", "aigmap")
# Memories become words, every flip-flop a plain one. What Verilog leaves undefined may be anything: inputs.
_TO_STATE = (
    *("proc", "flatten", "opt_clean", "memory", "opt_clean", "techmap", "dffunmap", "simplemap"),
    *("setundef -undriven -anyseq", "setundef -anyseq", "aigmap", "opt_clean"),
)


class StoredOtherwise(InputError):
    """A netlist that stores something otherwise than at the rising edge of its clock."""


@dataclass(frozen=True, eq=False)
class StateNetlist:
    """A netlist with state: what follows, and what is shown, as a function of inputs and state.

    Attributes
    ----------
    aig : inputs, then state bits in; outputs, then next state bits out.
    inputs, outputs : names of the bits that are no state; "" for inputs that stand for undefined values.
    aliases : names of each state bit, as (name of a net, bit).
    initial : value of each state bit at power-up; None: undefined.
    """

    aig: Aig
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    aliases: tuple[frozenset[tuple[str, int]], ...]
    initial: tuple[bool | None, ...]


def read_netlist(files: Sequence[Path], top: str, *, merge: bool = False) -> NamedAig:
    """Flatten a combinational module and map it to ANDs.

    Parameters
    ----------
    files : Verilog files (RTLIL if they end in ``.il``, SystemVerilog if in ``.sv``).
    top : name of the module; "": the one that no other uses.
    merge : have Yosys make equal cells one first: faster for sources written by people.

    Raises
    ------
    InputError
        A file is missing, or the module has state.
    ToolError
        Yosys is missing or refuses the files.
    """
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        work = Path(name)
        passes = _TO_ANDS_MERGED if merge else _TO_ANDS
        run_yosys([*read_commands(files, top), *passes, "write_aiger -symbols net.aig"], cwd=work)
        return read_aiger(work / "net.aig")


def read_commands(files: Sequence[Path], top: str) -> list[str]:
    """Yosys commands that read files and choose the top module."""
    for file in files:
        if not file.is_file():
            raise InputError(f"{file}: is missing; write it with `bsdgen emit`")
    how = {".il": "read_rtlil", ".sv": "read_verilog -sv"}
    read = [f'{how.get(file.suffix, "read_verilog")} "{file.resolve()}"' for file in files]
    return [*read, f"hierarchy -check {f'-top {top}' if top else '-auto-top'}"]


def read_state_netlist(files: Sequence[Path], top: str, clock: str = "clk") -> StateNetlist:
    """Flatten a module with one clock and map it to ANDs, its flip-flops and memories cut.

    Parameters
    ----------
    files, top : as in `read_netlist`.
    clock : port on whose rising edge all state must change, and that nothing else may be read from.

    Raises
    ------
    StoredOtherwise
        Something stores otherwise than at the rising edge of `clock`.
    InputError
        A file is missing.
    ToolError
        Yosys is missing or refuses the files.
    """
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        work = Path(name)
        # An AIGER file does not say what clocks a latch, so that is looked at before.
        write = ["dump -o state.il t:$_*FF* t:$_*LATCH* t:$_SR*", "write_aiger -symbols -map net.map net.aig"]
        try:
            run_yosys([*read_commands(files, top), *_TO_STATE, *write], cwd=work)
        finally:  # what is stored otherwise is the reason if AIGER has no word for it
            if (work / "state.il").is_file():
                _check_clock((work / "state.il").read_text(encoding="utf-8"), top, clock)
        net, initial = read_state_aiger(work / "net.aig")
        aliases: list[set[tuple[str, int]]] = [set() for _ in initial]
        for line in (work / "net.map").read_text(encoding="utf-8").splitlines():
            kind, index, bit, alias = line.split(maxsplit=3)
            if kind == "latch":
                aliases[int(index)].add((alias, int(bit)))
    return StateNetlist(net.aig, net.inputs, net.outputs, tuple(map(frozenset, aliases)), initial)


def _check_clock(cells: str, top: str, clock: str) -> None:
    """Refuse cells with state that are no flip-flops on the rising edge of a clock."""
    for cell in cells.split("\n  cell ")[1:]:
        kind, _, name = cell.partition("\n")[0].partition(" ")
        if kind != "$_DFF_P_" or f"connect \\C \\{clock}\n" not in cell:
            shown = re.search(r"connect \\Q (.*)", cell)
            raise StoredOtherwise(
                f"{top}: {shown[1] if shown else name} is stored otherwise than at the rising edge of "
                f"{clock} ({kind}); expected one clock for all state"
            )


def order_by_schema(net: NamedAig, schema: Schema) -> Aig:
    """The same graph with inputs and outputs in the packing order of `schema`.

    Inputs that the netlist lacks are free; outputs that it lacks are an error. One without any names is in
    that order already.

    Raises
    ------
    InputError
        A port is missing or unknown.
    """
    sizes = (schema.n_inputs, len(schema.output_names()))
    if not any((*net.inputs, *net.outputs)) and (net.aig.n_inputs, net.aig.n_outputs) == sizes:
        return net.aig
    position = {name: i for i, name in enumerate(schema.input_names())}
    unknown = sorted(set(net.inputs) - set(position))
    if unknown:
        raise InputError(
            f"netlist has inputs that the schema does not: {', '.join(unknown[:5])}; expected its fields"
        )
    builder = AigBuilder(schema.n_inputs)
    literals = copy_into(builder, net.aig, [2 * (1 + position[name]) for name in net.inputs])
    made = dict(zip(net.outputs, literals, strict=True))
    missing = [name for name in schema.output_names() if name not in made]
    if missing:
        raise InputError(
            f"netlist lacks the outputs {', '.join(missing[:5])}; expected all of the schema's fields"
        )
    return builder.build([made[name] for name in schema.output_names()])
