import numpy as np
import pytest

from bsdgen.isa.encoding import ENCODINGS, INSTRUCTIONS
from bsdgen.isa.step import classify
from bsdgen.measure import encodings, operands, strata_for
from bsdgen.measure.generic import GenericStrata
from bsdgen.measure.rv32i import InstructionStrata
from bsdgen.traces.schema import RVFI_SCHEMA, Field, Schema

ILLEGAL = len(INSTRUCTIONS)


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    return InstructionStrata().draw(np.random.default_rng(1), 1 << 18)


@pytest.mark.parametrize("index", range(len(ENCODINGS)), ids=INSTRUCTIONS)
def test_legal_words_are_that_instruction_with_all_free_bits_moving(index: int) -> None:
    words = encodings.legal(np.random.default_rng(0), ENCODINGS[index], 2000)
    assert (classify(words) == index).all()
    varying = np.bitwise_or.reduce(words) & ~np.bitwise_and.reduce(words)
    assert varying == ~np.uint32(ENCODINGS[index].mask) & np.uint32(0xFFFFFFFF)


@pytest.mark.parametrize("shape", encodings._SHAPES)
def test_every_shape_of_odd_words_has_illegal_ones(shape: object) -> None:
    words = shape(np.random.default_rng(0), 5000)  # type: ignore[operator]
    assert (classify(words) < 0).mean() > 0.2


def test_illegal_words_reach_every_major_opcode_and_every_upper_seven_bits() -> None:
    words = encodings.odd(np.random.default_rng(0), 200_000)
    illegal = words[classify(words) < 0]
    assert len(np.unique(illegal & np.uint32(0x7F))) == 128 - 3  # LUI, AUIPC and JAL have no illegal form
    registers = illegal[(illegal & np.uint32(0x7F)) == 0x33]
    assert len(np.unique(registers >> np.uint32(25))) == 127  # 0 is always legal
    assert 0 in illegal
    assert 0xFFFFFFFF in illegal


def test_every_instruction_has_its_share(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    columns, classes = drawn
    share = np.bincount(classes, minlength=ILLEGAL + 1) / classes.size
    assert share[:ILLEGAL].min() > 0.0195  # 10^5 of 10^7 asked for, twice as many given
    assert share[ILLEGAL] > 0.1
    expected = classify(columns[0].astype(np.uint32))
    assert np.array_equal(np.where(expected < 0, ILLEGAL, expected), classes)


def of_class(drawn: tuple[np.ndarray, np.ndarray], name: str) -> dict[str, np.ndarray]:
    columns, classes = drawn
    chosen = columns[:, classes == INSTRUCTIONS.index(name)].astype(np.uint32)
    fields = dict(zip((field.name for field in RVFI_SCHEMA.inputs), chosen, strict=True))
    index = np.full(chosen.shape[1], INSTRUCTIONS.index(name), np.intp)
    return fields | {"imm": encodings.immediates(fields["insn"], index)}


@pytest.mark.parametrize(("name", "other"), [("beq", "rs2_rdata"), ("sltu", "rs2_rdata"), ("sltiu", "imm")])
def test_comparators_meet_their_rare_cases(
    drawn: tuple[np.ndarray, np.ndarray], name: str, other: str
) -> None:
    fields = of_class(drawn, name)
    difference = fields["rs1_rdata"] ^ fields[other]
    assert (difference == 0).sum() > 30
    for bit in range(32):
        assert (difference == np.uint32(1 << bit)).any(), bit
    step = fields["rs1_rdata"] - fields[other]
    assert (step == 1).any()
    assert (step == 0xFFFFFFFF).any()


@pytest.mark.parametrize(("name", "other"), [("add", "rs2_rdata"), ("addi", "imm"), ("jalr", "imm")])
def test_carries_run_through_all_bits(drawn: tuple[np.ndarray, np.ndarray], name: str, other: str) -> None:
    fields = of_class(drawn, name)
    a, b = fields["rs1_rdata"], fields[other]
    assert ((a ^ b) == 0xFFFFFFFF).any()
    carries = (a & b) | ((a ^ b) & ~(a + b))
    runs = carries & (carries >> np.uint32(1))
    for bit in range(2, 31):  # bit 0 of an immediate and of an address can be bound
        assert (runs >> np.uint32(bit) & np.uint32(1)).any(), bit


@pytest.mark.parametrize("name", ["lw", "lh", "lbu", "sw", "sh", "sb"])
def test_addresses_at_every_misalignment(drawn: tuple[np.ndarray, np.ndarray], name: str) -> None:
    fields = of_class(drawn, name)
    offset = (fields["rs1_rdata"] + fields["imm"]) & np.uint32(3)
    assert np.bincount(offset, minlength=4).min() > 200


def test_pc_is_aligned_often_and_off_by_two_often(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    offset = np.bincount((drawn[0][1] & np.uint64(3)).astype(np.intp), minlength=4) / drawn[0].shape[1]
    assert offset[0] > 0.5
    assert offset[2] > 0.1
    assert offset[1] > 0.01
    assert offset[3] > 0.01


@pytest.mark.parametrize("fill", operands.DISTRIBUTIONS)
def test_every_distribution_differs_from_uniform(fill: object) -> None:
    rng = np.random.default_rng(0)
    words = operands.Operands(*(operands.uniform(rng, 4096) for _ in range(5)))
    before = [words.pc.copy(), words.rs1.copy(), words.rs2.copy(), words.mem.copy()]
    fill(rng, words)  # type: ignore[operator]
    after = [words.pc, words.rs1, words.rs2, words.mem]
    changed = any((new != old).any() for new, old in zip(after, before, strict=True))
    assert changed == (fill is not operands.draw_uniform)


@pytest.mark.parametrize(
    ("insn", "name", "expected"),
    [
        (0xFFF00093, "addi", -1),  # addi x1, x0, -1
        (0xFE112E23, "sw", -4),  # sw x1, -4(x2)
        (0xFE000EE3, "beq", -4),  # beq x0, x0, .-4
        (0xFFDFF06F, "jal", -4),  # jal x0, .-4
        (0x800000B7, "lui", -0x80000000),  # lui x1, 0x80000
        (0x7FF00093, "addi", 2047),
    ],
)
def test_immediates(insn: int, name: str, expected: int) -> None:
    got = encodings.immediates(np.array([insn], np.uint32), np.array([INSTRUCTIONS.index(name)]))
    assert got.view(np.int32)[0] == expected


def generic(*widths: int) -> GenericStrata:
    fields = tuple(Field(f"f{i}", width, "in") for i, width in enumerate(widths))
    return GenericStrata(Schema((*fields, Field("out", 1, "out"))))


def test_generic_vectors_fit_their_fields() -> None:
    columns, classes = generic(1, 7, 64, 7).draw(np.random.default_rng(0), 8000)
    assert columns.shape == (4, 8000)
    assert classes.shape == (8000,)
    assert [int(column.max()).bit_length() for column in columns] == [1, 7, 64, 7]


def test_generic_relations_hold() -> None:
    strata = generic(9, 9)
    columns, classes = strata.draw(np.random.default_rng(0), 16_000)

    def of(name: str) -> np.ndarray:
        return columns[:, classes == strata.names.index(name)]

    assert (of("equal")[0] == of("equal")[1]).all()
    flipped = of("one bit")[0] ^ of("one bit")[1]
    assert set(flipped.tolist()) == {1 << bit for bit in range(9)}
    step = (of("off by one")[0] - of("off by one")[1]) & np.uint64(0x1FF)
    assert set(step.tolist()) == {1, 0x1FF}


def test_generic_without_fields_of_equal_width_has_no_relations() -> None:
    assert "equal" not in generic(3, 4).names


def test_the_schema_decides() -> None:
    assert isinstance(strata_for(RVFI_SCHEMA), InstructionStrata)
    assert isinstance(strata_for(Schema((Field("a", 2, "in"), Field("b", 1, "out")))), GenericStrata)
