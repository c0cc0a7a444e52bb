import pytest
from emit_models import awkward_model, plain_model, proved, written
from small_models import adder_model

from bsdgen.emit.check import check_covers
from bsdgen.emit.options import EmitOptions
from bsdgen.emit.pla import Cover, covers, labels, pla_names, stale_tables
from bsdgen.errors import InputError, UnsuitableError, UsageError
from bsdgen.traces.schema import Field, Schema

GOLDEN = """\
.i 2
.o 1
.ilb a[0] b[0]
.ob total[0]
.p 2
10 1
01 1
.e
"""


def test_golden_text(tmp_path):
    made = written("pla", adder_model(2), tmp_path)
    assert list(made.files) == ["m_total_0.pla", "m_total_1.pla", "m_total_2.pla"]
    lines = made.files["m_total_0.pla"].read_text().splitlines(keepends=True)
    assert "".join(line for line in lines if not line.startswith("#")) == GOLDEN
    assert lines[0] == "# m: output total[0], 2 products of 2 inputs.\n"


def test_an_adder_reads_back(tmp_path):
    assert proved("pla", adder_model(4), tmp_path)


@pytest.mark.parametrize("seed", range(2))
def test_awkward_names_read_back(tmp_path, seed):
    assert proved("pla", awkward_model(seed, n_nodes=30), tmp_path, pla_inputs=11)


def test_constants_and_wires(tmp_path):
    model = plain_model([1, 0, 5])
    assert proved("pla", model, tmp_path)
    assert covers(model)[:2] == [Cover(0, (0,), ("-",)), Cover(1, (0,), ())]


def test_only_small_outputs(tmp_path):
    model = adder_model(4)
    assert [cover.output for cover in covers(model, 4)] == [0, 1]
    with pytest.raises(
        UnsuitableError, match=r"at most 1 inputs \(the smallest reads 2\); raise --pla-inputs"
    ):
        covers(model, 1)
    with pytest.raises(UnsuitableError, match="there is no output"):
        covers(plain_model([], outputs=()))
    with pytest.raises(UnsuitableError, match="no inputs"):
        covers(plain_model([1, 0, 1], inputs=()))


@pytest.mark.parametrize("most", [0, 15])
def test_a_limit_that_makes_no_sense(most):
    with pytest.raises(UsageError, match=f"must be 1 to 14, not {most}"):
        EmitOptions(pla_inputs=most)


def test_a_wrong_row_is_found_out(tmp_path):
    model = adder_model(4)
    made = written("pla", model, tmp_path)
    file = made.files["m_total_3.pla"]
    lines = file.read_text().splitlines()
    row = next(line for line in lines if line.endswith(" 1") and not line.startswith("."))
    file.write_text(
        file.read_text().replace(row, row.replace("0", "1") if "0" in row else row.replace("1", "0"))
    )
    assert not check_covers(model, made.tables).equal


def test_other_names_are_told(tmp_path):
    model = adder_model(4)
    made = written("pla", model, tmp_path)
    file = made.files["m_total_3.pla"]
    file.write_text(file.read_text().replace(".ob total[3]", ".ob total[4]"))
    with pytest.raises(InputError, match=r"expected output total\[3\]"):
        check_covers(model, made.tables)


def test_letters_beyond_ascii_clash_with_nothing():
    schema = Schema((Field("_ue9_", 2, "in"), Field("é", 1, "in"), Field("y", 1, "out")))
    assert labels(schema) == (["_ue9_[0]", "_ue9_[1]", "_ue9__"], ["y"])


def test_names_of_files_never_clash():
    outputs = (Field("y", 2, "out"), Field("y_1", 1, "out"), Field("Y_1", 1, "out"))
    model = plain_model([2, 4, 0, 1], outputs=outputs)
    assert pla_names(model, "m", covers(model)) == ["m_y_0.pla", "m_y_1.pla", "m_y_1_.pla", "m_Y_1__.pla"]


def test_tables_of_an_earlier_model_are_stale(tmp_path):
    made = written("pla", adder_model(2), tmp_path)
    (tmp_path / "own.pla").write_text(".i 1\n.o 1\n1 1\n.e\n")
    assert stale_tables(tmp_path, set(made.files)) == []
    assert [path.name for path in stale_tables(tmp_path, {"m_total_0.pla", "m_total_1.pla"})] == [
        "m_total_2.pla"
    ]
