"""An oracle that cannot be used ends with exit code 3 and a word about it; nothing is left behind."""

from pathlib import Path

import numpy as np
import pytest

from bsdgen.cli.app import main

FIELDS = [("a", 12, "in"), ("y", 2, "out")]
ORACLES = """
import numpy as np
rng, calls = np.random.default_rng(0), []

def right(a):
    return {"y": a & np.uint64(3)}

def raises(a):
    raise RuntimeError("no such board")

def gives_nan(a):
    return {"y": np.where(a == 3, np.nan, 1.0)}

def gives_floats(a):
    return {"y": (a & np.uint64(3)).astype(float)}

def gives_one(a):
    return {"y": np.uint64(1)}

def gives_wide(a):
    return {"y": a}

def gives_other(a):
    return {"z": a}

def writes(a):
    a[:] = 0
    return {"y": a}

def random(a):
    return {"y": rng.integers(0, 4, len(a), np.uint64)}

def slips_late(a):
    calls.append(1)
    return {"y": (a ^ np.uint64(len(calls) > 4)) & np.uint64(3)}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    name = f"bad_oracles_{abs(hash(tmp_path))}"  # a module is imported once
    (tmp_path / f"{name}.py").write_text(ORACLES)
    (tmp_path / "bits.toml").write_text(
        "".join(
            f'[[field]]\nname = "{n}"\nwidth = {w}\nrole = "{r}"\n'
            for n, w, r in (("a", 12, "in"), ("y", 2, "out"))
        )
    )
    monkeypatch.chdir(tmp_path)
    return Path(name)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("raises", "no such board"),
        ("gives_nan", "float64"),
        ("gives_floats", "float64"),
        ("gives_one", "shape ()"),
        ("gives_wide", "does not fit 2 bits"),
        ("gives_other", "returned the names z"),
        ("random", "not deterministic"),
        ("slips_late", "not deterministic"),
    ],
)
def test_it_is_said_and_nothing_is_left(
    place: Path, function: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["learn", "--oracle", f"{place}:{function}", "--schema", "bits.toml", "-o", "m"]
    assert main(words) == 3
    assert says in capsys.readouterr().err
    assert not Path("m").exists()


def test_an_oracle_that_writes_into_its_fields_gets_copies(place: Path) -> None:
    """Fields are unpacked for each call: what a callable does with them is its own business."""
    words = ["learn", "--oracle", f"{place}:writes", "--schema", "bits.toml", "-o", "m", "-q"]
    assert main(words) == 0


def test_recorded_rows_that_contradict_each_other(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from bsdgen.traces.schema import load_schema
    from bsdgen.traces.store import write_traces

    rows = {"a": np.array([1, 2, 1], np.uint64), "y": np.array([1, 2, 0], np.uint64)}
    write_traces(Path("t.parquet"), rows, load_schema(Path("bits.toml")), {"oracle": f"{place}:right"})
    words = ["learn", "t.parquet", "-o", "m"]
    assert main(words) == 3
    assert "1 recorded rows contradict others with the same inputs" in capsys.readouterr().err
    assert not Path("m").exists()
    assert main([*words, "--allow-differing", "-q"]) == 0
