import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from small_learned import learned_unit
from small_models import LEARNED, adder_model, decoder_model

from bsdgen.artifacts import sha256, write_json
from bsdgen.bsd import Bsd
from bsdgen.errors import InputError
from bsdgen.measure import measure
from bsdgen.model import Model
from bsdgen.oracle.simulator import SimulatorOracle
from bsdgen.report import summary_text, write_report
from bsdgen.report.charts import leaf_order
from bsdgen.traces.schema import Field, Schema

PROGRAMS = [
    {"name": "sort", "retired": 30_354, "mismatches": 0, "passed": True, "wall_s": 1.5, "detail": ""},
    {"name": "crc<32>", "retired": 7, "mismatches": 2, "passed": False, "wall_s": 0.5, "detail": "pc 0x8"},
]
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Balance(HTMLParser):
    """Checks that elements are closed in order, and notes ids and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href") and value]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(page: str) -> Balance:
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    return balance


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "rv32i"
    model = decoder_model()
    model.save(folder)
    result = measure(model, SimulatorOracle(), vectors=20_000, seed=9)
    of = {"model_sha256": sha256(folder / "model.npz")}
    (folder / "verilog").mkdir()
    step = folder / "verilog" / "rv32i_step.v"
    step.write_text("module rv32i_step; endmodule\n", encoding="utf-8")
    write_json(folder / "measure.json", {**of, "oracle": "simulator:rv32i", **result.as_dict()})
    ran = {"verilog_sha256": {step.name: sha256(step)}}
    write_json(folder / "cosim.json", {**of, **ran, "programs": PROGRAMS})
    write_report(folder, figures=folder / "img")
    return folder


def test_json_has_what_scripts_ask_for(full: Path) -> None:
    facts = json.loads((full / "report.json").read_text(encoding="utf-8"))
    for key in ("wall_s", "cpu_s", "peak_rss_mib", "oracle_queries"):
        assert facts["learn"][key] == LEARNED[key]
    assert facts["bsd"]["nodes"] == decoder_model().bsd.n_nodes
    assert facts["circuit"]["ands"] > facts["bsd"]["nodes"]
    assert facts["circuit"]["depth"] > 30
    assert facts["measure"]["vectors"] == 20_000
    assert facts["measure"]["errors"] > 0
    assert [
        {key: item[key] for key in ("name", "retired", "mismatches", "passed")}
        for item in facts["cosim"]["programs"]
    ] == [{key: item[key] for key in ("name", "retired", "mismatches", "passed")} for item in PROGRAMS]
    assert sum(facts["bsd"]["level_profile"]) == facts["bsd"]["nodes"]


def test_page_is_whole_and_needs_nothing_else(full: Path) -> None:
    page = (full / "report.html").read_text(encoding="utf-8")
    seen = parsed(page)
    assert len(seen.ids) == len(set(seen.ids))
    outside = [address for address in seen.addresses if not address.startswith("data:image/png;base64,")]
    assert all(address.startswith("#") for address in outside)
    assert {address[1:] for address in outside} <= set(seen.ids)
    assert page.count("<svg") == 6
    assert "prefers-color-scheme" in page
    assert not re.search(r"#(0[1-7])\1\1", page)  # no stand-in colour is left


def test_page_says_what_was_found(full: Path) -> None:
    page = (full / "report.html").read_text(encoding="utf-8")
    assert "crc&lt;32&gt;" in page
    assert "crc<32>" not in page
    assert "1 of 2" in page
    assert "30,354" in page
    assert "insn[6:0] = 0110111" in page
    assert page.count("<td>sltiu</td>") == 1
    assert "seed 9" in page


def test_page_says_what_is_inside(tmp_path: Path) -> None:
    """Ledger and contexts of a learned model; a model without them has neither section."""
    model = learned_unit()
    model.save(tmp_path)
    facts = write_report(tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    parsed(page)
    assert facts["ledger"]["records"] == model.info["speculation"]["records"]
    confirmed = facts["ledger"]["kinds"]["merge"]["confirmed"]
    assert "What was speculated" in page and f"<td>{confirmed:,}</td>" in page
    guard = facts["contexts"][0]["split_on"]
    paths = [c["outline"]["path"] for c in facts["contexts"] if c["outline"] and c["outline"]["under"] == 0]
    assert "<h2>Contexts</h2>" in page and paths and all(f"{guard}=" in path for path in paths)
    assert all(f'<span class="mono path">{path}</span>' in page for path in paths)
    assert "What outputs share" in page and ("<h2>Units</h2>" in page) == bool(facts["units"])
    assert facts["contexts"][0]["nodes"] == model.bsd.n_nodes
    assert facts["check"]["n"] == model.info["speculation"]["fresh_rows_checked"]


def test_an_older_model_has_no_ledger(full: Path) -> None:
    page = (full / "report.html").read_text(encoding="utf-8")
    facts = json.loads((full / "report.json").read_text(encoding="utf-8"))
    assert facts["ledger"] is None and facts["contexts"] is None
    assert "What was speculated" not in page and "<h2>Contexts</h2>" not in page
    assert facts["units"] == [] and "<h2>Units</h2>" not in page
    assert facts["distance"]["shared"] and facts["shared"]


def test_heat_map_puts_alike_outputs_side_by_side() -> None:
    """Two adders whose outputs alternate are taken apart."""
    overlap = np.array([[float((i - j) % 2 == 0) for j in range(8)] for i in range(8)])
    order = leaf_order(overlap) % 2
    assert sorted(order.tolist()) in ([*order], [*order[::-1]])


def test_same_input_gives_the_same_page(full: Path) -> None:
    before = (full / "report.html").read_bytes()
    write_report(full)
    assert (full / "report.html").read_bytes() == before


def test_figures_are_files_of_their_own(full: Path) -> None:
    names = {path.stem for path in (full / "img").iterdir()}
    assert names == {"accuracy", "sizes", "levels", "tested", "top", "distance"}
    for path in (full / "img").iterdir():
        ElementTree.parse(path)
        assert "--accent:" in path.read_text(encoding="utf-8")


def test_nothing_but_a_model(tmp_path: Path) -> None:
    folder = tmp_path / "adder"
    adder_model().save(folder)
    facts = write_report(folder)
    assert facts["measure"] is None
    assert facts["cosim"] is None
    page = (folder / "report.html").read_text(encoding="utf-8")
    parsed(page)
    assert "Not measured yet" in page
    assert "Programs" not in page
    text = summary_text(facts, folder / "report.html")
    assert f"{adder_model().bsd.n_nodes} nodes" in text
    assert "accuracy" not in text


def test_summary_has_every_class_with_its_bound(full: Path) -> None:
    facts = json.loads((full / "report.json").read_text(encoding="utf-8"))
    text = summary_text(facts, full / "report.html")
    lines = text.splitlines()
    assert sum(" sltiu " in line for line in lines) == 1
    total = next(line.split() for line in lines if line.split()[:1] == ["all"])
    assert total[1:3] == ["20,000", f"{facts['measure']['errors']:,}"]
    assert re.search(r"crc<32>\s+7\s+2\s+NO", text)


def test_broken_measurement_is_refused_and_the_page_stays(tmp_path: Path) -> None:
    folder = tmp_path / "adder"
    adder_model().save(folder)
    write_report(folder)
    before = (folder / "report.html").read_bytes()
    (folder / "measure.json").write_text('{"vectors": 1', encoding="utf-8")
    with pytest.raises(InputError, match=r"measure\.json"):
        write_report(folder)
    assert (folder / "report.html").read_bytes() == before


def test_circuit_of_the_folder_is_counted(tmp_path: Path) -> None:
    from bsdgen.circuit.aig import aig_from_bsd
    from bsdgen.circuit.aiger import write_aiger
    from bsdgen.circuit.optimise import optimise

    folder = tmp_path / "adder"
    model = adder_model(4)
    model.save(folder)
    smaller = optimise(aig_from_bsd(model.bsd), 1)
    write_aiger(folder / "circuit.aig", smaller)
    facts = write_report(folder)
    assert (facts["circuit"]["ands"], facts["circuit"]["emitted"]) == (smaller.n_ands, True)
    assert facts["circuit"]["ands_of_diagram"] > smaller.n_ands


def test_programs_that_ran_on_other_verilog_are_out_of_date(tmp_path: Path) -> None:
    """Also a result that does not say what it ran on."""
    folder = tmp_path / "adder"
    adder_model(4).save(folder)
    step = folder / "verilog" / "adder_step.v"
    step.parent.mkdir()
    step.write_text("module a; endmodule\n", encoding="utf-8")
    of = {"model_sha256": sha256(folder / "model.npz"), "programs": PROGRAMS}
    ran = of | {"verilog_sha256": {step.name: sha256(step)}}

    def stale(result: dict[str, object]) -> bool:
        write_json(folder / "cosim.json", result)
        facts = write_report(folder)
        text = (folder / "report.html").read_text(encoding="utf-8") + summary_text(facts, folder)
        said = [words in text for words in ("out of date", "The Verilog is", "the Verilog is another")]
        assert said == 3 * [facts["cosim"]["stale"]]
        return bool(facts["cosim"]["stale"])

    assert not stale(ran) and stale(of)
    step.write_text("module b; endmodule\n", encoding="utf-8")
    assert stale(ran)


@pytest.mark.parametrize("of", [{}, {"model_sha256": "0" * 64}])
@pytest.mark.parametrize("width", [2, 4])
def test_what_an_earlier_model_left_is_not_reported(tmp_path: Path, width: int, of: dict[str, str]) -> None:
    """A result that does not say of which model it is may be any model's."""
    from bsdgen.circuit.aig import aig_from_bsd
    from bsdgen.circuit.aiger import write_aiger

    folder = tmp_path / "adder"
    model = adder_model(4)
    model.save(folder)
    plain = aig_from_bsd(adder_model(width).bsd)
    earlier = dataclasses.replace(plain, outputs=plain.outputs ^ 1)
    write_aiger(folder / "circuit.aig", earlier)
    write_json(folder / "measure.json", {**of, "version": 2, "vectors": 9, "errors": 0})
    write_json(folder / "cosim.json", {**of, "programs": PROGRAMS})
    facts = write_report(folder)
    assert (facts["measure"], facts["cosim"]) == (None, None)
    assert (facts["circuit"]["ands"], facts["circuit"]["emitted"]) == (aig_from_bsd(model.bsd).n_ands, False)


def test_units_are_shown(tmp_path: Path) -> None:
    """What a unit is, where it is used, and what stands for its operands."""
    width, none = 2, np.zeros(0, np.int32)
    schema = Schema(
        (Field("s", 1, "in"), Field("a", width, "in"), Field("b", width, "in"), Field("y", 1, "out"))
    )
    cubes = np.array([[1], [1]], np.uint64), np.array([[0], [1]], np.uint64)
    units = {
        "base": np.zeros(1, np.int32),
        "operand": np.array([[0, 1, 4], [0, 2, 6]], np.int32),
        "choice": np.array([[0, 0, 1, 4], [0, 0, 2, 6], [0, 1, 1, 8], [0, 1, 2, 10]], np.int32),
        "output": np.array([[0, 0, 0, 4], [0, 1, 0, 4]], np.int32),
        "mask": cubes[0],
        "value": cubes[1],
    }
    bsd = Bsd(schema.n_inputs, none, none, none, np.array([4], np.int32))
    Model(bsd, schema, {}, {f"unit_{name}": array for name, array in units.items()}).save(tmp_path)
    (unit,) = write_report(tmp_path)["units"]
    assert [choice["is"] for choice in unit["operands"][0]["choices"]] == ["a[1:0]", "b[1:0]"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    parsed(page)
    assert '<td class="left mono">b[1:0]</td><td class="left">2</td>' in page
    assert '<td>2</td><td class="left mono">y</td><td class="left mono">s=1</td>' in page
