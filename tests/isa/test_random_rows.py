from pathlib import Path

import numpy as np
import pytest

from bsdgen.cli.app import main
from bsdgen.errors import UsageError
from bsdgen.isa import random_rows as module
from bsdgen.isa.encoding import ENCODINGS, INSTRUCTIONS
from bsdgen.isa.random_rows import (
    INSTRUCTION_KINDS,
    OPERAND_KINDS,
    Mix,
    parse_mix,
    random_inputs,
    random_rows,
)
from bsdgen.isa.recorder import random_name
from bsdgen.isa.step import classify
from bsdgen.traces.schema import RVFI_SCHEMA
from bsdgen.traces.store import columns_of, read_traces

N = 3 << 16
MASK = np.array([encoding.mask for encoding in ENCODINGS], np.uint32)
MATCH = np.array([encoding.match for encoding in ENCODINGS], np.uint32)


@pytest.fixture(scope="module")
def rows() -> dict[str, np.ndarray]:
    return random_rows(N, 1, Mix())


def inputs_of(text: str, operands: str | None = None) -> dict[str, np.ndarray]:
    columns = random_inputs(0, 1, Mix.parse(text, operands))
    return dict(zip([field.name for field in RVFI_SCHEMA.inputs], columns, strict=True))


def flips_from_legal(insn: np.ndarray) -> np.ndarray:
    """How many bits each word is away from the nearest instruction."""
    distance = np.bitwise_count((insn[:, None] ^ MATCH) & MASK)
    return distance.min(axis=1)


def test_columns_are_whole_and_uncared_bits_are_0(rows: dict[str, np.ndarray]) -> None:
    assert list(rows) == list(columns_of(RVFI_SCHEMA))
    assert {len(values) for values in rows.values()} == {N}
    assert sum(values.itemsize for values in rows.values()) == 64
    for field in RVFI_SCHEMA.outputs:
        assert not (rows[field.name] & ~rows[f"{field.name}_care"]).any(), field.name
    uncared = [field.name for field in RVFI_SCHEMA.outputs if not rows[f"{field.name}_care"].all()]
    assert uncared == ["rs1_addr", "rs2_addr", "rd_wdata", "pc_wdata", "mem_addr", "mem_wdata"]


def test_row_k_depends_on_seed_and_mix_alone(
    rows: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = random_rows(70_000, 1, Mix())
    for name, values in few.items():
        np.testing.assert_array_equal(values, rows[name][:70_000], name)
    chunks = [random_inputs(0, seed, mix) for seed in (1, 2) for mix in (Mix(), Mix((100, 0, 0)))]
    chunks.append(random_inputs(1, 1, Mix()))
    monkeypatch.setattr(module, "STREAM", module.STREAM + 1)
    chunks.append(random_inputs(0, 1, Mix()))
    for number, chunk in enumerate(chunks):
        assert not any((chunk == other).all() for other in chunks[:number])


def test_what_is_hard_to_meet_is_met(rows: dict[str, np.ndarray]) -> None:
    kinds = classify(rows["insn"])
    counts = np.bincount(kinds[kinds >= 0], minlength=len(INSTRUCTIONS))
    assert counts.min() > N / 80  # each instruction
    assert 0.1 < (kinds < 0).mean() < 0.4
    a, b = rows["rs1_rdata"], rows["rs2_rdata"]
    branches = (rows["insn"] & 0x7F) == 0x63
    assert (a == b)[branches].mean() > 0.05
    distance = a ^ b
    one = distance[np.bitwise_count(distance) == 1]
    assert np.bincount(np.log2(one).astype(int), minlength=32).min() > N / 1000  # at every position
    assert (rows["pc_rdata"] & 3 == 0).mean() > 0.75
    assert (rows["pc_rdata"] < 1 << 16).mean() > 0.1
    immediate = (rows["insn"].view(np.int32) >> 20).view(np.uint32)
    for other in (a, b, rows["insn"]):
        assert (np.bitwise_count(rows["mem_rdata"] ^ other) <= 2).mean() > 0.02
        assert (np.bitwise_count((rows["pc_rdata"] ^ other) >> np.uint32(2)) <= 2).mean() > 0.02
    assert (a == immediate).mean() > 0.05
    assert ((a ^ immediate) == 0xFFFFFFFF).mean() > 0.01  # their sum carries through


def test_each_kind_of_instruction_is_what_it_says() -> None:
    valid, near, uniform = (inputs_of(f"{kind}=100")["insn"] for kind in INSTRUCTION_KINDS)
    assert (classify(valid) >= 0).all()
    distance = flips_from_legal(near)
    assert set(distance.tolist()) == {0, 1, 2, 3}
    assert 0.04 < (classify(uniform) >= 0).mean() < 0.05  # the share of words that are instructions
    assert (flips_from_legal(uniform) > 3).any()


@pytest.mark.parametrize("kind", OPERAND_KINDS)
def test_each_kind_of_operand_is_what_it_says(kind: str) -> None:
    given = inputs_of("any=100", f"{kind}=100")
    a, b, insn = given["rs1_rdata"], given["rs2_rdata"], given["insn"]
    signed = a.view(np.int32)
    small = (signed >= -(1 << 16)) & (signed < 1 << 16)
    runs = np.array([(1 << bit) - 1 for bit in range(33)], np.uint32)
    constant = np.bitwise_count(a[:, None] ^ runs).min(axis=1) <= 2
    far = np.bitwise_count(a ^ b)
    related = (far <= 2) | (far >= 30)
    holds = {"uniform": (small | constant | related).mean() < 0.01, "small": small.all()}
    holds |= {"constant": constant.all(), "related": related.all()}
    assert holds[kind]
    if kind == "related":
        immediate = (insn.view(np.int32) >> 20).view(np.uint32)
        far = np.bitwise_count(a ^ immediate)
        assert ((far <= 2) | (far >= 30)).all()


def test_uniform_rows_know_nothing_but_that_addresses_are_aligned() -> None:
    for name, values in inputs_of("any=100", "uniform=100").items():
        ones = np.array([(values >> np.uint32(bit) & 1).mean() for bit in range(32)])
        expected = np.full(32, 0.5)
        if name == "pc_rdata":
            expected[:2] = 0.1
        np.testing.assert_allclose(ones, expected, atol=0.01)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("valid=70,foo=30", "'foo' of 'valid=70,foo=30' is no kind"),
        ("valid=50,valid=50", "'valid' is given twice"),
        ("valid=70,near=20", "the shares of 'valid=70,near=20' make 90"),
        ("valid", "'valid' of 'valid' has no share in whole percent"),
        ("valid=-10,any=110", "'valid=-10' of .* has no share"),
        ("valid=99.5,any=.5", "'valid=99.5' of .* has no share"),
        ("", "'' of '' is no kind"),
    ],
)
def test_a_bad_mix_is_refused(text: str, said: str) -> None:
    with pytest.raises(
        UsageError, match=f"^--mix: {said}.*; expected shares of valid, near, any that make 100"
    ):
        parse_mix(text, INSTRUCTION_KINDS, "--mix")


def test_a_mix_may_leave_kinds_out() -> None:
    assert Mix.parse("any=100") == Mix((0, 0, 100))
    assert Mix.parse(operands=" related=1 , uniform=99") == Mix(operands=(99, 0, 0, 1))


@pytest.mark.parametrize(("n", "seed"), [(0, 1), (1, -1)])
def test_what_cannot_be_drawn_is_refused(n: int, seed: int) -> None:
    with pytest.raises(UsageError, match=f"not {n} and {seed}"):
        random_rows(n, seed, Mix())


def test_the_command_records_random_rows_and_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["record", "--random", "3000", "--random-programs", "2", "--size", "5", "--seed", "7"]
    assert main([*words, "--mix", "valid=90,any=10", "-o", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "random.parquet: 3,000 random rows" in out
    assert "random-program-8" in out
    names = ["random-program-7", "random-program-8", "random"]
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(names)
    traces = {name: read_traces([tmp_path / f"{name}.parquet"]) for name in names}
    (facts,) = traces["random"].provenance
    assert traces["random"].n_rows == 3000
    assert facts["oracle"] == "simulator:rv32i"
    assert facts["random"] == {
        "rows": 3000,
        "seed": 7,
        "mix": {
            "instructions": {"valid": 90, "near": 0, "any": 10},
            "operands": {"uniform": 40, "small": 15, "constant": 15, "related": 30},
        },
        "stream": module.STREAM,
    }
    of_program = traces[random_name(8)].provenance[0]
    assert of_program["random_program"] == {"seed": 8, "size": 5, "own": True}
    assert (of_program["tohost"], of_program["oracle"]) == (1, "simulator:rv32i")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to record"),
        (["--random-programs", "1", "--mix", "any=100"], "--mix and --operands say what random rows are"),
        (["--random-programs", "1", "--operands", "small=100"], "--mix and --operands say"),
        (["--random", "5", "--mix", "any=1"], "make 1;"),
        (["--random", "5", "--operands", "any=100"], "--operands: 'any'"),
        (["--random", "5", "--core", "picorv32.v"], "--core runs programs"),
        (["--random-programs", "2", "--size", "60001"], "n_instructions must be 1 to"),
    ],
)
def test_usage_errors_write_nothing(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "traces"
    assert main(["record", *words, "-o", str(folder)]) == 2
    assert said in capsys.readouterr().err
    assert not folder.exists()


def test_names_of_programs_and_of_random_rows_must_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "random.elf"
    program.write_bytes(b"")
    assert main(["record", str(program), "--random", "5", "-o", str(tmp_path / "traces")]) == 2
    assert "random occurs more than once" in capsys.readouterr().err
