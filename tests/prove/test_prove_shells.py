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
    assert rows["next x1-x31"].by_all == 992 and rows["next operands"].by_all == 64
    assert rows["retires"].by_all == 1 and rows["request held"].by_all == {"fpga": 106, "wishbone": 69}[shell]
    assert {row.name for row in stage.instructions} >= {"reset", "fetch", "read", "lw", "illegal"}


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
        {r"(assign \\\$4  = phase\[1\]) & \\\$3 ;": r"\1;"},
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
        ("lw", "ecall"),
        {f"next_x{number}" for number in range(32)},
    ),
    "goes on where it was after reset": (
        {r"= rst \? 2'h0 : (\S+ );": r"= \1;"},
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
        {r"(= rvfi_valid \? )(\{[^}]*\})( +: phase;)": r"\1(bus_ready ? \2 : phase)\3"},
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
            r"(phase\[1\] \? )bus_next": r"\1nexts",
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
    "reads registers while they are written": (
        {r"(= rvfi_valid \? )\{ 1'h0, (\S+)  \}": r"\1{ \2 , 1'h0 }"},
        ("add", "sw"),
        ("sw", "add"),
        {"next_phase", "next_rs1_rdata", "next_rs2_rdata"},
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_shell(broken: Broken, what: str) -> None:
    changes, only, wrong, told = BROKEN[what]
    stage = broken(changes, only)
    assert stage.verdict == "disproved"
    assert stage.wrong_instructions == wrong
    names = {name.split("[")[0] for row in stage.instructions for name in row.wrong}
    assert names & told, names


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
    stage = broken({r"reg \[1:0\] phase = 2'h0;": "reg [1:0] phase = 2'h2;"}, ("reset",))
    assert stage.verdict == "disproved" and not stage.wrong_instructions
    assert stage.notes == ("it does not start with a fetch",)


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
