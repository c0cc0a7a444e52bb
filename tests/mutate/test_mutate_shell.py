"""Faults in the shell of an emitted core."""

import re
from pathlib import Path

import pytest
from prove_models import step_model, write_all
from standin import written_step

from bsdgen.circuit.equivalence import ENGINES
from bsdgen.cli.app import main
from bsdgen.errors import UsageError
from bsdgen.mutate.shell import prove_core_text
from bsdgen.mutate.shell_faults import SHELL_KINDS, draw_shell_fault, faulty_verilog, sites
from bsdgen.prove.stages import files_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_all(step_model(written_step()), tmp_path_factory.mktemp("shell") / "cpu")


@pytest.fixture(scope="module")
def verilog(folder: Path) -> str:
    return files_of(folder)["core"][0].read_text(encoding="utf-8")


def test_every_kind_has_places(verilog: str) -> None:
    """Each changes one line, and none the declarations or what nothing reads."""
    found = sites(verilog)
    assert list(found) == list(SHELL_KINDS) and all(found.values())
    assert sum(map(len, found.values())) > 200
    drawn = [draw_shell_fault(verilog, 2, k) for k in range(3 * len(SHELL_KINDS))]
    assert [fault.kind for fault in drawn[: len(SHELL_KINDS)]] == list(SHELL_KINDS)
    for fault in drawn:
        before, after = verilog.splitlines(), faulty_verilog(verilog, fault).splitlines()
        changed = [k for k, (x, y) in enumerate(zip(before, after, strict=True)) if x.strip() != y.strip()]
        assert changed == [fault.line - 1]
        assert not re.match(r"\s*(wire|input|output|reg|module|initial)\b", before[changed[0]])
        assert not before[changed[0]].startswith("  assign next_pc")  # a name that nothing reads


def test_other_text_has_no_places() -> None:
    with pytest.raises(UsageError, match="no place for the fault 'branches swapped'"):
        draw_shell_fault("module empty(); endmodule\n", 0, 0)


def test_the_proof_of_the_core_judges(folder: Path, verilog: str) -> None:
    def said(old: str, new: str) -> list[tuple[str, str]]:
        broken = verilog.replace(old, new, 1)
        assert broken != verilog
        answers = prove_core_text(folder, broken, verilog, ENGINES, "rv32i", None, 60.0)
        return [answers[engine][:2] for engine in ENGINES]

    (abc, _), (sat, words) = said("if (write__en)", "if (rvfi_valid)")  # x0 can be written
    assert (abc, sat) == ("differs", "differs")
    assert "next_x0=" in words and "expected 0x00000000" in words
    equal = said("rvfi_intr <= \\$10 ;", "rvfi_intr <= \\$10 & (rvfi_intr | \\$10 );")
    assert [verdict for verdict, _ in equal] == ["equal", "equal"]
    assert said("if (write__en)", "if (no_such_net[7])")[0][0] == "refused"


def test_usage(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "rows.parquet"
    trace.touch()
    assert main(["mutate", str(folder), str(trace), "--shell", "-q"]) == 2
    assert "a core runs programs, not traces" in capsys.readouterr().err
    assert main(["mutate", str(folder), "--spec", "x.v", "--shell", "-q"]) == 2
