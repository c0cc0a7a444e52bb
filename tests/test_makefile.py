"""The main job's rules, with a stand-in for bsdgen that writes what each command promises."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STAND_IN = """#!/bin/bash
set -eu
echo "$1" >> calls
case "$1" in
record) mkdir -p traces; touch traces/sort.parquet;;
learn) mkdir -p rtl_out/rv32i; touch rtl_out/rv32i/model.json;;
emit) touch rtl_out/rv32i/circuit.aig;;
cosim) touch rtl_out/rv32i/cosim.json;;
measure) touch rtl_out/rv32i/measure.json;;
coverage) touch rtl_out/rv32i/coverage.json;;
report) cd rtl_out/rv32i; test -f measure.json; test -f cosim.json; test -f coverage.json; touch report.html;;
esac
if [ "$1" = "${FAIL:-none}" ]; then exit 1; fi
"""
STEPS = ["record", "learn", "emit", "measure", "cosim", "coverage", "report"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in (
        "traces/schema.py",
        "learn/learner.py",
        "measure/run.py",
        "coverage/cells.py",
        "report/page.py",
        "cosim/run.py",
        "isa/step.py",
    ):
        path = tmp_path / "bsdgen" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name in STEPS:
        path = tmp_path / "bsdgen" / "cli" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    program = tmp_path / "sim" / "programs" / "sort.elf"
    program.parent.mkdir(parents=True)
    program.touch()
    binary = tmp_path / ".venv" / "bin" / "bsdgen"
    binary.parent.mkdir(parents=True)
    binary.write_text(STAND_IN, encoding="ascii")
    binary.chmod(0o755)
    age(tmp_path)
    (tmp_path / ".venv" / ".installed").touch()
    return tmp_path


def age(folder: Path) -> None:
    """Make all files older than what make will write."""
    past = time.time() - 1000
    for path in folder.rglob("*"):
        os.utime(path, (past, past))


def make(folder: Path, *words: str, **environment: str) -> tuple[int, list[str], str]:
    """Run make; its exit code, the commands that it called, and what it printed."""
    (folder / "calls").unlink(missing_ok=True)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(
        ["make", *words], cwd=folder, env=clean | environment, capture_output=True, text=True, check=False
    )
    calls = folder / "calls"
    return done.returncode, calls.read_text().split() if calls.exists() else [], done.stdout + done.stderr


def test_each_step_once_in_order_and_then_nothing(clone: Path) -> None:
    assert make(clone)[:2] == (0, STEPS)
    code, calls, text = make(clone)
    assert (code, calls) == (0, [])
    assert "Nothing to be done" in text


def test_parallel(clone: Path) -> None:
    code, calls, _ = make(clone, "-j4")
    assert code == 0
    assert sorted(calls) == sorted(STEPS)
    assert calls.index("learn") == 1
    assert calls[-1] == "report"


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("sim/programs/sort.elf", STEPS),
        ("bsdgen/isa/step.py", STEPS),
        ("bsdgen/learn/learner.py", STEPS[1:]),
        ("bsdgen/cosim/run.py", ["cosim", "report"]),
        ("bsdgen/measure/run.py", ["measure", "coverage", "report"]),
        ("bsdgen/coverage/cells.py", ["measure", "coverage", "report"]),
        ("bsdgen/report/page.py", ["report"]),
    ],
)
def test_a_change_redoes_what_follows_from_it(clone: Path, changed: str, again: list[str]) -> None:
    make(clone)
    age(clone)
    (clone / changed).touch()
    assert make(clone)[:2] == (0, again)


@pytest.mark.parametrize("step", STEPS)
def test_a_failed_step_fails_make_and_is_tried_again(clone: Path, step: str) -> None:
    code, calls, _ = make(clone, FAIL=step)
    assert code != 0
    assert calls[-1] == step
    if step in ("cosim", "measure"):
        assert (clone / "rtl_out" / "rv32i" / f"{step}.failed.json").exists()
    code, calls, _ = make(clone)
    assert code == 0
    assert calls[0] == step
    assert calls[-1] == "report"


def test_help_names_the_targets(clone: Path) -> None:
    _, _, text = make(clone, "help")
    for target in ("all", "test", "clean", "help"):
        assert f"make {target} " in text


HARDWARE_STAND_IN = """#!/bin/bash
set -eu
echo "$1${2+ $2}" | sed 's: rtl_out/.*::; s: sim/.*::; s: traces.*::' >> calls
cd rtl_out/hardware/rv32i
case "$*" in
emit*) test -f model.json; touch circuit.aig;;
optimise*)
    goal=$(sed -E 's/.*--goal ([a-z]+).*/\\1/' <<< "$*")
    mkdir -p optimised; touch optimised/$goal.json; exit 5;;
synth*) test -f optimised/area.json; test -f optimised/delay.json; touch synth.json;;
prove*) touch proof_partial.json;;
cosim*) touch cosim_fpga.json;;
"soc build"*)
    board=$(sed -E 's/.*--board ([a-z0-9]+).*/\\1/' <<< "$*")
    mkdir -p soc/$board; touch soc/$board/build.json;;
"soc run"*) ;;
report*)
    test -f proof_partial.json; test -f soc/ulx3s/build.json; test -f soc/icebreaker/build.json
    touch report.html;;
hardware*) test -f report.html;;
*) exit 9;;
esac
if [ "$1" = "${FAIL:-none}" ]; then exit 1; fi
"""
HARDWARE_STEPS = [
    *["emit", "optimise", "optimise", "synth", "synth", "prove", "cosim"],
    *["soc build", "soc build", "soc run", "report", "hardware"],
]


@pytest.fixture
def learned(clone: Path) -> Path:
    """A clone in which the main job is done, and only the steps behind it are to run."""
    assert make(clone)[0] == 0
    (clone / "rtl_out" / "rv32i" / "model.npz").touch()
    (clone / ".venv" / "bin" / "bsdgen").write_text(HARDWARE_STAND_IN, encoding="ascii")
    for name in (
        "sim/soc/hello.elf",
        *(f"bsdgen/cli/{at}.py" for at in ("optimise", "synth", "prove", "soc")),
    ):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()
    (clone / "build" / "liberty").mkdir(parents=True)
    age(clone)
    (clone / "build" / "liberty" / "osu018_stdcells.lib").touch()
    for stamp in (".installed", ".installed-fpga"):
        (clone / ".venv" / stamp).touch()
    for name in ("traces/.complete", "rtl_out/rv32i/model.json"):
        (clone / name).touch()
    return clone


def hardware(folder: Path, *words: str, **environment: str) -> tuple[int, list[str]]:
    code, _, _ = make(folder, "hardware", *words, **environment)
    calls = folder / "calls"
    return code, calls.read_text().splitlines() if calls.exists() else []


def test_hardware_once_in_order_and_then_the_table_alone(learned: Path) -> None:
    code, calls = hardware(learned)
    assert code == 0
    assert calls[:5] == HARDWARE_STEPS[:5] and calls[-3:] == HARDWARE_STEPS[-3:]
    assert sorted(calls) == sorted(HARDWARE_STEPS)  # between them two at a time
    assert hardware(learned) == (0, ["hardware"])
    (learned / "sim" / "soc" / "hello.elf").touch()
    assert hardware(learned) == (0, ["soc build", "soc build", "soc run", "report", "hardware"])


def test_hardware_in_parallel(learned: Path) -> None:
    code, calls = hardware(learned, "-j4")
    assert code == 0
    assert sorted(calls) == sorted(HARDWARE_STEPS)
    assert calls[:5] == HARDWARE_STEPS[:5]  # what writes the same folder never runs side by side


@pytest.mark.parametrize("step", ["emit", "synth", "prove", "cosim", "soc", "report"])
def test_a_failed_step_of_hardware_fails_make_and_is_tried_again(learned: Path, step: str) -> None:
    code, calls = hardware(learned, FAIL=step)
    assert code != 0
    assert step in {call.split()[0] for call in calls}
    assert "hardware" not in calls
    before = HARDWARE_STEPS[: [call.split()[0] for call in HARDWARE_STEPS].index(step)]
    code, calls = hardware(learned)
    assert code == 0
    assert step in {call.split()[0] for call in calls}
    assert not set(before[:5]) & set(calls)
    assert calls[-1] == "hardware"
