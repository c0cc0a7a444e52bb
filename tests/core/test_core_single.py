import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from amaranth.back import rtlil
from standin import rv32i_model

from bsdgen.bsd import Bsd
from bsdgen.core import RVFI_PORTS, SingleCycleCore, write_core
from bsdgen.core.single import core_text, learned_modules
from bsdgen.errors import InputError
from bsdgen.isa.step import step_packed
from bsdgen.model import Model
from bsdgen.traces.schema import RVFI_SCHEMA, Field, Schema


def test_the_stand_in_is_the_reference():
    """The hand-written model that these tests use agrees with the simulator on random words."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2**64, (200_000, 3), np.uint64)
    rows[:, 2] &= np.uint64(0xFFFFFFFF)
    opcodes = np.array([0x37, 0x17, 0x6F, 0x67, 0x63, 0x03, 0x23, 0x13, 0x33, 0x0F, 0x73], np.uint64)
    rows[:, 0] &= ~np.uint64(0x7F)
    rows[:, 0] |= rng.choice(opcodes, len(rows))
    half = rows[: len(rows) // 2, 0]
    half &= ~np.uint64(0xBE000000)  # funct7 that exists
    outputs, care = step_packed(rows)
    assert not ((rv32i_model().bsd.evaluate(rows) ^ outputs) & care).any()


def test_ports_of_the_verilog(tmp_path):
    path = write_core(rv32i_model(), tmp_path / "cpu")
    text = path.read_text()
    assert path == tmp_path / "cpu/verilog/cpu_core.v"
    assert "module cpu_core(" in text
    for name, width in RVFI_PORTS:
        size = f"[{width - 1}:0] " if width > 1 else ""
        assert f"  output {size}rvfi_{name};" in text
    for name in ("fetch_data", "mem_rdata", "reset_pc"):
        assert f"  input [31:0] {name};" in text
    for part in ("source", "request", "result"):
        assert f"  cpu_{part} {part} (" in text


def test_a_fixed_reset_pc_is_no_port():
    text = core_text(rv32i_model(), "cpu", reset_pc=0x80000000)
    assert "reset_pc" not in text
    assert "32'd2147483648" in text or "32'h80000000" in text
    with pytest.raises(InputError, match="multiple of 4"):
        core_text(rv32i_model(), "cpu", reset_pc=2)


def test_elaborates_without_warnings():
    core = SingleCycleCore(learned_modules(rv32i_model(), "cpu"))
    assert "cell \\cpu_source" in rtlil.convert(core, ports=core.ports(), name="top")


def test_stopped_elaboration_warns_of_nothing():
    """In a process of its own: the parts are destroyed when it ends."""
    script = (
        "from amaranth.back import rtlil\n"
        "from bsdgen.core.single import core_text\n"
        "from standin import rv32i_model\n"
        "def stop(core, **_):\n"
        "    raise KeyboardInterrupt\n"
        "rtlil.convert = stop\n"
        "try:\n"
        "    core_text(rv32i_model(), 'cpu')\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped')\n"
    )
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=True)
    assert (done.stdout, done.stderr) == ("stopped\n", "")


def model_of(fields):
    schema = Schema(tuple(fields))
    roots = np.full(schema.n_outputs, 2, np.int32)
    return Model(Bsd(schema.n_inputs, *(np.zeros(0, np.int32),) * 3, roots), schema, {})


def test_a_model_that_is_no_step_function():
    with pytest.raises(InputError, match=r"not those of an RV32I step function.*insn"):
        learned_modules(model_of([Field("a", 1, "in"), Field("y", 1, "out")]), "m")
    wide = [Field("trap", 2, "out") if field.name == "trap" else field for field in RVFI_SCHEMA.fields]
    with pytest.raises(InputError, match="another width: trap"):
        learned_modules(model_of(wide), "m")


def test_a_part_that_decides_what_it_reads_is_refused():
    one = [Field(field.name, field.width, field.role) for field in RVFI_SCHEMA.fields]
    bsd = rv32i_model().bsd
    with pytest.raises(InputError, match="combinational loop"):
        learned_modules(Model(bsd, Schema(tuple(one)), {}), "m")
