"""Reader of Spike logs, on logs made from our own rows: what is rebuilt, and what is refused."""

import random
import re
from pathlib import Path

import numpy as np
import pytest
from spike_logs import BOOT, imitate

from bsdgen.errors import InputError
from bsdgen.isa.generate import generate_program
from bsdgen.isa.machine import Memory
from bsdgen.isa.program import Program, load_program
from bsdgen.isa.runner import COLUMNS, run_program
from bsdgen.traces.schema import RVFI_SCHEMA
from bsdgen.traces.spike_log import read_spike_log, read_spike_rows
from bsdgen.traces.store import read_traces, write_traces


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return load_program(generate_program(4, 1, tmp_path_factory.mktemp("program") / "random.elf"))


@pytest.fixture(scope="module")
def text(program: Program) -> str:
    return imitate(program)


def read(folder: Path, program: Program, text: str | bytes) -> dict[str, np.ndarray]:
    log = folder / "spike.log"
    log.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_spike_log(log, program)


def test_rows_are_those_of_the_runner(tmp_path: Path, program: Program, text: str) -> None:
    rows = read(tmp_path, program, text)
    run = run_program(program)
    assert tuple(rows) == COLUMNS
    for name in (field.name for field in RVFI_SCHEMA.fields):
        care = run.rows.get(f"{name}_care", np.full(run.retired, 0xFFFFFFFF, np.uint32))
        assert ((rows[name] ^ run.rows[name]) & care == 0).all(), name
        assert (rows.get(f"{name}_care", care) == care).all(), name


def test_rows_make_a_trace_without_contradictions(tmp_path: Path, program: Program, text: str) -> None:
    rows = read(tmp_path, program, text)
    write_traces(tmp_path / "spike.parquet", rows, RVFI_SCHEMA, {"oracle": "simulator:rv32i"})
    write_traces(
        tmp_path / "ours.parquet", run_program(program).rows, RVFI_SCHEMA, {"oracle": "simulator:rv32i"}
    )
    both = read_traces([tmp_path / "spike.parquet", tmp_path / "ours.parquet"])
    assert both.n_rows == 2 * len(rows["insn"])
    assert both.n_contradictions == 0


def test_a_wrong_result_in_the_log_comes_through(tmp_path: Path, program: Program, text: str) -> None:
    """The log's word counts: what Spike would get wrong must show, not be put right."""
    add = next(
        line for line in text.splitlines() if ": 3 0x8" in line and " x6 " in line and "mem" not in line
    )
    changed = add[:-1] + ("0" if add[-1] != "0" else "1")
    rows = read(tmp_path, program, text.replace(add, changed, 1))
    ours = run_program(program).rows
    differs = (rows["rd_wdata"] ^ ours["rd_wdata"]) & ours["rd_wdata_care"]
    assert differs.any()
    assert int(rows["rd_wdata"][np.flatnonzero(differs)[0]]) == int(changed.split()[-1], 16)


def test_last_store_needs_no_follower(tmp_path: Path, program: Program, text: str) -> None:
    lines = text.splitlines(keepends=True)
    rows = read(tmp_path, program, "".join(lines[:-2]))
    assert rows["pc_wdata_care"][-1] == 0
    assert (rows["pc_wdata_care"][:-1] == run_program(program).rows["pc_wdata_care"][:-1]).all()


def replaced(text: str, marker: str, old: str, new: str) -> str:
    """`text` with `old` replaced in the first line of the program that has `marker`."""
    lines = text.splitlines(keepends=True)
    start = BOOT.count("\n")
    i = next(i for i in range(start, len(lines)) if marker in lines[i] and old in lines[i])
    return "".join([*lines[:i], lines[i].replace(old, new, 1), *lines[i + 1 :]])


def without_stored_data(text: str) -> str:
    return re.sub(r"(\) mem 0x8\w+) 0x\w+\n", r"\1\n", text)


CORRUPTIONS = {
    "empty": (lambda text: "", r"has no instruction at the program's entry, 0x80000000"),
    "no log": (lambda text: "hello\n" + text, r"line 1: 'hello' is no line of a Spike log"),
    "an ELF file": (lambda text: b"\x7fELF\x01\x01\n" + bytes(5000), r"line 1: .*no line of a Spike log"),
    "no text": (lambda text: b"core   0: \xff\xfe\n", r"line 1: .*is no text"),
    "no line feeds": (lambda text: b"0" * 100_000, r"line 1: b'0+' is no line of a Spike log"),
    "64 bits": (
        lambda text: "core   0: 0x0000000000001000 (0x00000297) auipc   t0, 0x0\n",
        r"line 1: .*64 bits, expected 32: this is the log of a 64-bit machine",
    ),
    "64-bit commits": (
        lambda text: "core   0: 3 0x0000000000001000 (0x00000297) x5  0x0000000000001000\n",
        r"line 1: .*64-bit machine",
    ),
    "compressed": (lambda text: "core   0: 3 0x00001000 (0x4501)\n", r"line 1: .*compressed instruction"),
    "second core": (lambda text: text.replace("core   0", "core   1", 1), r"line 1: is of core 1"),
    "cut in a line": (lambda text: text[: len(text) // 2], r"line \d+: b'.*' is cut off|is cut off"),
    "cut between lines": (
        lambda text: "".join(text.splitlines(keepends=True)[:200]),
        r"ends at line \d+ .* before the program stores to 'tohost'",
    ),
    "no beginning": (
        lambda text: "".join(text.splitlines(keepends=True)[100:]),
        r"starts inside of the program, not at 0x80000000",
    ),
    "another instruction": (
        lambda text: replaced(text, ": 3 ", "(0x0", "(0x1"),
        r"line \d+: the instruction is 0x1.*, expected 0x0.* log is of another program",
    ),
    "line missing": (
        lambda text: "".join(line for line in text.splitlines(keepends=True) if ": 3 0x80000028" not in line),
        r"line \d+: goes on at 0x8000002c after 0x80000024 .*, expected 0x80000028: lines are missing",
    ),
    "another register": (
        lambda text: replaced(text, ": 3 ", " x31 ", " x30 "),
        r"line \d+: writes x30, expected x31",
    ),
    "no such register": (
        lambda text: replaced(text, ": 3 ", " x31 ", " x32 "),
        r"line \d+: writes x32, expected x31",
    ),
    "no write": (
        lambda text: replaced(text, "x31 0x80000008", " x31 0x80000008", ""),
        r"line \d+: writes no register, expected x31",
    ),
    "store without data": (without_stored_data, r"line \d+: expected 'mem' with an address and \d bytes"),
    "access outside": (
        lambda text: replaced(text, ": 3 0x8", " mem 0x8", " mem 0x1"),
        r"accesses 0x1.*, expected an address from 0x80000000 to 0x800fffff",
    ),
    "access fault": (
        lambda text: replaced(text, "exception", "trap_illegal_instruction", "trap_load_access_fault"),
        r"trap_load_access_fault at 0x\w+ is a trap that the step function has not",
    ),
    "interrupt": (
        lambda text: replaced(text, "exception", "trap_illegal_instruction", "interrupt_m_timer"),
        r"is a trap that the step function has not",
    ),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_what_is_wrong_is_said(tmp_path: Path, program: Program, text: str, name: str) -> None:
    corrupt, message = CORRUPTIONS[name]
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, program, corrupt(text))
    assert "write the log with `spike --isa=rv32i" in str(caught.value)


@pytest.mark.parametrize("word,kept", [(0x02C58533, False), (0x0000100F, True), (0x30529073, True)])
def test_a_word_that_spike_alone_has(
    tmp_path: Path, program: Program, text: str, monkeypatch: pytest.MonkeyPatch, word: int, kept: bool
) -> None:
    """CSRs and FENCE.I are left out and counted; that mul, say, retires is Spike's word against ours."""
    lines = text.splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if ": 3 0x80000028" in line)
    old = re.search(r": 3 0x80000028 \(0x(\w+)\)( x\d+ +0x\w+)?", lines[at])
    assert old is not None
    lines[at] = lines[at].replace(old[1], f"{word:08x}")
    real = Memory.read
    monkeypatch.setattr(Memory, "read", lambda self, at: word if at == 0x80000028 else real(self, at))
    (tmp_path / "spike.log").write_text("".join(lines))
    if kept:
        found = read_spike_rows(tmp_path / "spike.log", program)
        assert found.left_out == 1 and len(found.columns["insn"]) == run_program(program).retired - 1
    else:
        with pytest.raises(InputError, match="0x02c58533 retires, which is no instruction of RV32I"):
            read_spike_rows(tmp_path / "spike.log", program)


def test_log_of_another_program_is_refused(tmp_path: Path, program: Program, text: str) -> None:
    other = load_program(generate_program(5, 1, tmp_path / "other.elf"))
    with pytest.raises(InputError, match=r"line \d+: the instruction is .* of another program"):
        read(tmp_path, other, text)


def test_missing_log_is_refused(tmp_path: Path, program: Program) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_spike_log(tmp_path / "none.log", program)
    with pytest.raises(InputError, match="cannot be read"):
        read_spike_log(tmp_path, program)


@pytest.mark.parametrize("seed", range(8))
def test_damage_never_raises_anything_else(tmp_path: Path, program: Program, text: str, seed: int) -> None:
    """Flipped bits, lost, doubled and swapped pieces: rows or an InputError, nothing else."""
    dice = random.Random(seed)
    refused = 0
    short = text[: len(text) // 4].encode()
    for _ in range(25):
        damaged = bytearray(short if dice.random() < 0.8 else text.encode())
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(damaged) // 2)
            match dice.randrange(4):
                case 0:
                    damaged[at] ^= 1 << dice.randrange(8)
                case 1:
                    del damaged[at : at + dice.randint(1, 200)]
                case 2:
                    damaged[at:at] = damaged[at // 2 : at // 2 + dice.randint(1, 200)]
                case 3:
                    damaged[at] = dice.choice(b"0123456789abcdefx :()\n")
        try:
            read(tmp_path, program, bytes(damaged))
        except InputError:
            refused += 1
    assert refused >= 15
