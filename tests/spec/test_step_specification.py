"""The specification of the step function: its encodings and what it says, against all else that there is."""

import numpy as np
import pytest

from bsdgen.bits import pack_fields
from bsdgen.circuit.aig import Aig
from bsdgen.errors import UsageError
from bsdgen.isa.encoding import ENCODINGS
from bsdgen.isa.subsets import OPCODES as ISA_OPCODES
from bsdgen.isa.subsets import opcode_classes
from bsdgen.measure.rv32i import InstructionStrata
from bsdgen.oracle.simulator import Base, SimulatorOracle
from bsdgen.prove.miter import miter
from bsdgen.prove.run import prove_step
from bsdgen.spec.encoding import parse
from bsdgen.spec.rv32i import INSTRUCTIONS, OPCODES
from bsdgen.spec.step import instruction_cells, step_specification
from bsdgen.traces.schema import RVFI_SCHEMA

N_OUTPUTS = RVFI_SCHEMA.n_outputs


def inverted(aig: Aig, output: int) -> Aig:
    outputs = aig.outputs.copy()
    outputs[output] ^= 1
    return Aig(aig.n_inputs, aig.fanin0, aig.fanin1, outputs)


def test_the_listing_and_the_simulators_table_say_the_same() -> None:
    """Two tables, written apart."""
    ours = {item.name: item for item in INSTRUCTIONS}
    assert list(ours) != [] and set(ours) == {encoding.name for encoding in ENCODINGS}
    for theirs in ENCODINGS:
        mine = ours[theirs.name]
        assert (mine.encoding.mask, mine.encoding.match) == (theirs.mask, theirs.match), theirs.name
        registers = (mine.reads_rs1, mine.reads_rs2, mine.writes_rd)
        assert registers == (theirs.reads_rs1, theirs.reads_rs2, theirs.writes_rd), theirs.name
    assert OPCODES == ISA_OPCODES


@pytest.mark.parametrize(
    "row,words",
    [
        ("imm[11:0] rs1 000 rd 001001", "32 bits, not 31"),
        ("imm[11:0] rs1 000 rd 00100111", "32 bits, not 33"),
        ("imm[11:0] rs3 000 rd 0010011", "'rs3' must be"),
    ],
)
def test_rows_that_are_none(row: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(row)


@pytest.mark.parametrize("base", ["rv32i", "rv32e"])
def test_values_and_care_are_the_simulators(base: Base) -> None:
    columns = np.concatenate([InstructionStrata().draw(3, block)[0] for block in range(3)], axis=1)
    rows = pack_fields(columns, [field.width for field in RVFI_SCHEMA.inputs])
    said, care = SimulatorOracle(base).query(rows)
    specification = step_specification(base)
    assert (specification.care.evaluate(rows) == care).all()
    assert not ((specification.values.evaluate(rows) ^ said) & care).any()


def test_cells_are_disjoint_and_cover_everything() -> None:
    words = np.random.default_rng(0).integers(0, 1 << 32, 2000)
    words[::2] = words[::2] & ~0x7F | np.random.default_rng(1).choice(list(OPCODES.values()), 1000)
    words[:40] = [item.encoding.match for item in INSTRUCTIONS]
    for word in words.tolist():
        inside = []
        for cell in instruction_cells():
            cubes = [
                all((word >> bit & 1) == value for bit, value in cube) for cube in (cell.cube, *cell.without)
            ]
            if cubes[0] and not any(cubes[1:]):
                inside.append(cell.name)
        assert len(inside) == 1, hex(word)


def test_rv32e_is_not_rv32i() -> None:
    assert prove_step(None, True, step_specification("rv32e").values).equal
    answer = prove_step(None, True, step_specification().values)
    assert not answer.equal and answer.inputs is not None
    said, care = SimulatorOracle("rv32e").query(answer.inputs[None])
    other, _ = SimulatorOracle("rv32i").query(answer.inputs[None])
    assert ((said ^ other) & care).any()


def test_a_wrong_gate_matters_inside_its_class_only() -> None:
    right = step_specification()
    loads = step_specification("rv32i", ("load",))
    inside = miter(loads, right.values, loads.whole, range(N_OUTPUTS))
    only_loads = order_by_schema_of(inside.learned, inside.positions)
    # what is 0 outside of loads is another function than the whole, but not inside
    assert prove_step(("load",), False, only_loads).equal
    assert not prove_step(None, False, only_loads).equal
    assert not prove_step(("store",), False, only_loads).equal


def order_by_schema_of(aig: Aig, positions: tuple[int, ...]) -> Aig:
    """A graph of all outputs, those that are missing 0."""
    outputs = np.zeros(N_OUTPUTS, np.int32)
    outputs[list(positions)] = aig.outputs
    return Aig(aig.n_inputs, aig.fanin0, aig.fanin1, outputs)


def test_uncared_bits_may_be_anything() -> None:
    right = step_specification()
    pair = miter(right, right.values, right.whole, range(N_OUTPUTS))
    assert prove_step(None, False, order_by_schema_of(pair.learned, pair.positions)).equal
    answer = prove_step(None, False, inverted(right.values, N_OUTPUTS - 1))
    assert not answer.equal and answer.output == N_OUTPUTS - 1  # trap means something everywhere


def test_there_are_no_other_classes() -> None:
    with pytest.raises(UsageError, match="no opcode class"):
        opcode_classes("branch,amo")
    assert [cell.name for cell in instruction_cells(("lui", "store"))] == ["lui", "sb", "sh", "sw", "illegal"]
