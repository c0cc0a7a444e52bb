import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tiny_elf import tiny_elf, words

from bsdgen.cli.app import main
from bsdgen.cosim.picorv32 import PicoRV32, cares, check_core, differing_bits, differing_text, picorv32
from bsdgen.errors import EndlessError, InputError
from bsdgen.isa.encoding import INSTRUCTIONS
from bsdgen.isa.program import load_program
from bsdgen.isa.runner import rows_from_inputs, run_program
from bsdgen.isa.step import classify
from bsdgen.traces.schema import RVFI_SCHEMA
from bsdgen.traces.store import read_traces

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "sim" / "programs"
STOP = 0x0000000B  # what the stand-in never retires
REAL = os.environ.get("BSDGEN_PICORV32", "")


def standin_text() -> str:
    step = (ROOT / "tests" / "core" / "rv32i_step.v").read_text()
    core = Path(__file__).with_name("picorv32_standin.v").read_text()
    return f'`begin_keywords "1364-2005"\n{core}{step}`end_keywords\n'  # it has a wire called byte


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PicoRV32]:
    source = tmp_path_factory.mktemp("core") / "picorv32.v"
    source.write_text(standin_text())
    with picorv32(source) as core:
        yield core


def test_rows_are_those_of_the_reference(standin: PicoRV32) -> None:
    program = load_program(PROGRAMS / "random-1.elf")  # traps of every kind, and goes on after them
    run, ours = standin.run(program), run_program(program)
    assert (run.retired, run.tohost) == (ours.retired, 1)
    for field in RVFI_SCHEMA.inputs:
        np.testing.assert_array_equal(run.rows[field.name], ours.rows[field.name], field.name)
    counts = differing_bits(run.rows)
    assert [name for name, (differing, _) in counts.items() if differing] == []
    assert min(compared for _, compared in counts.values()) > 10_000


def test_a_program_that_does_not_end(standin: PicoRV32) -> None:
    with pytest.raises(
        EndlessError, match=r"retired 100 instructions on picorv32 .* expected an end within 100"
    ):
        standin.run(load_program(PROGRAMS / "sort.elf"), max_steps=100)


def test_care_follows_the_table() -> None:
    names = [field.name for field in RVFI_SCHEMA.fields]
    rows = {name: np.zeros(4, np.uint32) for name in names}
    rows["rs1_addr"][1] = 3
    rows["rd_addr"][1], rows["mem_rmask"][1] = 5, 15
    rows["mem_wmask"][2] = 0b0110
    rows["trap"][3] = 1
    care = {name.removesuffix("_care"): mask.tolist() for name, mask in cares(rows).items()}
    full = 0xFFFFFFFF
    assert care == {
        "rs1_addr": [0, 31, 0, 0],
        "rs2_addr": [0] * 4,
        "rd_addr": [31] * 4,
        "rd_wdata": [0, full, 0, 0],
        "pc_wdata": [full, full, full, 0],
        "mem_addr": [0, full, full, 0],
        "mem_rmask": [15] * 4,
        "mem_wmask": [15] * 4,
        "mem_wdata": [0, 0, 0x00FFFF00, 0],
        "trap": [1] * 4,
    }


def test_what_differs_is_counted_where_both_care() -> None:
    rows = rows_from_inputs(np.array([[0x00500093], [0x1000], [7], [0], [0]], np.uint32))  # addi x1, x0, 5
    rows["rd_wdata"] ^= np.uint32(0b101)
    rows["mem_addr"] ^= np.uint32(1)  # the reference does not care
    rows["mem_addr_care"][:] = 0xFFFFFFFF
    counts = differing_bits(rows)
    assert counts["rd_wdata"] == (2, 32)
    assert counts["mem_addr"] == (0, 0)
    assert sum(differing for differing, _ in counts.values()) == 2
    compared = sum(compared for _, compared in counts.values())
    said = f"cared bits that differ from the reference model: 2 of {compared} (rd_wdata 2)"
    assert differing_text(counts) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("module other;", "no 'module picorv32'"),
        ("module picorv32;", "no 'rvfi_valid'"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "core.v"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=f"core.v: .*{said}.*give picorv32.v"):
        check_core(path)


def test_the_command_records_and_names_no_oracle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    core, folder = tmp_path / "my core.v", tmp_path / "traces"
    wrong = "regs[rd_addr] <= rd_wdata ^ {insn[6:0] == 7'h33, 31'b0};"  # a result of two registers
    core.write_text(standin_text().replace("regs[rd_addr] <= rd_wdata;", wrong))
    given = ["record", str(PROGRAMS / "compare.elf"), "--core", str(core)]
    given += ["--random-programs", "1", "--size", "9"]
    assert main([*given, "-o", str(folder)]) == 0
    out = capsys.readouterr()
    assert "NO" in out.out
    # Rows say what the core computed from what its registers held: nothing of the step function is wrong.
    assert "cared bits that differ from the reference model: 0 of " in out.out
    assert "compare: stored another value than 1 to tohost, so my core.v is not" in out.err
    traces = read_traces([folder])
    assert traces.oracle == ""
    assert [fact["core"] for fact in traces.provenance] == ["my core.v"] * 2
    assert traces.provenance[1]["random_program"] == {"seed": 0, "size": 9, "own": False}
    assert traces.provenance[0]["core_parameters"]["ENABLE_COUNTERS"] == 0


def test_a_core_that_stops(standin: PicoRV32, tmp_path: Path) -> None:
    path = tmp_path / "stops.elf"
    path.write_bytes(tiny_elf(words(0x00000013, STOP)))
    with pytest.raises(
        InputError, match=r"stops.elf: picorv32 stopped retiring after 1 instr.* pc 0x80000000;"
    ):
        standin.run(load_program(path))


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="BSDGEN_PICORV32 names no picorv32.v of YosysHQ/picorv32")
def test_the_real_core_differs_only_where_the_docs_say(tmp_path: Path) -> None:
    folder = tmp_path / "traces"
    assert main(["record", str(PROGRAMS), "--core", REAL, "-o", str(folder), "-q"]) == 0
    assert read_traces([folder]).n_contradictions == 0
    with picorv32(Path(REAL)) as core:
        rows = core.run(load_program(PROGRAMS / "random-1.elf")).rows
    ours = rows_from_inputs(np.array([rows[field.name] for field in RVFI_SCHEMA.inputs], np.uint32))
    trap, fence = rows["trap"] == 1, classify(rows["insn"]) == INSTRUCTIONS.index("fence")
    wrong = {
        field.name: (
            (rows[field.name] ^ ours[field.name]) & rows[f"{field.name}_care"] & ours[f"{field.name}_care"]
        )
        != 0
        for field in RVFI_SCHEMA.outputs
    }
    assert {name for name, differs in wrong.items() if differs.any()} == {"rd_addr", "mem_rmask", "mem_wmask"}
    assert (trap | fence)[wrong["rd_addr"]].all()
    assert trap[wrong["mem_wmask"]].all()
    assert set(rows["mem_rmask"].tolist()) == {0, 15}
