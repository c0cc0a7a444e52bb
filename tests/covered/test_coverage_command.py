"""What traces, vectors and programs covered, from the command line to the report."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from small_models import adder_model, decoder_model

from bsdgen.artifacts import read_json, sha256, write_json
from bsdgen.cli.app import main
from bsdgen.coverage.cells import HAZARDS, OPERANDS, ROWS, SHAPE
from bsdgen.coverage.result import (
    Covered,
    by_row,
    coverage_text,
    document,
    from_document,
    named,
    together,
    witnesses_text,
)
from bsdgen.coverage.witnesses import possible
from bsdgen.errors import InputError
from bsdgen.report import summary_text, write_report

PROGRAM = Path(__file__).resolve().parents[2] / "sim" / "programs" / "sort.elf"


def cell(row: str, operand: str, hazard: str) -> tuple[int, int, int]:
    return ROWS.index(row), OPERANDS.index(operand), HAZARDS.index(hazard)


def covered(name: str, *, machine: bool, but: tuple[tuple[str, str, str], ...] = ()) -> Covered:
    """A source that met every possible cell seven times, but for some."""
    counts = np.where(possible(machine=machine).cells, 7, 0).astype(np.int64)
    for missing in but:
        counts[cell(*missing)] = 0
    return Covered(name, ("here",), machine, counts)


HOLES = (("sub", "equal", "rd = x0"), ("lw", "wrap", "at +1"))


def test_a_cell_that_was_not_met_is_a_hole_by_name() -> None:
    source = covered("traces", machine=True, but=HOLES)
    assert named(source.holes) == {"lw": {"wrap": ["at +1"]}, "sub": {"equal": ["rd = x0"]}}
    lines = {item["name"]: item["sources"][0] for item in by_row([source])}
    assert lines["sub"]["met"] == lines["sub"]["possible"] - 1
    assert lines["add"]["met"] == lines["add"]["possible"]
    text = coverage_text([source])
    assert "traces: 2 holes" in text
    assert "  sub: equal (rd = x0)" in text


def test_a_hole_has_a_row_that_would_fill_it() -> None:
    lines = list(witnesses_text(covered("traces", machine=True, but=HOLES)))
    assert [line.split(":")[0] for line in lines] == ["lw, wrap, at +1", "sub, equal, rd = x0"]
    assert re.search(r": sub x0, x\d+, x\d+ with pc 0x80000100, rs1 (0x[0-9a-f]+), rs2 \1,", lines[1])


def test_a_hole_of_all_is_one_that_no_source_met() -> None:
    sources = [
        covered("traces", machine=True, but=HOLES),
        covered("vectors", machine=False, but=HOLES[:1]),
    ]
    assert named(together(sources).holes) == {"sub": {"equal": ["rd = x0"]}}


def test_what_was_met_is_possible() -> None:
    counts = np.zeros(SHAPE, np.int64)
    counts[cell("lui", "equal", "at +1")] = 1
    source = Covered("traces", (), True, counts)
    assert source.possible[cell("lui", "equal", "at +1")]
    assert not possible(machine=True).cells[cell("lui", "equal", "at +1")]


def test_document_is_read_as_it_was_written() -> None:
    sources = [covered("traces", machine=True, but=HOLES), covered("vectors", machine=False)]
    facts = json.loads(json.dumps(document(sources)))
    again = from_document(facts)
    assert [(item.name, item.of, item.machine) for item in again] == [
        (item.name, item.of, item.machine) for item in sources
    ]
    assert all(np.array_equal(a.counts, b.counts) for a, b in zip(again, sources, strict=True))
    for change in ({"version": 0}, {"sources": [{"name": "traces"}]}, {"sources": 3}):
        with pytest.raises(InputError, match="is no result of version"):
            from_document(facts | change)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A measured model, a trace beside it, and what both covered."""
    root = tmp_path_factory.mktemp("coverage")
    folder = root / "rv32i"
    decoder_model().save(folder)
    assert main(["record", str(PROGRAM), "-o", str(root / "traces"), "-q"]) == 0
    assert main(["measure", str(folder), "-n", "60000", "-q"]) == 1
    assert main(["coverage", str(folder), str(root / "traces"), str(PROGRAM), "-q"]) == 0
    return folder


def test_sources_of_all_kinds(model: Path) -> None:
    facts = read_json(model / "coverage.json")
    assert [item["name"] for item in facts["sources"]] == ["traces", "vectors", "programs"]
    traces, vectors, programs = facts["sources"]
    assert vectors["rows"] == 60_000
    assert programs["rows"] == 30_354
    assert 0 < traces["rows"] <= programs["rows"]  # equal rows are recorded once
    assert traces["holes"] == programs["holes"]
    assert traces["cells_possible"] < vectors["cells_possible"]
    for item in facts["sources"]:
        holes = sum(len(hazards) for row in item["holes"].values() for hazards in row.values())
        assert holes == item["cells_possible"] - item["cells_met"] > 0
    assert "ecall" in traces["holes"]  # the program sorts
    assert vectors["counts"] == read_json(model / "measure.json")["strata"]


def test_text_tells_the_same(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", str(model / "measure.json"), str(PROGRAM)]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^vectors +60,000 ", text, re.MULTILINE)
    assert re.search(r"^illegal: load width +[\d,]+ +1/1 +0 +0/1$", text, re.MULTILINE)
    assert "  ecall: ordinary (none)" in text
    assert main(["coverage", str(PROGRAM), "--witnesses"]) == 0
    assert "ecall, ordinary, none: ecall with pc 0x80000100" in capsys.readouterr().out


def test_the_same_holes_are_named_once(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", str(model.parent / "traces"), str(PROGRAM)]) == 0
    assert "holes, the same as of traces" in capsys.readouterr().out


def test_report_shows_it(model: Path) -> None:
    facts = write_report(model, figures=model / "img")
    page = (model / "report.html").read_text(encoding="utf-8")
    assert "<h2>Coverage</h2>" in page
    assert page.count("How often vectors met each cell") == 1
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert all(f"<td>{item['name']}</td>" in page for item in facts["coverage"]["by_row"])
    holes = facts["coverage"]["sources"][0]["holes"]
    assert f"ecall: ordinary ({', '.join(holes['ecall']['ordinary'])})" in page
    sources = facts["coverage"]["sources"]
    assert [item["name"] for item in sources] == ["traces", "vectors", "programs"]
    assert all("counts" not in item for item in sources)
    assert "strata" not in facts["measure"]
    assert facts["coverage"]["holes_of_all"] == read_json(model / "coverage.json")["holes_of_all"]
    text = summary_text(facts, model / "report.html")
    assert f", vectors {sources[1]['cells_met']:,} of 1,845, programs" in text
    names = {path.name for path in (model / "img").iterdir()}
    assert {f"coverage-{item['name']}.svg" for item in sources} < names


def test_coverage_of_an_earlier_model_is_not_reported(model: Path, tmp_path: Path) -> None:
    decoder_model().save(tmp_path)
    stale = read_json(model / "coverage.json") | {"model_sha256": "0" * 64}
    write_json(tmp_path / "coverage.json", stale)
    assert write_report(tmp_path)["coverage"] is None
    write_json(
        tmp_path / "coverage.json", stale | {"version": 0, "model_sha256": sha256(tmp_path / "model.npz")}
    )
    with pytest.raises(InputError, match="make it anew with `bsdgen coverage`"):
        write_report(tmp_path)


def test_a_stale_measurement_is_left_out(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decoder_model().save(tmp_path)
    write_json(tmp_path / "measure.json", read_json(model / "measure.json") | {"model_sha256": "0" * 64})
    assert main(["coverage", str(tmp_path)]) == 3
    said = capsys.readouterr().err
    assert "is of another model, left out" in said
    assert "nothing to count" in said
    assert not (tmp_path / "coverage.json").exists()


@pytest.mark.parametrize(
    ("what", "code", "message"),
    [
        ("nowhere", 3, "does not exist"),
        (".", 3, "holds no model, no traces (*.parquet, *.pla, *.csv) and no *.elf file"),
        ("broken.json", 3, "is no JSON"),
        ("other.json", 3, "is no measurement of an RV32I model"),
        ("broken.parquet", 3, "is truncated or no Parquet file"),
    ],
)
def test_what_cannot_be_counted_is_refused(
    tmp_path: Path, what: str, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "broken.parquet").write_text("PAR1")
    write_json(tmp_path / "other.json", {"strata": {"uniform": {"": {"": 3}}}})
    path = folder if what == "." else tmp_path / what
    assert main(["coverage", str(path), "-o", str(tmp_path / "out.json")]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


def test_other_fields_have_no_coverage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    adder_model(oracle="examples.adder:add").save(tmp_path)
    assert main(["measure", str(tmp_path), "-n", "1000", "-q"]) == 0
    assert main(["coverage", str(tmp_path)]) == 3
    assert "is no measurement of an RV32I model" in capsys.readouterr().err


def test_one_model_at_a_time(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", str(model), str(model)]) == 2
    assert "one model at a time" in capsys.readouterr().err
