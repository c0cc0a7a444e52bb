"""The step function against the table in its own docstring, its scalar twin, and chosen cases of the "
"manual."""

import numpy as np
import pytest
from random_steps import random_operands, random_words, step_fields

from bsdgen.bits import pack_fields
from bsdgen.isa.encoding import ENCODINGS, INSTRUCTIONS
from bsdgen.isa.step import classify, step, step_packed
from bsdgen.traces.schema import RVFI_SCHEMA

_M32 = 0xFFFFFFFF
_CARE_NAMES = [field.name for field in RVFI_SCHEMA.outputs]


@pytest.fixture(scope="module")
def rows():
    """50,000 rows with aligned and misaligned, legal and illegal, all shuffled."""
    rng = np.random.default_rng(11)
    n = 50_000
    a, b = random_operands(rng, n)
    inputs = {
        "insn": random_words(rng, n, legal=0.7, flipped=0.15),
        "pc_rdata": rng.integers(0, 1 << 32, n, dtype=np.uint32),
        "rs1_rdata": a,
        "rs2_rdata": b,
        "mem_rdata": rng.integers(0, 1 << 32, n, dtype=np.uint32),
    }
    return inputs, *step_fields(**inputs)


def _bits(word, high, low):
    return word >> low & ((1 << (high - low + 1)) - 1)


def _signed(word, bits):
    return word - (1 << bits) if word >> (bits - 1) else word


def _immediates(insn):
    """Immediates I, S, B, U, J put together from the manual's bit lists."""
    return (
        _signed(_bits(insn, 31, 20), 12),
        _signed(_bits(insn, 31, 25) << 5 | _bits(insn, 11, 7), 12),
        _signed(
            _bits(insn, 31, 31) << 12
            | _bits(insn, 7, 7) << 11
            | _bits(insn, 30, 25) << 5
            | _bits(insn, 11, 8) << 1,
            13,
        ),
        _bits(insn, 31, 12) << 12,
        _signed(
            _bits(insn, 31, 31) << 20
            | _bits(insn, 19, 12) << 12
            | _bits(insn, 20, 20) << 11
            | _bits(insn, 30, 21) << 1,
            21,
        ),
    )


def _table_load(insn, address, mem):
    if _bits(insn, 13, 13):
        return mem
    if _bits(insn, 12, 12):
        half = mem >> (16 * _bits(address, 1, 1)) & 0xFFFF
        return half if _bits(insn, 14, 14) else _signed(half, 16) & _M32
    byte = mem >> (8 * _bits(address, 1, 0)) & 0xFF
    return byte if _bits(insn, 14, 14) else _signed(byte, 8) & _M32


def _table_alu(insn, a, b):
    amount, signed_a, signed_b = b & 31, _signed(a, 32), _signed(b, 32)
    minus = _bits(insn, 5, 5) and _bits(insn, 30, 30)
    right = signed_a >> amount if _bits(insn, 30, 30) else a >> amount
    table = (a - b if minus else a + b, a << amount, signed_a < signed_b, a < b, a ^ b, right, a | b, a & b)
    return int(table[_bits(insn, 14, 12)]) & _M32


def _table_values(insn, pc, a, b, mem):
    """The docstring's table of values, written a second time: rd_wdata, pc_wdata, mem_addr, mem_wdata."""
    imm_i, imm_s, imm_b, imm_u, imm_j = _immediates(insn)
    b6, b5, b4, b3, b2 = (_bits(insn, bit, bit) for bit in (6, 5, 4, 3, 2))
    if b6:
        rd_wdata = pc + 4
    elif not b4:
        rd_wdata = _table_load(insn, (a + imm_i) & _M32, mem)
    elif b2:
        rd_wdata = imm_u if b5 else pc + imm_u
    else:
        rd_wdata = _table_alu(insn, a, b if b5 else imm_i & _M32)
    pc_wdata = pc + 4
    if b6 and b3:
        pc_wdata = pc + imm_j
    elif b6 and b2:
        pc_wdata = (a + imm_i) & ~1
    elif b6:
        signed_less = _signed(a, 32) < _signed(b, 32)
        holds = (a == b, a == b, signed_less, a < b)[_bits(insn, 14, 13)]
        if holds != bool(_bits(insn, 12, 12)):
            pc_wdata = pc + imm_b
    mem_addr = (a + (imm_s if b5 else imm_i)) & ~3
    mem_wdata = (b & 0xFF) * 0x01010101, (b & 0xFFFF) * 0x00010001, b, b
    return rd_wdata & _M32, pc_wdata & _M32, mem_addr & _M32, mem_wdata[_bits(insn, 13, 12)]


def test_every_value_is_that_of_the_docstring_table(rows):
    inputs, outputs, _ = rows
    for i in range(20_000):
        got = tuple(int(outputs[name][i]) for name in ("rd_wdata", "pc_wdata", "mem_addr", "mem_wdata"))
        row = [int(values[i]) for values in inputs.values()]
        assert got == _table_values(*row), [hex(value) for value in row]


def test_care_masks_are_those_of_the_docstring_table(rows):
    inputs, outputs, care = rows
    which = classify(inputs["insn"])
    legal = which >= 0
    for name, attribute in (("rs1_addr", "reads_rs1"), ("rs2_addr", "reads_rs2")):
        reads = np.array([getattr(encoding, attribute) for encoding in ENCODINGS] + [False])[which]
        assert (care[name] == np.where(legal & reads, 31, 0)).all()
        assert (legal & reads & (outputs["trap"] == 1)).sum() > 0
    assert (care["rd_addr"] == 31).all()
    assert (care["rd_wdata"] == np.where(outputs["rd_addr"] != 0, _M32, 0)).all()
    assert (care["pc_wdata"] == np.where(outputs["trap"] == 0, _M32, 0)).all()
    access = (outputs["mem_rmask"] | outputs["mem_wmask"]) != 0
    assert (care["mem_addr"] == np.where(access, _M32, 0)).all()
    wmask = outputs["mem_wmask"]
    lanes = sum((wmask >> np.uint64(lane) & np.uint64(1)) * (0xFF << 8 * lane) for lane in range(4))
    assert (care["mem_wdata"] == lanes).all()
    assert (care["mem_rmask"] == 15).all() and (care["mem_wmask"] == 15).all() and (care["trap"] == 1).all()


def test_on_a_trap_nothing_is_written(rows):
    _, outputs, _ = rows
    trap = outputs["trap"] == 1
    assert 0.1 < trap.mean() < 0.9
    for name in ("rd_addr", "mem_rmask", "mem_wmask"):
        assert not outputs[name][trap].any()
        assert outputs[name][~trap].any()


def test_source_addresses_depend_on_the_instruction_alone_and_the_request_not_on_loaded_data(rows):
    inputs, outputs, _ = rows
    rng = np.random.default_rng(5)
    n = len(inputs["insn"])
    other, _ = step_fields(**{**inputs, "mem_rdata": rng.integers(0, 1 << 32, n, dtype=np.uint32)})
    for field in RVFI_SCHEMA.outputs:
        if field.part != "result":
            assert (other[field.name] == outputs[field.name]).all(), field.name
    assert (outputs["rs1_addr"] == (inputs["insn"] >> 15 & 31)).all()
    assert (outputs["rs2_addr"] == (inputs["insn"] >> 20 & 31)).all()


def test_packed_scalar_and_python_agree(rows):
    inputs, outputs, care = rows
    for i in range(3000):
        row = [int(values[i]) for values in inputs.values()]
        compiled = tuple(int(value) for value in step(*row))
        assert compiled == tuple(int(value) for value in step.py_func(*row))
        assert compiled[:10] == tuple(int(outputs[name][i]) for name in _CARE_NAMES)
        assert compiled[10:] == (care["rs1_addr"][i] == 31, care["rs2_addr"][i] == 31)


@pytest.mark.parametrize("n", [0, 1, 8192, 8193, 20_000])
def test_batches_of_any_size_give_the_same_rows(rows, n):
    inputs, outputs, care = rows
    part, part_care = step_fields(**{name: values[:n] for name, values in inputs.items()})
    for name in _CARE_NAMES:
        assert (part[name] == outputs[name][:n]).all()
        assert (part_care[name] == care[name][:n]).all()


def test_rows_need_not_be_contiguous(rows):
    inputs, _, _ = rows
    columns = np.array(list(inputs.values()), np.uint64)
    packed = pack_fields(columns, [field.width for field in RVFI_SCHEMA.inputs])
    assert (step_packed(packed[::2])[0] == step_packed(packed)[0][::2]).all()


@pytest.mark.parametrize(
    "inputs", [np.zeros((4, 2), np.uint64), np.zeros((4, 3), np.int64), np.zeros(3, np.uint64)]
)
def test_wrong_shape_or_type_is_refused(inputs):
    with pytest.raises(ValueError, match=r"inputs must be uint64 of shape \(n, 3\)"):
        step_packed(inputs)


def _one(insn, pc=0x1000, rs1=0, rs2=0, mem=0):
    names = ["rs1_addr", "rs2_addr", "rd_addr", "rd_wdata", "pc_wdata"]
    names += ["mem_addr", "mem_rmask", "mem_wmask", "mem_wdata", "trap", "reads_rs1", "reads_rs2"]
    return dict(zip(names, step(insn, pc, rs1, rs2, mem), strict=True))


def _word(name, rd=0, rs1=0, rs2=0, imm=0):
    """Assemble from the table's match and explicit fields (enough for these cases)."""
    encoding = ENCODINGS[INSTRUCTIONS.index(name)]
    word = encoding.match | rs1 << 15 | rd << 7
    if encoding.format in ("R", "S", "B"):
        word |= rs2 << 20
    if encoding.format == "I":
        word |= (imm & 0xFFF) << 20
    if encoding.format == "S":
        word = word & ~(31 << 7) | (imm & 31) << 7 | (imm >> 5 & 0x7F) << 25
    if encoding.format == "B":
        word = word & ~(31 << 7) | (imm & 0x1E) << 7 | (imm >> 11 & 1) << 7
        word |= (imm >> 5 & 0x3F) << 25 | (imm >> 12 & 1) << 31
    return word


@pytest.mark.parametrize("name,size", [("lb", 1), ("lbu", 1), ("lh", 2), ("lhu", 2), ("lw", 4)])
@pytest.mark.parametrize("offset", range(4))
def test_loads_at_every_offset(name, size, offset):
    out = _one(_word(name, rd=5, rs1=6), rs1=0x2000 + offset, mem=0x88F7E680)
    if offset % size:
        assert (out["trap"], out["rd_addr"], out["mem_rmask"]) == (1, 0, 0)
        return
    value = 0x88F7E680 >> 8 * offset & ((1 << 8 * size) - 1)
    expected = value if name.endswith("u") else _signed(value, 8 * size) & _M32
    assert (out["trap"], out["rd_addr"], out["rd_wdata"]) == (0, 5, expected)
    assert (out["mem_addr"], out["mem_rmask"], out["mem_wmask"]) == (0x2000, ((1 << size) - 1) << offset, 0)


@pytest.mark.parametrize("name,size", [("sb", 1), ("sh", 2), ("sw", 4)])
@pytest.mark.parametrize("offset", range(4))
def test_stores_at_every_offset(name, size, offset):
    out = _one(_word(name, rs1=6, rs2=7, imm=-4), rs1=0x2004 + offset, rs2=0x12345678)
    if offset % size:
        assert (out["trap"], out["mem_wmask"]) == (1, 0)
        return
    assert (out["mem_addr"], out["mem_wmask"], out["mem_rmask"]) == (0x2000, ((1 << size) - 1) << offset, 0)
    data = out["mem_wdata"] >> 8 * offset & ((1 << 8 * size) - 1)
    assert data == 0x12345678 & ((1 << 8 * size) - 1)


def test_a_misaligned_target_traps_only_if_taken():
    beq = _word("beq", rs1=1, rs2=2, imm=6)
    assert _one(beq, rs1=1, rs2=1)["trap"] == 1
    assert _one(beq, rs1=1, rs2=1)["pc_wdata"] == 0x1006  # uncared, yet the target
    assert (_one(beq, rs1=1, rs2=2)["trap"], _one(beq, rs1=1, rs2=2)["pc_wdata"]) == (0, 0x1004)


@pytest.mark.parametrize("target,trap", [(0x2000, 0), (0x2001, 0), (0x2002, 1), (0x2003, 1)])
def test_jalr_clears_bit_0_before_its_target_is_judged(target, trap):
    out = _one(_word("jalr", rd=1, rs1=2), rs1=target)
    assert (out["trap"], out["pc_wdata"], out["rd_addr"]) == (trap, target & ~1, 0 if trap else 1)
    assert out["rd_wdata"] == 0x1004


def test_addresses_and_pc_wrap_around():
    assert _one(_word("addi"), pc=0xFFFFFFFC)["pc_wdata"] == 0
    assert _one(_word("lw", rd=1, rs1=2, imm=-4), rs1=0)["mem_addr"] == 0xFFFFFFFC
    assert _one(_word("beq", imm=-8), pc=4)["pc_wdata"] == 0xFFFFFFFC


def test_x0_is_written_nowhere_but_its_value_is_computed():
    out = _one(_word("addi", rd=0, rs1=1, imm=5), rs1=2)
    assert (out["rd_addr"], out["rd_wdata"], out["trap"]) == (0, 7, 0)


@pytest.mark.parametrize("name", ["ecall", "ebreak"])
def test_environment_calls_trap_and_read_nothing(name):
    out = _one(_word(name))
    assert (out["trap"], out["rd_addr"], out["reads_rs1"], out["reads_rs2"]) == (1, 0, False, False)


def test_fence_does_nothing():
    out = _one(0x0FF0000F | 5 << 7 | 6 << 15)
    assert (out["trap"], out["rd_addr"], out["mem_rmask"], out["mem_wmask"]) == (0, 0, 0, 0)
    assert (out["pc_wdata"], out["reads_rs1"], out["reads_rs2"]) == (0x1004, False, False)
