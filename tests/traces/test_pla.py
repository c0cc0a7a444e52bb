"""PLA files as rows: what espresso would make of them, row by row, and what is refused."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyeda.boolalg import espresso
from small_models import adder_model

from bsdgen.bits import to_bool
from bsdgen.emit.pla import covers, pla_text
from bsdgen.errors import InputError
from bsdgen.traces import cover as cover_module
from bsdgen.traces.pla import TYPES, read_pla
from bsdgen.traces.store import Traces, read_traces, write_traces

Table = list[tuple[str, str]]


def read(folder: Path, text: str | bytes, name: str = "rows.pla") -> Traces:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_traces([path])


def written(n_inputs: int, n_outputs: int, kind: str, table: Table) -> str:
    rows = "".join(f"{inputs} {outputs}\n" for inputs, outputs in table)
    return f".i {n_inputs}\n.o {n_outputs}\n.type {kind}\n.p {len(table)}\n{rows}.e\n"


def meaning(traces: Traces) -> dict[tuple[str, int], set[str]]:
    """Values that rows give to each output of each assignment, by its inputs from left to right."""
    n, m = traces.schema.n_inputs, traces.schema.n_outputs
    found: dict[tuple[str, int], set[str]] = {}
    packed = ((traces.inputs, n), (traces.outputs, m), (traces.care, m))
    for row, outputs, care in zip(*(to_bool(bits, width).astype(int) for bits, width in packed), strict=True):
        point = "".join("01"[bit] for bit in row)
        for output in range(m):
            if care[output]:
                found.setdefault((point, output), set()).add("01"[outputs[output]])
    return found


def expected(n_inputs: int, n_outputs: int, kind: str, table: Table) -> dict[tuple[str, int], set[str]]:
    """The same by the words of espresso(5), one assignment and one output at a time."""
    found: dict[tuple[str, int], set[str]] = {}
    for point in map("".join, itertools.product("01", repeat=n_inputs)):
        for output in range(n_outputs):
            said = {
                row[output]
                for cube, row in table
                if all(a in ("-", "2", b) for a, b in zip(cube, point, strict=True))
            }
            on, off = bool(said & set("14")) and "f" in kind, bool(said & set("03")) and "r" in kind
            dc = bool(said & set("-2")) and "d" in kind
            if dc:
                continue
            if kind in ("f", "fd"):
                values = {"1" if on else "0"}
            elif kind in ("r", "dr"):
                values = {"0" if off else "1"}
            else:
                values = set("1" * on + "0" * off)
            if values:
                found[point, output] = values
    return found


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, Table]:
    n, m = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    row = st.tuples(st.text("01-2", min_size=n, max_size=n), st.text("01-~234", min_size=m, max_size=m))
    return n, m, draw(st.lists(row, min_size=1, max_size=8))


@pytest.mark.parametrize("kind", TYPES)
@settings(max_examples=80, deadline=None)
@given(case=tables(), group=st.sampled_from([1, 16]), most=st.sampled_from([4, 1 << 20]))
def test_every_type_means_what_espresso_says(
    tmp_path_factory: pytest.TempPathFactory, kind: str, case: tuple[int, int, Table], group: int, most: int
) -> None:
    """With cubes looked up or tried in turn, and with assignments of the cubes or all there are."""
    n, m, table = case
    folder = tmp_path_factory.mktemp("pla")
    wanted = expected(n, m, kind, table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cover_module, "_GROUP", group)
        patch.setattr(cover_module, "MOST_ROWS", most)
        if not wanted:
            with pytest.raises(InputError, match="says nothing of any output"):
                read(folder, written(n, m, kind, table))
            return
        traces = read(folder, written(n, m, kind, table))
    assert meaning(traces) == wanted
    contradicting = {point for (point, _), values in wanted.items() if len(values) > 1}
    assert traces.n_contradictions >= len(contradicting)
    assert bool(traces.n_contradictions) == bool(contradicting)


@pytest.mark.parametrize("kind,code", [("f", 1), ("fd", 3), ("fr", 5), ("r", 4), ("dr", 6)])
@settings(max_examples=40, deadline=None)
@given(case=tables())
def test_what_espresso_minimises_agrees(
    tmp_path_factory: pytest.TempPathFactory, kind: str, code: int, case: tuple[int, int, Table]
) -> None:
    """Espresso's own minimum, evaluated on all assignments, is what the rows say wherever they say it."""
    n, m, table = case
    plain = [(a.replace("2", "-"), b.translate(str.maketrans("234", "-01"))) for a, b in table]
    wanted = expected(n, m, kind, plain)
    # pyeda's binding knows no "~", and espresso gives up on a contradiction and without an ON-set. It also
    # verifies its result against all three sets: what an fdr table says nothing of has no outside opinion.
    values_there = set(map(frozenset, wanted.values()))
    if any("~" in row for _, row in plain) or {"0", "1"} in values_there or {"1"} not in values_there:
        return
    rows = {
        (tuple({"0": 1, "1": 2, "-": 3}[c] for c in a), tuple({"0": 0, "1": 1, "-": 2}[c] for c in b))
        for a, b in plain
    }
    minimal = espresso.espresso(n, m, rows, intype=code)
    found = meaning(read(tmp_path_factory.mktemp("pla"), written(n, m, kind, plain)))
    for (point, output), values in found.items():
        on = any(
            row[output] == 1
            and all(sign & (2 if bit == "1" else 1) for sign, bit in zip(cube, point, strict=True))
            for cube, row in minimal
        )
        assert values == {"1" if on else "0"}, (point, output)


def test_what_is_emitted_reads_back(tmp_path: Path) -> None:
    model = adder_model(4)
    names = model.schema.input_names()
    for cover in covers(model):
        traces = read(tmp_path, pla_text(model, "m", cover))
        assert len(traces.inputs) == 1 << len(cover.support) and not traces.n_contradictions
        support = [names[variable] for variable in cover.support]
        whole = np.zeros((len(traces.inputs), len(names)), np.bool_)
        labels = [
            f"{field.name}[{bit}]" if field.width > 1 else re.sub(r"_(\d)$", r"[\1]", field.name)
            for field in traces.schema.inputs
            for bit in range(field.width)
        ]
        assert sorted(labels) == sorted(support)
        whole[:, [names.index(label) for label in labels]] = to_bool(traces.inputs, len(labels))
        weights = 1 << np.arange(4)
        total = (whole[:, :4] * weights).sum(axis=1) + (whole[:, 4:] * weights).sum(axis=1)
        assert (traces.outputs[:, 0] == (total >> cover.output & 1).astype(np.uint64)).all()
        assert (traces.care == 1).all()


def test_a_signal_with_the_name_of_a_keyword(tmp_path: Path) -> None:
    traces = read(tmp_path, ".i 3\n.o 1\n.ilb class[0] class[1] do[1]\n.ob signal[2]\n1-1 1\n.e\n")
    assert [(field.name, field.width) for field in traces.schema.fields] == [
        ("class", 2),
        ("do_1", 1),
        ("signal_2", 1),
    ]


def test_words_are_put_together_whatever_their_order(tmp_path: Path) -> None:
    text = ".i 3\n.o 2\n.type fr\n.ilb a[1] b a[0]\n.ob q[1] q[0]\n100 10\n011 01\n.e\n"
    traces = read(tmp_path, text)
    assert [(field.name, field.width) for field in traces.schema.fields] == [("a", 2), ("b", 1), ("q", 2)]
    assert traces.inputs.ravel().tolist() == [0b010, 0b101]
    assert traces.outputs.ravel().tolist() == [2, 1]


@pytest.mark.parametrize(
    "labels,names",
    [
        ("a[0] a[2]", ["a_0", "a_2"]),
        ("a[0] a[0]", ["a_0", "a_0_"]),
        ("q x.y", ["q", "x_y"]),
        ("o o_care", ["o", "o_care_"]),
        ("o_care o", ["o_care", "o_"]),
        ("1st é", ["_1st", "é"]),
        ("a[0] a", ["a_0", "a"]),
    ],
)
def test_names_become_identifiers_that_differ(tmp_path: Path, labels: str, names: list[str]) -> None:
    traces = read(tmp_path, f".i 1\n.o 2\n.type fr\n.ilb in\n.ob {labels}\n1 10\n.e\n")
    assert [field.name for field in traces.schema.outputs] == names
    columns = read_pla(tmp_path / "rows.pla").columns()
    write_traces(tmp_path / "t.parquet", columns, traces.schema, {})
    assert read_traces([tmp_path / "t.parquet"]).outputs.tolist() == traces.outputs.tolist() == [[1]]


LAYOUTS = {
    "plain": "10 1\n01 0\n",
    "bars": "10|1\n|0 1| 0 |\n",
    "comments": "# rows\n10 1 # one\n\n  # more\n01 0\n",
    "spread": "1\n0\n1\n01\n0\n",
    "other signs": "10 4\n01 3\n",
    "carriage returns": "10 1\r\n01 0\r\n",
    "after the end": "10 1\n01 0\n.e\nthis is nothing . # at all\n",
    "no spaces": "101\n010\n",
    "keywords behind": "10 1\n01 0\n.p 2\n.ilb a b\n.end\n",
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = ".i 2\n.o 1\n.type fr\n" + LAYOUTS[name]
    for part in (1 << 24, 3, 1):  # the file is taken apart in pieces of so many bytes
        monkeypatch.setattr("bsdgen.traces.pla._PART", part)
        traces = read(tmp_path, text)
        assert meaning(traces) == {("10", 0): {"1"}, ("01", 0): {"0"}}
        assert (traces.n_rows, traces.oracle) == (2, "")


REFUSED = {
    "empty": ("", "has no .i"),
    "no outputs": (".i 2\n11 1\n", "has no .o"),
    "no rows": (".i 2\n.o 1\n.e\n", r"has no rows; .* \.p 0"),
    "no rows of a partial table": (".i 2\n.o 1\n.type fr\n.p 0\n.e\n", "says nothing of any output"),
    "cut off": (".i 2\n.o 1\n.p 2\n11 1\n", r"has 1 rows, \.p says 2; it is cut off"),
    "cut off in a row": (".i 2\n.o 1\n11 1\n1", r"line 4: the last row has 1 columns, expected 3"),
    "a sign missing": (".i 2\n.o 1\n11 1\n1 0\n01 0\n", r"line 5: the row has 5 columns, expected 3"),
    "a sign more": (
        ".i 2\n.o 1\n11 1\n110 0\n01 0\n",
        r"line 4: the row has 4 columns, expected 3 \(2 inputs",
    ),
    "two rows a line": (".i 2\n.o 1\n11 1 01 1\n", r"line 3: the row has 6 columns"),
    "no value": (".i 2\n.o 1\n11 1\n1? 0\n", r"line 4: '\?' is no value"),
    "no value of an input": (".i 2\n.o 1\n11 1\n\n1~ 0\n", r"line 5: '~' is no value of an input"),
    "no value of an input, 3": (".i 2\n.o 1\n31 1\n", r"line 3: '3' is no value of an input"),
    "unknown keyword": (".i 2\n.o 1\n.mv 3 2 4\n11 1\n", r"line 3: '\.mv' is no keyword that is read"),
    "a dot in a row": (".i 2\n.o 1\n1.1 1\n", r"line 3: '1\.1 1' has '\.' inside"),
    "unknown type": (".i 2\n.o 1\n.type fx\n11 1\n", r"line 3: \.type must be one of .*, not 'fx'"),
    "type too late": (".i 2\n.o 1\n11 1\n.type fr\n", r"line 4: \.type comes after rows"),
    "no number": (".i two\n.o 1\n11 1\n", r"line 1: \.i must be one number from 1 to 4096, not 'two'"),
    "large number": (f".i {'9' * 5000}\n.o 1\n11 1\n", r"line 1: \.i must be one number"),
    "twice": (".i 2\n.i 2\n.o 1\n11 1\n", r"line 2: \.i stands there twice"),
    "names missing": (".i 2\n.o 1\n.ilb a\n11 1\n", r"\.ilb has 1 names, \.i says 2"),
    "an ELF file": (b"\x7fELF\x01\x01\n" + bytes(5000), r"has no \.i"),
    "another encoding": (".i 2\n.o 1\n11 1\n".encode("utf-16"), r"line 1"),
    "no text": (b".i 2\n.o 1\n.ilb \xff b\n11 1\n", r"line 3: .* is no UTF-8 text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_said(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, message = REFUSED[name]
    for part in (1 << 24, 4):
        monkeypatch.setattr("bsdgen.traces.pla._PART", part)
        with pytest.raises(InputError, match=rf"rows\.pla(, line \d+)?: .*|{message}") as caught:
            read(tmp_path, text)
        assert re.search(message, str(caught.value)), caught.value


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.pla: cannot be read"):
        read_pla(tmp_path / "none.pla")


def test_a_table_without_products_is_constant(tmp_path: Path) -> None:
    for kind, value in (("f", 0), ("r", 1)):
        traces = read(tmp_path, f".i 2\n.o 1\n.type {kind}\n.p 0\n.e\n")
        assert traces.outputs.ravel().tolist() == [value] * 4


def test_contradictions_are_counted(tmp_path: Path) -> None:
    """As rows of their own, and where two cubes only overlap."""
    assert read(tmp_path, ".i 2\n.o 1\n.type fr\n10 1\n10 0\n").n_contradictions == 1
    assert read(tmp_path, ".i 2\n.o 1\n.type fr\n1- 1\n-0 0\n").n_contradictions == 1
    assert read(tmp_path, ".i 2\n.o 1\n.type fdr\n1- 1\n-0 0\n10 -\n").n_contradictions == 0


def _wide(n_cubes: int, n_inputs: int, fixed: int, kind: str) -> tuple[str, Table]:
    rng = np.random.default_rng(5)
    table = []
    for cube in range(n_cubes):
        signs = np.full(n_inputs, "-")
        chosen = rng.choice(n_inputs, fixed, replace=False)
        signs[chosen] = rng.choice(["0", "1"], fixed)
        table.append(("".join(signs), "10"[cube % 2] if "r" in kind and "f" in kind else "1"))
    return written(n_inputs, 1, kind, table), table


@pytest.mark.parametrize("kind", ["f", "fr"])
@pytest.mark.parametrize("n_cubes", [3, 40])
def test_wide_tables_are_drawn_from(
    tmp_path: Path, kind: str, n_cubes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each cube some, of the rest some; each evaluated on all cubes, and the same ones every time."""
    monkeypatch.setattr(cover_module, "MOST_ROWS", 1 << 10)
    monkeypatch.setattr(cover_module, "N_UNIFORM", 300)
    monkeypatch.setattr(cover_module, "N_NEAR", 200)
    text, table = _wide(n_cubes, 70, 6, kind)
    traces = read(tmp_path, text)
    share = 1 << ((1 << 10) // n_cubes).bit_length() - 1
    rows = to_bool(traces.inputs, 70)
    signs = np.array([list(cube) for cube, _ in table])
    off_by = ((signs != "-")[None] & ((signs == "1")[None] != rows[:, None])).sum(axis=2)
    holds = off_by == 0
    assert (holds.sum(axis=0) >= share).all()
    on = np.array([row == "1" for _, row in table])
    ones, zeros = (holds & on).any(axis=1), (holds & ~on).any(axis=1)
    said = traces.outputs[:, 0] == 1
    if kind == "f":
        assert (said == ones).all() and (traces.care == 1).all()
        assert (~ones).sum() > 250 and traces.n_rows <= share * n_cubes + 500
        assert (off_by[~ones].min(axis=1) == 1).sum() > 100
    else:
        clash = ones & zeros
        assert (said[~clash] == ones[~clash]).all() and (ones | zeros).all()
        assert traces.n_contradictions * 2 == clash.sum()
    (facts,) = traces.provenance
    assert facts["seed"] == 0 and f"{share:,} drawn of each" in facts["points"]
    assert (read(tmp_path, text).inputs == traces.inputs).all()
    assert (read_pla(tmp_path / "rows.pla", seed=1).inputs[:50] != traces.inputs[:50]).any()


def test_cubes_of_a_wide_table_that_are_few_are_taken_whole(tmp_path: Path) -> None:
    fixed = "01" * 40
    text = f".i 90\n.o 1\n.type fr\n--{fixed}--------  1\n{fixed[::-1]}----------  0\n.e\n"
    traces = read(tmp_path, text)
    assert len(traces.inputs) == 2 * 1024 and traces.n_contradictions == 0
    ones = traces.outputs[:, 0] == 1
    assert ones.sum() == 1024
    bits = to_bool(traces.inputs, 90)
    assert (bits[ones, 2:82] == np.tile([False, True], 40)).all()
    assert len(np.unique(traces.inputs, axis=0)) == 2048
    (facts,) = traces.provenance
    assert (facts["points"], facts["seed"]) == ("all assignments in the cubes", None)


def test_rows_convert_to_columns(tmp_path: Path) -> None:
    """Fields across words of 64 bits."""
    labels = " ".join([f"a[{bit}]" for bit in range(60)] + [f"b[{bit}]" for bit in range(10)])
    rng = np.random.default_rng(2)
    rows = ["".join(rng.choice(["0", "1"], 70)) for _ in range(50)]
    body = "".join(f"{row} {row[0]}\n" for row in rows)
    path = tmp_path / "rows.pla"
    path.write_text(f".i 70\n.o 1\n.ilb {labels}\n.type fr\n{body}.e\n")
    made = read_pla(path)
    columns = made.columns()
    assert [int(v) for v in columns["a"]] == [int(row[:60][::-1], 2) for row in rows]
    assert [int(v) for v in columns["b"]] == [int(row[60:][::-1], 2) for row in rows]
    write_traces(tmp_path / "t.parquet", columns, made.schema, {})
    again, first = read_traces([tmp_path / "t.parquet"]), read_traces([path])
    for name in ("inputs", "outputs", "care"):
        assert (getattr(again, name) == getattr(first, name)).all()
