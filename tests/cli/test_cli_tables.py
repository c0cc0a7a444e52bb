"""Tables of other programs at the command line: converted, learned from, covered, and run on mutants."""

import json
from pathlib import Path

import pytest
from small_models import adder_model

from bsdgen.bits import unpack_fields
from bsdgen.cli.app import main
from bsdgen.emit.pla import covers, pla_text
from bsdgen.errors import InputError
from bsdgen.mutate.vectors import recorded
from bsdgen.traces.schema import RVFI_SCHEMA, load_schema
from bsdgen.traces.store import read_traces

ROOT = Path(__file__).resolve().parents[2]
SUMS = "a,b,total\n" + "".join(f"{a},{b},{a + b:#b}\n" for a in range(3) for b in range(4))


@pytest.fixture(autouse=True)
def in_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_a_pla_file_becomes_traces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = adder_model(3)
    table = tmp_path / "sum.pla"
    table.write_text(pla_text(model, "m", covers(model)[1]))
    assert main(["convert", str(table), "-o", str(tmp_path / "x.parquet"), "--json"]) == 0
    out = capsys.readouterr()
    assert json.loads(out.out) == {"trace": str(tmp_path / "x.parquet"), "rows": 16}
    assert "sum.pla" in out.err
    made, direct = read_traces([tmp_path / "x.parquet"]), read_traces([table])
    for name in ("inputs", "outputs", "care"):
        assert (getattr(made, name) == getattr(direct, name)).all()
    (facts,) = made.provenance
    assert (facts["format"], facts["type"], facts["points"]) == ("pla", "fd", "all assignments")
    assert (facts["table"], facts["oracle"], facts["seed"]) == ("sum.pla", "", None)


@pytest.mark.parametrize("beside", [True, False])
def test_a_csv_file_becomes_traces(tmp_path: Path, beside: bool) -> None:
    table = tmp_path / "rows.txt"
    table.write_text(SUMS)
    schema = ["--schema", "examples/adder.toml"]
    if beside:
        schema = []
        (tmp_path / "rows.toml").write_bytes((ROOT / "examples" / "adder.toml").read_bytes())
    words = ["convert", str(table), "-f", "csv", "-o", str(tmp_path / "x.parquet"), "-q", *schema]
    assert main(words) == 0
    made = read_traces([tmp_path / "x.parquet"])
    assert made.schema == load_schema(ROOT / "examples" / "adder.toml") and made.n_rows == 12
    a, b = unpack_fields(made.inputs, [4, 4])
    assert (unpack_fields(made.outputs, [5])[0] == a + b).all()


def test_a_table_is_not_overwritten_by_its_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("in:a,out:q\n1,0\n")
    assert main(["convert", str(table), "-o", str(table), "-q"]) == 3
    assert "would be overwritten" in capsys.readouterr().err
    assert table.read_text() == "in:a,out:q\n1,0\n"


def test_tables_are_held_against_the_oracle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "rows.csv"
    table.write_text(SUMS)
    words = ["learn", str(table), "--schema", "examples/adder.toml", "--oracle", "examples.adder:add"]
    assert main([*words, "-o", str(tmp_path / "m"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["traces"] == {"rows": 12, "contradictions": 0, "differing": 0}
    table.write_text(SUMS + "3,3,7\n")
    assert main([*words, "-o", str(tmp_path / "n"), "-q"]) == 3
    assert "recorded" in capsys.readouterr().err and not (tmp_path / "n" / "model.json").exists()


def _steps(folder: Path) -> Path:
    """Rows of the step function, with one of its outputs: addi x1, x0, 5."""
    inputs = RVFI_SCHEMA.inputs
    cells = {"insn": "0x00500093", "pc_rdata": "0x80000000"}
    header = ",".join(f"in:{field.name}[{field.width - 1}:0]" for field in inputs)
    path = folder / "steps.csv"
    row = ",".join(cells.get(field.name, "0") for field in inputs)
    path.write_text(f"{header},out:rd_wdata[31:0]\n{row},5\n")
    return path


def test_tables_are_covered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _steps(tmp_path)
    for given in (path, tmp_path):
        assert main(["coverage", str(given), "--json"]) == 0
        (source,) = json.loads(capsys.readouterr().out)["sources"]
        assert (source["of"], source["rows"]) == ([str(path)], 1)


def test_tables_are_rows_for_mutants(tmp_path: Path) -> None:
    path = _steps(tmp_path)
    rows = recorded(RVFI_SCHEMA, [path], 10, lambda done, total: None)
    columns = unpack_fields(rows, [field.width for field in RVFI_SCHEMA.inputs])
    assert columns[:, 0].tolist() == [0x00500093, 0x80000000, 0, 0, 0]
    (tmp_path / "t.pla").write_text(".i 1\n.o 1\n1 1\n.e\n")
    with pytest.raises(InputError, match=r"t\.pla: has other inputs than the model"):
        recorded(RVFI_SCHEMA, [tmp_path / "t.pla"], 10, lambda done, total: None)
