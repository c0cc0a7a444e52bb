"""A run that is killed goes on with --resume and ends with the same bytes; what cannot go on is refused."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bsdgen.cli.app import main

ORACLE = '''
"""Add, subtract, and a rare event that takes a second round; KILL_AFTER rows end its process."""
import os, signal
import numpy as np

asked = 0
after = int(os.environ.get("KILL_AFTER", "0"))
number = getattr(signal, os.environ.get("KILL_BY", "SIGKILL"))


def unit(mode, a, b):
    global asked
    asked += len(a)
    if after and asked > after:
        os.kill(os.getpid(), number)
    total = np.where(mode == 1, a - b, a + b) & np.uint64(0xFFF)
    return {"y": total, "equal": (a & np.uint64(0xFFFF)) == np.uint64(0x6B1D)}


def other(mode, a, b):
    return {"y": total_of(a, b), "equal": a != b}


def total_of(a, b):
    return (a + b) & np.uint64(0xFFF)
'''
FIELDS = [("mode", 1, "in"), ("a", 32, "in"), ("b", 32, "in"), ("y", 12, "out"), ("equal", 1, "out")]
# Many checkpoints, so that a kill at any moment lands between two of them.
DRIVER = """
import sys
from bsdgen.learn import keeper
keeper._INTERVAL_S = 0.02; keeper._COST_SHARE = 0
from bsdgen.cli.app import main
raise SystemExit(main(sys.argv[1:]))
"""
COST = ("wall_s", "cpu_s", "peak_rss_mib", "oracle_queries")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return furnished(tmp_path)


def furnished(folder: Path) -> Path:
    (folder / "units.py").write_text(ORACLE)
    fields = "".join(f'[[field]]\nname = "{n}"\nwidth = {w}\nrole = "{r}"\n' for n, w, r in FIELDS)
    (folder / "units.toml").write_text(fields)
    return folder


def bsdgen(place: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", DRIVER, "learn", "--oracle", "units:unit", "--schema", "units.toml"]
    return subprocess.run(
        [*command, "-o", "m", *words],
        cwd=place,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def result(place: Path) -> tuple[str, dict[str, Any]]:
    """Digest of model.npz, and model.json without what a run has cost."""
    info = json.loads((place / "m" / "model.json").read_text())
    del info["sha256"]
    for name in COST:
        del info["learn"][name]
    return hashlib.sha256((place / "m" / "model.npz").read_bytes()).hexdigest(), info


def test_killed_again_and_again(place: Path) -> None:
    """Random moments of the whole run, the last one over; then the same bytes."""
    done = bsdgen(place, "--json")
    assert done.returncode == 0, done.stderr
    whole = result(place)
    queries = json.loads(done.stdout)["learn"]["oracle_queries"]
    assert json.loads(done.stdout)["learn"]["n_rounds"] > 1
    assert not (place / "m" / "checkpoint").exists()
    moments = random.Random(5)
    for share in (0.02, 0.6):
        shutil.rmtree(place / "m")
        killed = bsdgen(place, KILL_AFTER=str(int(queries * share)))
        assert killed.returncode == -signal.SIGKILL
        assert (place / "m" / "checkpoint" / "state").is_file()
        assert not (place / "m" / "model.json").exists()
        again = bsdgen(place, "--resume", KILL_AFTER=str(moments.randrange(1, queries // 3)))
        if again.returncode:
            assert again.returncode == -signal.SIGKILL
            done = bsdgen(place, "--resume")
            assert done.returncode == 0, done.stderr
        assert result(place) == whole
        assert not (place / "m" / "checkpoint").exists()


def test_killed_while_a_checkpoint_is_written(place: Path) -> None:
    """Before each of the first moves of a file into its place: no half of a checkpoint is ever read."""
    assert bsdgen(place).returncode == 0
    whole = result(place)
    driver = DRIVER.replace(
        "import sys\n",
        "import os, pathlib, signal, sys\n"
        "moves, move = iter(range(10**9)), pathlib.Path.replace\n"
        "def counted(path, target):\n"
        "    if next(moves) == int(os.environ['MOVE']): os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return move(path, target)\n"
        "pathlib.Path.replace = counted\n",
    )
    command = [sys.executable, "-c", driver, "learn", "--oracle", "units:unit", "--schema", "units.toml"]
    for at in (1, 3, 20):
        shutil.rmtree(place / "m")
        environment = {**os.environ, "MOVE": str(at)}
        killed = subprocess.run(
            [*command, "-o", "m"], cwd=place, env=environment, capture_output=True, check=False, timeout=120
        )
        assert killed.returncode == -signal.SIGKILL
        done = bsdgen(place, "--resume")
        assert done.returncode == 0, done.stderr
        assert result(place) == whole


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_an_interruption_tells_how_to_go_on(place: Path, number: str) -> None:
    stopped = bsdgen(place, KILL_AFTER="400000", KILL_BY=number)
    assert stopped.returncode == 130
    assert stopped.stderr.rstrip().endswith(
        "Go on with: bsdgen learn --oracle units:unit --schema units.toml -o m --resume"
    )


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = furnished(tmp_path_factory.mktemp("killed"))
    assert bsdgen(place, KILL_AFTER="2000000").returncode == -signal.SIGKILL
    return place


@pytest.fixture
def stopped(killed: Path, tmp_path: Path) -> Path:
    """A folder of its own with the checkpoint of a run that was killed."""
    shutil.copytree(killed, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--seed", "1"], "setting seed (0 then, 1 now)"),
        (["--oracle", "units:other"], "oracle (units:unit then, units:other now)"),
    ],
)
def test_another_run_is_refused(stopped: Path, words: list[str], says: str) -> None:
    done = bsdgen(stopped, *words, "--resume")
    assert done.returncode == 3
    assert f"was made with another {says}" in done.stderr
    assert bsdgen(stopped, "--resume", "--jobs", "1", "--max-nodes", "100000").returncode == 0


def test_an_oracle_that_was_changed_is_refused(stopped: Path) -> None:
    module = stopped / "units.py"
    module.write_text(module.read_text().replace("a - b, a + b", "a - b, a ^ b"))
    done = bsdgen(stopped, "--resume")
    assert done.returncode == 3
    assert "does not answer as it did before" in done.stderr


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("state", "truncated"),
        ("state", "flipped"),
        ("answers-*.npz", "truncated"),
        ("answers-*.npz", "flipped"),
        ("answers-*.npz", "missing"),
    ],
)
def test_a_damaged_checkpoint_is_refused(stopped: Path, name: str, damage: str) -> None:
    path = sorted((stopped / "m" / "checkpoint").glob(name))[-1]
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        content[len(content) // 3] ^= 4
        path.write_bytes(content)
    else:
        path.unlink()
    done = bsdgen(stopped, "--resume")
    assert done.returncode == 3
    assert str(path.relative_to(stopped)) in done.stderr
    assert "truncated or changed" in done.stderr and "without resuming" in done.stderr


def test_a_checkpoint_that_nobody_resumes_is_dropped(stopped: Path) -> None:
    (stopped / "m" / "checkpoint" / "state").write_bytes(b"no checkpoint")
    done = bsdgen(stopped)
    assert done.returncode == 0 and "now dropped" in done.stderr
    assert not (stopped / "m" / "checkpoint").exists()


def test_nothing_to_resume(place: Path) -> None:
    done = bsdgen(place, "--resume")
    assert done.returncode == 0 and "no checkpoint yet" in done.stderr
    again = bsdgen(place, "--resume")
    assert again.returncode == 3 and "nothing to resume" in again.stderr


def test_a_log_of_events(stopped: Path) -> None:
    done = bsdgen(stopped, "--resume", "--log", "events.jsonl", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    events = [json.loads(line) for line in (stopped / "events.jsonl").read_text().splitlines()]
    assert events[-1]["stage"] == "done"
    checks = [event for event in events if event["stage"] == "check"]
    assert checks and checks[-1]["accuracy"] == 1.0 and checks[-1]["rss_mib"] > 10
    assert events[-1]["contexts_open"] == events[-1]["functions_open"] == 0
    assert events[-1]["functions_done"] > 10 and events[-1]["contexts_done"] >= 1


def test_a_log_that_cannot_be_written(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "file").write_text("")
    done = bsdgen(place, "--log", "file/events.jsonl")
    assert done.returncode == 3 and "--log" in done.stderr
    assert not (place / "m").exists()


def test_help_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", "--help"]) == 0
    assert "--resume" in capsys.readouterr().out
