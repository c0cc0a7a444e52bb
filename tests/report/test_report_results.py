"""Proof, mutants and verification in the report: only what is of this model."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from small_models import adder_model
from test_report_page import parsed

from bsdgen.artifacts import sha256, write_json
from bsdgen.errors import InputError
from bsdgen.mutate.result import FaultResult, Mutation
from bsdgen.prove.result import Counterexample, Proof, Row, Said, StageProof
from bsdgen.report import summary_text, write_report

ENGINES = ("abc", "sat")
STEPS = [{"name": "proof", "checked": "5", "found": "4", "verdict": "NO", "seconds": 1.5, "error": "a < b"}]


def stage(file: Path, *more: Path, wrong: tuple[str, ...] = ()) -> StageProof:
    proved = {engine: 5 - len(wrong) for engine in ENGINES}
    said = Said("simulator", {"sum": "0x6"}, True)
    example = Counterexample("add", "add x1, x2, x3", {"a": "0x3"}, {"sum": "0x6"}, {"sum": "0x7"}, (said,))
    return StageProof(
        name="diagram",
        artifact=str(file),
        artifacts={name.name: sha256(name) for name in (file, *more)},
        verdict="disproved" if wrong else "proved",
        wall_s=0.5,
        outputs=(Row("sum", 5, proved, dict.fromkeys(ENGINES, 0.1), wrong),),
        instructions=(Row("add", 5, proved, dict.fromkeys(ENGINES, 0.1), wrong),),
        counterexamples=(example,) if wrong else (),
    )


def proof(folder: Path, *, wrong: tuple[str, ...] = ()) -> Proof:
    one = stage(folder / "model.npz", wrong=wrong)
    return Proof(
        verdict=one.verdict,
        model_sha256=sha256(folder / "model.npz"),
        specification="an adder",
        engines=ENGINES,
        stages=(one,),
        skipped=("circuit",) if wrong else (),
        only=(),
        wall_s=0.75,
        jobs=2,
        time_limit_s=0,
        tools={},
    )


def mutants(folder: Path, artifact: Path) -> Mutation:
    def fault(number: int, caught: int) -> FaultResult:
        return FaultResult(
            number, "stuck input", "stuck", "killed", True, {"abc": "differs"}, {"programs": caught}, "", {}
        )

    return Mutation(
        of="netlist",
        artifact=str(artifact),
        artifact_sha256=sha256(artifact),
        model_sha256=sha256(folder / "model.npz"),
        specification="an adder",
        seed=3,
        kinds=("stuck input",),
        engines=ENGINES,
        sources={"programs": 64},
        faults=(fault(0, 7), fault(1, -1)),
        wall_s=2.0,
        jobs=2,
        time_limit_s=60,
        tools={},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "adder"
    adder_model(4).save(made)
    return made


def page_of(folder: Path) -> tuple[dict[str, Any], str]:
    facts = write_report(folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    parsed(page)
    left = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert left["proof"] == json.loads(json.dumps(facts["proof"]))
    return facts, page


def test_nothing_is_said_of_what_was_not_done(folder: Path) -> None:
    facts, page = page_of(folder)
    assert [facts[key] for key in ("verify", "proof", "mutate", "mutate_shell")] == [None] * 4
    assert "proved" not in page.replace("<th>proved</th>", "") and "Mutants" not in page


def test_a_proof_is_shown_by_stage_output_and_instruction(folder: Path) -> None:
    write_json(folder / "proof.json", proof(folder))
    facts, page = page_of(folder)
    row = {"name": "sum", "cared": 5, "proved": 5, "wrong": False}
    assert facts["proof"]["stages"][0]["outputs"] == [row]
    assert "5 of 5</b><span>output bits proved, abc and sat" in page
    assert "Proved to be an adder" in page and "output of the diagram" in page
    assert "proof     proved: 5 of 5 bits by abc and sat\n" in summary_text(facts, folder / "report.html")


def test_a_disproof_shows_what_is_wrong(folder: Path) -> None:
    write_json(folder / "proof.json", proof(folder, wrong=("sum[2]",)))
    facts, page = page_of(folder)
    assert '<b class="bad">disproved</b><span>diagram' in page
    for text in ("add x1, x2, x3", "sum=0x7", "sum=0x6 (as specified)", "not proved: circuit"):
        assert text in page
    assert "4 of 5" in summary_text(facts, folder / "report.html")


def test_a_proof_of_a_file_that_changed_is_no_proof(folder: Path) -> None:
    netlist = folder / "verilog" / "adder_step.v"
    netlist.parent.mkdir()
    netlist.write_text("module a; endmodule\n", encoding="utf-8")
    made = proof(folder)
    core = netlist.with_name("adder_core.v")
    core.write_text("module c; endmodule\n", encoding="utf-8")
    made = msgspec.structs.replace(made, stages=(*made.stages, stage(netlist), stage(core, netlist)))
    write_json(folder / "proof.json", made)
    assert [item["stale"] for item in page_of(folder)[0]["proof"]["stages"]] == [False, False, False]
    netlist.write_text("module b; endmodule\n", encoding="utf-8")
    facts, page = page_of(folder)
    assert [item["stale"] for item in facts["proof"]["stages"]] == [
        False,
        True,
        True,
    ]  # it stands in the core
    assert "out of date</b>" in page and "the file is another one by now" in page
    assert "files are others by now: diagram" in summary_text(facts, folder / "report.html")


def test_mutants_are_a_table_and_a_picture(folder: Path) -> None:
    write_json(folder / "mutate.json", mutants(folder, folder / "model.npz"))
    facts, page = page_of(folder)
    assert facts["mutate"]["summary"][-1] == {
        "kind": "all", "n": 2, "equivalent": 0, "undecided": 0, "refused": 0, "killable": 2, "proof": 2,
        "sampled": 0, "sample_disproved": 0, "programs": 1,
    }  # fmt: skip
    assert "Who catches which faults" in page and "fault in the netlist" in page
    assert "another one by now" not in page
    assert "mutants   2 of 2 killable disproved" in summary_text(facts, folder / "report.html")
    write_json(folder / "mutate.json", msgspec.structs.replace(mutants(folder, folder / "model.json")))
    (folder / "model.json").write_text((folder / "model.json").read_text(encoding="utf-8") + " ")
    assert "another one by now" in page_of(folder)[1]


def test_a_verification_is_a_table(folder: Path) -> None:
    write_json(folder / "verify.json", {"model_sha256": sha256(folder / "model.npz"), "steps": STEPS})
    _, page = page_of(folder)
    assert "<h2>Verification</h2>" in page and "a &lt; b" in page and '<td class="bad">NO</td>' in page


@pytest.mark.parametrize("name", ["proof.json", "mutate.json", "verify.json"])
def test_of_another_model_or_broken(folder: Path, name: str) -> None:
    write_json(folder / name, {"model_sha256": "0" * 64})
    assert page_of(folder)[0][name.removesuffix(".json")] is None
    write_json(folder / name, {"model_sha256": sha256(folder / "model.npz"), "stages": 3})
    with pytest.raises(InputError, match=f"{name}: is no result of"):
        write_report(folder)
