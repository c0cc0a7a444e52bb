import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
from small_models import adder_model, decoder_model

from bsdgen.artifacts import read_json, write_json
from bsdgen.cli.app import main
from bsdgen.errors import InputError, ToolError, UsageError
from bsdgen.measure import Measurement, measure, merge, read_measurement
from bsdgen.model import Model
from bsdgen.oracle.simulator import SimulatorOracle


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that is mostly wrong, and four results: two parts of one seed, another seed, and all of it."""
    folder = tmp_path_factory.mktemp("merge")
    decoder_model().save(folder / "model")
    for name, words in (
        ("a", ["-n", "4000"]),
        ("b", ["-n", "6000", "--first", "4000"]),
        ("c", ["-n", "5000", "--seed", "7"]),
        ("all", ["-n", "10000"]),
    ):
        assert main(["measure", str(folder / "model"), "-q", "-o", str(folder / f"{name}.json"), *words]) == 1
    return folder


def result(path: Path) -> Measurement:
    return dataclasses.replace(read_measurement(path)[1], wall_s=0.0)


def test_parts_on_several_machines_are_the_whole(folder: Path) -> None:
    merged = folder / "merged.json"
    assert (
        main(["measure", "--merge", str(folder / "b.json"), str(folder / "a.json"), "-o", str(merged)]) == 1
    )
    assert result(merged) == result(folder / "all.json")
    facts, whole = read_json(merged), read_json(folder / "all.json")
    assert {key: facts[key] for key in ("oracle", "model_sha256", "finished")} == {
        key: whole[key] for key in ("oracle", "model_sha256", "finished")
    }


def test_seeds_are_added_and_merged_ones_merge_again(folder: Path) -> None:
    merged, three = folder / "merged-ac.json", folder / "merged-acb.json"
    assert (
        main(["measure", "--merge", str(folder / "a.json"), str(folder / "c.json"), "-o", str(merged)]) == 1
    )
    assert main(["measure", "--merge", str(merged), str(folder / "b.json"), "-o", str(three)]) == 1
    found, parts = result(three), [result(folder / f"{name}.json") for name in "abc"]
    assert found.vectors == 15_000
    assert found.errors == sum(part.errors for part in parts)
    assert [(part.seed, part.first, part.last) for part in found.drawn] == [(0, 0, 10_000), (7, 0, 5000)]


@pytest.mark.parametrize("other", ["a", "all"])
def test_a_vector_counts_once(folder: Path, other: str, capsys: pytest.CaptureFixture[str]) -> None:
    target = folder / "never.json"
    files = [str(folder / "a.json"), str(folder / f"{other}.json")]
    assert main(["measure", "--merge", *files, "-o", str(target)]) == 2
    assert "vectors 0 to 3,999 of seed 0" in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_sha256": "0" * 64}, "of another model"),
        ({"oracle": "simulator:rv32e"}, "of another oracle"),
        ({"oracle_sha256": "0" * 64}, "another version of the oracle's source"),
        ({"tools": {"bsdgen": "0.0.9"}}, "another version of the tools .bsdgen 0.0.9, expected bsdgen 0"),
        ({"stream": "rv32i-0"}, "vectors of 'rv32i-0'"),
        ({"version": 1}, "no measurement of version 2"),
        ({"vectors": 5001}, "says 5,001 vectors"),
        ({"errors": 0}, "and 0 errors, but"),
        ({"strata": {"add": {"equal": {"by chance": 5000}}}}, "'by chance'"),
        ({"errors": "many"}, "is no measurement"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    folder: Path, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    write_json(tmp_path / "c.json", read_json(folder / "c.json") | change)
    with pytest.raises(InputError, match=message):
        merge([folder / "a.json", tmp_path / "c.json"])


def test_one_result_is_not_merged(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="at least two"):
        merge([folder / "a.json"])
    assert main(["measure", "--merge", str(folder / "a.json"), str(folder / "b.json")]) == 2
    assert "--out" in capsys.readouterr().err
    assert main(["measure", str(folder / "model"), str(folder / "model")]) == 2


def test_resume_adds_vectors(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "measure.json"
    target.write_bytes((folder / "a.json").read_bytes())
    words = ["measure", str(folder / "model"), "-o", str(target), "-n", "10000", "--resume"]
    assert main(words) == 1
    assert "goes on after 4,000 vectors" in capsys.readouterr().err
    assert result(target) == result(folder / "all.json")


def test_what_a_stopped_run_left_is_gone_on_with(folder: Path, tmp_path: Path) -> None:
    target, partial = tmp_path / "x.json", tmp_path / "x.partial.json"
    partial.write_bytes((folder / "b.json").read_bytes())
    target.write_text("an older result")
    assert main(["measure", str(folder / "model"), "-o", str(target), "-n", "10000", "--resume"]) == 1
    assert result(target) == result(folder / "all.json")
    assert not partial.exists()


def test_resume_of_another_model_is_refused(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "measure.json"
    write_json(target, read_json(folder / "a.json") | {"model_sha256": "0" * 64})
    before = target.read_bytes()
    assert main(["measure", str(folder / "model"), "-o", str(target), "--resume"]) == 3
    assert target.read_bytes() == before


def test_resume_with_an_oracle_that_was_edited_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name is the same, the answers need not be."""
    source = "def add(a, b):\n    return {'total': a + b}\n"
    (tmp_path / "edited_oracle.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    adder_model(oracle="edited_oracle:add").save(tmp_path / "adder")
    words = ["measure", str(tmp_path / "adder"), "-q"]
    assert main([*words, "-n", "1000"]) == 0
    facts = read_json(tmp_path / "adder" / "measure.json")
    assert facts["oracle_sha256"] == hashlib.sha256(source.encode()).hexdigest()
    assert set(facts["tools"]) == {"bsdgen", "python", "numpy", "numba"}
    assert main([*words, "-n", "2000", "--resume"]) == 0
    (tmp_path / "edited_oracle.py").write_text(f"# fixed\n{source}")
    assert main([*words, "-n", "3000", "--resume"]) == 3
    assert "another version of the oracle's source" in capsys.readouterr().err


def test_errors_are_written_though_the_verilog_cannot_be_proved(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*_: object) -> None:
        raise ToolError("yosys is missing")

    monkeypatch.setattr("bsdgen.cli.measure._netlist_differs", missing)
    target = tmp_path / "measure.json"
    assert main(["measure", str(folder / "model"), "-o", str(target), "-n", "4000"]) == 1
    assert "yosys is missing" in capsys.readouterr().err
    assert result(target) == result(folder / "a.json")
    adder_model(oracle="examples.adder:add").save(tmp_path / "adder")
    assert main(["measure", str(tmp_path / "adder"), "-n", "4000"]) == 4
    assert read_json(tmp_path / "adder" / "measure.json")["errors"] == 0


def test_resume_with_nothing_there_begins(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["measure", str(folder / "model"), "-o", str(tmp_path / "new.json"), "-n", "4000", "--resume"]
    assert main(words) == 1
    assert "begins anew" in capsys.readouterr().err
    assert result(tmp_path / "new.json") == result(folder / "a.json")


def test_results_of_any_schema_merge(tmp_path: Path) -> None:
    model: Model = adder_model(oracle="examples.adder:add")
    model.save(tmp_path / "adder")
    for name, first in (("a", 0), ("b", 3000)):
        words = ["-n", "3000", "--first", str(first), "-o", str(tmp_path / f"{name}.json"), "-q"]
        assert main(["measure", str(tmp_path / "adder"), *words]) == 0
    files = [str(tmp_path / f"{name}.json") for name in "ab"]
    assert main(["measure", "--merge", *files, "-o", str(tmp_path / "c.json"), "-q"]) == 0
    facts = json.loads((tmp_path / "c.json").read_text())
    assert (facts["vectors"], facts["errors"]) == (6000, 0)
    assert facts["drawn"] == [{"seed": 0, "first": 0, "last": 6000}]


@pytest.mark.parametrize(
    ("parts", "whole", "code"),
    [
        ((True, True), True, 0),
        ((True, False), False, 1),
        ((None, False), False, 1),
        ((False, None), False, 1),
        ((True, None), None, 0),
    ],
)
def test_verilog_that_is_not_the_model_stays_so(
    tmp_path: Path, parts: tuple[bool | None, ...], whole: bool | None, code: int
) -> None:
    """One part that disproved the Verilog is enough, also where another had none to look at."""
    adder_model(oracle="examples.adder:add").save(tmp_path / "adder")
    files = []
    for first, equal in zip((0, 1000), parts, strict=True):
        path = tmp_path / f"{first}.json"
        words = ["-n", "1000", "--first", str(first), "-o", str(path), "-q"]
        assert main(["measure", str(tmp_path / "adder"), *words]) == 0
        write_json(path, read_json(path) | ({} if equal is None else {"netlist_equal": equal}))
        files.append(str(path))
    assert main(["measure", "--merge", *files, "-o", str(tmp_path / "all.json"), "-q"]) == code
    assert read_json(tmp_path / "all.json").get("netlist_equal") is whole


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = measure(decoder_model(), SimulatorOracle(), vectors=3000)
    write_json(tmp_path / "a.json", {"oracle": "simulator:rv32i", **found.as_dict()})
    assert read_measurement(tmp_path / "a.json")[1] == found
