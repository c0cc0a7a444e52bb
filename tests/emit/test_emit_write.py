import dataclasses

import numpy as np
import pytest
from small_models import adder_model
from standin import random_bsd

from bsdgen.emit import FORMATS, EmitOptions, emit, write
from bsdgen.emit.abi import abi_text
from bsdgen.emit.parts import model_name
from bsdgen.errors import CheckFailed, InputError, ToolError, UsageError
from bsdgen.model import Model
from bsdgen.traces.schema import Field, Schema


@pytest.fixture
def model():
    schema = Schema((Field("a", 6, "in"), Field("y", 3, "out")))
    return Model(random_bsd(np.random.default_rng(2), 6, 30, 3, window=8), schema, {})


def test_files_of_the_default_formats(tmp_path, model):
    folder = tmp_path / "4 bits"
    steps = []
    files = emit(model, folder, progress=lambda done, total: steps.append((done, total)))
    assert [str(file.relative_to(folder)) for file in files] == [
        "verilog/m4_bits_step.v",
        "verilog/ABI.md",
        "amaranth/m4_bits_step.py",
        "amaranth/m4_bits_step.v",
        "amaranth/ABI.md",
    ]
    assert model_name(folder) == "m4_bits"
    assert steps[0][0] == 0
    assert steps[-1] == (4, 4)
    assert not [file for file in folder.rglob("*") if file.name.endswith(".part")]


def test_unknown_format(tmp_path, model):
    with pytest.raises(UsageError, match="'vhdl' is unknown; expected one of verilog, amaranth, structural"):
        emit(model, tmp_path, ["verilog", "vhdl"])
    with pytest.raises(UsageError, match="output 'z' is unknown"):
        emit(model, tmp_path, ["verilog", "dot"], options=EmitOptions(dot_outputs=("z",)))
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


def test_every_format_has_a_folder_with_its_abi(tmp_path, model):
    files = emit(model, tmp_path / "m", FORMATS)
    assert files == list(dict.fromkeys(files)) and all(file.is_file() for file in files)
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == sorted(FORMATS)
    assert not [path for path in (tmp_path / "m").rglob("*") if path.name.startswith(".")]
    for form in FORMATS:
        said = (tmp_path / "m" / form / "ABI.md").read_text()
        assert said.startswith(f"# m: {form}\n") and f"Model sha256: {model.digest}" in said
        assert (
            "| `a` | 6 | `a[5:0]` | 0 to 5 |" in said and "| `y` | 3 | `y[2:0]` | 0 to 2 | result |" in said
        )
        own = [path for path in files if form in path.parts and path.name != "ABI.md"]
        assert own and all(f"`{path.name}`" in said or f"`rtl/{path.name}`" in said for path in own)
    assert (tmp_path / "m/fusesoc/rtl/m_step.v").read_text() == (tmp_path / "m/verilog/m_step.v").read_text()


@pytest.mark.parametrize(
    "form, text", [("blif", "blif_text"), ("rtlil", "rtlil_text"), ("structural", "structural_text")]
)
def test_no_format_is_put_in_place_that_is_not_the_diagram(tmp_path, model, monkeypatch, form, text):
    emit(model, tmp_path / "m", [form])
    before = {path: path.read_bytes() for path in (tmp_path / "m" / form).iterdir()}
    schema = Schema((Field("a", 6, "in"), Field("y", 3, "out")))
    other = Model(random_bsd(np.random.default_rng(5), 6, 30, 3, window=8), schema, {})
    real = getattr(write, text)
    monkeypatch.setattr(write, text, lambda _, name: real(other, name))
    with pytest.raises(CheckFailed, match=f"{form}: the netlist is not the diagram; nothing was written"):
        emit(model, tmp_path / "m", [form])
    assert {path: path.read_bytes() for path in (tmp_path / "m" / form).iterdir()} == before


def test_a_wrong_table_is_not_put_in_place(tmp_path, model, monkeypatch):
    real = write.covers
    monkeypatch.setattr(
        write,
        "covers",
        lambda model, most: [
            dataclasses.replace(real(model, most)[0], terms=("-" * len(real(model, most)[0].support),))
        ],
    )
    with pytest.raises(CheckFailed, match="pla: the netlist is not the diagram"):
        emit(model, tmp_path / "m", ["pla"])
    assert not (tmp_path / "m").exists()


def test_tables_that_are_no_longer_written_go(tmp_path):
    emit(adder_model(4), tmp_path / "m", ["pla"])
    (tmp_path / "m/pla/own.pla").write_text("mine")
    emit(adder_model(4), tmp_path / "m", ["pla"], options=EmitOptions(pla_inputs=4))
    kept = sorted(path.name for path in (tmp_path / "m/pla").iterdir())
    assert kept == ["ABI.md", "m_total_0.pla", "m_total_1.pla", "own.pla"]


def test_a_place_that_is_no_folder(tmp_path, model):
    (tmp_path / "m").write_text("here")
    with pytest.raises(InputError, match=r"m: cannot be written \(.* is no folder\)"):
        emit(model, tmp_path / "m", ["blif"])


def test_abi_of_a_model_without_inputs_or_outputs():
    from emit_models import SPECIAL

    for which in ("no outputs", "no inputs"):
        assert "\nnone\n" in abi_text(SPECIAL[which](), "m", "blif", [])
