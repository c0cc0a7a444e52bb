"""Right models are proved, wrong ones disproved with the instruction named; what happens when that fails."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from prove_models import step_model
from standin import written_step

from bsdgen.artifacts import read_json
from bsdgen.bits import pack_fields, to_bool
from bsdgen.circuit.aig import Aig, AigBuilder, aig_from_bsd, bsd_from_aig, copy_into
from bsdgen.circuit.aiger import NamedAig, write_aiger
from bsdgen.circuit.netlist import order_by_schema
from bsdgen.cli.app import main
from bsdgen.errors import CheckFailed
from bsdgen.isa.encoding import INSTRUCTIONS
from bsdgen.measure.rv32i import InstructionStrata
from bsdgen.model import Model
from bsdgen.oracle.simulator import SimulatorOracle
from bsdgen.prove import Proof, engines, prove_model, run
from bsdgen.spec.step import step_specification
from bsdgen.traces.schema import RVFI_SCHEMA, Schema

IN = [field.width for field in RVFI_SCHEMA.inputs]
VARIABLES = [2 * (v + 1) for v in range(RVFI_SCHEMA.n_inputs)]


def prove_diagram(aig: Aig, folder: Path, **more: object) -> Proof:
    model = step_model(aig)
    model.save(folder)
    return prove_model(model, folder, step_specification(), stages=("diagram",), **more)  # type: ignore[arg-type]


def test_fields_in_another_order(tmp_path: Path) -> None:
    """A specification is held to fields by their names: in the model's order, not in its own."""
    schema = Schema((*reversed(RVFI_SCHEMA.inputs), *reversed(RVFI_SCHEMA.outputs)))
    names = net_names(RVFI_SCHEMA)
    right = written_step()
    for place, said in ((None, "proved"), ("trap", "disproved")):
        outputs = right.outputs.copy()
        if place is not None:
            outputs[names[1].index(place)] ^= 1
        net = NamedAig(replace(right, outputs=outputs), *names)
        model = Model(bsd_from_aig(order_by_schema(net, schema)), schema, {"oracle": "simulator:rv32i"})
        folder = tmp_path / said
        model.save(folder)
        write_aiger(folder / "circuit.aig", order_by_schema(net, schema), *net_names(schema))
        only = ("lui", "lw", "ecall")
        proof = prove_model(model, folder, step_specification(), stages=("diagram", "circuit"), only=only)
        assert proof.verdict == said
        assert [row.name for row in proof.stages[0].instructions] == list(only)
    assert proof.stages[0].wrong_instructions == only
    assert {tuple(example.got) for example in proof.stages[0].counterexamples} == {("trap",)}


def net_names(schema: Schema) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(schema.input_names()), tuple(schema.output_names())


def changed(aig: Aig, gate: int, kind: str) -> Aig:
    fanin0, fanin1 = aig.fanin0.copy(), aig.fanin1.copy()
    if kind == "inverted fanin":
        fanin0[gate] ^= 1
    elif kind == "stuck fanin":
        fanin1[gate] = 1
    elif kind == "stuck at 0":
        fanin0[gate] = 0
    else:
        fanin1[gate] = 2 * (1 + gate % 32)  # another wire: a bit of the instruction
    return Aig(aig.n_inputs, fanin0, fanin1, aig.outputs)


def wrong_on_vectors(aig: Aig) -> set[str]:
    """Instructions on which random vectors find a difference from the simulator."""
    strata = InstructionStrata()
    blocks = [strata.draw(5, block) for block in range(2)]
    rows = pack_fields(np.concatenate([columns for columns, _ in blocks], axis=1), IN)
    place = np.unravel_index(np.concatenate([cells for _, cells in blocks]), strata.axes.shape)[0]
    said, care = SimulatorOracle().query(rows)
    wrong = ((aig.evaluate(rows) ^ said) & care).any(axis=1)
    return {strata.axes.classes[index] for index in strata.axes.class_of[place[wrong]].tolist()}


@pytest.mark.slow
def test_the_diagram_is_proved_by_both_engines(right: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", str(right), "--stage", "diagram", "--json"]) == 0
    out = capsys.readouterr()
    proof = json.loads(out.out)
    assert proof["verdict"] == "proved" and proof["engines"] == ["abc", "sat"]
    (stage,) = proof["stages"]
    cared = {row["name"]: row["cared"] for row in stage["outputs"]}
    assert cared == {field.name: field.width for field in RVFI_SCHEMA.outputs}
    assert [row["name"] for row in stage["instructions"]] == [*(INSTRUCTIONS), "illegal"]
    for row in [*stage["outputs"], *stage["instructions"]]:
        assert row["proved"] == {"abc": row["cared"], "sat": row["cared"]} and row["cared"] > 0
    assert {row["name"]: row["cared"] for row in stage["instructions"]}[
        "ecall"
    ] == 14  # nothing written, a trap
    assert read_json(right / "proof_partial.json") == proof
    assert proof["partial"] and "proving the diagram" in out.err


@pytest.mark.usefixtures("inline")
def test_the_rest_of_the_way_is_proved(right: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", str(right), "--instruction", "sh,jalr", "--engine", "sat"]) == 0
    text = capsys.readouterr().out
    assert "in part: proved to be rv32i, on sh, jalr alone, by sat" in text
    for stage in ("diagram", "circuit", "verilog", "core"):
        assert f"{stage:<8} proved" in text
    assert json.loads((right / "proof_partial.json").read_text())["only"] == ["sh", "jalr"]


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize(
    "kind,gate", [("inverted fanin", 900), ("stuck fanin", 2100), ("stuck at 0", 3500), ("other wire", 1700)]
)
def test_one_wrong_gate(kind: str, gate: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bsdgen.prove.replay._verilator_root", lambda: None)
    aig = changed(written_step(), gate, kind)
    expected = wrong_on_vectors(aig)
    assert expected
    proof = prove_diagram(aig, tmp_path, engines=("sat",))
    assert proof.verdict == "disproved"
    (stage,) = proof.stages
    assert set(stage.wrong_instructions) >= expected
    assert {example.instruction for example in stage.counterexamples} == set(stage.wrong_instructions)
    for example in stage.counterexamples:
        row = pack_fields(np.array([[int(value, 16)] for value in example.inputs.values()], np.uint64), IN)
        said, care = SimulatorOracle().query(row)
        assert ((said ^ aig.evaluate(row)) & care).any(), example
        assert not ((said ^ written_step().evaluate(row)) & care).any()
    simulator = stage.counterexamples[0].replayed[0]
    assert simulator.by == "simulator" and simulator.as_specified
    assert simulator.outputs == stage.counterexamples[0].expected


@pytest.mark.usefixtures("inline")
def test_every_wrong_instruction_has_its_counterexample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a few instructions, too; and where the survey says that nothing there means anything."""
    builder = AigBuilder(RVFI_SCHEMA.n_inputs)
    outputs = copy_into(builder, written_step(), VARIABLES)
    place = RVFI_SCHEMA.output_names().index("rd_wdata[9]")
    outputs[place] ^= 1
    aig = builder.build(outputs)
    only = ("lui", "auipc", "fence")
    for lies in (False, True):
        if lies:
            monkeypatch.setattr(
                run, "survey", lambda workers, of, cells, engine: [{0}, *[set()] * (len(cells) - 1)]
            )
        (stage,) = prove_diagram(aig, tmp_path, engines=("sat",), only=only).stages
        assert stage.verdict == "disproved" and stage.wrong_instructions == ("lui", "auipc")
        assert [example.instruction for example in stage.counterexamples] == ["lui", "auipc"]
        assert [example.text.split()[0] for example in stage.counterexamples] == ["lui", "auipc"]


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("engine", ["abc", "sat"])
def test_one_assignment_in_2_to_the_80_is_found(engine: engines.Engine, tmp_path: Path) -> None:
    """sub x.., x1, x2 with one value of each operand: no vectors ever meet it."""
    builder = AigBuilder(RVFI_SCHEMA.n_inputs)
    outputs = copy_into(builder, written_step(), VARIABLES)
    hit = 1
    given = {"insn": (0x402080B3, 0xFFFFF07F), "rs1_rdata": (0xDEADBEEF, ~0), "rs2_rdata": (0x12345678, ~0)}
    at = 0
    for field in RVFI_SCHEMA.inputs:
        value, mask = given.get(field.name, (0, 0))
        for bit in range(field.width):
            if mask >> bit & 1:
                hit = builder.and_(hit, VARIABLES[at + bit] ^ (value >> bit & 1 ^ 1))
        at += field.width
    place = RVFI_SCHEMA.output_names().index("rd_wdata[7]")
    outputs[place] = builder.xor(outputs[place], hit)
    aig = builder.build(outputs)
    assert wrong_on_vectors(aig) == set()
    (stage,) = prove_diagram(aig, tmp_path, engines=(engine,), only=("add", "sub")).stages
    assert stage.wrong_instructions == ("sub",)
    (example,) = stage.counterexamples
    assert example.text.startswith("sub x") and example.text.endswith("x1, x2")
    assert (example.inputs["rs1_rdata"], example.inputs["rs2_rdata"]) == ("0xdeadbeef", "0x12345678")
    assert int(example.expected["rd_wdata"], 16) ^ int(example.got["rd_wdata"], 16) == 1 << 7


@pytest.mark.slow
@pytest.mark.usefixtures("inline")
def test_a_disproof_names_the_instruction_first(
    right: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Xor becomes or, in the model and in its Verilog: said first, and both are replayed."""
    folder = tmp_path / "cpu"
    shutil.copytree(right, folder)
    builder = AigBuilder(RVFI_SCHEMA.n_inputs)
    outputs = copy_into(builder, aig_from_bsd(Model.load(folder).bsd), VARIABLES)
    xor = 1
    for bit in range(32):
        if 0xFE00707F >> bit & 1:
            xor = builder.and_(xor, VARIABLES[bit] ^ (0x00004033 >> bit & 1 ^ 1))
    both = builder.and_(VARIABLES[64 + 5], VARIABLES[96 + 5])  # rs1[5] & rs2[5]
    place = RVFI_SCHEMA.output_names().index("rd_wdata[5]")
    outputs[place] = builder.or_(outputs[place], builder.and_(xor, both))
    from bsdgen.core.shells import write_shells
    from bsdgen.emit import emit

    model = step_model(builder.build(outputs))
    model.save(folder)
    emit(model, folder, ["verilog"], check=False)
    write_shells(model, folder, ["single"])
    assert main(["prove", str(folder), "--engine", "sat"]) == 1
    out = capsys.readouterr()
    lines = out.out.splitlines()
    assert lines[0].startswith("xor: wrong in the diagram")
    assert lines[1].strip().startswith("xor x") and lines[1].endswith("x1, x2")  # not x0, which is 0
    said = {line.split()[0]: line for line in lines[2:7]}
    assert "rs1_rdata=0x00000020" in said["given"] and "rs2_rdata=0x00000020" in said["given"]
    assert "rd_wdata=0x00000000" in said["expected"] and "rd_wdata=0x00000020" in said["got"]
    assert "rd_wdata=0x00000000 (as specified)" in said["simulator"]
    assert "rd_wdata=0x00000020 (not as specified)" in said["Verilator"]
    assert "wrong in xor" in out.err
    proof = json.loads((folder / "proof_partial.json").read_text())
    assert proof["verdict"] == "disproved" and proof["skipped"] == ["circuit", "verilog", "core"]
    assert [row["name"] for row in proof["stages"][0]["instructions"] if row["wrong"]] == ["xor"]


@pytest.mark.usefixtures("inline")
def test_an_artifact_of_another_model_is_told(
    right: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bsdgen.prove.replay._verilator_root", lambda: None)
    folder = tmp_path / "cpu"
    shutil.copytree(right, folder)
    verilog = folder / "verilog" / "cpu_step.v"
    lines = verilog.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if "assign mem_wdata[9] = " in line)
    lines[at] = "  assign mem_wdata[9] = 1'b0;"
    verilog.write_text("\n".join(lines))
    assert main(["prove", str(folder), "--engine", "sat", "--instruction", "sb,sw", "-q"]) == 1
    assert "the verilog is not rv32i" in (err := capsys.readouterr().err) and "bsdgen emit" in err
    stages = json.loads((folder / "proof_partial.json").read_text())["stages"]
    assert [stage["verdict"] for stage in stages] == ["proved", "proved", "disproved"]
    assert stages[2]["counterexamples"][0]["replayed"][1]["by"] == "Yosys"


@pytest.mark.usefixtures("inline")
def test_rv32e_and_subsets_are_what_the_model_was_learned_from(tmp_path: Path) -> None:
    embedded = tmp_path / "e"
    step_model(step_specification("rv32e").values, "simulator:rv32e").save(embedded)
    quick = ["--stage", "diagram", "--engine", "sat", "-q"]
    assert main(["prove", str(embedded), *quick, "--instruction", "lui,sb,jalr,illegal"]) == 0
    assert main(["prove", str(embedded), *quick, "--isa", "rv32i", "--instruction", "lui"]) == 1
    # wrong for everything but loads
    right = written_step()
    builder = AigBuilder(right.n_inputs)
    literals = copy_into(builder, right, VARIABLES)
    load = 1
    for bit in range(7):
        load = builder.and_(load, VARIABLES[bit] ^ (3 >> bit & 1 ^ 1))
    part = builder.build([builder.and_(literal, load) for literal in literals])
    some = tmp_path / "some"
    step_model(part, "simulator:rv32i+load").save(some)
    assert main(["prove", str(some), *quick]) == 0
    facts = json.loads((some / "proof_partial.json").read_text())
    assert facts["specification"] == "rv32i+load"
    assert [row["name"] for row in facts["stages"][0]["instructions"]] == [
        "lb",
        "lh",
        "lw",
        "lbu",
        "lhu",
        "illegal",
    ]
    assert main(["prove", str(some), *quick, "--subset", "load,store", "--instruction", "sw"]) == 1


def test_what_the_time_limit_leaves_is_undecided(
    right: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bsdgen.prove.tasks.Deadline.left_s", lambda self: 0.0)
    assert main(["prove", str(right), "--stage", "diagram", "--time-limit", "5"]) == 5
    out = capsys.readouterr()
    assert "neither proved nor disproved within 5 s" in out.err
    assert "undecided to be rv32i" in out.out
    assert json.loads((right / "proof_partial.json").read_text())["verdict"] == "undecided"


def test_a_limit_that_comes_in_the_middle(right: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was proved before stays, the rest is undecided."""
    from bsdgen.prove import tasks

    left = iter([9.0] * 6)
    monkeypatch.setattr(tasks, "_SMALL", 0)
    monkeypatch.setattr(tasks.Deadline, "left_s", lambda self: next(left, 0.0))
    model = Model.load(right)
    proof = prove_model(
        model, right, step_specification(), stages=("diagram",), only=("lui", "jal"), jobs=1, time_limit_s=9.0
    )
    rows = proof.stages[0].instructions
    assert proof.verdict == "undecided"
    assert any(row.by_all < row.cared for row in rows) and sum(sum(row.proved.values()) for row in rows) > 0


@pytest.mark.usefixtures("inline")
def test_missing_tools_are_told(
    right: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = ["prove", str(right), "--stage", "diagram", "--instruction", "lui", "-q"]
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pysat.solvers", None)
        assert main([*quick, "--engine", "sat"]) == 4
        assert "pip install python-sat" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr("bsdgen.circuit.tools.importlib.util.find_spec", lambda name: None)
        assert main([*quick, "--engine", "abc"]) == 4
        assert "pip install pyosys" in capsys.readouterr().err


@pytest.mark.usefixtures("inline")
def test_engines_that_contradict_each_other(right: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aig = changed(written_step(), 3500, "stuck at 0")
    only = sorted(wrong_on_vectors(aig))[:1]
    monkeypatch.setattr(engines, "_refuted_by_abc", lambda a, b, timeout_s: {})
    with pytest.raises(CheckFailed, match="contradict each other"):
        prove_diagram(aig, right.parent / "other", only=only)


def test_an_assignment_that_shows_nothing_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    aig = written_step().cone([0])
    monkeypatch.setattr(engines, "_cec", lambda a, b, timeout_s: np.zeros(3, np.uint64))
    with pytest.raises(CheckFailed, match="do not differ"):
        engines.ask("abc", aig, aig)


@pytest.mark.parametrize("seed", range(12))
def test_both_engines_against_all_assignments(seed: int) -> None:
    from standin import random_bsd

    rng = np.random.default_rng(seed)
    a = aig_from_bsd(random_bsd(rng, 7, 60, 5))
    fanin = a.fanin0.copy()
    if fanin.size:
        fanin[rng.integers(fanin.size)] ^= 1
    b = Aig(7, fanin, a.fanin1, a.outputs ^ np.int32(seed % 3 == 0))
    rows = np.arange(128, dtype=np.uint64)[:, None]
    differ = set(np.flatnonzero(to_bool(a.evaluate(rows) ^ b.evaluate(rows), 5).any(axis=0)).tolist())
    for engine in engines.ENGINES:
        answer = engines.ask(engine, a, b)
        assert set(answer.refuted) == differ and set(answer.proved) == set(range(5)) - differ


@pytest.mark.parametrize(
    "words,code,message",
    [
        (["--instruction", "mul"], 2, "has no such one; there are: lui"),
        (["--top", "m"], 2, "--spec FILE"),
        (["--check-spec"], 2, "leave MODEL and --spec out"),
        (["--subset", "amo"], 2, "no opcode class"),
    ],
)
def test_usage(
    right: Path, words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prove", str(right), *words, "-q"]) == code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "oracle,message",
    [
        ("simulator:rv32i+amo", "no opcode class 'amo'"),
        ("simulator:rv32i+", "no opcode class ''"),
        ("simulator:rv64i", "no simulator 'rv64i'"),
    ],
)
def test_what_it_was_learned_from_must_be_known(
    oracle: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step_model(written_step(), oracle).save(tmp_path)
    assert main(["prove", str(tmp_path), "--stage", "diagram", "-q"]) == 3
    assert message in capsys.readouterr().err


def test_what_is_not_emitted_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step_model(written_step()).save(tmp_path)
    assert main(["prove", str(tmp_path)]) == 3
    assert "circuit.aig: is missing" in (err := capsys.readouterr().err) and "--stage diagram" in err
    assert main(["prove"]) == 2
    assert not list(tmp_path.glob("proof*.json"))
