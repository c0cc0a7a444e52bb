import numpy as np
import pytest

from bsdgen.coverage.cells import immediate
from bsdgen.isa.encoding import ENCODINGS, INSTRUCTIONS
from bsdgen.isa.step import classify
from bsdgen.measure import strata_for
from bsdgen.measure.generic import GenericStrata
from bsdgen.measure.rv32i import InstructionStrata
from bsdgen.measure.rv32i_draw import DISTRIBUTIONS, RUN, SHAPES, draw_runs, stream_base
from bsdgen.measure.strata import BLOCK
from bsdgen.traces.schema import RVFI_SCHEMA, Field, Schema

ILLEGAL = len(INSTRUCTIONS)
N_RUNS = 16 * 624  # every pair of a shape and a distribution sixteen times


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Input fields, and the instruction that each word is."""
    columns = np.empty((5, N_RUNS * RUN), np.uint32)
    draw_runs(stream_base(1), 0, columns)
    index = classify(columns[0])
    return columns, np.where(index < 0, ILLEGAL, index)


def of_shape(columns: np.ndarray, shape: str) -> np.ndarray:
    """Words drawn as one shape."""
    chosen = np.array(SHAPES)[np.arange(N_RUNS) % len(SHAPES)] == shape
    return columns[0].reshape(N_RUNS, RUN)[chosen].ravel()


@pytest.mark.parametrize("index", range(len(ENCODINGS)), ids=INSTRUCTIONS)
def test_legal_words_are_that_instruction_with_all_free_bits_moving(
    drawn: tuple[np.ndarray, np.ndarray], index: int
) -> None:
    words = of_shape(drawn[0], INSTRUCTIONS[index])
    assert words.size == 13 * 16 * RUN
    assert (classify(words) == index).all()
    varying = np.bitwise_or.reduce(words) & ~np.bitwise_and.reduce(words)
    assert varying == ~np.uint32(ENCODINGS[index].mask) & np.uint32(0xFFFFFFFF)


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - set(INSTRUCTIONS)))
def test_every_odd_shape_has_illegal_words(drawn: tuple[np.ndarray, np.ndarray], shape: str) -> None:
    assert (classify(of_shape(drawn[0], shape)) < 0).mean() > 0.2


def test_illegal_words_reach_every_major_opcode_and_every_upper_seven_bits(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    words = drawn[0][0]
    illegal = words[classify(words) < 0]
    assert len(np.unique(illegal & np.uint32(0x7F))) == 128 - 3  # LUI, AUIPC and JAL have no illegal form
    registers = illegal[(illegal & np.uint32(0x7F)) == 0x33]
    assert len(np.unique(registers >> np.uint32(25))) == 127  # 0 is always legal
    assert 0 in illegal
    assert 0xFFFFFFFF in illegal


def test_every_pattern_is_every_pattern() -> None:
    """All of opcode, funct3 and funct7 within 2**17 vectors of the pattern shapes."""
    first = SHAPES.index("every_pattern")
    n_runs = len(SHAPES) << 10
    seen = np.zeros(1 << 17, np.bool_)
    words = np.empty((5, 2 * RUN), np.uint32)
    for run in range(first, n_runs, len(SHAPES)):
        draw_runs(stream_base(0), run, words)
        insn = words[0]
        seen[(insn >> 25) << 10 | (insn >> 5) & 0x380 | insn & 0x7F] = True
    assert seen.all()


def test_a_vector_follows_from_seed_and_position() -> None:
    strata = InstructionStrata()
    whole = np.empty((5, 2 * BLOCK), np.uint32)
    draw_runs(stream_base(3), 0, whole)
    for block in (0, 1):
        columns, cells = strata.draw(3, block)
        assert np.array_equal(columns, whole[:, block * BLOCK : (block + 1) * BLOCK])
        assert cells.shape == (BLOCK,)
    assert not np.array_equal(columns, strata.draw(4, 1)[0])
    assert len(np.unique(whole, axis=1).T) > 1.99 * BLOCK  # some words have no free bits


def test_random_numbers_are_uniform() -> None:
    """Every bit of uniform operands is 1 half of the time, whatever its neighbours are."""
    words = np.empty((5, 13 * 64 * RUN), np.uint32)
    draw_runs(stream_base(0), 0, words)
    uniform = words.reshape(5, -1, RUN)[1:, :: len(DISTRIBUTIONS)].reshape(4, -1)
    bits = (uniform[:, :, np.newaxis] >> np.arange(32, dtype=np.uint32)) & 1
    n = uniform.shape[1]
    pairs = np.einsum("anb,anc->abc", bits.astype(np.float32), bits.astype(np.float32)) / n
    expected = np.where(np.eye(32, dtype=np.bool_), 0.5, 0.25)
    assert np.abs(pairs[1:] - expected).max() < 6 * 0.5 / np.sqrt(n)  # pc is aligned on purpose


def test_every_instruction_has_its_share(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    _, classes = drawn
    share = np.bincount(classes, minlength=ILLEGAL + 1) / classes.size
    assert share[:ILLEGAL].min() > 0.0195  # 10^5 of 10^7 asked for, twice as many given
    assert share[ILLEGAL] > 0.1


def of_class(drawn: tuple[np.ndarray, np.ndarray], name: str) -> dict[str, np.ndarray]:
    columns, classes = drawn
    index = INSTRUCTIONS.index(name)
    chosen = columns[:, classes == index]
    fields = dict(zip((field.name for field in RVFI_SCHEMA.inputs), chosen, strict=True))
    immediates = np.array([immediate(index, word) for word in fields["insn"].astype(np.int64)])
    return fields | {"imm": immediates.astype(np.uint32)}


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
    offset = np.bincount((drawn[0][1] & np.uint32(3)).astype(np.intp), minlength=4) / drawn[0].shape[1]
    assert offset[0] > 0.5
    assert offset[2] > 0.1
    assert offset[1] > 0.01
    assert offset[3] > 0.01


def ones(words: np.ndarray) -> np.ndarray:
    """Bits set in each word."""
    return np.unpackbits(words.view(np.uint8).reshape(-1, 4), axis=1).sum(axis=1)


def test_every_distribution_differs_from_uniform(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    """In how many bits are set, on average and how widely, in rs1 alone or against the immediate."""
    columns, classes = drawn
    addi = classes == INSTRUCTIONS.index("addi")
    kinds = (np.arange(N_RUNS * RUN) // RUN % len(DISTRIBUTIONS))[addi]
    imm = (columns[0, addi].view(np.int32) >> 20).view(np.uint32)
    rs1, rs2 = columns[2, addi], columns[3, addi]
    counts = [ones(word) for word in (rs1, rs1 + imm, rs1 - imm, rs1 ^ imm, rs1 ^ rs2)]
    shape = np.array([[f(n[kinds == kind]) for n in counts for f in (np.mean, np.std)] for kind in range(13)])
    assert np.abs(shape[0] - np.tile([16, np.sqrt(8)], 5)).max() < 0.5
    assert (np.abs(shape[1:] - shape[0]).max(axis=1) > 1).all()


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
    assert immediate(INSTRUCTIONS.index(name), insn) == expected & 0xFFFFFFFF


def generic(*widths: int) -> GenericStrata:
    fields = tuple(Field(f"f{i}", width, "in") for i, width in enumerate(widths))
    return GenericStrata(Schema((*fields, Field("out", 1, "out"))))


def test_generic_vectors_fit_their_fields() -> None:
    columns, classes = generic(1, 7, 64, 7).draw_from(np.random.default_rng(0), 8000)
    assert columns.shape == (4, 8000)
    assert classes.shape == (8000,)
    assert [int(column.max()).bit_length() for column in columns] == [1, 7, 64, 7]


def test_generic_relations_hold() -> None:
    strata = generic(9, 9)
    columns, classes = strata.draw_from(np.random.default_rng(0), 16_000)

    def of(name: str) -> np.ndarray:
        return columns[:, classes == strata.axes.classes.index(name)]

    assert (of("equal")[0] == of("equal")[1]).all()
    flipped = of("one bit")[0] ^ of("one bit")[1]
    assert set(flipped.tolist()) == {1 << bit for bit in range(9)}
    step = (of("off by one")[0] - of("off by one")[1]) & np.uint64(0x1FF)
    assert set(step.tolist()) == {1, 0x1FF}


def test_generic_without_fields_of_equal_width_has_no_relations() -> None:
    assert "equal" not in generic(3, 4).axes.classes


def test_the_schema_decides() -> None:
    assert isinstance(strata_for(RVFI_SCHEMA), InstructionStrata)
    assert isinstance(strata_for(Schema((Field("a", 2, "in"), Field("b", 1, "out")))), GenericStrata)
