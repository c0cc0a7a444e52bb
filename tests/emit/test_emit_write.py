import numpy as np
import pytest
from standin import random_bsd

from bsdgen.emit import emit, write
from bsdgen.emit.parts import model_name
from bsdgen.errors import CheckFailed, ToolError, UsageError
from bsdgen.model import Model
from bsdgen.traces.schema import Field, Schema


@pytest.fixture
def model():
    schema = Schema((Field("a", 6, "in"), Field("y", 3, "out")))
    return Model(random_bsd(np.random.default_rng(2), 6, 30, 3, window=8), schema, {})


def test_files_of_both_formats(tmp_path, model):
    folder = tmp_path / "4 bits"
    steps = []
    files = emit(model, folder, progress=lambda done, total: steps.append((done, total)))
    assert [str(file.relative_to(folder)) for file in files] == [
        "verilog/m4_bits_step.v",
        "amaranth/m4_bits_step.py",
        "amaranth/m4_bits_step.v",
    ]
    assert model_name(folder) == "m4_bits"
    assert steps[0][0] == 0
    assert steps[-1] == (4, 4)
    assert not [file for file in folder.rglob("*") if file.name.endswith(".part")]


def test_unknown_format(tmp_path, model):
    with pytest.raises(UsageError, match="'blif' is unknown; expected one of verilog, amaranth"):
        emit(model, tmp_path, ["verilog", "blif"])
    assert not list(tmp_path.iterdir())


def test_nothing_is_put_in_place_that_is_not_the_diagram(tmp_path, model, monkeypatch):
    good = emit(model, tmp_path / "m", ["verilog"])[0].read_text()
    broken = good.replace("assign y[1] = ", "assign y[1] = 1 ^ ")
    assert broken != good
    monkeypatch.setattr(write, "verilog_text", lambda model, name: broken)
    with pytest.raises(CheckFailed, match="not the diagram"):
        emit(model, tmp_path / "m", ["verilog"])
    assert (tmp_path / "m/verilog/m_step.v").read_text() == good
    emit(model, tmp_path / "m", ["verilog"], check=False)
    assert (tmp_path / "m/verilog/m_step.v").read_text() == broken


def test_a_missing_tool_leaves_nothing(tmp_path, model, monkeypatch):
    from bsdgen.circuit import tools

    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match="pyosys"):
        emit(model, tmp_path / "m", ["verilog"])
    assert not (tmp_path / "m").exists()
