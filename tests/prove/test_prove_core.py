"""What a core does in one cycle from any state: right ones proved, broken ones disproved and replayed."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from prove_models import step_model, write_all
from standin import written_step

from bsdgen.circuit.aig import AigBuilder, copy_into
from bsdgen.circuit.netlist import StateNetlist
from bsdgen.core import write_core
from bsdgen.errors import InputError
from bsdgen.model import Model
from bsdgen.prove import Proof, proof_text, prove_model, run
from bsdgen.prove.core import NoCore, core_function, fixed_reset_pc, read_core
from bsdgen.prove.engines import ENGINES
from bsdgen.prove.run import stage_tasks
from bsdgen.prove.stages import Stage, load_stage
from bsdgen.spec.machine import MACHINE_SCHEMA
from bsdgen.spec.step import step_specification

Broken = Callable[..., Proof]


@pytest.fixture
def broken(right: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broken:
    """Proves the core with one text of its Verilog replaced."""
    monkeypatch.setattr("bsdgen.prove.tasks._SMALL", 10**9)
    folder = tmp_path / "cpu"
    shutil.copytree(right, folder)

    def prove(old: str, new: str, only: tuple[str, ...], verilator: bool = False) -> Proof:
        if not verilator:
            monkeypatch.setattr("bsdgen.prove.replay._verilator_root", lambda: None)
        core = folder / "verilog" / "cpu_core.v"
        text = core.read_text()
        assert text.count(old) == 1, text.count(old)
        core.write_text(text.replace(old, new))
        return prove_model(
            Model.load(folder), folder, step_specification(), stages=("core",), engines=("sat",), only=only
        )

    return prove


@pytest.mark.slow
def test_a_pc_that_does_not_wait(broken: Broken) -> None:
    """It goes on although nothing retires; only the cycle that waits is wrong."""
    old = "rvfi_valid ? rvfi_pc_wdata : fetch_addr"
    (stage,) = broken(old, old.replace("rvfi_valid", "1'h1"), ("wait", "lui"), verilator=True).stages
    assert stage.verdict == "disproved" and stage.wrong_instructions == ("wait",)
    (example,) = stage.counterexamples
    assert example.text == "wait" and set(example.got) == {"next_pc"}
    assert example.expected["next_pc"] == example.inputs["pc"] != example.got["next_pc"]
    by = {said.by: said for said in example.replayed}
    assert by["simulator"].as_specified and by["simulator"].outputs == example.expected
    assert not by["Verilator"].as_specified and by["Verilator"].outputs == example.got


def test_x0_that_is_written(broken: Broken) -> None:
    (stage,) = broken(
        "assign write__en = rvfi_valid & \\$3 ;", "assign write__en = rvfi_valid;", ("lui",)
    ).stages
    (example,) = stage.counterexamples
    assert example.text.startswith("lui x0, ") and set(example.got) == {"next_x0"}
    assert int(example.expected["next_x0"], 16) == 0 != int(example.got["next_x0"], 16)
    assert [said.by for said in example.replayed] == ["simulator", "Yosys"]


def test_a_trap_that_goes_elsewhere(broken: Broken) -> None:
    (stage,) = broken("reset_pc + 3'h4", "reset_pc + 3'h2", ("ecall", "fence")).stages
    assert stage.wrong_instructions == ("ecall",)
    assert "next_pc" in stage.counterexamples[0].got


@pytest.mark.slow
def test_a_register_that_nobody_reads_is_shown_as_another_one(broken: Broken) -> None:
    """RVFI lets any number stand where rs1 is not read, but not any value."""
    old = "= registers[rvfi_rs1_addr];"
    new = "= registers[rvfi_rs1_addr ^ {4'd0, fetch_data[6:0] == 7'h37}];"
    (stage,) = broken(old, new, ("lui", "addi"), verilator=True).stages
    assert stage.wrong_instructions == ("lui",)
    (example,) = stage.counterexamples
    assert set(example.got) == {"rs1_differs"} and int(example.expected["rs1_differs"], 16) == 0
    assert [said.outputs for said in example.replayed] == [example.expected, example.got]


def test_an_induction_that_does_not_begin(broken: Broken) -> None:
    (stage,) = broken("registers[0] = 32'd0;", "registers[0] = 32'd1;", ("reset",)).stages
    assert stage.verdict == "disproved" and not stage.wrong_instructions
    assert "x0 does not start as 0" in stage.notes[0]


def test_state_that_the_specification_does_not_know(broken: Broken) -> None:
    more = "reg more; always @(posedge clk) more <= enable; assign rvfi_mode = {1'h1, more | 1'h1 & more};"
    with pytest.raises(InputError, match=r"flip-flop more.* is none of pc"):
        broken("assign rvfi_mode = 2'h3;", more, ("wait",))


def edited(right: Path, folder: Path, *pairs: tuple[str, str]) -> tuple[StateNetlist, str]:
    """The core with some texts of its Verilog replaced, read back."""
    shutil.copytree(right / "verilog", folder)
    core = folder / "cpu_core.v"
    text = core.read_text()
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    core.write_text(text)
    return read_core([core, folder / "cpu_step.v"], "cpu_core"), "cpu_core"


ANOTHER_PC = (
    ("  wire [31:0] pc;\n", ""),
    ("assign pc = fetch_addr;", "reg [31:0] pc = 0; always @(posedge clk) pc <= rvfi_pc_wdata + 8;"),
    ("assign rvfi_pc_rdata = fetch_addr;", "assign rvfi_pc_rdata = pc;"),
)
STATE_FROM_OUTSIDE = (
    ("clk, rst, fetch_addr", "clk, rst, x5, fetch_addr"),
    ("  wire clk;\n", "  wire clk;\n  input [31:0] x5;\n"),
    ("assign rvfi_mem_rdata = mem_rdata &", "assign rvfi_mem_rdata = x5 &"),
)
BUILT_IN = (
    ("rst ? reset_pc :", "rst ? 32'h80000002 :"),
    ("  input [31:0] reset_pc;\n", ""),
    (", reset_pc);", ");"),
)


def core_stage(right: Path) -> Stage:
    return load_stage("core", Model.load(right), right, step_specification())


def test_every_output_of_a_core_is_in_one_row(right: Path) -> None:
    """What stands in no row is what nobody is asked about."""
    stage = core_stage(right)
    n = stage.specification.schema.n_outputs
    assert n == stage.learned.n_outputs == MACHINE_SCHEMA.n_outputs
    assert sorted(place for places in stage.rows.values() for place in places) == list(range(n))
    assert len(stage.rows["next x1-x31"]) == 31 * 32
    whole, parts = stage_tasks(stage, [frozenset()] * (1 + len(stage.specification.cells)), ENGINES, ("sat",))
    for engine in ENGINES:
        asked = [at for task in whole if task.engine == engine for at in task.outputs]
        assert sorted(asked) == list(range(n))
    assert [task.cell for task in parts] == list(stage.specification.cells)
    assert list(stage.artifacts) == ["verilog/cpu_core.v", "verilog/cpu_step.v"]


@pytest.mark.slow
@pytest.mark.usefixtures("inline")
def test_a_core_is_proved_whole(right: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every output over all inputs by both engines; instructions are tried elsewhere."""
    monkeypatch.setattr(run, "load_stage", lambda *arguments: without_cells(load_stage(*arguments)))
    proof = prove_model(Model.load(right), right, step_specification(), stages=("core",))
    (stage,) = proof.stages
    assert stage.verdict == proof.verdict == "proved"
    widths = {field.name: field.width for field in MACHINE_SCHEMA.outputs}
    assert sum(row.cared for row in stage.outputs) == sum(widths.values())
    cared = {row.name: row.cared for row in stage.outputs}
    assert (cared["next pc"], cared["next x0"], cared["next x1-x31"]) == (32, 32, 992)
    assert all(row.proved == dict.fromkeys(ENGINES, row.cared) for row in stage.outputs)


def without_cells(stage: Stage) -> Stage:
    return replace(stage, specification=replace(stage.specification, cells=()))


@pytest.mark.slow
def test_a_survey_that_is_wrong_about_a_core(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    """A register that is not written: its bits are asked about, whatever the survey says of them."""
    monkeypatch.setattr(run, "load_stage", lambda *arguments: without_cells(load_stage(*arguments)))
    at = MACHINE_SCHEMA.output_names().index("next_x7[3]")
    monkeypatch.setattr(run, "survey", lambda workers, of, cells, engine: [frozenset(range(at))])
    old = "registers[rvfi_rd_addr] <= write__data;"
    new = "registers[rvfi_rd_addr] <= write__data & ~((rvfi_rd_addr == 7) << 3);"
    (stage,) = broken(old, new, ()).stages
    assert stage.verdict == "disproved"
    assert [row.wrong for row in stage.outputs if row.wrong] == [("next_x7[3]",)]


@pytest.mark.parametrize(
    "pairs,message",
    [
        (ANOTHER_PC, r"pc\[0\] has 2 flip-flops \(fetch_addr and pc\), expected one"),
        (STATE_FROM_OUTSIDE, r"has an input x5\[0\]"),
    ],
)
def test_state_is_one_to_one(
    right: Path, tmp_path: Path, pairs: tuple[tuple[str, str], ...], message: str
) -> None:
    """Else two different registers would be one variable of the proof."""
    net, top = edited(right, tmp_path / "v", *pairs)
    with pytest.raises(NoCore, match=message):
        core_function(net, top)


def test_a_word_for_x0_is_whole_or_absent(right: Path, tmp_path: Path) -> None:
    net, top = edited(right, tmp_path / "v")
    bit = {
        f"x0[{n}]": at
        for n in range(32)
        for at, names in enumerate(net.aliases)
        if ("registers[0]", n) in names
    }

    def without(bits: list[str]) -> StateNetlist:
        """As if some of its flip-flops were inputs and outputs that mean nothing."""
        gone = {bit[name] for name in bits}
        first, kept = len(net.outputs), [at for at in range(len(net.aliases)) if at not in gone]
        outputs = [*range(first), *(first + at for at in kept)]
        inputs = [2 * (1 + v) for v in range(len(net.inputs))]
        state = iter(range(2 * (1 + len(inputs)), 10**9, 2))
        states = [0 if at in gone else next(state) for at in range(len(net.aliases))]
        builder = AigBuilder(len(inputs) + len(kept))
        aig = builder.build(copy_into(builder, net.aig.cone(outputs), [*inputs, *states]))
        return replace(
            net,
            aig=aig,
            aliases=tuple(net.aliases[at] for at in kept),
            initial=tuple(net.initial[at] for at in kept),
        )

    aig, schema = core_function(without(list(bit)), top)
    place = schema.output_names().index("next_x0[0]")
    assert aig.outputs[place : place + 32].tolist() == [0] * 32
    with pytest.raises(NoCore, match=r"lacks next_x0\[0\];"):
        core_function(without(["x0[0]"]), top)


def test_a_first_pc_where_no_instruction_can_stand(right: Path, tmp_path: Path) -> None:
    net, top = edited(right, tmp_path / "v", *BUILT_IN)
    aig, _ = core_function(net, top)
    with pytest.raises(NoCore, match="first pc 0x80000002 built in, expected a multiple of 4"):
        fixed_reset_pc(net, aig, top)


@pytest.mark.usefixtures("inline")
def test_a_core_with_its_first_pc_built_in(tmp_path: Path) -> None:
    model = step_model(written_step())
    folder = write_all(model, tmp_path / "cpu")
    write_core(model, folder, reset_pc=0x80000000)
    only = ("reset", "ebreak", "sw")
    proof = prove_model(model, folder, step_specification(), stages=("core",), only=only)
    assert proof.verdict == "proved" and proof.stages[0].notes == (
        "the core's first pc is fixed at 0x80000000",
    )
    assert proof_text(proof).splitlines()[-1].endswith("; the core's first pc is fixed at 0x80000000")
