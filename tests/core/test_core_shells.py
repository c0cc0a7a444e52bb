"""The shells with a bus: ports, refusals, and their ports watched in random runs, whatever is inside."""

from pathlib import Path

import numpy as np
import pytest
from standin import rv32i_model
from watched import Watched

from bsdgen.bsd import Bsd
from bsdgen.cli.app import main
from bsdgen.core import RVFI_PORTS, SHELLS, write_shells
from bsdgen.core.fpga import fpga_text
from bsdgen.core.wishbone import wishbone_text
from bsdgen.emit import emit
from bsdgen.errors import InputError, UsageError
from bsdgen.model import Model
from bsdgen.traces.schema import RVFI_SCHEMA, Field, Schema

BUS = {"valid": 1, "ready": 1, "instr": 1, "addr": 32, "rmask": 4, "wmask": 4, "wdata": 32, "rdata": 32}
WISHBONE = {"cyc": 1, "stb": 1, "we": 1, "adr": 30, "sel": 4, "dat_w": 32, "dat_r": 32, "ack": 1, "err": 1}


@pytest.fixture(scope="module")
def cpu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shells") / "cpu"
    model = rv32i_model()
    model.save(folder)
    emit(model, folder, ["verilog"], check=False)
    write_shells(model, folder, SHELLS)
    return folder


@pytest.mark.parametrize(("shell", "prefix", "ports"), [("fpga", "bus", BUS), ("wishbone", "wb", WISHBONE)])
def test_ports_of_the_verilog(cpu: Path, shell: str, prefix: str, ports: dict[str, int]) -> None:
    text = (cpu / "verilog" / f"cpu_{shell}.v").read_text()
    given = ("ready", "rdata", "dat_r", "ack", "err")
    for name, width in [*((f"{prefix}_{name}", width) for name, width in ports.items()), ("reset_pc", 32)]:
        kind = "input" if name.removeprefix(f"{prefix}_") in (*given, "reset_pc") else "output"
        assert f"  {kind} {f'[{width - 1}:0] ' if width > 1 else ''}{name};" in text
    for name, width in RVFI_PORTS:
        assert f"  output {f'[{width - 1}:0] ' if width > 1 else ''}rvfi_{name};" in text
    assert f"module cpu_{shell}(" in text and text.startswith(f"// cpu_{shell}: multi-cycle RV32I core")


@pytest.mark.parametrize("text", [fpga_text, wishbone_text])
def test_a_fixed_reset_pc_is_no_port(text) -> None:
    assert "reset_pc" not in text(rv32i_model(), "cpu", reset_pc=0x80000000)
    with pytest.raises(InputError, match="multiple of 4"):
        text(rv32i_model(), "cpu", reset_pc=2)


def test_registers_named_by_more_than_the_word_are_refused() -> None:
    """rs1_addr from a register that another part names is no loop, but comes too late."""
    parts = {"rs1_addr": "first", "rs2_addr": "second"}
    fields = [
        Field(field.name, field.width, field.role, part=parts.get(field.name, field.part))
        for field in RVFI_SCHEMA.fields
    ]
    schema, right = Schema(tuple(fields)), rv32i_model().bsd
    names = schema.input_names()
    roots = right.roots.copy()
    at = schema.output_names().index("rs2_addr[0]")
    roots[at] = 2 * (1 + names.index("rs1_rdata[0]"))
    bsd = Bsd(right.n_inputs, right.guard, right.low, right.high, roots)
    with pytest.raises(InputError, match=r"part 'second' says which registers are read and needs rs1_rdata"):
        fpga_text(Model(bsd, schema, {}), "cpu")


def test_unknown_shells_and_models_without_a_core(cpu: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shell 'pipeline' is unknown; expected one of single, fpga"):
        write_shells(rv32i_model(), cpu, ["pipeline"])
    fields = (Field("a", 1, "in"), Field("y", 1, "out"))
    bsd = Bsd(1, *(np.zeros(0, np.int32),) * 3, np.array([2], np.int32))
    Model(bsd, Schema(fields), {}).save(tmp_path / "tiny")
    assert main(["emit", str(tmp_path / "tiny"), "-f", "verilog", "--shell", "fpga", "-q"]) == 3
    assert not (tmp_path / "tiny" / "verilog" / "tiny_fpga.v").exists()
    assert main(["emit", str(cpu), "-f", "amaranth", "--shell", "fpga", "-q"]) == 2


@pytest.mark.parametrize(("shell", "seed"), [("fpga", 0), ("wishbone", 1)])
def test_ports_watched_in_random_runs(cpu: Path, shell: str, seed: int) -> None:
    """Any words, any answers, resets at any cycle, a ready bus at the end; nothing is known of the inside."""
    watched = Watched(cpu, shell, lanes=192, seed=seed)
    watched.run(cycles=150)
    assert watched.retired > 4000 and watched.resets > 300
    assert watched.reset_in_transfer > 50 and watched.traps > 200 and watched.accesses > 500
    before = watched.retired
    watched.run(cycles=40, always_ready=True)
    # With every answer in the request's first cycle, no instruction takes more than two cycles.
    assert watched.retired - before >= 19 * watched.lanes
