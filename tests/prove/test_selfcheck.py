"""The check of the specification itself, and that it sees a slip."""

import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from bsdgen.circuit.aig import Aig
from bsdgen.cli.app import main
from bsdgen.errors import ToolError
from bsdgen.oracle.simulator import SimulatorOracle
from bsdgen.prove.selfcheck import SpikeResult, check_against_simulator, check_against_spike, find_spike
from bsdgen.spec.graph import Specification
from bsdgen.spec.step import step_specification
from bsdgen.traces.schema import RVFI_SCHEMA

SORT = Path(__file__).parents[2] / "sim" / "programs" / "sort.elf"


def with_wrong(what: str, output: str) -> Specification:
    """The specification with one bit of its values or of its care inverted."""
    right = step_specification()
    aig: Aig = getattr(right, what)
    outputs = aig.outputs.copy()
    outputs[RVFI_SCHEMA.output_names().index(output)] ^= 1
    return replace(right, **{what: Aig(aig.n_inputs, aig.fanin0, aig.fanin1, outputs)})


@pytest.mark.parametrize(
    "what,output,field", [("values", "pc_wdata[3]", "pc_wdata"), ("care", "mem_addr[0]", "mem_addr_care")]
)
def test_a_slip_is_seen(what: str, output: str, field: str) -> None:
    result = check_against_simulator(with_wrong(what, output), SimulatorOracle(), vectors=5000)
    assert result.errors > 1000
    assert result.errors_by_output[field] == result.errors
    assert sum(result.errors_by_output.values()) == result.errors


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "")
        patch.setattr("sys.executable", "/nowhere/python")
        with pytest.raises(ToolError, match="pip install --pre spike") as missing:
            find_spike()
    monkeypatch.setattr("bsdgen.prove.selfcheck.find_spike", Mock(side_effect=missing.value))
    assert main(["prove", "--check-spec", "-n", "20000", "--json", "-q"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["vectors"], facts["errors"], facts["specification"]) == (20_000, 0, "rv32i")
    assert "pip install --pre spike" in facts["spike_skipped"]  # said, never silently left out
    assert main(["prove", "--check-spec", "-n", "20000", "--isa", "rv32e", "-q"]) == 0
    monkeypatch.setattr("bsdgen.spec.step.step_specification", lambda base: with_wrong("values", "trap"))
    assert main(["prove", "--check-spec", "-n", "2000", "-q"]) == 1
    assert "differ on 2,000 of 2,000 vectors" in capsys.readouterr().err


def test_spike_says_the_same() -> None:
    from spike_logs import find_spike as spike_or_skip

    spike_or_skip()
    assert find_spike().is_file()
    (result,) = check_against_spike(step_specification(), [SORT])
    assert result.name == "sort" and result.rows > 30_000 and not result.errors
    assert 0 < result.left_out < 10  # the program sets its trap vector
    (result,) = check_against_spike(with_wrong("values", "rd_addr[0]"), [SORT])
    assert 30_000 < result.errors <= result.rows and result.first > 0


def test_what_spike_says_counts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    results = [SpikeResult("one", 5, 0, -1, 2), SpikeResult("two", 7, 3, 0x33, 0)]
    monkeypatch.setattr("bsdgen.cli.prove._check_spike", lambda *_: (results, ""))
    assert main(["prove", "--check-spec", "-n", "2000"]) == 1
    told = capsys.readouterr()
    assert "Spike, one: 5 instructions, 0 errors; 2 left out" in told.out
    assert "two: the specification and Spike differ in 3 of 7 instructions, first in 0x00000033" in told.err
