"""One table of what is known of a model as hardware."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from small_hardware import fill
from small_models import adder_model

from bsdgen.artifacts import write_json
from bsdgen.circuit.aig import aig_from_bsd
from bsdgen.circuit.aiger import write_aiger
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
    none = dict.fromkeys(("ands", "levels", "ecp5", "ice40", "area", "ns", "mhz"))
    size = {"ands": aig.n_ands, "levels": aig.depth}
    assert rows == {
        "step, as learned": none | size | {"ecp5": 11, "area": 1234.5, "ns": 4.0},
        "step, area": none | size,
        "core, area": none | {"ecp5": 13, "area": 1234.5, "ns": 5.0, "mhz": 200.0},
        "system on icebreaker": none | {"ice40": 1986, "mhz": 10.25},
    }
    assert main(["hardware", str(model)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("core, area"))
    assert line.split()[2:] == ["-", "-", "13", "-", "1,234", "5.00", "200.0"]


def test_nothing_is_known(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hardware", str(model)]) == 3
    assert "nothing is known of it as hardware" in capsys.readouterr().err


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
    said = json.loads((model / name).read_text())
    said.pop("sha256")
    write_json(model / name, said | ({"model": "0"} if name == "synth.json" else {"model_sha256": "0"}))
    assert main(["hardware", str(model)]) == 3
    assert "is of another model" in capsys.readouterr().err
