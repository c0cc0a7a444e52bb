"""A full disk, two runs in one folder, missing tools: earlier files stay intact, and a message that helps."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_models import adder_model, adder_schema

from bsdgen import artifacts
from bsdgen.cli.app import main
from bsdgen.errors import BusyError, InputError
from bsdgen.traces.store import write_traces

ROOT = Path(__file__).resolve().parents[2]
ADDER = (
    "module adder(input [3:0] a, input [3:0] b, output [4:0] total);\n  assign total = a + b;\nendmodule\n"
)
LEARN = "learn --oracle examples.adder:add --schema examples/adder.toml -q -o"
HOLD = """
import sys
from pathlib import Path
from bsdgen.artifacts import locked, sole_writer
folder = Path(sys.argv[1])
with locked(folder, shared=sys.argv[2] == "reads"), sole_writer(folder / "measure.json"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def adder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(ROOT)
    folder = tmp_path / "adder"
    adder_model(oracle="examples.adder:add").save(folder)
    assert main(["measure", str(folder), "-n", "64", "-q"]) == 0
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def limited(words: str, n_bytes: int) -> subprocess.CompletedProcess[str]:
    """Run a command that may write no file of more than some bytes: what a full disk does, without one."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))

    # Compiled kernels are cached in files, too: without a cache nothing but the results is written.
    return subprocess.run(
        [sys.executable, "-m", "bsdgen", *words.split()],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


@pytest.mark.parametrize("words", [f"{LEARN} {{}}", "measure {} -n 200 --seed 3 -q"])
def test_a_full_disk_leaves_the_earlier_result(adder: Path, words: str) -> None:
    before = files(adder)
    done = limited(words.format(adder), 700)
    after = {name: content for name, content in files(adder).items() if "checkpoint" not in name}
    assert after == before
    assert done.returncode == 3 and "Traceback" not in done.stderr, done.stderr
    assert str(adder) in done.stderr and "File too large" in done.stderr and "make room" in done.stderr


@pytest.mark.parametrize(
    "words,number",
    [
        ("emit {} -q", errno.ENOSPC),
        ("emit {} -q", errno.EDQUOT),
        ("report {} -q", errno.ENOSPC),
        ("prove {0} -q --stage diagram --spec {0}/../adder.v", errno.ENOSPC),
        ("cosim {} sim/programs/sort.elf -q", errno.ENOSPC),
    ],
)
def test_a_write_that_fails_is_told(
    adder: Path,
    words: str,
    number: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The disk is full at the moment when a result should be on it."""
    monkeypatch.setattr("bsdgen.cosim.run.cosimulate", lambda *_, found, **__: found([]))
    (adder.parent / "adder.v").write_text(ADDER)
    before, real = files(adder), os.fsync

    def full(handle: int) -> None:
        if os.readlink(f"/proc/self/fd/{handle}").startswith(str(adder)):
            raise OSError(number, os.strerror(number))
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    assert main(words.format(adder).split()) == 3
    said = capsys.readouterr().err.splitlines()
    assert "cannot be written" in said[-1] and str(adder) in said[-1] and "make room" in said[-1]
    assert files(adder) == before


def test_a_full_folder_for_temporary_files_is_told(
    adder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/bsdgen-x/net.aig")

    monkeypatch.setattr("bsdgen.emit.write.verilog_text", full)
    assert main(["emit", str(adder), "-f", "verilog", "-q"]) == 3
    said = capsys.readouterr().err
    assert "/tmp/bsdgen-x/net.aig: cannot be written (No space left" in said and "TMPDIR" in said
    assert "cannot be used (Permission denied)" in str(
        artifacts.disk_error(PermissionError(13, "Permission denied"))
    )
    with pytest.raises(InputError, match=r"Verilator cannot write its files .*TMPDIR"):
        artifacts.check_room("%Error: write: No space left on device", "Verilator")
    artifacts.check_room("%Error: syntax error", "Verilator")


def test_traces_on_a_small_disk(tmp_path: Path) -> None:
    """A real small disk, where this may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no permission to mount a small tmpfs; RLIMIT_FSIZE and failing writes are tested anyway")
    try:
        write_traces(place / "t.parquet", _rows(9), adder_schema(4), {"oracle": "old"})
        before = files(place)
        with pytest.raises(InputError, match=r"t\.parquet: cannot be written \(No space left.*make room"):
            write_traces(place / "t.parquet", _rows(400_000), adder_schema(4), {"oracle": "new"})
        with pytest.raises(InputError, match=r"v\.json: cannot be written \(No space left"):
            artifacts.write_json(place / "v.json", list(range(100_000)))
        assert files(place) == before
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _rows(n: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 16, n).astype(np.uint8) for _ in range(2))
    return {"a": a, "b": b, "total": a + b}


@pytest.mark.parametrize(
    "held,words,free",
    [
        ("writes", f"{LEARN} {{}}", False),
        ("writes", "measure {} -n 64 -q", False),
        ("writes", "report {} -q", False),
        ("reads", f"{LEARN} {{}}", False),
        ("reads", "emit {} -q", False),
        ("reads", "measure {} -n 64 -q", False),  # that file is being written
        ("reads", "measure {0} -n 64 -q -o {0}/other.json", True),
    ],
)
def test_another_run_is_told_apart(
    adder: Path, held: str, words: str, free: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Learning needs the folder for itself; results are added side by side, each file by one run."""
    command = [sys.executable, "-c", HOLD, str(adder), held]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        try:
            assert other.stdout is not None and other.stdout.readline() == "held\n"
            before = files(adder)
            code = main(words.format(adder).split())
            said = capsys.readouterr().err
            assert code == (0 if free else 3), said
            assert free or ("another run of bsdgen is at work there" in said and files(adder) == before)
        finally:
            other.kill()  # as hard as can be: the locks end with it
    assert main(["measure", str(adder), "-n", "64", "-q"]) == 0
    assert not list(adder.glob(".*"))


def test_locks_are_given_back(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with artifacts.locked(folder, make=True):
        for again in (artifacts.locked(folder), artifacts.locked(folder, shared=True)):
            with pytest.raises(BusyError), again:
                pass
    assert not folder.exists()  # nothing came to lie in it
    folder.mkdir()
    with artifacts.locked(folder, shared=True), artifacts.locked(folder, shared=True):
        pass
    file = folder / "result.json"
    with artifacts.sole_writer(file), pytest.raises(BusyError), artifacts.sole_writer(file):
        pass
    with artifacts.sole_writer(file):
        pass
    assert list(folder.iterdir()) == []


MISSING: list[tuple[str, str, Callable[[pytest.MonkeyPatch], None], str]] = [
    ("emit {}", "pyosys", lambda patch: _no_package(patch, "pyosys"), "pip install pyosys"),
    (
        "prove {0} --spec {0}/../adder.v",
        "pyosys",
        lambda patch: _no_package(patch, "pyosys"),
        "pip install pyosys",
    ),
]


def _no_package(patch: pytest.MonkeyPatch, package: str) -> None:
    from importlib import util

    real = util.find_spec
    patch.setattr(util, "find_spec", lambda name, *rest: None if name == package else real(name, *rest))


@pytest.mark.parametrize("words,tool,without,remedy", MISSING)
def test_a_missing_package_is_named_with_its_remedy(
    adder: Path,
    words: str,
    tool: str,
    without: Callable[[pytest.MonkeyPatch], None],
    remedy: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (adder.parent / "adder.v").write_text(ADDER)
    before = files(adder)
    without(monkeypatch)
    assert main([*words.format(adder).split(), "-q"]) == 4
    said = capsys.readouterr().err
    assert tool in said and remedy in said and "Traceback" not in said
    assert files(adder) == before


@pytest.mark.parametrize("program,package", [("perl", "perl"), ("make", "make"), ("c++", "g++")])
def test_a_missing_program_is_named_with_its_remedy(
    program: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bsdgen.cosim import build
    from bsdgen.errors import ToolError

    real = build.shutil.which
    monkeypatch.setattr(
        build.shutil,
        "which",
        lambda name, *rest, **more: None if name == program else real(name, *rest, **more),
    )
    with pytest.raises(
        ToolError, match=rf"{program.replace('+', '.')} is missing.*apt install {package}"
    ) as told:
        build.find_verilator()
    assert told.value.exit_code == 4


@pytest.mark.parametrize(
    "gone,remedy", [("spike", "pip install --pre spike"), ("dtc", "apt install device-tree")]
)
def test_missing_spike_is_named_with_its_remedy(
    gone: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bsdgen.cosim import spike
    from bsdgen.errors import ToolError

    monkeypatch.setattr(
        spike.shutil, "which", lambda name, *_, **__: None if name == gone else f"/usr/bin/{name}"
    )
    with pytest.raises(ToolError, match=f"{gone} is missing.*{remedy}") as told:
        spike.find_spike()
    assert told.value.exit_code == 4
