import json
from pathlib import Path

import numpy as np
import pytest
from small_models import adder_model

from bsdgen.circuit import Aig, AigBuilder, aig_from_bsd, prove_equivalent, read_aiger, write_aiger
from bsdgen.circuit import search as search_module
from bsdgen.circuit.equivalence import Equivalence
from bsdgen.circuit.recipes import KICKS, RECIPES, Goal, Recipe
from bsdgen.circuit.search import search
from bsdgen.circuit.steps import Step, StepStore, graph_digest
from bsdgen.cli.app import main
from bsdgen.errors import CheckFailed, CommandFailed, InputError, ToolError, ToolTimeout
from bsdgen.model import Model

GOALS: tuple[Goal, ...] = ("area", "delay", "balanced")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two recipes and a kick, so that a search takes a second."""
    few = {goal: RECIPES[goal][:2] for goal in GOALS}
    monkeypatch.setattr(search_module, "RECIPES", few)
    monkeypatch.setattr(search_module, "KICKS", {goal: KICKS[goal][:1] for goal in GOALS})


@pytest.fixture(scope="module")
def ripple() -> Aig:
    return aig_from_bsd(adder_model(8).bsd)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    adder_model(8).save(tmp_path / "adder")
    return tmp_path / "adder"


@pytest.mark.parametrize("goal", GOALS)
def test_what_is_found_is_equal_and_no_worse(few: None, ripple: Aig, goal: Goal) -> None:
    found = search(ripple, {"diagram": ripple}, goal, patience=1)
    best = found.points[found.best]
    assert found.finished
    assert best.proved and set(best.engines) == {"abc", "sat"}
    assert (best.ands, best.depth) == (found.graphs[found.best].n_ands, found.graphs[found.best].depth)
    assert prove_equivalent(ripple, found.graphs[found.best]).equal
    if goal == "area":
        assert best.ands <= ripple.n_ands
    else:
        assert best.depth < ripple.depth  # a ripple carry is as deep as it is wide
    sizes = [(found.points[at].depth, found.points[at].ands) for at in found.front]
    assert sizes == sorted(sizes) and [y for _, y in sizes] == sorted((y for _, y in sizes), reverse=True)
    assert all(found.points[at].proved and at in found.graphs for at in found.front)


@pytest.mark.parametrize("goal", GOALS)
def test_every_recipe_runs(ripple: Aig, goal: Goal) -> None:
    for recipe in {*RECIPES[goal], *KICKS[goal]}:
        step = StepStore(None).run(ripple, recipe)
        assert step.aig is not None, (recipe.name, step.failure)
        assert prove_equivalent(ripple, step.aig).equal, recipe.name


def test_a_search_is_the_same_every_time(few: None, ripple: Aig, tmp_path: Path) -> None:
    once = search(ripple, {"diagram": ripple}, "delay", patience=1, store=StepStore(tmp_path))
    again = search(ripple, {"diagram": ripple}, "delay", patience=1)
    kept = search(ripple, {"diagram": ripple}, "delay", patience=1, store=StepStore(tmp_path))
    assert [point.ands for point in once.points] == [point.ands for point in again.points]
    assert graph_digest(once.graphs[once.best]) == graph_digest(again.graphs[again.best])
    assert [point.seconds for point in once.points] == [point.seconds for point in kept.points]


def test_a_changed_function_is_thrown_away(few: None, ripple: Aig, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if ABC had a fault: one output inverted, and everything else gone."""
    empty = np.zeros(0, np.int32)
    wrong = Aig(ripple.n_inputs, empty, empty, np.ones(ripple.n_outputs, np.int32))
    monkeypatch.setattr("bsdgen.circuit.steps._run", lambda aig, *_: Step(wrong, 0.0))
    found = search(ripple, {"diagram": ripple}, "area", patience=1)
    assert found.best == 0
    assert any(point.proved is False and "changed the function" in point.note for point in found.points)


def test_abc_that_fails_is_a_point_without_a_graph(ripple: Aig, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = Recipe("no such", ("no_such_command",))
    monkeypatch.setattr(search_module, "RECIPES", {"area": (bad,)})
    monkeypatch.setattr(search_module, "KICKS", {"area": (bad,)})
    found = search(ripple, {"diagram": ripple}, "area", patience=1)
    assert found.finished and found.best == 0
    assert "no_such_command" in found.points[1].note or "cmd error" in found.points[1].note


def test_a_given_graph_of_another_function(ripple: Aig) -> None:
    builder = AigBuilder(ripple.n_inputs)
    other = builder.build([builder.and_(2, 4)] * ripple.n_outputs)
    with pytest.raises(CheckFailed, match=r"circuit\.aig is not the model's function"):
        search(ripple, {"circuit.aig": other}, "area")


def test_command(few: None, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["optimise", str(model), "--goal", "delay", "--patience", "1", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    named = read_aiger(model / "optimised" / "delay.aig")
    assert named.aig.depth == facts["best"]["depth"] and facts["best"]["proved"]
    assert named.inputs == tuple(Model.load(model).schema.input_names())
    assert prove_equivalent(aig_from_bsd(Model.load(model).bsd), named.aig).equal
    document = json.loads((model / "optimised" / "delay.json").read_text())
    assert document["finished"] and {point["recipe"] for point in document["points"]} > {""}
    assert len(list((model / "optimised" / "front").glob("delay_*.aig"))) == len(facts["front"])
    assert "<svg" in (model / "optimised" / "curve.svg").read_text()
    assert not (model / "optimised" / "delay.steps").exists()


def test_time_limit_keeps_the_best_so_far_and_goes_on(
    few: None, model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ["optimise", str(model), "--goal", "balanced", "--patience", "1"]
    assert main(whole) == 0
    wanted = (model / "optimised" / "balanced.aig").read_bytes()
    clock = iter(range(0, 10_000, 10))
    with monkeypatch.context() as patch:
        patch.setattr(search_module, "monotonic", lambda: float(next(clock)))
        assert main([*whole, "--time-limit", "25"]) == 5
    out = capsys.readouterr()
    assert "best so far" in out.err and "--resume" in out.err
    assert read_aiger(model / "optimised" / "balanced.aig").aig.n_outputs == 9
    assert any((model / "optimised" / "balanced.steps").glob("*.aig"))
    assert main([*whole, "--resume"]) == 0
    assert (model / "optimised" / "balanced.aig").read_bytes() == wanted


def test_begin_with_what_another_search_found(
    few: None, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["optimise", str(model), "--goal", "delay", "--patience", "1"]) == 0
    found = model / "optimised" / "delay.aig"
    assert main(["optimise", str(model), "--goal", "area", "--patience", "1", "--from", str(found)]) == 0
    points = json.loads((model / "optimised" / "area.json").read_text())["points"]
    assert [point["note"] for point in points if not point["recipe"]] == [str(found)]
    capsys.readouterr()
    assert main(["optimise", str(model), "--from", str(model / "none.aig")]) == 3
    assert "none.aig" in capsys.readouterr().err


def test_circuit_of_another_model(few: None, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = Model.load(model).schema
    builder = AigBuilder(schema.n_inputs)
    other = builder.build([builder.and_(2, 4)] * schema.n_outputs)
    write_aiger(model / "circuit.aig", other, schema.input_names(), schema.output_names())
    assert main(["optimise", str(model)]) == 1
    assert "bsdgen emit" in capsys.readouterr().err


def test_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["optimise", str(tmp_path)]) == 3
    assert "bsdgen learn" in capsys.readouterr().err


def test_a_worse_search_leaves_what_was_found_before(
    few: None, model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["optimise", str(model), "--goal", "delay", "--patience", "1"]) == 0
    kept = {path.name: path.read_bytes() for path in (model / "optimised").rglob("*") if path.is_file()}
    capsys.readouterr()
    monkeypatch.setattr("bsdgen.circuit.steps._run", lambda aig, *_: Step(None, 0.0, "no ABC today"))
    assert main(["optimise", str(model), "--goal", "delay", "--patience", "1", "--json"]) == 0
    out = capsys.readouterr()
    assert "delay.aig stays: an earlier search came to" in out.err
    document = json.loads(kept["delay.json"])
    assert json.loads(out.out)["best"]["depth"] == document["points"][document["best"]]["depth"]
    now = {path.name: path.read_bytes() for path in (model / "optimised").rglob("*") if path.is_file()}
    assert now == kept


def test_a_wrong_name_leaves_the_steps_of_a_stopped_search(few: None, model: Path) -> None:
    steps = model / "optimised" / "area.steps"
    steps.mkdir(parents=True)
    (steps / "kept.json").touch()
    assert main(["optimise", str(model), "--from", str(model / "none.aig")]) == 3
    assert (steps / "kept.json").is_file()
    (model / "optimised" / "delay.json").write_text("{")
    assert main(["optimise", str(model)]) == 3  # before it has searched
    assert (steps / "kept.json").is_file()


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (CommandFailed("yosys-abc reports '** cmd error'"), True),
        (ToolTimeout("yosys-abc did not end within 600 s"), False),
        (ToolError("yosys-abc failed with exit code -9"), False),
    ],
)
def test_what_another_time_may_change_is_not_remembered(
    ripple: Aig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: ToolError, kept: bool
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr("bsdgen.circuit.steps.run_abc", fail)
    assert StepStore(tmp_path).run(ripple, RECIPES["area"][0]).aig is None
    monkeypatch.undo()
    again = StepStore(tmp_path).run(ripple, RECIPES["area"][0])
    assert (again.aig is None) == kept


def test_a_full_disk_ends_a_search(ripple: Aig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise InputError("yosys-abc cannot write its files (No space left on device)")

    monkeypatch.setattr("bsdgen.circuit.steps.run_abc", fail)
    with pytest.raises(InputError, match="No space left"):
        search(ripple, {"diagram": ripple}, "area", patience=1)


def test_a_proof_ends_with_the_time_limit(few: None, ripple: Aig, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def prove(*_: object, timeout_s: float) -> Equivalence:
        asked.append(timeout_s)
        if len(asked) == 1:
            return Equivalence(True, {"abc": 0.0, "sat": 0.0})
        clock[0] = 1000.0
        raise ToolTimeout("no answer")

    clock = [0.0]
    monkeypatch.setattr(search_module, "monotonic", lambda: clock[0])
    monkeypatch.setattr(search_module, "prove_equivalent", prove)
    found = search(ripple, {"diagram": ripple}, "area", patience=1, time_limit_s=50.0)
    assert asked == [50.0, 50.0]
    assert not found.finished and found.best == 0


def test_recipes_that_kick_are_written_down(few: None, model: Path) -> None:
    assert main(["optimise", str(model), "--goal", "area", "--patience", "1"]) == 0
    document = json.loads((model / "optimised" / "area.json").read_text())
    assert {point["recipe"] for point in document["points"]} - {""} <= set(document["recipes"])
