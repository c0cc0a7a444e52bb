"""Programs on the whole system, around a step function that a person wrote."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from cross_compiler import need_compiler
from listings import BEHIND_1K, EXIT_3, LOOP, OTHER_CLOCKS, SLOW_READER, STORES_ITS_NEXT
from small_models import adder_model
from standin import rv32i_model
from tiny_elf import tiny_elf, words

from bsdgen.cli.app import main
from bsdgen.cli.soc import memory_size
from bsdgen.errors import InputError
from bsdgen.isa.program import load_program
from bsdgen.model import Model
from bsdgen.soc.image import memory_words, readmemh_text
from bsdgen.soc.layout import RAM_BASE
from bsdgen.soc.simulator import build
from bsdgen.soc.simulator import run as simulate

PROGRAMS = Path(__file__).parents[2] / "sim" / "soc"


@pytest.fixture(scope="module")
def cpu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "cpu"
    rv32i_model().save(folder)
    return folder


def run(cpu: Path, program: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict]:
    code = main(["soc", "run", str(program), "-m", str(cpu), "--json", "--quiet", *more])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "more", "printed"),
    [
        ("hello", (), "-42   -42 -42  | -0042 4000000000 beef 0000BEEF ! 100 %\n"),
        ("primes", (), "1229 primes below 10000, the last one is 9973\n"),
        ("mix", (), "sum 9709ccdc\n"),
        ("blink", ("--pins", "1"), "pins show 7\n"),
    ],
)
def test_programs_print(
    cpu: Path, capsys: pytest.CaptureFixture[str], name: str, more: tuple[str, ...], printed: str
) -> None:
    code, facts = run(cpu, PROGRAMS / f"{name}.elf", capsys, *more)
    assert code == 0 and printed in facts["printed"]
    assert facts["ended"] and facts["retired"] == facts["cycles"] and not facts["traps"]
    assert facts["sent"] == len(facts["printed"])
    assert facts["pins"] == (7 if name == "blink" else 0)


def test_a_simulator_may_be_named_from_here(cpu: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator = build(Model.load(cpu), cpu, 1 << 20, "single")
    monkeypatch.chdir(cpu)
    ran = simulate(simulator.relative_to(cpu.resolve()), load_program(PROGRAMS / "mix.elf"), 1 << 20)
    assert ran.ended and not ran.code


def test_the_library_prints_and_allocates_as_it_says(cpu: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, facts = run(cpu, PROGRAMS / "check.elf", capsys)
    first = f"[-1234567890123456789] [{2**64 - 1}] [123456789abcdef0] [{-(2**32):24d}] [1]"
    second = f"[{-(2**63)}] [{2**32 - 1}] [{2**32:020d}] [-1] [4294967295] [2]"
    assert code == 0 and facts["printed"].splitlines() == [
        first,
        second,
        "[%+d] [%.3s] [%*d] [%#x] [%hd] [%o] [%f] [3]",  # what is not known is shown, and its value skipped
        "[    %] [c  ] [%q] [4] 100%",
        "malloc is right",
    ]


@pytest.mark.parametrize(
    "typed", ["hello, world\nbye\n\nmore", "hello, world\r\nbye\r\n\r\n", "hello, world\rbye\r\r"]
)
def test_a_program_listens(cpu: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], typed: str) -> None:
    """A line ends as terminals of all kinds send it."""
    (tmp_path / "typed").write_bytes(typed.encode())
    code, facts = run(cpu, PROGRAMS / "echo.elf", capsys, "--input", str(tmp_path / "typed"))
    assert code == 0 and facts["printed"].splitlines()[1:] == ["HELLO, WORLD", "BYE", ""]


@pytest.mark.parametrize("typed", ["", "hello", "hello\n"])
def test_the_end_of_input_is_told(
    cpu: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    (tmp_path / "typed").write_text(typed)
    more = ("--input", str(tmp_path / "typed"), "--max-cycles", "1000000")
    code, facts = run(cpu, PROGRAMS / "echo.elf", capsys, *more)
    assert code == 0 and facts["printed"].splitlines()[1:] == typed.upper().splitlines()


@pytest.mark.parametrize("program", [SLOW_READER, OTHER_CLOCKS])
def test_no_byte_of_the_input_is_lost(
    cpu: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], program: list[int]
) -> None:
    (tmp_path / "x.elf").write_bytes(tiny_elf(words(*program)))
    (tmp_path / "typed").write_text("abcdefgh" * 4)
    more = ("--input", str(tmp_path / "typed"), "--max-cycles", "1000000")
    code, facts = run(cpu, tmp_path / "x.elf", capsys, *more)
    assert (code, facts["printed"]) == (0, "abcdefgh" * 4)


@pytest.mark.parametrize("shell", ["single", "fpga"])
def test_what_was_stored_is_fetched(
    cpu: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], shell: str
) -> None:
    """Also at once: the memory reads ahead as a store ends."""
    (tmp_path / "x.elf").write_bytes(tiny_elf(words(*STORES_ITS_NEXT)))
    code, facts = run(cpu, tmp_path / "x.elf", capsys, "--shell", shell)
    assert (code, facts["code"], facts["traps"]) == (1, 7, 0)


@pytest.mark.parametrize("shell", ["single", "fpga"])
def test_nothing_is_behind_the_memory(
    cpu: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], shell: str
) -> None:
    (tmp_path / "x.elf").write_bytes(tiny_elf(words(*BEHIND_1K)))
    more = ("--shell", shell, "--ram", "1K", "--max-cycles", "10000")
    code, facts = run(cpu, tmp_path / "x.elf", capsys, *more)
    assert (code, facts["code"], facts["traps"]) == (0, 0, 1)
    # All of them, the trap, and its two; in the fpga shell the last one retires a cycle behind the end.
    assert facts["retired"] == {"single": 24, "fpga": 23}[shell]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("name", ["hello", "mix"])
def test_what_cannot_be_written_is_told(cpu: Path, name: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            _command(cpu, PROGRAMS / f"{name}.elf"), stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 3 and b"standard output: cannot be written (No space left" in done.stderr


def test_a_reader_that_has_seen_enough_ends_it(cpu: Path) -> None:
    """As of any command in a pipe: without a word of a broken tool."""
    process = subprocess.Popen(
        _command(cpu, PROGRAMS / "hello.elf", "-q"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    _, said = process.communicate(timeout=60)
    assert (said, process.returncode) == (b"", 1)


def test_a_trap_ends_a_program(cpu: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, facts = run(cpu, PROGRAMS / "trap.elf", capsys)
    assert code == 1 and (facts["code"], facts["traps"]) == (0xDEAD, 1)
    assert facts["printed"] == "about to trap\n"


def test_the_exit_code_is_told(cpu: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "three.elf").write_bytes(tiny_elf(words(*EXIT_3)))
    assert main(["soc", "run", str(tmp_path / "three.elf"), "-m", str(cpu)]) == 1
    said = capsys.readouterr()
    assert "ended with code 0x3" in said.err and "3 instructions in 3 cycles" in said.err and not said.out


def test_cycles_can_be_limited(cpu: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "loop.elf").write_bytes(tiny_elf(words(LOOP)))
    code, facts = run(cpu, tmp_path / "loop.elf", capsys, "--max-cycles", "1000")
    assert code == 5 and (facts["ended"], facts["cycles"], facts["pc"]) == (False, 1000, RAM_BASE)


def test_an_interrupt_ends_it_and_says_how_far_it_was(cpu: Path, tmp_path: Path) -> None:
    (tmp_path / "loop.elf").write_bytes(tiny_elf(words(LOOP)))
    words_ = _command(cpu, tmp_path / "loop.elf")
    process = subprocess.Popen(
        words_, stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        simulators = list((cpu / "soc_build").glob("soc-*"))
        deadline = time.monotonic() + 60
        while not any(_runs(simulator) for simulator in simulators) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)  # does what Ctrl-C does, also where that is ignored
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130 and "interrupted" in said
    assert re.search(r"loop: [\d,]+ instructions in [\d,]+ cycles", said), said
    assert not any(_runs(simulator) for simulator in simulators)


def _command(cpu: Path, program: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "bsdgen", "soc", "run", str(program), "-m", str(cpu), *more]


def _runs(simulator: Path) -> bool:
    """Whether a process runs it."""
    return any(item.info["exe"] == str(simulator) for item in psutil.process_iter(["exe"]))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"entry": RAM_BASE + 4}, "the system begins at 0x80000000"),
        ({"address": 0x1000, "entry": RAM_BASE}, "the memory is 0x80000000 to 0x800003ff"),
        ({"symbols": {"__stack_top": RAM_BASE + 0x404}}, "its stack begins at 0x80000404"),
    ],
)
def test_a_program_that_does_not_fit_is_refused(
    cpu: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: dict, said: str
) -> None:
    (tmp_path / "x.elf").write_bytes(tiny_elf(words(LOOP), **wrong))
    assert main(["soc", "run", str(tmp_path / "x.elf"), "-m", str(cpu), "--ram", "1K"]) == 3
    assert said in capsys.readouterr().err


def test_other_bad_input(cpu: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hello = str(PROGRAMS / "hello.elf")
    for ram in ("48K", "512", "128M", "x", "-1K", "1.5M"):
        assert main(["soc", "run", hello, "-m", str(cpu), "--ram", ram]) == 2
        assert "a power of two" in capsys.readouterr().err
    assert main(["soc", "run", hello, "-m", str(cpu), "--input", str(tmp_path / "none")]) == 3
    assert "cannot be read" in capsys.readouterr().err
    adder_model(4).save(tmp_path / "adder")
    assert main(["soc", "run", hello, "-m", str(tmp_path / "adder")]) == 3
    assert "a core needs a model learned from RVFI rows" in capsys.readouterr().err


def test_memory_is_little_endian_and_zero_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "x.elf").write_bytes(tiny_elf(b"\x01\x02\x03\x04\x05", in_memory=5, in_file=5))
    held = memory_words(load_program(tmp_path / "x.elf"), 1024)
    assert held[:3].tolist() == [0x04030201, 5, 0] and held.shape == (256,)
    assert readmemh_text(held) == "04030201\n00000005\n"
    assert readmemh_text(np.zeros(4, np.uint32)) == "00000000\n"
    with pytest.raises(InputError, match="give more with --ram"):
        memory_words(load_program(tmp_path / "x.elf"), 4)


def test_committed_programs_are_those_of_the_sources(tmp_path: Path) -> None:
    """Byte for byte."""
    need_compiler()
    made = subprocess.run(
        ["make", "-C", str(PROGRAMS), f"OUT={tmp_path}"], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    names = sorted(path.name for path in PROGRAMS.glob("*.elf"))
    assert names and names == sorted(path.name for path in tmp_path.glob("*.elf"))
    for name in names:
        assert (tmp_path / name).read_bytes() == (PROGRAMS / name).read_bytes(), name


@pytest.mark.parametrize("out", ["", "elsewhere"])
def test_benchmarks_are_built_outside_of_the_sources(tmp_path: Path, out: str) -> None:
    """And with runs for 10 s, at 1 MHz and 383 cycles a run: Dhrystone takes no time below 2 s."""
    (tmp_path / "dhry_1.c").touch()
    more = [f"OUT={tmp_path / out}"] if out else []
    words_ = ["make", "-n", "-C", str(PROGRAMS), "dhrystone", f"DHRYSTONE={tmp_path}", *more]
    done = subprocess.run(words_, capture_output=True, text=True, check=True)
    made = re.findall(r"-o (\S+)", done.stdout)
    folder = tmp_path / out if out else Path("../../build/soc")
    assert made == [str(folder / name) for name in ("dhry_1.o", "dhrystone.elf")]
    assert {383 * int(runs) > 10_000_000 for runs in re.findall(r"DHRY_ITERS=(\d+)", done.stdout)} == {True}


def test_programs_can_be_linked_for_as_much_memory_as_there_can_be() -> None:
    assert f"LENGTH = {memory_size('64M') >> 20}M" in (PROGRAMS / "link.ld").read_text()
