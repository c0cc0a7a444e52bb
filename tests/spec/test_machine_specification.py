"""The machine's specification against the runner: a program, cycle by cycle."""

from pathlib import Path

import numpy as np
import pytest

from bsdgen.bits import pack_fields, unpack_fields
from bsdgen.isa.machine import TRAP_OFFSET, Memory
from bsdgen.isa.program import load_program
from bsdgen.isa.runner import run_program
from bsdgen.spec.machine import MACHINE_SCHEMA, NEXT, STATE, machine_specification
from bsdgen.traces.schema import RVFI_SCHEMA

PROGRAMS = Path(__file__).parents[2] / "sim" / "programs"
IN = [field.width for field in MACHINE_SCHEMA.inputs]
OUT = [field.width for field in MACHINE_SCHEMA.outputs]


def cycle(inputs: dict[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Outputs and care."""
    row = pack_fields(np.array([[inputs[f.name]] for f in MACHINE_SCHEMA.inputs], np.uint64), IN)
    of = machine_specification()
    values, care = (unpack_fields(graph.evaluate(row), OUT)[:, 0].tolist() for graph in (of.values, of.care))
    names = [field.name for field in MACHINE_SCHEMA.outputs]
    return dict(zip(names, values, strict=True)), dict(zip(names, care, strict=True))


@pytest.mark.parametrize("name", ["traps", "memory"])
def test_a_program_runs_as_on_the_runner(name: str) -> None:
    program = load_program(PROGRAMS / f"{name}.elf")
    rows = run_program(program).rows
    memory = Memory(program)
    state = {name: 0 for name, _ in STATE}
    port = {"rst": 1, "enable": 1, "reset_pc": program.entry, "fetch_data": 0x13, "mem_rdata": 0}
    state = {key: cycle(state | port)[0][NEXT + key] for key, _ in STATE}
    assert state["pc"] == program.entry
    trapped = 0
    for i in range(700):
        insn = memory.read(state["pc"])
        port |= {"rst": 0, "enable": 1, "fetch_data": insn, "mem_rdata": 0}
        out, _ = cycle(state | port)
        if out["mem_rmask"]:
            port["mem_rdata"] = memory.read(out["mem_addr"])
        out, care = cycle(state | port)
        assert (out["fetch_addr"], out["rvfi_valid"], out["rvfi_order"]) == (rows["pc_rdata"][i], 1, i)
        assert out["rvfi_intr"] == trapped
        for field in RVFI_SCHEMA.fields:
            if field.role == "out" and field.name != "pc_wdata":
                cared = int(rows[f"{field.name}_care"][i]) & care[f"rvfi_{field.name}"]
                assert (out[f"rvfi_{field.name}"] ^ int(rows[field.name][i])) & cared == 0, (i, field.name)
        trapped = int(rows["trap"][i])
        goes_on = program.entry + TRAP_OFFSET if trapped else int(rows["pc_wdata"][i])
        assert out["next_pc"] == out["rvfi_pc_wdata"] == goes_on
        memory.write(out["mem_addr"], out["mem_wmask"], out["mem_wdata"])
        held, _ = cycle(state | port | {"enable": 0})
        assert all(held[NEXT + key] == value for key, value in state.items()) and not held["mem_wmask"]
        state = {key: out[NEXT + key] for key, _ in STATE}
        assert state["x0"] == 0
