"""Damaged files at the command line: exit code, one line that names the file, nothing changed or left."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from readers import make_readers
from small_models import adder_model, decoder_model

from bsdgen.artifacts import sha256, write_json
from bsdgen.bench.results import save
from bsdgen.circuit.aig import aig_from_bsd
from bsdgen.circuit.aiger import write_aiger
from bsdgen.cli.app import main

ROOT = Path(__file__).resolve().parents[2]
ADDER = """module adder(input [3:0] a, input [3:0] b, output [4:0] total);
  assign total = a + b;
endmodule
"""


@dataclass(frozen=True)
class Kind:
    """A file, and a command that reads it; words with / are paths in the working folder.

    Attributes
    ----------
    file, words : see above.
    sealed : whether any damage must be refused.
    says : what the message must name, if not the file.
    flips : how many bits are flipped in turn.
    """

    file: str
    words: str
    sealed: bool = True
    says: str = ""
    flips: int = 6


LEARN = "learn -q --oracle examples.adder:add -o ./out"
KINDS = {
    "traces": Kind("t.parquet", "learn ./t.parquet -o ./out -q"),
    "traces, covered": Kind("steps.parquet", "coverage ./steps.parquet"),
    "model.json, inspected": Kind("cpu/model.json", "inspect ./cpu", says="cpu"),
    "model.npz, inspected": Kind("cpu/model.npz", "inspect ./cpu"),
    "model.json, measured": Kind("adder/model.json", "measure ./adder -n 64 -q", says="adder"),
    "model.npz, emitted": Kind("adder/model.npz", "emit ./adder -q"),
    "model.npz, proved": Kind("adder/model.npz", "prove ./adder -q --spec ./adder.v"),
    "model.npz, reported": Kind("adder/model.npz", "report ./adder -q", flips=1),
    "model.json, covered": Kind("adder/model.json", "coverage ./adder ./tiny.elf -q", says="adder"),
    "circuit.aig": Kind("adder/circuit.aig", "report ./adder -q", sealed=False, flips=1),
    "measure.json, resumed": Kind("adder/measure.json", "measure ./adder -n 900 --resume -q"),
    "measure.json, merged": Kind(
        "adder/measure.json", "measure --merge ./adder/measure.json ./m.json -o ./x"
    ),
    "measure.json, reported": Kind("adder/measure.json", "report ./adder -q", flips=1),
    "measure.json, covered": Kind("adder/measure.json", "coverage ./adder ./tiny.elf -q"),
    "part of a measurement": Kind("part/measure.partial.json", "measure ./part -n 900 --resume -q"),
    "coverage.json": Kind("adder/coverage.json", "report ./adder -q", flips=1),
    "cosim.json": Kind("adder/cosim.json", "report ./adder -q", flips=1),
    "checkpoint": Kind("out/checkpoint/state", f"{LEARN} --schema ./adder.toml --resume", says="checkpoint"),
    "schema": Kind("adder.toml", f"{LEARN}/fresh --schema ./adder.toml", sealed=False, flips=0),
    "ELF, recorded": Kind("tiny.elf", "record ./tiny.elf -o ./traces -q --max-steps 1000", sealed=False),
    "ELF, covered": Kind("tiny.elf", "coverage ./tiny.elf -q --max-steps 1000", sealed=False),
    "ELF, co-simulated": Kind("tiny.elf", "cosim ./cpu ./tiny.elf -q", sealed=False, flips=0),
    "Spike log": Kind("spike.log", "convert ./spike.log --elf ./other.elf -o ./s.parquet -q", sealed=False),
    "PLA": Kind("rows.pla", "convert ./rows.pla -o ./p.parquet -q", sealed=False),
    "CSV": Kind("rows.csv", "convert ./rows.csv -o ./c.parquet -q", sealed=False),
    "CSV, learned": Kind(
        "rows.csv", "learn ./rows.csv --oracle examples.adder:add -o ./out -q", sealed=False, flips=0
    ),
    "specification": Kind("adder.v", "prove ./adder -q --spec ./adder.v", sealed=False, flips=0),
    "bench result": Kind("bench/demo.json", "bench page ./bench --page ./page.md -q"),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good file of every kind."""
    folder = tmp_path_factory.mktemp("good")
    make_readers(folder)
    shutil.copytree(folder / "model", folder / "adder")
    decoder_model().save(folder / "cpu")
    model = adder_model(oracle="examples.adder:add")
    names = model.schema.input_names(), model.schema.output_names()
    write_aiger(folder / "adder" / "circuit.aig", aig_from_bsd(model.bsd), *names)
    shutil.copyfile(ROOT / "examples" / "adder.toml", folder / "adder.toml")
    (folder / "adder.v").write_text(ADDER)
    assert run("measure ./adder -n 300 -q", folder) == 0
    assert run("measure ./adder -n 300 --seed 1 -o ./m.json -q", folder) == 0
    shutil.copytree(folder / "model", folder / "part")
    shutil.copyfile(folder / "adder" / "measure.json", folder / "part" / "measure.partial.json")
    shutil.copyfile(folder / "coverage.json", folder / "adder" / "coverage.json")
    program = {"name": "p", "retired": 3, "mismatches": 0, "passed": True, "wall_s": 0.5, "detail": ""}
    of = {"model_sha256": sha256(folder / "adder" / "model.npz")}
    facts = {**of, "harness": "fast", "against": "simulator", "programs": [program]}
    write_json(folder / "adder" / "cosim.json", facts)
    assert run("record ./tiny.elf -o ./steps -q", folder) == 0
    shutil.copyfile(folder / "steps" / "tiny.parquet", folder / "steps.parquet")
    shutil.copytree(folder / "checkpoint", folder / "out" / "checkpoint")
    save(folder / "bench", "demo", {}, {"none": "of its kind"})
    return folder


def run(words: str, folder: Path) -> int:
    return main(
        [word.replace("./", f"{folder}/", 1) if word.startswith("./") else word for word in words.split()]
    )


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def restore(folder: Path, before: dict[str, bytes]) -> None:
    now = snapshot(folder)
    for path in set(now) - set(before):
        Path(path).unlink()
    for path, content in before.items():
        if now.get(path) != content:
            Path(path).parent.mkdir(exist_ok=True)
            Path(path).write_bytes(content)


def flips(data: bytes, n: int) -> Iterator[bytes]:
    dice = random.Random(len(data))
    for _ in range(n):
        out = bytearray(data)
        out[dice.randrange(len(out))] ^= 1 << dice.randrange(8)
        yield bytes(out)


def damage_of(kind: Kind, data: bytes) -> Iterator[tuple[bytes, bool]]:
    """Damaged bytes, and whether they must be refused."""
    yield b"", True
    yield data[: len(data) // 2], kind.sealed
    yield data[:-1], False  # only a line's end may be gone
    yield data[:3], True
    yield "\ufeff".encode("utf-16") + data, True
    yield data.decode("latin-1").encode("utf-16"), True
    for flipped in flips(data, kind.flips):
        yield flipped, False  # that it changes nothing that is read is what test_fuzz.py shows


@pytest.mark.parametrize("name", KINDS)
def test_damage_is_refused_by_name_and_nothing_changes(
    good: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    kind = KINDS[name]
    file = good / kind.file
    data = file.read_bytes()
    try:
        for content, certain in damage_of(kind, data):
            file.write_bytes(content)
            _check(kind, good, certain, capsys)
        file.unlink()
        file.mkdir()
        _check(kind, good, True, capsys)
    finally:
        if file.is_dir():
            file.rmdir()
        file.write_bytes(data)


def _check(kind: Kind, good: Path, certain: bool, capsys: pytest.CaptureFixture[str]) -> None:
    before = snapshot(good)
    code = run(kind.words, good)
    said = capsys.readouterr().err
    if certain or code:
        assert code in ((3,) if certain else (1, 3)), said
        lines = [line for line in said.splitlines() if line.startswith("bsdgen: ")]
        assert len(lines) == 1 and said.splitlines()[-1] == lines[0], said
        assert not certain or (kind.says or Path(kind.file).name) in lines[0], said
        assert snapshot(good) == before
    else:
        restore(good, before)


def test_the_files_are_good(good: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Undamaged they are read: else the checks above would show nothing."""
    monkeypatch.chdir(ROOT)
    shutil.copytree(good, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "out", ignore_errors=True)
    skipped = ("checkpoint", "bench result", "ELF, co")
    words = set()
    for name, kind in KINDS.items():
        if kind.words in words:
            continue
        words.add(kind.words)
        if not name.startswith(skipped) and "covered" not in name:
            assert run(kind.words, tmp_path / "copy") == 0, name
