"""The report's section on hardware."""

import json
from pathlib import Path

import pytest
from small_hardware import fill
from small_models import adder_model

from bsdgen.artifacts import write_json
from bsdgen.report import write_report


@pytest.fixture
def model(tmp_path: Path) -> Path:
    adder_model(4).save(tmp_path)
    return tmp_path


def test_nothing_is_known(model: Path) -> None:
    facts = write_report(model)
    assert facts["hardware"]["others"] == []
    assert "As hardware" not in (model / "report.html").read_text(encoding="utf-8")


def test_table_and_pictures(model: Path) -> None:
    fill(model)
    facts = write_report(model, figures=model / "img")
    assert [row["name"] for row in facts["hardware"]["rows"]] == [
        "step, as learned",
        "step, circuit.aig",
        "step, area",
        "core, area",
        "system on icebreaker",
    ]
    page = (model / "report.html").read_text(encoding="utf-8")
    assert "<h2>As hardware</h2>" in page
    assert "<td>system on icebreaker</td><td>-</td><td>-</td><td>-</td><td>1,986</td>" in page
    for name in ("optimised", "cells"):
        assert (model / "img" / f"{name}.svg").is_file()
    assert "AND nodes against levels</title>" in page


@pytest.mark.parametrize("name", ["synth.json", "soc/icebreaker/build.json"])
def test_figures_of_another_model_are_left_out_and_told(model: Path, name: str) -> None:
    fill(model)
    said = json.loads((model / name).read_text())
    said.pop("sha256")
    write_json(model / name, said | ({"model": "0"} if name == "synth.json" else {"model_sha256": "0"}))
    facts = write_report(model)
    (other,) = facts["hardware"]["others"]
    assert other.startswith(f"{model / name}: is of another model")
    page = (model / "report.html").read_text(encoding="utf-8")
    assert "Left out: " in page
    assert ("system on icebreaker" in page) == (name == "synth.json")
    assert ("1,234" in page) == (name != "synth.json")
