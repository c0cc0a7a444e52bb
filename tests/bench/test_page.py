from pathlib import Path

import msgspec
import pytest

from bsdgen.bench.ablations import AblationResult, AblationRow
from bsdgen.bench.baseline import BaselineResult, BaselineRow, ObddRow
from bsdgen.bench.blind import BlindResult, BlindRow
from bsdgen.bench.demo import DemoResult, DemoRow
from bsdgen.bench.emission import EmissionResult, EmissionRow
from bsdgen.bench.iwls.run import IwlsResult, IwlsRow, Learned
from bsdgen.bench.page import KINDS, render_page, stale, write_page
from bsdgen.bench.results import load, save
from bsdgen.bench.rows import RowsResult, RowsTrial
from bsdgen.bench.scaling import ScalingResult, ScalingRow
from bsdgen.bench.subsets import SubsetResult, SubsetRow
from bsdgen.bench.trial import Trial
from bsdgen.bench.wide import WIDTHS
from bsdgen.cli.app import main
from bsdgen.errors import InputError

DONE = Trial(
    name="x", learned=True, proved=True, nodes=1234, variables=3, ands=2000, cpu_s=1.5, wall_s=1.0,
    queries=5_000_000, rounds=2, checked=262_144, upper=1.4e-5,
)  # fmt: skip
LEFT = Trial(name="x", reason="time limit of 1 s reached; raise it", checked=1000, errors=7, upper=0.01)
RESULTS = {
    "demo": DemoResult(32, 0, (DemoRow(7, "a < b, unsigned", DONE, 3.9, 67, 1.0),), 12.0),
    "blind": BlindResult("RV32I", (BlindRow(False, 0, DONE), BlindRow(True, 1, DONE, 0.5))),
    "subsets": SubsetResult(0, (SubsetRow("branch", 10_000, DONE), SubsetRow("rv32e", 1, LEFT))),
    "rows": RowsResult(
        0,
        (RowsTrial("step", 1000, 2.5, 9, 3, 100, 40, 8, 4, 6, 3, False),),
        (RowsTrial("small", 64, 0.1, 2, 0, 256, 0, 4, 4, 0, 0, True),),
    ),
    "scaling": ScalingResult(0, tuple(ScalingRow("add", width, DONE) for width in WIDTHS)),
    "ablations": AblationResult(
        0, 60.0, 1000, (AblationRow("f", "whole", "as it is", DONE), AblationRow("f", "a|b", "a|b", LEFT))
    ),
    "bdd": BaselineResult(0, 60.0, 1000, (BaselineRow("f", DONE, (ObddRow(function="f", order="random"),)),)),
    "emit": EmissionResult(
        "Random, seed 0", 20_000, (EmissionRow("blif", 0.1), EmissionRow("pla", reason="wide"))
    ),
    "iwls": IwlsResult(
        [
            IwlsRow(
                "07", 8, 400, Learned("forest", 30, 0.5, 300), Learned("a + b bit 3", 20, 1.0, 400), 2.0, 0.5
            )
        ],
        25.0,
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, result in RESULTS.items():
        save(tmp_path / "docs" / "bench", name, {"seed": 0, "only": None, "no_step": True}, result)
    return tmp_path / "docs" / "bench"


def test_results_are_read_back(folder: Path) -> None:
    assert set(RESULTS) == set(KINDS)
    for name, result in RESULTS.items():
        saved = load(folder, name, KINDS[name].result)
        assert saved is not None and saved.result == result and saved.machine.cores >= 1
    assert load(folder / "nowhere", "demo", DemoResult) is None


@pytest.mark.parametrize("damage", ["[]", "{", '{"benchmark": "demo"}', None])
def test_damaged_results_are_refused(folder: Path, damage: str | None) -> None:
    path = folder / "demo.json"
    path.write_text((folder / "blind.json").read_text() if damage is None else damage)
    with pytest.raises(InputError, match=r"make it anew with `bsdgen bench demo`"):
        load(folder, "demo", DemoResult)


def test_the_page_says_what_the_results_say(folder: Path) -> None:
    text, pictures = render_page(folder, "docs/bench")
    assert list(pictures) == ["img/scaling.svg"]
    assert "](img/scaling.svg)" in text
    for kind in KINDS.values():
        assert f"## {kind.title}" in text
    assert "1,234" in text and "1,237" in text  # nodes; with variables
    assert "not learned" in text and "7 of 1,000 (95 % < 0.01)" in text
    assert "`bsdgen bench bdd --seed 0 --no-step`" in text
    assert "| 0 of 256 (all) | 4 of 4 | 0 | – | – |" in text
    assert "| 40 of 100 | 4 of 8 | 6 | 75% | 50% |" in text
    assert "| 07 | forest | a + b bit 3 | 8 | 50.00 | 75.00 | 30 | 100.00 | 20 | 2.5 |" in text
    assert "75.00 % ± 4.24 of 1" in text and "`bsdgen bench iwls FOLDER --seed 0 --no-step`" in text
    assert "a\\|b" in text  # a bar in a cell
    assert "Not measured yet" not in text and "{{" not in text and "{%" not in text
    header, rule, *_ = text[text.index("| #") :].splitlines()
    assert header.count("|") == rule.count("|")


def test_what_was_not_measured_is_named(folder: Path) -> None:
    (folder / "scaling.json").unlink()
    (folder / "iwls.json").unlink()
    text, pictures = render_page(folder, "docs/bench")
    assert "## Not measured yet" in text and "- `bsdgen bench scaling -o docs/bench`" in text
    assert "- `bsdgen bench iwls FOLDER -o docs/bench`" in text
    assert not pictures


def test_another_machine_is_told_apart(folder: Path) -> None:
    path = folder / "demo.json"
    data = msgspec.json.decode(path.read_bytes())
    del data["sha256"]  # edited by hand
    data["machine"]["cpu"] = "Analytical Engine"
    path.write_bytes(msgspec.json.encode(data))
    text, _ = render_page(folder, "docs/bench")
    assert text.count("Measured on") == len(KINDS) and text.count("Analytical Engine") == 1


def test_a_stale_page_is_noticed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = folder.parent / "benchmarks.md"
    assert set(stale(folder, page)) == {page, folder.parent / "img" / "scaling.svg"}
    assert write_page(folder, page) == [page, folder.parent / "img" / "scaling.svg"]
    assert stale(folder, page) == []
    arguments = ["bench", "page", str(folder), "--page", str(page), "--check"]
    assert main(arguments) == 0
    page.write_text(page.read_text() + "by hand\n")
    assert main(arguments) == 1
    assert "run `bsdgen bench page`" in capsys.readouterr().err
    assert main(arguments[:-1]) == 0 and main(arguments) == 0
    assert "from `docs/bench/*.json`" in page.read_text()


def test_the_committed_page_is_current() -> None:
    docs = Path(__file__).parents[2] / "docs"
    assert stale(docs / "bench", docs / "benchmarks.md") == []
