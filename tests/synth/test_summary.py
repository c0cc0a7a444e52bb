"""One table of what is known of a model as hardware."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_hardware import fill
from small_models import adder_model

from bsdgen.artifacts import write_json
from bsdgen.circuit.aig import AigBuilder, aig_from_bsd, copy_into
from bsdgen.circuit.aiger import write_aiger
from bsdgen.circuit.equivalence import comment_of
from bsdgen.cli.app import main
from bsdgen.model import Model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    made = adder_model(4)
    made.save(tmp_path)
    return tmp_path


def test_all_that_is_known(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(model)
    assert main(["hardware", str(model), "--json"]) == 0
    rows = {row.pop("name"): row for row in json.loads(capsys.readouterr().out)["rows"]}
    aig = aig_from_bsd(adder_model(4).bsd)
    none = dict.fromkeys(("ands", "levels", "ecp5", "ice40", "area", "ns", "mhz", "fmax"))
    size = {"ands": aig.n_ands, "levels": aig.depth}
    assert rows == {
        "step, as learned": none | size | {"ecp5": 15, "area": 1234.5, "ns": 4.0},
        "step, circuit.aig": none | size,
        "step, area": none | size,
        "core, area": none | {"ecp5": 21, "area": 1234.5, "ns": 5.0, "mhz": 200.0},
        "system on icebreaker": none | {"ice40": 1986, "fmax": 10.25},
    }
    assert main(["hardware", str(model)]) == 0
    out = capsys.readouterr().out
    line = next(line for line in out.splitlines() if line.startswith("core, area"))
    assert line.split()[2:] == ["-", "-", "21", "-", "1,234", "5.00", "200", "-"]
    assert "critical path by OpenSTA" in out and "Fmax by nextpnr" in out


def test_nothing_is_known(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hardware", str(model)]) == 3
    assert "nothing is known of it as hardware" in capsys.readouterr().err


def rewritten(path: Path, **changes: Any) -> None:
    """Change a document, its digest too."""
    said = json.loads(path.read_text())
    said.pop("sha256")
    write_json(path, said | changes)


def test_figures_of_a_graph_that_is_another_by_now_are_refused(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(model)
    loaded = Model.load(model)
    aig = aig_from_bsd(loaded.bsd)
    builder = AigBuilder(aig.n_inputs)
    outputs = copy_into(builder, aig, range(2, 2 * (1 + aig.n_inputs), 2))
    more = builder.build([*outputs[:-1], builder.and_(outputs[-1], builder.or_(outputs[-1], 2))])
    assert more.n_ands > aig.n_ands  # the same function
    write_aiger(model / "optimised" / "area.aig", more, comment=comment_of(loaded.digest))
    assert main(["hardware", str(model), "--json"]) == 0  # made from the diagram, which is still there
    capsys.readouterr()
    said = json.loads((model / "synth.json").read_text())
    said["asic"]["rows"][1]["graph"] = "0"
    rewritten(model / "synth.json", asic=said["asic"])
    assert main(["hardware", str(model)]) == 3
    assert "'core, area' was made from a graph that is another one by now" in capsys.readouterr().err


def test_without_opensta_there_is_no_clock(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(model)
    asic = json.loads((model / "synth.json").read_text())["asic"]
    asic["rows"][1]["path"] = None
    rewritten(model / "synth.json", asic=asic | {"sta": "is missing"})
    assert main(["hardware", str(model)]) == 0
    out = capsys.readouterr().out
    line = next(line for line in out.splitlines() if line.startswith("core, area"))
    assert line.split()[-3:] == ["3.00", "-", "-"]
    assert "critical path by ABC, flip-flops left out" in out


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fmax_hz": 5e6}, "missed its clock: 5.0 of 6 MHz"),
        ({"simulated": {"ended": True, "code": 7}}, "did not end well on the netlist (code 0x7)"),
        ({"simulated": {"ended": False, "code": 0}}, "did not end well"),
    ],
)
def test_a_board_that_failed_does_not_count(
    model: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], told: str
) -> None:
    fill(model)
    rewritten(model / "soc" / "icebreaker" / "build.json", **changes)
    assert main(["hardware", str(model)]) == 3
    assert told in capsys.readouterr().err


def test_a_circuit_of_a_model_that_differs_in_few_rows_is_refused(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(model)
    write_aiger(model / "circuit.aig", aig_from_bsd(Model.load(model).bsd), comment=comment_of("0" * 64))
    assert main(["hardware", str(model)]) == 3
    assert f"{model / 'circuit.aig'}: is of another model" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["circuit.aig", "optimised/area.aig"])
def test_a_circuit_of_another_model_is_refused(
    model: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    fill(model)
    aig = aig_from_bsd(Model.load(model).bsd)
    write_aiger(model / name, replace(aig, outputs=aig.outputs ^ 1))
    assert main(["hardware", str(model)]) == 3
    assert f"{model / name}: is of another model" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["synth.json", "soc/icebreaker/build.json"])
def test_figures_of_another_model_are_refused(
    model: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    fill(model)
    rewritten(model / name, **({"model": "0"} if name == "synth.json" else {"model_sha256": "0"}))
    assert main(["hardware", str(model)]) == 3
    assert "is of another model" in capsys.readouterr().err
