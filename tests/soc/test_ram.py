"""What the block RAM of the system is made of."""

import json
from pathlib import Path

import pytest

from bsdgen.circuit.tools import run_yosys
from bsdgen.soc.simulator import find_gateware


@pytest.mark.parametrize(("family", "blocks"), [("ice40", {"SB_RAM40_4K": 16}), ("ecp5", {"DP16KD": 4})])
def test_memory_is_block_ram_without_registers_around_it(
    tmp_path: Path, family: str, blocks: dict[str, int]
) -> None:
    """A read in a cycle that writes would need some, to hold what the iCE40's block RAM does not answer."""
    (tmp_path / "ram.v").write_text((find_gateware() / "ram.v").read_text())
    script = ["read_verilog ram.v", f"synth_{family} -top soc_ram_sync", "tee -q -o stat.json stat -json"]
    run_yosys(script, cwd=tmp_path)
    cells = json.loads((tmp_path / "stat.json").read_text())["design"]["num_cells_by_type"]
    assert {name: n for name, n in cells.items() if "RAM" in name or "DP16" in name} == blocks
    assert not [name for name in cells if "DFF" in name or "_FF" in name], cells
