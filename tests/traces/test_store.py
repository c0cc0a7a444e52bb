import re
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bsdgen.bits import unpack_fields
from bsdgen.errors import InputError
from bsdgen.traces.schema import Field, Schema
from bsdgen.traces.store import BIT_ORDER, columns_of, read_traces, trace_files, write_traces

SCHEMA = Schema(
    (Field("a", 12, "in"), Field("b", 3, "in"), Field("q", 9, "out", "early"), Field("z", 1, "out"))
)
ROWS = {
    "a": np.array([1, 2, 4095], np.uint32),
    "b": np.array([0, 7, 3], np.uint8),
    "q": np.array([511, 0, 5], np.uint16),
    "z": np.array([0, 1, 1], np.uint8),
    "q_care": np.array([511, 1, 0], np.uint16),
    "z_care": np.array([1, 0, 1], np.uint8),
}


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.parquet"
    write_traces(path, ROWS, SCHEMA, {"oracle": "module:function", "program": "x"})
    return path


def _rewrite(path, change):
    """Change a trace file's table behind bsdgen's back (and take the digest out of the game)."""
    table = pq.read_table(path)
    metadata = table.schema.metadata
    changed = change(table)
    if changed.schema.metadata is None:
        changed = changed.replace_schema_metadata(metadata)
    pq.write_table(changed, path)


def test_what_is_written_is_read_back(good):
    traces = read_traces([good])
    assert traces.schema == SCHEMA
    assert (traces.oracle, traces.n_rows, traces.n_contradictions) == ("module:function", 3, 0)
    assert traces.provenance == ({"oracle": "module:function", "program": "x", "path": str(good), "rows": 3},)
    assert unpack_fields(traces.inputs, [12, 3]).tolist() == [[1, 2, 4095], [0, 7, 3]]
    assert unpack_fields(traces.outputs, [9, 1]).tolist() == [[511, 0, 5], [0, 1, 1]]
    assert unpack_fields(traces.care, [9, 1]).tolist() == [[511, 1, 0], [1, 0, 1]]


def test_some_rows_can_be_chosen(good):
    traces = read_traces([good]).only(np.array([True, False, True]))
    assert unpack_fields(traces.inputs, [12, 3]).tolist() == [[1, 4095], [0, 3]]
    assert unpack_fields(traces.outputs, [9, 1]).tolist() == [[511, 5], [0, 1]]
    assert unpack_fields(traces.care, [9, 1]).tolist() == [[511, 0], [1, 1]]
    assert (traces.n_rows, traces.oracle) == (2, "module:function")


def test_a_file_is_plain_parquet_that_says_what_it_is(good):
    table = pq.read_table(good)
    assert table.column_names == list(columns_of(SCHEMA)) == ["a", "b", "q", "z", "q_care", "z_care"]
    assert [str(column.type) for column in table.columns] == [
        "uint16",
        "uint8",
        "uint16",
        "uint8",
        "uint16",
        "uint8",
    ]
    header = msgspec.json.decode(table.schema.metadata[b"bsdgen.schema"])
    assert header["bit_order"] == BIT_ORDER
    assert header["fields"][2] == {"name": "q", "width": 9, "role": "out", "part": "early"}


@st.composite
def _schema_and_rows(draw):
    widths_in = draw(st.lists(st.integers(1, 64), min_size=1, max_size=4))
    widths_out = draw(st.lists(st.integers(1, 64), min_size=1, max_size=4))
    fields = [Field(f"i{number}", width, "in") for number, width in enumerate(widths_in)]
    fields += [Field(f"o{number}", width, "out") for number, width in enumerate(widths_out)]
    schema = Schema(tuple(draw(st.permutations(fields))))
    n = draw(st.integers(0, 12))
    rows = {
        name: np.array(draw(st.lists(st.integers(0, 2**width - 1), min_size=n, max_size=n)), np.uint64)
        for name, width in columns_of(schema).items()
    }
    # An index as first input makes every row distinct, so that reading keeps all of them in order.
    rows[schema.inputs[0].name] = np.arange(n, dtype=np.uint64) & np.uint64(2 ** schema.inputs[0].width - 1)
    return schema, rows, n


@settings(max_examples=40, deadline=None)
@given(_schema_and_rows())
def test_round_trip_of_any_schema(tmp_path_factory, case):
    schema, rows, n = case
    path = tmp_path_factory.mktemp("trip") / "t.parquet"
    write_traces(path, rows, schema, {})
    traces = read_traces([path])
    assert (traces.schema, traces.n_rows, traces.oracle) == (schema, n, "")
    if 2 ** schema.inputs[0].width >= n:
        for packed, fields, suffix in (
            (traces.inputs, schema.inputs, ""),
            (traces.outputs, schema.outputs, ""),
            (traces.care, schema.outputs, "_care"),
        ):
            back = unpack_fields(packed, [field.width for field in fields])
            for field, values in zip(fields, back, strict=True):
                assert values.tolist() == rows[field.name + suffix].tolist()


def test_an_output_without_care_is_cared_everywhere(tmp_path):
    rows = {name: values for name, values in ROWS.items() if name != "q_care"}
    write_traces(tmp_path / "t.parquet", rows, SCHEMA, {})
    care = unpack_fields(read_traces([tmp_path / "t.parquet"]).care, [9, 1])
    assert care.tolist() == [[511] * 3, [1, 0, 1]]


@pytest.mark.parametrize(
    "change,said",
    [
        ({"b": None}, "column 'b' is missing"),
        ({"q": None, "q_care": None}, "column 'q' is missing"),
        ({"b": np.array([0, 8, 0], np.uint8)}, r"column 'b', row 1: value 0x8 does not fit 3 bits"),
        ({"a": np.array([0, 1], np.uint16)}, "differ in length"),
        ({"a": np.array([0.0, 1.0, 2.0])}, "column 'a' is float64"),
        ({"a": np.array([0, -1, 2])}, "column 'a' is int64.*; give it as uint"),
        ({"a": np.zeros((3, 1), np.uint16)}, r"shape \(3, 1\)"),
    ],
)
def test_writing_refuses_rows_that_do_not_fit_and_leaves_the_old_file(good, change, said):
    before = good.read_bytes()
    rows = {name: values for name, values in (ROWS | change).items() if values is not None}
    with pytest.raises(InputError, match=re.escape(str(good)) + ".*" + said):
        write_traces(good, rows, SCHEMA, {})
    assert good.read_bytes() == before
    assert list(good.parent.iterdir()) == [good]


def test_an_interrupted_write_leaves_the_old_file(good, monkeypatch):
    before = good.read_bytes()

    def interrupted(table, where, **options):
        where.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pq, "write_table", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_traces(good, ROWS, SCHEMA, {})
    assert good.read_bytes() == before
    assert list(good.parent.iterdir()) == [good]


def _narrow_schema(table):
    """The same columns, but the schema says that `a` has 2 bits."""
    header = msgspec.json.decode(table.schema.metadata[b"bsdgen.schema"])
    header["fields"][0]["width"] = 2
    del header["facts_sha256"]  # which would tell it first
    return table.replace_schema_metadata(
        {**table.schema.metadata, b"bsdgen.schema": msgspec.json.encode(header)}
    )


def _set_metadata(key, value):
    return lambda table: table.replace_schema_metadata({**table.schema.metadata, key: value})


def _set_column(name, values):
    return lambda table: table.set_column(table.column_names.index(name), name, pa.array(values))


@pytest.mark.parametrize(
    "change,said",
    [
        (lambda table: table.drop_columns(["q"]), "column 'q' is missing, there are a, b, z"),
        (lambda table: table.drop_columns(["z_care"]), "column 'z_care' is missing"),
        (lambda table: table.replace_schema_metadata({}), "no bsdgen schema"),
        (_narrow_schema, "column 'a', row 2: value 0xfff does not fit 2 bits"),
        (_set_column("b", np.array([0.5, 1, 2])), "column 'b' is double|column 'b' is float64"),
        (_set_column("b", np.array([0, -1, 2])), "column 'b' is int64"),
        (_set_column("b", ["x", "y", "z"]), "column 'b' is object"),
        (_set_column("b", pa.array([1, None, 2], pa.uint8())), "column 'b' has 1 empty values"),
        (_set_column("b", np.array([1, 1, 1], np.uint8)), "digests differ"),
        (_set_metadata(b"bsdgen.schema", b"{"), "schema or provenance is damaged"),
        (_set_metadata(b"bsdgen.schema", b"\xff"), "schema or provenance is damaged"),
        (_set_metadata(b"bsdgen.provenance", b"[]"), "schema or provenance is damaged"),
        (
            _set_metadata(b"bsdgen.schema", b'{"version": 99, "fields": [], "columns_sha256": ""}'),
            "trace format 99",
        ),
    ],
)
def test_reading_refuses_a_changed_file_by_name(good, change, said):
    _rewrite(good, change)
    with pytest.raises(InputError, match=f"^{re.escape(str(good))}: .*({said}).*bsdgen record"):
        read_traces([good])


def test_reading_refuses_what_is_no_parquet(tmp_path):
    path = tmp_path / "x.parquet"
    for content in (b"", b"PAR1", b"name,value\n1,2\n", b"\x7fELF" * 100):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"x\.parquet: is truncated or no Parquet file"):
            read_traces([path])


def test_reading_refuses_a_parquet_file_of_someone_else(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1, 2]}), path)
    with pytest.raises(InputError, match="no bsdgen schema"):
        read_traces([path])


def test_paths_that_hold_nothing_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no trace")
    (tmp_path / ".t.parquet.part").write_text("left over")
    with pytest.raises(InputError, match=r"holds no \*\.parquet"):
        read_traces([tmp_path])
    with pytest.raises(InputError, match="does not exist"):
        read_traces([tmp_path / "nothing"])
    with pytest.raises(InputError, match="no traces given"):
        read_traces([])


def test_folders_give_their_files_sorted(tmp_path):
    for name in ("b", "a"):
        write_traces(tmp_path / f"{name}.parquet", ROWS, SCHEMA, {})
    assert trace_files([tmp_path]) == [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    traces = read_traces([tmp_path])
    assert (traces.n_rows, len(traces.inputs), len(traces.provenance)) == (6, 3, 2)


def test_files_that_contradict_each_other_are_counted(tmp_path):
    write_traces(tmp_path / "a.parquet", ROWS, SCHEMA, {})
    write_traces(tmp_path / "b.parquet", ROWS | {"q": np.array([510, 2, 6], np.uint16)}, SCHEMA, {})
    traces = read_traces([tmp_path])
    # Row 0 differs in a cared bit; row 1 in an uncared one; row 2 cares for none.
    assert (traces.n_rows, traces.n_contradictions, len(traces.inputs)) == (6, 1, 4)


def test_files_of_different_kinds_are_refused_together(tmp_path):
    write_traces(tmp_path / "a.parquet", ROWS, SCHEMA, {"oracle": "m:f"})
    other = Schema((*SCHEMA.fields[:-1], Field("z", 1, "out", "late")))
    write_traces(tmp_path / "b.parquet", ROWS, other, {"oracle": "m:f"})
    with pytest.raises(InputError, match=r"b\.parquet: has other fields than .*a\.parquet"):
        read_traces([tmp_path])
    write_traces(tmp_path / "b.parquet", ROWS, SCHEMA, {"oracle": "m:g"})
    with pytest.raises(InputError, match=r"different oracles.*m:f, m:g"):
        read_traces([tmp_path])
    write_traces(tmp_path / "b.parquet", ROWS, SCHEMA, {})
    assert read_traces([tmp_path]).oracle == "m:f"


def test_truncations_end_in_an_input_error(good):
    content = good.read_bytes()
    for length in range(0, len(content), 7):
        good.write_bytes(content[:length])
        with pytest.raises(InputError, match=re.escape(str(good))):
            read_traces([good])


def test_bit_flips_end_in_the_same_rows_or_an_input_error(good):
    content = good.read_bytes()
    expected = read_traces([good])
    rng = np.random.default_rng(1)
    refused = survived = 0
    for bit in rng.choice(8 * len(content), 500, replace=False):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        good.write_bytes(damaged)
        try:
            traces = read_traces([good])
        except InputError:
            refused += 1
        else:
            survived += 1
            if traces.schema.fields == SCHEMA.fields:
                for name in ("inputs", "outputs", "care"):
                    assert (getattr(traces, name) == getattr(expected, name)).all(), bit
    assert refused > 100 and survived > 0, (refused, survived)


def test_tables_stand_beside_recordings(tmp_path):
    """All files of a folder that are traces are read, whatever their format."""
    schema = Schema((Field("a", 2, "in"), Field("q", 1, "out")))
    rows = {"a": np.array([0], np.uint8), "q": np.array([1], np.uint8)}
    write_traces(tmp_path / "b.parquet", rows, schema, {"oracle": "m:f"})
    (tmp_path / "a.csv").write_text("in:a[1:0],out:q\n1,0\n")
    (tmp_path / "c.PLA").write_text(".i 2\n.o 1\n.ilb a[1] a[0]\n.ob q\n.type fr\n10 1\n.e\n")
    (tmp_path / ".d.csv").write_text("left over")
    (tmp_path / "fields.toml").write_text("no trace")
    names = ["a.csv", "b.parquet", "c.PLA"]
    assert [path.name for path in trace_files([tmp_path])] == names
    traces = read_traces([tmp_path])
    assert (traces.schema, traces.oracle, traces.n_rows) == (schema, "m:f", 3)
    assert traces.inputs.ravel().tolist() == [1, 0, 2] and traces.outputs.ravel().tolist() == [0, 1, 1]
    assert [Path(facts["path"]).name for facts in traces.provenance] == names
    (tmp_path / "c.PLA").write_text(".i 2\n.o 1\n10 1\n.e\n")
    with pytest.raises(InputError, match=r"c\.PLA: has other fields than .*a\.csv"):
        read_traces([tmp_path])


def test_many_rows_are_packed_in_parts(good, monkeypatch):
    whole = read_traces([good])
    monkeypatch.setattr("bsdgen.traces.store._PART", 2)
    parts = read_traces([good])
    assert all((getattr(whole, name) == getattr(parts, name)).all() for name in ("inputs", "outputs", "care"))
