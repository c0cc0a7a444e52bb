"""RV32E: Spike as an RV32E machine against our oracle, row by row, on words that use all 32 registers."""

import struct
from pathlib import Path

import numpy as np
import pytest
from spike_logs import run_spike

from bsdgen.bits import pack_fields, unpack_fields
from bsdgen.isa.assembler import encode, load_constant
from bsdgen.isa.elf import Image, build_elf
from bsdgen.isa.encoding import ENCODINGS
from bsdgen.isa.program import load_program
from bsdgen.isa.subsets import beyond_rv32e
from bsdgen.oracle.simulator import SimulatorOracle
from bsdgen.traces.schema import RVFI_SCHEMA
from bsdgen.traces.spike_log import read_spike_log

ENTRY, DATA = 0x8000_0000, 0x8002_0000
TOHOST = DATA + 256
CSRW_MTVEC_X5 = 0x30529073
WORDS = 3000
IN = [field.width for field in RVFI_SCHEMA.inputs]
OUT = [field.width for field in RVFI_SCHEMA.outputs]


def random_word(rng: np.random.Generator) -> int:
    """A legal RV32I word that goes on behind itself unless it traps; x8 (data) and x15 (return) are kept."""
    encoding = ENCODINGS[rng.integers(len(ENCODINGS) - 2)]  # no ecall, no ebreak
    rd = int(rng.choice([r for r in range(32) if r not in (8, 15)]))
    rs1, rs2 = (int(r) for r in rng.integers(0, 32, 2))
    imm = int(rng.integers(-2048, 2048))
    opcode = encoding.match & 0x7F
    if opcode in (0x03, 0x23):  # x24 is x8 with the bit that RV32E does not have
        return encode(encoding.name, rd, int(rng.choice([8, 24])), rs2, int(rng.integers(0, 60)) & -4)
    if opcode == 0x67:
        return encode(encoding.name, rd, int(rng.choice([15, 31])))
    if opcode in (0x63, 0x6F):
        return encode(encoding.name, rd, rs1, rs2, 4)
    return encode(encoding.name, rd, rs1, rs2, imm if opcode != 0x0F else imm & 0xFF)


def program(rng: np.random.Generator) -> tuple[bytes, list[int]]:
    """An ELF file and the words under test."""
    code = [encode("jal", imm=8), encode("jalr", rs1=15)]  # reset; what a trap does
    code += [encode("auipc", 5), encode("addi", 5, 5, imm=-4), CSRW_MTVEC_X5]
    code += [encode("addi", register) for register in range(1, 16)]
    code += load_constant(8, DATA)
    tested = [random_word(rng) for _ in range(WORDS)]
    for word in tested:
        code += [encode("auipc", 15), encode("addi", 15, 15, imm=12), word]
    code += [*load_constant(1, TOHOST), encode("addi", 2, imm=1), encode("sw", rs1=1, rs2=2), encode("jal")]
    data = rng.integers(0, 1 << 32, 64, np.uint32).tobytes() + struct.pack("<4I", 0, 0, 0, 0)
    images = [
        Image(".text", ENTRY, struct.pack(f"<{len(code)}I", *code), executable=True),
        Image(".data", DATA, data, executable=False),
    ]
    return build_elf(ENTRY, images, {"_start": ENTRY, "tohost": TOHOST, "fromhost": TOHOST + 8}), tested


@pytest.mark.parametrize("seed", range(3))
def test_every_row_is_the_oracles(seed: int, tmp_path: Path) -> None:
    contents, tested = program(np.random.default_rng(seed))
    elf, log = tmp_path / "words.elf", tmp_path / "log"
    elf.write_bytes(contents)
    run_spike(elf, log, "--isa=rv32e")
    rows = read_spike_log(log, load_program(elf))
    mine = rows["insn"] != CSRW_MTVEC_X5
    inputs = pack_fields(np.array([rows[field.name][mine] for field in RVFI_SCHEMA.inputs], np.uint64), IN)
    said, care = (unpack_fields(part, OUT) for part in SimulatorOracle("rv32e").query(inputs))
    for field, value, cared in zip(RVFI_SCHEMA.outputs, said, care, strict=True):
        known = rows[f"{field.name}_care"][mine]
        wrong = np.flatnonzero((value ^ rows[field.name][mine]) & cared & known)
        assert not wrong.size, (field.name, hex(int(rows["insn"][mine][wrong[0]])))
    beyond = {word for word in tested if beyond_rv32e(word)}
    assert WORDS // 4 < len(beyond) < WORDS
    trapped = set(rows["insn"][mine][rows["trap"][mine] == 1].tolist())
    assert trapped == beyond
