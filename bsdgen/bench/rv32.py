"""The RV32I and RV32E step functions as specifications: hand-written Verilog, compared on cared bits.

What is cared is decided by the written side alone (the table in `bsdgen.isa.step`), so a learned netlist
cannot excuse itself.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bsdgen.circuit.aig import Aig, AigBuilder, copy_into
from bsdgen.circuit.equivalence import Equivalence, prove_equivalent
from bsdgen.circuit.netlist import order_by_schema, read_netlist
from bsdgen.isa.subsets import OPCODES
from bsdgen.traces.schema import RVFI_SCHEMA, Field, Schema

SOURCE = Path(__file__).with_name("rv32i_step.v")
_READS = ("reads_rs1", "reads_rs2")
_WRITTEN_SCHEMA = Schema((*RVFI_SCHEMA.fields, *(Field(name, 1, "out") for name in _READS)))


@lru_cache(maxsize=2)
def _written(embedded: bool) -> Aig:
    """The written function with two outputs more: whether each source register's address matters."""
    if not embedded:
        return order_by_schema(read_netlist([SOURCE], "rv32i_step"), _WRITTEN_SCHEMA)
    ports = [(field.role, field.width, field.name) for field in _WRITTEN_SCHEMA.fields]
    header = ", ".join(f"{role}put [{width - 1}:0] {name}" for role, width, name in ports)
    connections = ", ".join(f".{name}({name})" for _, _, name in ports)
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        top = Path(name) / "rv32e_step.v"
        top.write_text(
            f"module rv32e_step({header});\n  rv32i_step #(.EMBEDDED(1)) step({connections});\nendmodule\n",
            encoding="ascii",
        )
        return order_by_schema(read_netlist([SOURCE, top], "rv32e_step"), _WRITTEN_SCHEMA)


def written_step(embedded: bool = False) -> Aig:
    """The written function, inputs and outputs those of `RVFI_SCHEMA`.

    Parameters
    ----------
    embedded : RV32E instead of RV32I.
    """
    return _written(embedded).cone(range(RVFI_SCHEMA.n_outputs))


@dataclass(frozen=True)
class _Side:
    """Literals of the written function in a joint graph: its outputs, and what it says of the sources."""

    outputs: list[int]
    reads: tuple[int, int]


def _outputs() -> dict[str, range]:
    found, first = {}, 0
    for field in RVFI_SCHEMA.outputs:
        found[field.name] = range(first, first + field.width)
        first += field.width
    return found


def _any(builder: AigBuilder, literals: Sequence[int]) -> int:
    result = 0
    for literal in literals:
        result = builder.or_(result, literal)
    return result


def _care(builder: AigBuilder, written: _Side, inside: int) -> list[int]:
    """Literal of each output's care: 0 wherever `inside` is."""
    at = _outputs()
    theirs = written.outputs
    writes = _any(builder, [theirs[o] for o in at["rd_addr"]])
    accesses = _any(builder, [theirs[o] for o in [*at["mem_rmask"], *at["mem_wmask"]]])
    care = [1] * RVFI_SCHEMA.n_outputs
    conditions = {
        "rs1_addr": written.reads[0],
        "rs2_addr": written.reads[1],
        "rd_wdata": writes,
        "pc_wdata": theirs[at["trap"][0]] ^ 1,
        "mem_addr": accesses,
    }
    for name, condition in conditions.items():
        for o in at[name]:
            care[o] = condition
    for bit, o in enumerate(at["mem_wdata"]):
        care[o] = theirs[at["mem_wmask"][bit // 8]]
    return [builder.and_(literal, inside) for literal in care]


def _inside(builder: AigBuilder, classes: Sequence[str] | None) -> int:
    """Literal of: the instruction word's opcode is one of the classes'."""
    if classes is None:
        return 1
    matches = []
    for name in classes:
        match = 1
        for bit in range(7):
            match = builder.and_(match, 2 * (1 + bit) ^ (OPCODES[name] >> bit & 1 ^ 1))
        matches.append(match)
    return _any(builder, matches)


def care_step(classes: Sequence[str] | None = None, embedded: bool = False) -> Aig:
    """Which output bits mean something: one output an output of `RVFI_SCHEMA`."""
    builder = AigBuilder(RVFI_SCHEMA.n_inputs)
    literals = copy_into(builder, _written(embedded), _variables())
    side = _Side(literals[:-2], (literals[-2], literals[-1]))
    return builder.build(_care(builder, side, _inside(builder, classes)))


def _variables() -> list[int]:
    return [2 * (v + 1) for v in range(RVFI_SCHEMA.n_inputs)]


def cared_only(learned: Aig, classes: Sequence[str] | None = None, embedded: bool = False) -> tuple[Aig, Aig]:
    """A learned and the written function, each output forced to 0 where it means nothing.

    Parameters
    ----------
    learned : over `RVFI_SCHEMA`.
    classes : opcode classes (`bsdgen.isa.subsets`) outside of which nothing means anything; None: all.
    embedded : RV32E instead of RV32I.
    """
    builder = AigBuilder(RVFI_SCHEMA.n_inputs)
    ours = copy_into(builder, learned, _variables())
    literals = copy_into(builder, _written(embedded), _variables())
    side = _Side(literals[:-2], (literals[-2], literals[-1]))
    care = _care(builder, side, _inside(builder, classes))
    pairs = [
        [builder.and_(c, o) for c, o in zip(care, outputs, strict=True)] for outputs in (ours, side.outputs)
    ]
    return builder.build(pairs[0]), builder.build(pairs[1])


def prove_step(classes: Sequence[str] | None, embedded: bool, learned: Aig) -> Equivalence:
    """Prove a netlist to be the step function on every bit that means something, by both engines."""
    return prove_equivalent(*cared_only(learned, classes, embedded))
