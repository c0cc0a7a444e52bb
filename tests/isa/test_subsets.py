import numpy as np
import pytest

from bsdgen.bits import pack_fields, unpack_fields
from bsdgen.errors import UsageError
from bsdgen.isa.encoding import ENCODINGS, decode
from bsdgen.isa.step import step_packed
from bsdgen.isa.subsets import OPCODES, beyond_rv32e, opcode_classes, rows_inside, trap_beyond_rv32e
from bsdgen.traces.schema import RVFI_SCHEMA

OUT = [field.width for field in RVFI_SCHEMA.outputs]
IN = [field.width for field in RVFI_SCHEMA.inputs]


def rows_with(insn: np.ndarray, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    others = rng.integers(0, 1 << 32, (4, len(insn)), np.uint64)
    return pack_fields(np.concatenate([insn[None].astype(np.uint64), others]), IN)


def legal_words(n: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    which = rng.integers(0, len(ENCODINGS), n)
    match = np.array([encoding.match for encoding in ENCODINGS], np.uint64)[which]
    mask = np.array([encoding.mask for encoding in ENCODINGS], np.uint64)[which]
    return match | rng.integers(0, 1 << 32, n, np.uint64) & ~mask & np.uint64(0xFFFFFFFF)


def test_every_encoding_is_in_one_class() -> None:
    classes = {encoding.match & 0x7F for encoding in ENCODINGS}
    assert classes == set(OPCODES.values()) and len(OPCODES) == len(set(OPCODES.values())) == 11


def test_rows_are_chosen_by_opcode() -> None:
    words = legal_words(4000)
    rows = rows_with(words)
    inside = rows_inside(rows, ("branch", "load"))
    assert (inside == np.isin(words & np.uint64(0x7F), [0x63, 0x03])).all()
    assert sum(int(rows_inside(rows, (name,)).sum()) for name in OPCODES) == 4000


@pytest.mark.parametrize("text", ["", "branches", "branch,,load", "LOAD"])
def test_unknown_classes_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="there is no opcode class"):
        opcode_classes(text)


def test_registers_beyond_rv32e_are_those_that_an_instruction_uses() -> None:
    for word in map(int, legal_words(4000)):
        encoding = ENCODINGS[decode(word)]
        used = [word >> at & 31 for at, uses in (
            (7, encoding.writes_rd), (15, encoding.reads_rs1), (20, encoding.reads_rs2)
        ) if uses]  # fmt: skip
        assert bool(beyond_rv32e.py_func(word)) == any(register > 15 for register in used)
    assert not beyond_rv32e(0xFFFFFFFF)


def test_what_uses_them_traps_and_the_rest_is_left() -> None:
    words = legal_words(20_000)
    rows = rows_with(words)
    outputs, care = step_packed(rows)
    before, care_before = outputs.copy(), care.copy()
    trap_beyond_rv32e(rows, outputs, care)
    beyond = np.array([beyond_rv32e(int(word)) for word in words])
    assert 2000 < beyond.sum() < 18_000
    assert (outputs[~beyond] == before[~beyond]).all() and (care[~beyond] == care_before[~beyond]).all()
    value = dict(zip([f.name for f in RVFI_SCHEMA.outputs], unpack_fields(outputs[beyond], OUT), strict=True))
    cared = dict(zip([f.name for f in RVFI_SCHEMA.outputs], unpack_fields(care[beyond], OUT), strict=True))
    for name in ("rd_addr", "mem_rmask", "mem_wmask"):
        assert (value[name] == 0).all()
    assert (value["trap"] == 1).all()
    full = {"rd_addr": 31, "mem_rmask": 15, "mem_wmask": 15, "trap": 1}
    for name, column in cared.items():
        assert (column == full.get(name, 0)).all(), name
