from pathlib import Path

import pytest

from bsdgen.bench.subsets import PARTS, chosen_parts, run_subsets
from bsdgen.bits import U64
from bsdgen.errors import UsageError
from bsdgen.isa.recorder import record
from bsdgen.learn import LearnConfig
from bsdgen.traces.store import read_traces

SORT = Path(__file__).parents[2] / "sim" / "programs" / "sort.elf"
SMALL = LearnConfig(n_bank=1024, n_sensitivity=64, n_check=1 << 15, time_limit_s=120)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> U64:
    folder = tmp_path_factory.mktemp("traces")
    record(SORT, folder, max_steps=1_000_000)
    return read_traces([folder]).inputs


@pytest.mark.slow
def test_an_opcode_class_is_learned_and_proved(rows: U64) -> None:
    result = run_subsets(rows, ("lui", "system"), config=SMALL, optimise_rounds=0)
    assert result.exact
    lui, system = result.rows
    assert 0 < lui.rows < 5000 and lui.trial.nodes and lui.trial.nodes < 300
    assert system.trial.nodes == 0  # everything there traps
    assert lui.trial.peak_rss_mib < 1500


def test_parts_are_chosen_by_name() -> None:
    assert chosen_parts(None) == PARTS and len(PARTS) == 13
    assert chosen_parts("branch,rv32e") == ("branch", "rv32e")
    with pytest.raises(UsageError, match="there is no 'rv64i'"):
        chosen_parts("rv64i")
