import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standin import random_bsd

from bsdgen.circuit import Aig, aig_from_bsd, read_aiger, write_aiger
from bsdgen.circuit.aiger import aiger_bytes
from bsdgen.circuit.tools import run_abc
from bsdgen.errors import InputError


def same(a, b):
    return a.n_inputs == b.n_inputs and all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in ("fanin0", "fanin1", "outputs")
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(1, 300), st.integers(0, 80), st.integers(0, 9))
def test_reads_what_it_writes(tmp_path, seed, n_inputs, n_nodes, n_outputs):
    aig = aig_from_bsd(random_bsd(np.random.default_rng(seed), n_inputs, n_nodes, n_outputs))
    inputs, outputs = [f"in {i}" for i in range(n_inputs)], [f"out[{i}]" for i in range(n_outputs)]
    write_aiger(tmp_path / "a.aig", aig, inputs, outputs, "a comment\ni0 not a name")
    back = read_aiger(tmp_path / "a.aig")
    assert same(back.aig, aig)
    assert back.inputs == tuple(inputs)
    assert back.outputs == tuple(outputs)


def test_abc_reads_and_writes_the_same_function(tmp_path):
    aig = aig_from_bsd(random_bsd(np.random.default_rng(3), 9, 200, 7))
    write_aiger(tmp_path / "a.aig", aig)
    run_abc(["read_aiger a.aig", "strash", "write_aiger b.aig"], cwd=tmp_path)
    rows = np.arange(512, dtype=np.uint64)[:, None]
    assert np.array_equal(read_aiger(tmp_path / "b.aig").aig.evaluate(rows), aig.evaluate(rows))


def test_names_must_be_one_a_bit():
    aig = Aig(2, *(np.zeros(0, np.int32),) * 3)
    with pytest.raises(ValueError, match="one a bit"):
        aiger_bytes(aig, ["a"])


GOOD = b"aig 3 2 0 1 1\n7\n\x02\x02i0 a\ni1 b\no0 nand\n"


@pytest.mark.parametrize(
    "data,words",
    [
        (b"", "header of a binary AIGER"),
        (b"aag 3 2 0 1 1\n7\n6 4 2\n", "header of a binary AIGER"),
        (b"aig 3 2 1 1 0\n7\n", "1 latches"),
        (GOOD[:16], "truncated"),
        (GOOD[:15], "truncated"),
        (b"aig 3 2 0 1 1\nx\n\x02\x02", "truncated"),
        (b"aig 3 2 0 1 1\n9\n\x02\x02", "truncated or damaged"),
        (b"aig 3 2 0 1 1\n7\n\x00\x02", "no earlier node"),
        (b"aig 3 2 0 1 1\n7\n\x7f\x02", "no earlier node"),
    ],
)
def test_damaged_files_are_told(tmp_path, data, words):
    path = tmp_path / "bad.aig"
    path.write_bytes(data)
    with pytest.raises(InputError, match=words):
        read_aiger(path)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_aiger(tmp_path / "none.aig")
