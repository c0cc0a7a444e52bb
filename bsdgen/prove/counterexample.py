"""An assignment on which an artifact is wrong, in words: instruction, state, what was expected, what came."""

from dataclasses import dataclass

import numpy as np

from bsdgen.bits import U64, pack_fields, unpack_fields
from bsdgen.core.single import is_step_function
from bsdgen.isa.disassembly import disassemble
from bsdgen.prove.core import UNDEFINED
from bsdgen.prove.result import Counterexample
from bsdgen.prove.stages import MACHINES, Stage
from bsdgen.spec.bus import EXECUTE, PHASES
from bsdgen.spec.machine import RESET
from bsdgen.traces.schema import Field


@dataclass(frozen=True, eq=False)
class Witness:
    """An assignment of a specification's inputs, shape (n_words(n_inputs),), and the cell that it is in."""

    cell: str
    inputs: U64


def values_of(fields: tuple[Field, ...], packed: U64) -> dict[str, int]:
    """Fields of one packed row."""
    columns = unpack_fields(packed[None], [field.width for field in fields])[:, 0]
    return {field.name: int(value) for field, value in zip(fields, columns, strict=True)}


def hexadecimal(fields: tuple[Field, ...], values: dict[str, int]) -> dict[str, str]:
    """Values as text, each as wide as its field."""
    return {f.name: f"{values[f.name]:#0{2 + (f.width + 3) // 4}x}" for f in fields if f.name in values}


def plausible(stage: Stage, witness: Witness) -> Witness:
    """The same assignment with other registers where x0 is read and is not 0, if that is as wrong.

    The step function is specified for any value of x0, of which a machine has but one.
    """
    schema = stage.specification.schema
    if not is_step_function(schema):
        return witness
    inputs = values_of(schema.inputs, witness.inputs)
    care = values_of(schema.outputs, stage.specification.care.evaluate(witness.inputs[None])[0])
    fixed = {bit for cell in stage.specification.cells if cell.name == witness.cell for bit, _ in cell.cube}
    insn = inputs["insn"]
    for name, lowest, number in (("rs1", 15, 1), ("rs2", 20, 2)):
        field = 31 << lowest
        reads = care[f"{name}_addr"] and not fixed.intersection(range(lowest, lowest + 5))
        if reads and inputs[f"{name}_rdata"] and not insn & field:
            insn |= number << lowest
    columns = np.array([[insn if name == "insn" else value] for name, value in inputs.items()], np.uint64)
    other = pack_fields(columns, [field.width for field in schema.inputs])
    graphs = (stage.specification.values, stage.specification.care, stage.learned)
    wanted, cared, got = (graph.evaluate(other) for graph in graphs)
    return Witness(witness.cell, other[0]) if ((wanted ^ got) & cared).any() else witness


def decode(stage: Stage, witness: Witness) -> Counterexample:
    """Name the fields of an assignment; only outputs that differ in a cared bit are told."""
    schema, row = stage.specification.schema, witness.inputs[None]
    inputs = values_of(schema.inputs, witness.inputs)
    graphs = (stage.specification.values, stage.specification.care, stage.learned)
    wanted, care, got = (values_of(schema.outputs, graph.evaluate(row)[0]) for graph in graphs)
    wrong = [name for name in wanted if (wanted[name] ^ got[name]) & care[name]]
    shown = {name: value for name, value in inputs.items() if _shown(stage, name, value)}
    return Counterexample(
        instruction=witness.cell,
        text=_text(stage, inputs),
        inputs=hexadecimal(schema.inputs, shown),
        expected=hexadecimal(schema.outputs, {name: wanted[name] & care[name] for name in wrong}),
        got=hexadecimal(schema.outputs, {name: got[name] & care[name] for name in wrong}),
    )


def _shown(stage: Stage, name: str, value: int) -> bool:
    """All inputs of a function; of a core's state what is not 0."""
    return stage.name not in MACHINES or (not name.startswith(UNDEFINED) and (bool(value) or name in _TOLD))


_TOLD = ("rst", "enable", "fetch_data", "pc", "phase", "insn")


def _text(stage: Stage, inputs: dict[str, int]) -> str:
    if stage.name == "core":
        if inputs["rst"] or not inputs["enable"]:
            return "reset" if inputs["rst"] else "wait"
        return str(disassemble(inputs["fetch_data"], inputs["pc"]))
    if stage.name in MACHINES and (inputs["rst"] or inputs["phase"] != EXECUTE):
        return RESET if inputs["rst"] else PHASES[inputs["phase"]]
    if stage.name in MACHINES:
        return str(disassemble(inputs["insn"], inputs["pc"]))
    if "insn" in inputs and "pc_rdata" in inputs:
        return str(disassemble(inputs["insn"], inputs["pc_rdata"]))
    return ""
