import numpy as np
import pytest
from random_steps import step_fields
from tiny_elf import BASE, TOHOST, store_to_tohost, tiny_elf, words

from bsdgen.errors import InputError
from bsdgen.isa.disassembly import disassemble
from bsdgen.isa.machine import RAM_BYTES, Memory, ends_run
from bsdgen.isa.program import load_program
from bsdgen.isa.recorder import record
from bsdgen.isa.runner import COLUMNS, run_program
from bsdgen.traces.schema import RVFI_SCHEMA
from bsdgen.traces.store import read_traces

JAL_0 = 0x0000006F  # jumps to itself
NOP = 0x00000013


@pytest.fixture
def load(tmp_path):
    def make(*insns, **options):
        path = tmp_path / "tiny.elf"
        path.write_bytes(tiny_elf(words(*insns), **options))
        return load_program(path)

    return make


def test_a_run_ends_with_the_store_to_tohost(load):
    run = run_program(load(*store_to_tohost(1), JAL_0))
    assert (run.retired, run.tohost, run.passed) == (3, 1, True)
    assert run.rows["mem_addr"][-1] == TOHOST
    failed = run_program(load(*store_to_tohost(3)))
    assert (failed.tohost, failed.passed) == (3, False)


def test_only_a_word_store_to_tohost_ends_a_run(load):
    auipc, addi, sw = store_to_tohost(1)
    sb = sw & ~0x7000
    run = run_program(load(auipc, addi, sb, sw))
    assert (run.retired, run.passed) == (4, True)
    assert (
        ends_run(TOHOST, TOHOST, 0xF) and not ends_run(TOHOST, TOHOST, 1) and not ends_run(TOHOST, BASE, 0xF)
    )


def test_rows_are_what_the_step_function_gives(load):
    lw, sh = 0x0002A383, 0x10629123  # lw x7, 0(x5); sh x6, 0x102(x5)
    run = run_program(load(store_to_tohost(1)[0], 0xFFF00313, lw, sh, *store_to_tohost(1, at=16)))
    assert tuple(run.rows) == COLUMNS
    inputs = {field.name: run.rows[field.name] for field in RVFI_SCHEMA.inputs}
    outputs, care = step_fields(**inputs)
    for field in RVFI_SCHEMA.outputs:
        assert run.rows[field.name].dtype == np.uint32
        assert (run.rows[field.name] == outputs[field.name]).all(), field.name
        assert (run.rows[f"{field.name}_care"] == care[field.name]).all(), field.name
    assert (run.rows["pc_rdata"][1:] == run.rows["pc_wdata"][:-1]).all()
    assert run.rows["mem_rdata"].tolist() == [0, 0, store_to_tohost(1)[0], 0, 0, 0, 0]
    assert run.rows["rs2_rdata"][3] == 0xFFFFFFFF


def test_memory_keeps_the_bytes_that_a_store_does_not_mask(load):
    auipc, addi, sw = store_to_tohost(1)
    sb = 0x04628023 | 1 << 7  # sb x6, 0x41(x5)
    lw = 0x0402A383  # lw x7, 0x40(x5)
    run = run_program(load(auipc, addi, sb, lw, sw))
    assert run.rows["rd_wdata"][3] == 0x00000100


def test_a_trap_continues_behind_the_reset_address(load):
    jump_over, handler = 0x0080006F, 0x0100006F  # reset: jal +8; reset + 4: jal +16
    run = run_program(load(jump_over, handler, 0, NOP, NOP, *store_to_tohost(1, at=20)))
    pcs = (run.rows["pc_rdata"] - BASE).tolist()
    assert pcs == [0, 8, 4, 20, 24, 28]
    assert run.rows["trap"][:3].tolist() == [0, 1, 0]
    assert run.rows["rd_addr"][1] == 0


def test_registers_start_at_zero_and_x0_stays_zero(load):
    run = run_program(load(0x00500013, *store_to_tohost(1)[1:2], 0x00000033, 0x80000337, 0x10132023))
    assert run.rows["rs1_rdata"].tolist()[:3] == [0, 0, 0]
    assert run.rows["rd_addr"][0] == 0


def test_a_program_that_never_stops_is_refused_at_the_limit(load):
    seen = []
    with pytest.raises(InputError, match=r"tiny\.elf: retired 100000 instructions.*step limit"):
        run_program(load(JAL_0), max_steps=100_000, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(65536, 100_000), (100_000, 100_000)]


def test_the_limit_counts_the_last_instruction_in(load):
    assert run_program(load(*store_to_tohost(1)), max_steps=3).retired == 3
    with pytest.raises(InputError, match="step limit"):
        run_program(load(*store_to_tohost(1)), max_steps=2)


def test_outside_of_memory_words_read_zero_and_ignore_writes(load):
    memory = Memory(load(NOP))
    assert (memory.base, len(memory.words)) == (BASE, RAM_BYTES // 4)
    for address in (BASE - 4, BASE + RAM_BYTES, 0, 0xFFFFFFFC):
        memory.write(address, 0xF, 0x12345678)
        assert memory.read(address) == 0
    last = BASE + RAM_BYTES - 4
    memory.write(last, 0xF, 0x12345678)
    memory.write(last, 0x6, 0xAABBCCDD)
    assert memory.read(last) == memory.read(last + 3) == 0x12BBCC78
    assert memory.read(BASE) == NOP


def test_memory_starts_at_a_page_and_reaches_to_the_highest_segment(load):
    memory = Memory(load(NOP, address=BASE + 0x124, in_memory=RAM_BYTES + 4))
    assert memory.base == BASE
    assert memory.read(BASE + 0x124) == NOP
    memory.write(BASE + RAM_BYTES + 0x124, 0xF, 7)
    assert memory.read(BASE + RAM_BYTES + 0x124) == 7


def test_a_block_ends_at_the_top_of_the_address_space(load):
    memory = Memory(load(NOP, address=0xFFFFF000, in_memory=0x1000))
    assert len(memory.words) == 0x400
    memory.write(0xFFFFFFFC, 0xF, 9)
    assert (memory.read(0xFFFFFFFC), memory.read(0)) == (9, 0)


def test_recording_writes_a_trace_that_reads_back(tmp_path):
    elf = tmp_path / "tiny.elf"
    elf.write_bytes(tiny_elf(words(*store_to_tohost(1))))
    summary = record(elf, tmp_path / "traces")
    assert (summary.name, summary.retired, summary.rows, summary.passed) == ("tiny", 3, 3, True)
    traces = read_traces([summary.path])
    assert (traces.n_rows, traces.oracle, traces.schema) == (3, "simulator:rv32i", RVFI_SCHEMA)
    assert traces.provenance[0]["program"] == "tiny.elf"
    assert len(traces.provenance[0]["program_sha256"]) == 64


def test_a_recording_that_fails_writes_nothing(tmp_path):
    elf = tmp_path / "loop.elf"
    elf.write_bytes(tiny_elf(words(JAL_0)))
    with pytest.raises(InputError, match="step limit"):
        record(elf, tmp_path / "traces", max_steps=1000)
    assert not (tmp_path / "traces").exists()


@pytest.mark.parametrize(
    "insn,pc,text",
    [
        (0x00500093, 0, "addi x1, x0, 5"),
        (0xFE20AE23, 0, "sw x2, -4(x1)"),
        (0x403151B3, 0, "sra x3, x2, x3"),
        (0x123450B7, 0, "lui x1, 74565"),
        (0x00208463, 0x1000, "beq x1, x2, .+8 <0x1008>"),
        (0xFFDFF0EF, 0x80000000, "jal x1, .-4 <0x7ffffffc>"),
        (0x00000073, 0, "ecall"),
        (0x00100073, 0, "ebreak"),
        (0x0FF0000F, 0, "fence"),
        (0x30200073, 0, ".word 0x30200073  # illegal"),
        (0xFFFFFFFF, 0, ".word 0xffffffff  # illegal"),
    ],
)
def test_disassembly(insn, pc, text):
    assert disassemble(insn, pc) == text
    assert disassemble(np.uint32(insn), np.uint32(pc)) == text


def test_disassembly_refuses_what_is_no_word():
    with pytest.raises(ValueError, match="32-bit word"):
        disassemble(1 << 32)
