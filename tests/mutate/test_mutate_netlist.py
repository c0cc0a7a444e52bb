"""Faults in a netlist: what is said of each is what trying all inputs says."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import adder_model, adder_schema

from bsdgen.artifacts import read_json
from bsdgen.bits import from_bool, to_bool
from bsdgen.circuit.aig import Aig, aig_from_bsd
from bsdgen.circuit.aiger import read_aiger, write_aiger
from bsdgen.cli.app import main
from bsdgen.errors import ToolError, ToolTimeout, UsageError
from bsdgen.mutate import decision
from bsdgen.mutate.faults import KINDS, draw_fault, faulty
from bsdgen.mutate.result import judge
from bsdgen.mutate.run import mutate_netlist
from bsdgen.mutate.simulation import Vectors, outputs_on
from bsdgen.mutate.vectors import columns_of
from bsdgen.prove.given import read_specification
from bsdgen.spec.graph import Specification

# The adder, where no carry arises: there a person writes an OR, and the gates of carries do nothing.
SPEC = (
    "module sum(input [3:0] a, b, output [4:0] total, total_care);\n"
    "  assign total = a | b;\n  assign total_care = {5{(a & b) == 0}};\nendmodule\n"
)
ALL = from_bool((np.arange(256)[:, None] >> np.arange(8) & 1).astype(bool))
N = 42


@pytest.fixture
def adder(tmp_path: Path) -> Path:
    model = adder_model()
    folder = tmp_path / "adder"
    model.save(folder)
    names = model.schema.input_names(), model.schema.output_names()
    write_aiger(folder / "circuit.aig", aig_from_bsd(model.bsd), *names)
    (tmp_path / "spec.v").write_text(SPEC)
    return folder


def run(folder: Path, *more: str) -> list[str]:
    return ["mutate", str(folder), "--spec", str(folder.parent / "spec.v"), "-n", str(N), *more]


def random_graph(seed: int, n_inputs: int = 8, n_ands: int = 60) -> Aig:
    rng = np.random.default_rng(seed)
    own = 1 + n_inputs + np.arange(n_ands)
    fanins = [(2 * rng.integers(0, own) + rng.integers(0, 2, n_ands)).astype(np.int32) for _ in range(2)]
    return Aig(n_inputs, *fanins, rng.integers(2 * own[-8], 2 * own[-1] + 2, 5).astype(np.int32))


def wrong_rows(broken: Aig, spec: Specification) -> np.ndarray:
    """Of all inputs those on which something that is cared for is not as specified."""
    return ((broken.evaluate(ALL) ^ spec.values.evaluate(ALL)) & spec.care.evaluate(ALL)).any(axis=1)


def test_a_fault_is_its_number_and_seed() -> None:
    aig = random_graph(0)
    drawn = [draw_fault(aig, 3, k) for k in range(40)]
    assert drawn[17] == draw_fault(aig, 3, 17) and drawn[17] != draw_fault(aig, 4, 17)
    assert [fault.kind for fault in drawn] == [KINDS[k % len(KINDS)] for k in range(40)]
    assert len({fault.edits for fault in drawn}) > 30


def test_what_each_kind_is() -> None:
    """The AND of two inputs, with the value of each fault on 00, 01, 10, 11."""
    gate = Aig(2, *(np.array([literal], np.int32) for literal in (2, 4, 6)))
    rows = np.array([[0], [1], [2], [3]], np.uint64)
    found: dict[str, set[tuple[int, ...]]] = {}
    for k in range(70):
        if KINDS[k % len(KINDS)] == "swapped fanin":
            with pytest.raises(UsageError, match="no two of its gates"):
                draw_fault(gate, 0, k)
            continue
        fault = draw_fault(gate, 0, k)
        values = faulty(gate, fault).evaluate(rows)[:, 0].tolist()
        found.setdefault(fault.kind, set()).add(tuple(values))
    assert found == {
        "wrong polarity": {(0, 1, 0, 0), (0, 0, 1, 0)},
        "stuck at 0": {(0, 0, 0, 0)},
        "stuck at 1": {(0, 1, 0, 1), (0, 0, 1, 1)},
        "AND to OR": {(0, 1, 1, 1)},
        "AND to XOR": {(0, 1, 1, 0)},
        "AND to NAND": {(1, 1, 1, 0)},
    }


def test_nothing_to_break() -> None:
    empty = np.zeros(0, np.int32)
    with pytest.raises(UsageError, match="no gate"):
        draw_fault(Aig(1, empty, empty, np.array([2], np.int32)), 0, 0)


def test_simulation_is_evaluation(adder: Path) -> None:
    spec = read_specification(adder.parent / "spec.v", adder_schema(4))
    aig = read_aiger(adder / "circuit.aig").aig
    columns = columns_of(ALL, 8)
    assert np.array_equal(to_bool(aig.evaluate(ALL), 5).T, to_bool(outputs_on(aig, columns), 256))
    there = Vectors(spec, aig, columns)
    assert not there.wrong()
    for k in range(150):
        fault = draw_fault(aig, 1, k)
        wrong = wrong_rows(faulty(aig, fault), spec)
        for stop in (True, False):
            assert there.see(fault, stop=stop).first == (int(wrong.argmax()) if wrong.any() else -1)


def test_every_verdict_is_what_all_inputs_say(adder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(run(adder, "--seed", "5", "--vectors", "1000", "-q", "--json")) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts == read_json(adder / "mutate.json")
    aig = read_aiger(adder / "circuit.aig").aig
    spec = read_specification(adder.parent / "spec.v", adder_schema(4))
    for item in facts["faults"]:
        broken = faulty(aig, draw_fault(aig, 5, item["number"]))
        killable = bool(wrong_rows(broken, spec).any())
        assert item["killable"] == killable
        assert item["verdict"] == ("killed" if killable else "equivalent")
        assert set(item["engines"].values()) == {"differs" if killable else "equal"}
    total = facts["summary"][-1]
    assert total["n"] == N and total["equivalent"] + total["killable"] == N
    assert 5 < total["killable"] == total["proof"] < N - 5
    assert total["random"] == total["killable"]  # a thousand vectors are all inputs
    assert [row["kind"] for row in facts["summary"]] == [*KINDS, "all"]


def test_one_fault_alone(adder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(run(adder, "-q", "--json")) == 0
    all_of_them = json.loads(capsys.readouterr().out)["faults"]
    assert main([*run(adder, "-q", "--json")[:4], "--only", "23", "-q", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["faults"]
    for item in (one, all_of_them[23]):
        del item["seconds"], item["proof"]  # alone it is a sample of its kind
    assert one == all_of_them[23]
    assert main(run(adder, "--only", "3", "-q")) == 2


@pytest.mark.parametrize("engine", ["abc", "sat"])
def test_an_engine_that_lies_is_noticed(
    adder: Path, engine: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if engine == "abc":
        monkeypatch.setattr(decision, "abc_equal", lambda *_, **__: True)
    else:
        monkeypatch.setattr(decision, "_equal", lambda *_: True)
    assert main(run(adder)) == 1
    out = capsys.readouterr()
    assert "NOT DISPROVED BY THE PROOF" in out.out
    assert "the proof did not disprove" in out.err


def test_what_is_undecided_is_not_killed(
    adder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def slow(*_: object, **__: object) -> bool:
        raise ToolTimeout("yosys-abc did not end within 1 s")

    monkeypatch.setattr(decision, "abc_equal", slow)
    assert main(run(adder, "--engine", "abc", "--json", "-q")) == 1  # vectors show some of them
    facts = json.loads(capsys.readouterr().out)
    assert {item["verdict"] for item in facts["faults"]} == {"undecided"}
    assert facts["summary"][-1]["proof"] == 0 < facts["summary"][-1]["killable"]
    silent = next(item["number"] for item in facts["faults"] if not item["killable"])
    assert main([*run(adder)[:4], "--engine", "abc", "--only", str(silent)]) == 5
    assert "undecided: 1" in capsys.readouterr().out


def test_a_sample_goes_through_the_whole_proof(
    adder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Engines that are asked about one fault may be right where the proof of a model is wrong."""
    assert main(run(adder)) == 0
    assert "by `prove`" in (text := capsys.readouterr().out) and "1 of 1" in text
    facts = read_json(adder / "mutate.json")
    by_kind = {kind: [item for item in facts["faults"] if item["kind"] == kind] for kind in KINDS}
    for row in facts["summary"][:-1]:
        assert row["sampled"] == row["sample_disproved"] == min(1, row["killable"])
        assert sum(item["proof"] == "disproved" for item in by_kind[row["kind"]]) == row["sampled"]
    with monkeypatch.context() as patch:
        # The proof of the netlist without a fault is right whatever is refuted; any other is not.
        patch.setattr("bsdgen.prove.engines._refuted_by_abc", lambda a, b, timeout_s: {})
        patch.setattr("bsdgen.prove.engines._refuted_by_sat", lambda a, b: {})
        patch.setattr("bsdgen.prove.run.survey", lambda workers, of, cells, engine: [frozenset(range(5))])
        patch.setattr("bsdgen.prove.given.cared_positions", lambda *_: range(5))
        assert main(run(adder)) == 1
        assert "NOT DISPROVED BY THE PROOF: 7" in capsys.readouterr().out
    assert main(run(adder, "--sample", "0", "-q")) == 0
    assert not any(item["proof"] for item in read_json(adder / "mutate.json")["faults"])


def test_a_run_that_breaks_down_goes_on(
    adder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real, asked = decision.abc_equal, []

    def breaks(*arguments: Any, **more: Any) -> bool:
        asked.append(1)
        if len(asked) == 20:
            raise ToolError("yosys-abc fell over")
        return real(*arguments, **more)

    monkeypatch.setattr(decision, "abc_equal", breaks)
    words = run(adder, "--engine", "abc", "-q")
    assert main(words) == 4
    partial = adder / "mutate.partial.json"
    kept = read_json(partial)["faults"]
    assert len(kept) >= 8 and not (adder / "mutate.json").exists()
    asked.clear()
    monkeypatch.setattr(decision, "abc_equal", lambda *a, **more: asked.append(1) or real(*a, **more))
    assert main([*words, "--resume"]) == 0
    assert not partial.exists() and 0 < len(asked) <= N - len(kept)
    resumed = read_json(adder / "mutate.json")
    assert main(words) == 0
    anew = read_json(adder / "mutate.json")
    for facts in (resumed, anew):
        for item in facts["faults"]:
            del item["seconds"]
    assert resumed["faults"] == anew["faults"] and resumed["sources"] == anew["sources"]
    assert main([*words, "--seed", "9", "--resume"]) == 3  # that would be a mixture
    assert "of another model, specification, seed" in capsys.readouterr().err
    assert main([*run(adder)[:4], "--only", "1", "--resume", "-q"]) == 2


def test_specifications_of_one_name_are_two(adder: Path) -> None:
    """What a process keeps of one is nothing for the other."""
    file, aig = adder.parent / "spec.v", read_aiger(adder / "circuit.aig").aig
    loose = read_specification(file, adder_schema(4))
    file.write_text(SPEC.replace("{5{(a & b) == 0}}", "5'h1f").replace("a | b", "a + b"))
    strict = read_specification(file, adder_schema(4))
    assert loose.name == strict.name and loose.digest != strict.digest
    faults = [draw_fault(aig, 0, k) for k in range(12)]
    found = []
    for spec in (loose, strict):
        wrong = [bool(wrong_rows(faulty(aig, fault), spec).any()) for fault in faults]
        options = {"engines": ("sat",), "vectors": 64, "sample": 0}
        result = mutate_netlist(adder_model(), adder, spec, range(12), **options)  # type: ignore[arg-type]
        assert [item.engines["sat"] == "differs" for item in result.faults] == wrong
        found.append(wrong)
    assert found[0] != found[1]


def test_a_netlist_that_is_wrong_is_refused(adder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (adder.parent / "spec.v").write_text(SPEC.replace("a | b", "a & b"))
    assert main(run(adder, "-q")) == 1
    assert "not proved to be spec.v (disproved)" in capsys.readouterr().err
    assert not (adder / "mutate.json").exists()


def test_judgement() -> None:
    assert judge({"abc": "differs", "sat": "undecided"}, False) == ("killed", True)
    assert judge({"abc": "equal", "sat": "equal"}, True) == ("missed", True)
    assert judge({"abc": "equal", "sat": "undecided"}, False) == ("undecided", False)
    assert judge({"abc": "equal", "sat": "equal"}, False) == ("equivalent", False)
