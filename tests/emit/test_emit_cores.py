"""``bsdgen emit`` and the cores: those of an earlier model, and those that cannot be made."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from small_models import adder_model
from standin import rv32i_model

from bsdgen.bsd import Bsd
from bsdgen.cli.app import main
from bsdgen.cosim.simulator import simulator_of
from bsdgen.emit import FORMATS
from bsdgen.emit.parts import written_from
from bsdgen.errors import InputError
from bsdgen.model import Model
from bsdgen.prove import prove_model
from bsdgen.spec.step import step_specification
from bsdgen.traces.schema import Schema

FAST = ("-q", "--rounds", "0")


def another_model() -> Model:
    """Of the same fields, and wrong in one bit."""
    model = rv32i_model()
    roots = model.bsd.roots.copy()
    roots[-1] ^= 1
    bsd = Bsd(model.bsd.n_inputs, model.bsd.guard, model.bsd.low, model.bsd.high, roots)
    return Model(bsd, model.schema, {})


def one_part(model: Model) -> Model:
    """The same with all outputs in one module, as a schema has it that names no parts."""
    schema = Schema(tuple(replace(field, part="result") for field in model.schema.fields))
    return Model(model.bsd, schema, {})


@pytest.fixture
def cpu(tmp_path: Path) -> Path:
    """A model's folder with all three cores."""
    folder = tmp_path / "cpu"
    rv32i_model().save(folder)
    shells = [word for shell in ("single", "fpga", "wishbone") for word in ("--shell", shell)]
    assert main(["emit", str(folder), *FAST, "-f", "verilog", *shells]) == 0
    return folder


def cores(folder: Path) -> dict[str, str]:
    """Digest of the model that each core is of, by its file."""
    files = sorted((folder / "verilog").glob("*.v"))
    return {file.stem: written_from(file) for file in files if file.stem != f"{folder.name}_step"}


def test_cores_of_the_model_before_are_written_anew(cpu: Path) -> None:
    before = another_model()
    before.save(cpu)
    with pytest.raises(
        InputError, match=r"cpu_fpga\.v: was emitted .* `bsdgen emit \S*cpu --shell fpga`, or"
    ):
        prove_model(before, cpu, step_specification(), stages=("diagram", "fpga"))
    assert main(["emit", str(cpu), *FAST, "-f", "verilog"]) == 0
    names = ("cpu_core", "cpu_fpga", "cpu_wishbone")
    assert cores(cpu) == dict.fromkeys(names, Model.load(cpu).digest)


def test_the_advice_of_co_simulation_names_the_shell(cpu: Path) -> None:
    another_model().save(cpu)
    assert main(["emit", str(cpu), *FAST, "-f", "blif"]) == 0  # no Verilog, so nothing of it is written anew
    for file in (cpu / "verilog").glob("*_step.v"):
        file.write_text(file.read_text().replace(rv32i_model().digest, Model.load(cpu).digest))
    with pytest.raises(
        InputError, match=r"cpu_fpga\.v: was emitted .* run `bsdgen emit \S*cpu --shell fpga`"
    ):
        simulator_of(cpu, shell="fpga")


def test_cores_that_a_model_cannot_have_are_removed(cpu: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = cpu / "verilog" / "cpu_wishbone.v"
    own.write_text("// written by hand\nmodule cpu_wishbone; endmodule\n")
    adder_model(4).save(cpu)
    assert main(["emit", str(cpu), "--rounds", "0"]) == 0
    assert cores(cpu) == {"cpu_wishbone": ""}  # what bsdgen did not write stays
    assert "cpu_fpga.v: was removed, it was the core of another model" in capsys.readouterr().err


def test_a_step_function_without_parts_has_no_core_and_all_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "cpu"
    one_part(rv32i_model()).save(folder)
    assert main(["emit", str(folder), "--rounds", "0", "-f", "verilog"]) == 0
    assert "no core single: model cpu: part 'result' reads" in " ".join(capsys.readouterr().err.split())
    assert (folder / "verilog" / "cpu_step.v").is_file() and (folder / "circuit.aig").is_file()
    assert not cores(folder)
    with pytest.raises(InputError, match="combinational loop; learn the model with the parts"):
        prove_model(Model.load(folder), folder, step_specification(), stages=("diagram", "core"))


def test_a_step_function_without_parts_in_all_formats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cpu"
    one_part(rv32i_model()).save(folder)
    monkeypatch.setattr(
        "bsdgen.emit.write.check_written", lambda *_: None
    )  # what each holds is tested elsewhere
    assert main(["emit", str(folder), *FAST, "-f", "all"]) == 0
    assert {path.name for path in folder.iterdir() if path.is_dir()} >= set(FORMATS) - {"pla"}
    assert "core" not in (folder / "fusesoc" / "cpu.core").read_text().split("targets:")[1]


def test_a_core_that_was_asked_for_and_cannot_be_made_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for model in (adder_model(4), one_part(rv32i_model())):
        model.save(tmp_path / "m")
        before = sorted((tmp_path / "m").rglob("*"))
        assert main(["emit", str(tmp_path / "m"), *FAST, "--shell", "fpga"]) == 3
        assert "model m: " in capsys.readouterr().err
        assert sorted((tmp_path / "m").rglob("*")) == before
