"""Shells with a bus in any state: right ones proved, broken ones disproved."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from prove_models import write_all
from standin import rv32i_model

from bsdgen.core import write_shells
from bsdgen.errors import InputError
from bsdgen.model import Model
from bsdgen.prove import Proof, proof_text, prove_model
from bsdgen.prove.result import StageProof
from bsdgen.prove.shell import read_shell, state_bits
from bsdgen.spec.step import step_specification

SHELLS = ("fpga", "wishbone")
Broken = Callable[..., StageProof]


@pytest.fixture(scope="module")
def shells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a right model with its shells."""
    folder = write_all(rv32i_model(), tmp_path_factory.mktemp("shells") / "cpu")
    write_shells(Model.load(folder), folder, SHELLS)
    return folder


def prove(folder: Path, shell: str, only: tuple[str, ...] = (), **options: object) -> Proof:
    settings = {"stages": (shell,), "engines": ("sat",), "only": only} | options
    return prove_model(Model.load(folder), folder, step_specification(), **settings)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_right_shell(shells: Path, shell: str) -> None:
    proof = prove(shells, shell, engines=("abc", "sat"))
    (stage,) = proof.stages
    assert proof.verdict == "proved", proof_text(proof)
    rows = {row.name: row for row in stage.outputs}
    assert (
        rows["next x1-x31"].by_all == 992
        and rows["next operands"].by_all == 128
        and rows["rvfi registers"].by_all == 64
    )
    assert rows["retires"].by_all == 1 and rows["request held"].by_all == {"fpga": 106, "wishbone": 69}[shell]
    assert {row.name for row in stage.instructions} >= {"reset", "fetch", "read", "start", "lw", "illegal"}


@pytest.fixture
def broken(shells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broken:
    """Proves the fpga shell with texts of its Verilog replaced."""
    monkeypatch.setattr("bsdgen.prove.tasks._SMALL", 10**9)
    folder = tmp_path / "cpu"
    shutil.copytree(shells, folder)

    def break_(changes: dict[str, str], only: tuple[str, ...], shell: str = "fpga") -> StageProof:
        file = folder / "verilog" / f"cpu_{shell}.v"
        text = file.read_text()
        for old, new in changes.items():
            text, count = re.subn(old, lambda match, new=new: match.expand(new), text)
            assert count == 1, (old, count)
        file.write_text(text)
        (stage,) = prove(folder, shell, only).stages
        return stage

    return break_


# What is broken: patterns of the Verilog with what they become, cells that are asked, those that are wrong,
# and outputs of which at least one must be told.
BROKEN = {
    "retires without waiting for the bus": (
        {r"(assign \\\$4  = \\\$signal ) & \\\$3 ;": r"\1;"},
        ("lw", "add", "fetch"),
        ("lw",),
        {"rvfi_valid", "next_phase"},
    ),
    "writes a register on a trap": (
        {
            r"assign write__en = rvfi_valid & (\S+) ;": r"assign write__en = rvfi_valid & (\1 | rvfi_trap);",
            r"registers\[rvfi_rd_addr\] <=": "registers[rvfi_trap ? rvfi_insn[11:7] : rvfi_rd_addr] <=",
        },
        ("ecall", "lw", "add"),
        ("lw",),  # what ecall would write to x0 is 0
        {f"next_x{number}" for number in range(32)},
    ),
    "goes on where it was after reset": (
        {r"= rst \? 2'h3 : (\S+ );": r"= \1;"},
        ("reset", "fetch"),
        ("reset",),
        {"next_phase"},
    ),
    "stores while it is reset": (
        {r"(assign bus_valid = \S+ ) & \S+ ;": r"\1;"},
        ("reset", "sw"),
        ("reset",),
        {"bus_valid"},
    ),
    "retires while it is reset": (
        {r"(assign rvfi_valid = \S+ ) & \S+ ;": r"\1;"},
        ("reset", "fetch"),
        ("reset",),
        {"rvfi_valid"},
    ),
    "goes on in a wait state": (
        {r"= rvfi_valid \? bus_next : rvfi_pc_rdata": "= phase[1] ? bus_next : rvfi_pc_rdata"},
        ("sw", "add"),
        ("sw",),
        {"next_pc"},
    ),
    "retires twice": (
        {r"(= rvfi_valid \? )(\{[^}]*\})( +: )(\S+ );": r"\1(bus_ready ? \2 : phase)\3\4;"},
        ("add", "sw", "fetch"),
        ("sw", "add"),  # a store that traps retires without the bus
        {"next_phase"},
    ),
    "takes a word before it is there": (
        {r"(assign \\\$22  = \\\$21 ) & bus_ready;": r"\1;"},
        ("fetch", "read"),
        ("fetch",),
        {"next_insn"},
    ),
    "asks for another word while it waits": (
        {r"(assign bus_addr = .*);": r"\1 ^ {29'd0, ~phase[1] & ~rvfi_pc_rdata[2], 2'd0};"},
        ("fetch", "jal"),
        ("fetch", "jal"),
        {"bus_addr", "held_bus_addr"},
    ),
    "drops its request for a cycle": (
        {r"(assign bus_valid = .*);": r"\1 & ~(phase == 2'h0 & rvfi_order[0]);"},
        ("fetch", "jal"),
        ("fetch", "jal"),
        {"bus_valid", "held_bus_valid"},
    ),
    "says that the next fetch is elsewhere": (
        {
            r"assign bus_next = (.*);": r"wire [31:0] nexts = \1; assign bus_next = nexts ^ 32'd4;",
            r"(\\\$signal  \? )bus_next": r"\1nexts",
            r"(rvfi_valid \? )bus_next": r"\1nexts",
            r"(rvfi_pc_wdata = )bus_next;": r"\1nexts;",
            r"(next_pc = )bus_next;": r"\1nexts;",
        },
        ("sw", "add"),
        ("sw",),
        {"bus_next"},
    ),
    "does not read registers in READ": (
        {r"assign port__en = .*;": "assign port__en = phase == 2'h0;"},
        ("fetch", "read"),
        ("read",),
        {"next_rs1_rdata"},
    ),
    "reads another register where none is read": (
        {r"(<= registers\[)rvfi_rs1_addr\];": r"\1rvfi_rs1_addr ^ {4'd0, named[6:0] == 7'h37}];"},
        ("fetch", "read", "lui"),
        ("fetch", "read"),
        {"next_rs1_differs"},
    ),
    "shows another register where none is read": (
        {
            r"(assign rvfi_rs2_rdata = _0_);": r"\1 ^ {31'd0, rvfi_valid & rvfi_insn[6:0] == 7'h37};",
            r"(assign step_rs2_rdata = )rvfi_rs2_rdata;": r"\1_0_;",
        },
        ("fetch", "lui", "add"),
        ("lui",),
        {"rs2_differs"},
    ),
    "reads registers while they are written": (
        {r"(= rvfi_valid \? )\{ 1'h0, (\S+)  \}": r"\1{ \2 , 1'h0 }"},
        ("add", "sw"),
        ("sw", "add"),
        {"next_phase", "next_rs1_differs", "next_rs2_differs"},
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_shell(broken: Broken, what: str) -> None:
    changes, only, wrong, told = BROKEN[what]
    stage = broken(changes, only)
    assert stage.verdict == "disproved"
    assert stage.wrong_instructions == wrong
    assert names_of(stage) >= told, names_of(stage)


def names_of(stage: StageProof) -> set[str]:
    """Outputs that are wrong in some cell."""
    return {name.split("[")[0] for row in stage.instructions for name in row.wrong}


# Faults that show two cycles on: in a cell before the one in which they are, nothing else is wrong.
LATER = {
    "asks for another word while it waits": (
        {r"(assign bus_addr = .*);": r"\1 ^ {29'd0, ~phase[1] & rvfi_pc_rdata[2], 2'd0};"},
        "held_bus_addr",
    ),
    "drops its request while it waits": (
        {
            r"(assign bus_valid = .*);": r"\1 & ~(phase == 2'h0 & rvfi_order[0]);",
            r"(assign bus_rmask = .*) & \{ bus_valid.*;": r"\1 & {4{~phase[0] & ~rst}};",
        },
        "held_bus_valid",
    ),
    "says that it waits for an access": (
        {r"(assign bus_instr = .*);": r"\1 & phase[1];"},
        "held_bus_instr",
    ),
    "asks for fewer bytes while it waits": (
        {r"(assign bus_rmask = .*);": r"\1 & {3'd7, phase[1]};"},
        "held_bus_rmask",
    ),
    "stores while it waits": (
        {r"(assign bus_wmask = .*);": r"\1 | {3'd0, bus_valid & ~phase[1]};"},
        "held_bus_wmask",
    ),
}


@pytest.mark.parametrize("what", LATER)
def test_a_request_that_is_held_until_the_next_cycle_alone(broken: Broken, what: str) -> None:
    changes, told = LATER[what]
    assert names_of(broken(changes, ("add",))) == {told}


def test_a_request_that_changes_as_it_waits(broken: Broken) -> None:
    """What changes with the bus differs in both cycles."""
    changes = {
        r"(assign bus_next = .*);": r"\1 ^ {31'd0, bus_rdata[0]};",
        r"(\.mem_wdata\()bus_wdata(\))": r"\1data\2",
        r"(  wire \[31:0\] )named;": r"\1named; \1data; assign bus_wdata = data ^ bus_rdata;",
    }
    assert names_of(broken(changes, ("sw",))) >= {"held_bus_next", "held_bus_wdata"}


def test_a_request_in_the_cycle_after_a_reset(broken: Broken) -> None:
    """Wishbone B4, rule 3.20."""
    early = {r"(assign bus_valid = .*);": r"\1 | (&phase & ~rst & ~rvfi_order[0]);"}
    assert names_of(broken(early, ("reset",))) == {"held_bus_valid"}


def test_an_instruction_that_never_retires(broken: Broken) -> None:
    assert names_of(broken({r"(assign rvfi_valid = .*);": r"\1 & ~rvfi_pc_rdata[2];"}, ("fetch",))) == {
        "retires"
    }


def test_a_first_pc_that_is_not_there_at_power_up(shells: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cpu"
    shutil.copytree(shells, folder)
    write_shells(Model.load(folder), folder, ["single", "fpga"], reset_pc=0x80000000)
    for shell, stage in (("single", "core"), ("fpga", "fpga")):
        file = folder / "verilog" / f"cpu_{'core' if shell == 'single' else shell}.v"
        assert prove(folder, stage, ("reset",)).verdict == "proved"
        text, count = re.subn(r"(reg \[31:0\] \w+) = 32'd2147483648;", r"\1 = 32'd0;", file.read_text())
        assert count == 1
        file.write_text(text)
        (said,) = prove(folder, stage, ("reset",)).stages
        assert said.verdict == "disproved"
        assert "its pc does not start as 0x80000000, the first pc that is built in" in said.notes


def test_a_counterexample_tells_the_phase(broken: Broken) -> None:
    changes, *_ = BROKEN["takes a word before it is there"]
    (example,) = broken(changes, ("fetch",)).counterexamples
    assert example.text == "fetch" and example.inputs["phase"] == "0x0"
    assert int(example.expected["next_insn"], 16) == int(example.inputs["insn"], 16)
    assert not example.replayed


def test_a_transfer_that_fails_is_no_word(broken: Broken) -> None:
    stage = broken({r"(= wb_err \? )32'd0( : wb_dat_r)": r"\1wb_dat_r\2"}, ("fetch", "read"), "wishbone")
    assert stage.wrong_instructions == ("fetch",)


def test_an_induction_that_does_not_begin(broken: Broken) -> None:
    stage = broken({r"reg \[1:0\] phase = 2'h3;": "reg [1:0] phase = 2'h0;"}, ("reset",))
    assert stage.verdict == "disproved" and not stage.wrong_instructions
    assert stage.notes == ("it does not start with a cycle without a request",)


def test_state_that_the_specification_does_not_know(broken: Broken) -> None:
    more = "reg more; always @(posedge clk) more <= bus_ready; assign rvfi_mode = {1'h1, more | 1'h1 & more};"
    with pytest.raises(InputError, match=r"flip-flop more.* is none of phase"):
        broken({r"assign rvfi_mode = 2'h3;": more}, ("fetch",))


def test_state_that_is_there_twice(shells: Path) -> None:
    """A correspondence that is not one to one could leave a flip-flop out of the proof."""
    net = read_shell([shells / "verilog" / f"cpu_{kind}.v" for kind in ("fpga", "step")], "cpu_fpga")
    names = state_bits(net, "cpu_fpga")
    aliases = list(net.aliases)
    aliases[names.index("insn[3]")] = aliases[names.index("insn[4]")]
    with pytest.raises(InputError, match=r"has 0 flip-flops for insn\[3\], expected one"):
        state_bits(replace(net, aliases=tuple(aliases)), "cpu_fpga")
    aliases[names.index("insn[3]")] = net.aliases[names.index("insn[3]")]
    aliases[names.index("x0[5]")] = net.aliases[names.index("x0[6]")]
    with pytest.raises(InputError, match=r"has 2 flip-flops for x0\[6\], expected one"):
        state_bits(replace(net, aliases=tuple(aliases)), "cpu_fpga")


def test_a_shell_that_was_not_emitted(shells: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cpu"
    shutil.copytree(shells, folder)
    (folder / "verilog" / "cpu_wishbone.v").unlink()
    with pytest.raises(InputError, match=r"write it with `bsdgen emit .* --shell wishbone`"):
        prove(folder, "wishbone")
