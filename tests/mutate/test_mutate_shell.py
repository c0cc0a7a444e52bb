"""Faults in the shell of an emitted core."""

import re
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from prove_models import step_model, write_all
from standin import written_step

from bsdgen.circuit.equivalence import ENGINES
from bsdgen.cli.app import main
from bsdgen.core import write_shells
from bsdgen.cosim.simulator import ShellName
from bsdgen.errors import InputError, ToolError, ToolRefusal, ToolTimeout, UsageError
from bsdgen.model import Model
from bsdgen.mutate import shell
from bsdgen.mutate.shell import prove_core_text
from bsdgen.mutate.shell_faults import SHELL_KINDS, draw_shell_fault, faulty_verilog, sites
from bsdgen.prove.stages import files_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = write_all(step_model(written_step()), tmp_path_factory.mktemp("shell") / "cpu")
    write_shells(Model.load(made), made, ["fpga", "wishbone"])
    return made


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


@pytest.mark.parametrize("of", ["fpga", "wishbone"])
def test_every_kind_has_places_in_a_shell_with_a_bus(folder: Path, of: str) -> None:
    """No fault names a net that the shell does not have."""
    text = files_of(folder)[of][0].read_text(encoding="utf-8")
    found = sites(text)
    assert list(found) == list(SHELL_KINDS) and all(found.values())
    declared = set(re.findall(r"(?:input|output|wire|reg)\s+(?:\[\d+:0\]\s*)?(\\?\S+?)\s*(?:;|=)", text))
    swapped = [new for _, new in found["ports swapped"]]
    assert {re.search(r"\((\w+)", new)[1] for new in swapped} <= declared  # type: ignore[index]
    assert {new.split("(")[0].strip() for new in swapped} >= {
        ".insn",
        ".mem_rdata",
        ".rs1_rdata",
        ".pc_rdata",
    }
    assert any("<= registers[" in new for _, new in found["index bit stuck"])


@pytest.mark.slow
@pytest.mark.parametrize("of", ["fpga", "wishbone"])
def test_the_proof_of_a_shell_with_a_bus_judges(folder: Path, of: ShellName) -> None:
    text = files_of(folder)[of][0].read_text(encoding="utf-8")

    def said(old: str, new: str) -> set[str]:
        assert text.count(old) == 1
        broken = text.replace(old, new)
        answers = prove_core_text(folder, broken, text, of, ("sat",), "rv32i", None, 60.0)
        return {verdict for verdict, _, _ in answers.values()}

    assert said("if (write__en)", "if (rvfi_valid)" if of == "fpga" else "if (retire)") == {"differs"}
    assert said("rst ? 2'h3 :", "rst ? 2'h1 :") == {"differs"}
    assert said("rst ? 2'h3 :", "(rst | rst & phase[0]) ? 2'h3 :") == {"equal"}
    assert said("reg [1:0] phase = 2'h3;", "reg [1:0] phase = 2'h1;") == {"differs"}
    assert said("if (write__en)", "if (no_such_net[7])") == {"refused"}


def test_other_text_has_no_places() -> None:
    with pytest.raises(UsageError, match="no place for the fault 'branches swapped'"):
        draw_shell_fault("module empty(); endmodule\n", 0, 0)


def test_the_proof_of_the_core_judges(folder: Path, verilog: str) -> None:
    def said(old: str, new: str) -> list[tuple[str, str]]:
        broken = verilog.replace(old, new, 1)
        assert broken != verilog
        answers = prove_core_text(folder, broken, verilog, "single", ENGINES, "rv32i", None, 60.0)
        return [answers[engine][:2] for engine in ENGINES]

    (abc, _), (sat, words) = said("if (write__en)", "if (rvfi_valid)")  # x0 can be written
    assert (abc, sat) == ("differs", "differs")
    assert "next_x0=" in words and "expected 0x00000000" in words
    equal = said("rvfi_intr <= \\$10 ;", "rvfi_intr <= \\$10 & (rvfi_intr | \\$10 );")
    assert [verdict for verdict, _ in equal] == ["equal", "equal"]
    assert said("if (write__en)", "if (no_such_net[7])")[0][0] == "refused"


def test_a_core_that_cannot_be_read_says_nothing_of_the_proof(
    folder: Path, verilog: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("single", ENGINES, "rv32i", None, 60.0)
    broken = verilog.replace("if (write__en)", "if (write__en", 1)
    answers = prove_core_text(folder, broken, "", *words)
    assert {answer[0] for answer in answers.values()} == {"refused"}
    assert "syntax error" in answers["abc"][1]
    fault = draw_shell_fault(verilog, 0, 0)
    result = shell._result(fault, answers, None, "")
    assert (result.verdict, result.killable) == ("refused", False)
    for error in (ToolTimeout("Yosys did not end"), InputError("no room"), ToolError("killed")):
        # that says nothing of the core either
        monkeypatch.setattr(shell, "load_stage", Mock(side_effect=error))
        with pytest.raises(type(error)):
            prove_core_text(folder, verilog, "", *words)


def test_a_core_that_verilator_refuses_ends_no_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuses = Mock(side_effect=ToolRefusal("Verilator failed with exit code 1:\n%Error: no"))
    monkeypatch.setattr(shell, "cosimulate", refuses)
    text = files_of(folder)["core"][0].read_text(encoding="utf-8")
    assert shell._run(folder, "single", text, [folder / "a.elf"], 10, 1) == (
        -1,
        "nothing, as Verilator refuses it (%Error: no)",
    )
    monkeypatch.setattr(shell, "cosimulate", Mock(side_effect=ToolError("Verilator is missing")))
    with pytest.raises(ToolError, match="is missing"):
        shell._run(folder, "single", text, [folder / "a.elf"], 10, 1)


def test_a_run_of_cores_is_kept_and_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found before an error stays, and is not asked again."""
    calls: list[int] = []

    def said(workers: object, folder: Path, calls_: list[Any], limit_s: float) -> list[Any]:
        calls.append(len(calls_))
        if len(calls) == 4:
            raise ToolError("Yosys fell over")
        verdict = "equal" if len(calls) == 1 or calls_[0][1] == "" else "differs"
        return [dict.fromkeys(ENGINES, (verdict, "", 0.0)) for _ in calls_]

    monkeypatch.setattr(shell, "_prove_all", said)
    model, kept = Model.load(folder), []
    with pytest.raises(ToolError):
        shell.mutate_shell(model, folder, range(4), jobs=1, checkpoint=kept.append)
    assert [item.number for item in kept[-1].faults] == [0, 1]
    run = shell.mutate_shell(model, folder, range(4), jobs=1, before=kept[-1])
    assert [item.number for item in run.faults] == [0, 1, 2, 3]
    assert calls == [1, 1, 1, 1, 1, 1, 1]  # the sound core, 0, 1, 2 that failed; the sound core, 2, 3


def test_usage(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "rows.parquet"
    trace.touch()
    assert main(["mutate", str(folder), str(trace), "--shell", "single", "-q"]) == 2
    assert "a core runs programs, not traces" in capsys.readouterr().err
    assert main(["mutate", str(folder), "--spec", "x.v", "--shell", "fpga", "-q"]) == 2
