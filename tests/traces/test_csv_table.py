"""CSV tables as rows: what columns and cells mean, and what is refused."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bsdgen.bits import unpack_fields
from bsdgen.errors import InputError
from bsdgen.traces.csv_table import read_csv
from bsdgen.traces.schema import Field, Schema
from bsdgen.traces.store import Traces, columns_of, read_traces

HEADER = "in:a[3:0],in:b[3:0],out:total[4:0],out:even\n"
TOML = """
[[field]]
name = "total"
width = 5
role = "out"
part = "sum"

[[field]]
name = "a"
width = 4
role = "in"
"""


def read(folder: Path, text: str | bytes, schema: Schema | None = None) -> Traces:
    path = folder / "rows.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_traces([path], schema)


def values(traces: Traces) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for fields, packed, suffix in (
        (traces.schema.inputs, traces.inputs, ""),
        (traces.schema.outputs, traces.outputs, ""),
        (traces.schema.outputs, traces.care, "_care"),
    ):
        columns = unpack_fields(packed, [field.width for field in fields])
        found |= {f.name + suffix: column.tolist() for f, column in zip(fields, columns, strict=True)}
    return found


def test_a_header_says_what_columns_are(tmp_path: Path) -> None:
    traces = read(tmp_path, HEADER + "1,2,3,0\n0xf,0b1,0X10,1\n\n 007 , 0 ,0B111,0\n")
    assert traces.schema.fields == (
        Field("a", 4, "in"),
        Field("b", 4, "in"),
        Field("total", 5, "out"),
        Field("even", 1, "out"),
    )
    assert values(traces) == {
        "a": [1, 15, 7],
        "b": [2, 1, 0],
        "total": [3, 16, 7],
        "even": [0, 1, 0],
        "total_care": [31] * 3,
        "even_care": [1] * 3,
    }
    assert (traces.oracle, traces.n_rows, traces.n_contradictions) == ("", 3, 0)
    (facts,) = traces.provenance
    assert facts["format"] == "csv" and facts["rows"] == 3 and facts["path"].endswith("rows.csv")


def test_outputs_may_be_left_open(tmp_path: Path) -> None:
    text = "in:a[3:0],out:q[3:0],q_care,out:r\n0,-,15,1\n1,,15,x\n2,X,15,0\n3,0b1x-0,0xf,1\n4,15,5,-\n"
    found = values(read(tmp_path, text))
    assert found["q_care"] == [0, 0, 0, 0b1001, 5]
    assert found["q"] == [0, 0, 0, 0b1000, 5]
    assert found["r_care"] == [1, 0, 1, 1, 0]


@pytest.mark.parametrize("header", ["a,total", "total,a", "in:a[3:0],total", "out:total[4:0],a"])
@pytest.mark.parametrize("beside", [True, False])
def test_a_schema_says_what_columns_are(tmp_path: Path, header: str, beside: bool) -> None:
    cells = "\n1,2\n" if header.endswith("total") else "\n2,1\n"
    (tmp_path / ("rows.toml" if beside else "other.toml")).write_text(TOML)
    from bsdgen.traces.schema import load_schema

    schema = load_schema(tmp_path / ("rows.toml" if beside else "other.toml"))
    traces = read(tmp_path, header + cells, None if beside else schema)
    assert traces.schema == schema and schema.outputs[0].part == "sum"
    assert values(traces) == {"a": [1], "total": [2], "total_care": [31]}


def test_equal_rows_are_one_and_contradictions_are_counted(tmp_path: Path) -> None:
    traces = read(tmp_path, "in:a,out:q\n0,1\n0,1\n0,-\n1,0\n1,1\n")
    assert (traces.n_rows, len(traces.inputs), traces.n_contradictions) == (5, 3, 1)


REFUSED = {
    "empty": ("", "is empty; its first line must name the columns"),
    "no rows": (HEADER, "has a header and no rows"),
    "no role": ("a,out:q\n1,1\n", "line 1: no column is an input"),
    "no output": ("in:a,in:q\n1,1\n", "line 1: no column is an output"),
    "a column without role": ("in:a,b,out:q\n1,1,1\n", "line 1: column 'b' is no field and no care mask"),
    "a range without role": (
        "in:a,b[3:0],out:q\n1,1,1\n",
        r"line 1: column 'b\[3:0\]' has a range and no role",
    ),
    "care of an input": ("in:a,a_care,out:q\n1,1,1\n", "line 1: column 'a_care' is no field"),
    "twice": ("in:a,in:a,out:q\n1,1,1\n", "line 1: column 'a' is there twice"),
    "no name": ("in:a,,out:q\n1,1,1\n", "line 1: '' is no name of a column"),
    "a name of digits": ("in:1,out:q\n1,1\n", "line 1: 'in:1' is no name"),
    "too wide": ("in:a[64:0],out:q\n1,1\n", "line 1: .* has 65 bits, at most 64"),
    "cell missing": (HEADER + "1,2,3,0\n\n1,2,3\n", "line 4: has 3 cells, the header has 4"),
    "cell more": (HEADER + "1,2,3,0,\n", "line 2: has 5 cells"),
    "no number": (
        HEADER + "1,2,3,0\n1,two,3,0\n",
        "line 3: column 'b': 'two' is no value; expected a decimal",
    ),
    "negative": (HEADER + "-1,2,3,0\n", "line 2: column 'a': '-1' is no value"),
    "input open": (HEADER + "-,2,3,0\n", "line 2: column 'a': '-' is no value; only an output"),
    "underscores": (HEADER + "1_0,2,3,0\n", "line 2: column 'a': '1_0' is no value"),
    "digits of other scripts": (HEADER + "\u0663,2,3,0\n", "line 2: column 'a'"),
    "too large": (HEADER + "16,2,3,0\n", "line 2: column 'a': '16' does not fit 4 bits"),
    "too large for a bit": (HEADER + "1,2,3,2\n", "line 2: column 'even': '2' does not fit 1 bit;"),
    "too large, partly open": (
        HEADER + "1,2,0bx00000,0\n",
        "line 2: column 'total': '0bx00000' does not fit 5",
    ),
    "very large": (HEADER + f"{'9' * 5000},2,3,0\n", "line 2: column 'a': '9+' is no value"),
    "a very long cell": (HEADER + f"{'9' * 200_000},2,3,0\n", r"line 2: is no CSV \(field larger"),
    "an open quote": (HEADER + '"1,2,3,0\n', r"is no CSV \(unexpected end of data\)"),
    "an ELF file": (b"\x7fELF\x01\x01\n" + bytes(5000), r"line 1: .* is no name"),
    "another encoding": (HEADER.encode("utf-16"), "is no UTF-8 text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_said(tmp_path: Path, name: str) -> None:
    text, message = REFUSED[name]
    with pytest.raises(InputError, match=r"rows\.csv(, line \d+)?: ") as caught:
        read(tmp_path, text)
    assert re.search(message, str(caught.value)), caught.value
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text,message",
    [
        ("a\n1\n", "line 1: there is no column 'total', which the schema has"),
        ("a,total,z\n1,1,1\n", "line 1: column 'z' is no field"),
        ("in:a[4:0],total\n1,1\n", "line 1: column 'a' is input of 4 bits in the schema, input of 5 here"),
        ("out:a[3:0],total\n1,1\n", "column 'a' is input of 4 bits in the schema, output of 4 here"),
        ("a,total\n16,1\n", "line 2: column 'a': '16' does not fit 4 bits"),
    ],
)
def test_a_header_that_is_not_the_schemas(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "rows.toml").write_text(TOML)
    with pytest.raises(InputError, match=rf"rows\.csv, .*{message}"):
        read(tmp_path, text)


def test_a_schema_beside_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "rows.toml").write_text("[tool]\n")
    with pytest.raises(InputError, match=r"rows\.toml: has no \[\[field\]\] table"):
        read(tmp_path, HEADER + "1,2,3,0\n")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: cannot be read"):
        read_csv(tmp_path / "none.csv")


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Any fields, written in any of the ways that a number has."""
    widths = data.draw(st.lists(st.integers(1, 64), min_size=2, max_size=4))
    fields = tuple(Field(f"f{at}", width, "in" if at % 2 == 0 else "out") for at, width in enumerate(widths))
    schema = Schema(fields)
    n = data.draw(st.integers(1, 6))
    rows = {
        name: [data.draw(st.integers(0, 2**width - 1)) for _ in range(n)]
        for name, width in columns_of(schema).items()
    }
    styles = st.sampled_from([str, hex, bin])
    header = [f"{f.role}:{f.name}[{f.width - 1}:0]" for f in fields] + [
        name for name in rows if name.endswith("_care")
    ]
    order = [f.name for f in fields] + header[len(fields) :]
    lines = [",".join(data.draw(styles)(rows[name][at]) for name in order) for at in range(n)]
    path = tmp_path_factory.mktemp("csv") / "rows.csv"
    path.write_text("\n".join([",".join(header), *lines]))
    made = read_csv(path)
    assert made.schema == schema
    found = made.columns()
    for f in fields:
        care = rows.get(f"{f.name}_care", [2**f.width - 1] * n)
        masked = [value & mask for value, mask in zip(rows[f.name], care, strict=True)]
        assert found[f.name].tolist() == masked
        assert f.role == "in" or found[f"{f.name}_care"].tolist() == care


def test_parts_follow_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bsdgen.traces.csv_table._PART", 3)
    steps: list[tuple[int, int]] = []
    path = tmp_path / "rows.csv"
    path.write_text("in:a[7:0],out:q[7:0]\n" + "".join(f"{at},{255 - at}\n" for at in range(200)))
    made = read_csv(path, progress=lambda done, total: steps.append((done, total)))
    assert made.columns()["q"].tolist() == list(range(255, 55, -1))
    assert steps[-1] == (path.stat().st_size,) * 2 and len(steps) == 67
    assert (np.diff([done for done, _ in steps]) >= 0).all()
