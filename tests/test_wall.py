"""The learner and the diagram know bits only: no name of a field or instruction and no opcode is there."""

import ast
from pathlib import Path

import pytest

from bsdgen.isa.encoding import ENCODINGS, INSTRUCTIONS
from bsdgen.traces.schema import RVFI_SCHEMA

ROOT = Path(__file__).resolve().parents[1] / "bsdgen"
FILES = sorted([*(ROOT / "learn").rglob("*.py"), *(ROOT / "bsd").rglob("*.py")])

# English or Python words that are instructions' names by chance.
COMMON_WORDS = {"and", "or", "xor", "add", "sub", "fence"}
NAMES = {field.name for field in RVFI_SCHEMA.fields} | (set(INSTRUCTIONS) - COMMON_WORDS)
NAMES |= {"opcode", "funct3", "funct7", "rs1", "rs2", "riscv", "rv32", "rv32i", "rvfi"}
# In decimal these are ordinary counts too: an opcode is told by its being written in another base.
OPCODES = {encoding.match & 0x7F for encoding in ENCODINGS} | {encoding.match for encoding in ENCODINGS}
WIDTHS = {160, 152, 143}  # bits of the step function


def words_of(text: str) -> set[str]:
    return set("".join(c if c.isalnum() or c == "_" else " " for c in text).lower().split())


def offences(source: str) -> list[str]:
    """What a source says that only one who knows the instruction set can say."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: set[str] = set()
        if isinstance(node, ast.Name):
            names = {node.id}
        elif isinstance(node, ast.Attribute):
            names = {node.attr}
        elif isinstance(node, ast.arg | ast.keyword):
            names = {node.arg or ""}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = {node.name}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = words_of(node.value)
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            written = ast.get_source_segment(source, node) or ""
            based = written.lower().startswith(("0x", "0b", "0o"))
            if node.value in WIDTHS or (based and node.value in OPCODES):
                found.append(f"line {node.lineno}: the number {written}")
        found += [f"line {node.lineno}: the word {name!r}" for name in sorted(names & NAMES)]
    return found


def test_there_are_files_to_look_at() -> None:
    assert {path.parent.name for path in FILES} >= {"learn", "bsd", "kernels"}


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_no_isa_in(path: Path) -> None:
    assert offences(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "x = 0x33",
        "x = w & 0b0110011",
        "insn = 3",
        "f(rs1_rdata=1)",
        '"the jalr case"',
        "def decode_sltu(): pass\ntable['sltu']",
        "N = 160",
    ],
)
def test_the_check_sees(source: str) -> None:
    assert offences(source)


@pytest.mark.parametrize("source", ["x = 51", "a and b or c", "np.bitwise_xor(a, b)", "set().add(1)"])
def test_the_check_lets_pass(source: str) -> None:
    assert not offences(source)
