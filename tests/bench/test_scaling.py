import itertools
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from bsdgen.bench.pictures import scaling_picture
from bsdgen.bench.scaling import ScalingResult, ScalingRow, allowed, run_scaling, wide_problem
from bsdgen.bench.trial import Plan, Trial, trial
from bsdgen.bench.wide import KINDS, WIDTHS, Kind, WideOracle, prove_wide, wide_schema, wide_specification
from bsdgen.bits import U64, from_bool
from bsdgen.learn import LearnConfig

SMALL = LearnConfig(n_bank=1024, n_sensitivity=64, n_check=1 << 15, time_limit_s=60)


def related_rows(width: int, n: int) -> U64:
    """Words that are often equal up to a few bits, so that every bit of a comparison decides somewhere."""
    rng = np.random.default_rng(width)
    bits = rng.random((n, 2 * width + 2)) < 0.5
    copied = rng.random((n, width)) < 1 / width
    bits[: n // 2, width : 2 * width] = bits[: n // 2, :width] ^ copied[: n // 2]
    return from_bool(bits)


def in_python(kind: Kind, a: int, b: int, s: int, width: int) -> int:
    if kind == "alu":
        return in_python(("add", "shift", "compare", "add")[s], a, b, 0, width) if s < 3 else a & b
    value = {"add": a + b, "compare": int(a < b), "shift": a << b % width}[kind]
    return value % (1 << width)


@pytest.mark.parametrize(("kind", "width"), list(itertools.product(KINDS, (8, 64, 128))))
def test_oracle_specification_and_python_agree(kind: Kind, width: int) -> None:
    rows = related_rows(width, 400)
    oracle, schema = WideOracle(kind, width), wide_schema(kind, width)
    assert (schema.n_inputs, schema.n_outputs) == (oracle.n_inputs, oracle.n_outputs)
    said, care = oracle.query(rows)
    assert np.bitwise_count(care).sum() == len(rows) * oracle.n_outputs
    assert (said == wide_specification(kind, width).evaluate(rows)).all()
    for row, out in zip(rows, said, strict=True):
        bits = sum(int(word) << 64 * at for at, word in enumerate(row))
        a, b, s = bits % 2**width, (bits >> width) % 2**width, bits >> 2 * width
        assert sum(int(word) << 64 * at for at, word in enumerate(out)) == in_python(kind, a, b, s, width)


def test_threads_change_nothing() -> None:
    rows = related_rows(128, 20_000)
    oracle = WideOracle("alu", 128)
    parts = [oracle.query(rows[first : first + 1000])[0] for first in range(0, 20_000, 1000)]
    assert (oracle.query(rows)[0] == np.concatenate(parts)).all()
    with pytest.raises(ValueError, match="kind must be of"):
        WideOracle("add", 12)


@pytest.mark.slow
def test_small_widths_are_learned_proved_and_drawn() -> None:
    result = run_scaling(("add", "compare"), (8, 16), config=SMALL)
    assert [(row.kind, row.width) for row in result.rows] == list(
        itertools.product(("add", "compare"), (8, 16))
    )
    assert all(row.trial.learned and row.trial.proved for row in result.rows)
    picture = scaling_picture(result)
    ElementTree.fromstring(picture.encode())
    assert "add" in picture and "shift" not in picture and "var(--accent)" in picture


def test_a_wrong_specification_is_disproved() -> None:
    wrong = replace(wide_problem("add", 8), prove=wide_problem("alu", 8).prove)
    found = trial(wrong, Plan(SMALL))
    assert found.learned and found.proved is False
    assert prove_wide("compare", 128, wide_specification("compare", 128)).equal


def made(kind: Kind, nodes: dict[int, int], power: float = 1.0) -> ScalingResult:
    rows = [
        ScalingRow(
            kind, width, Trial(name="x", learned=True, proved=True, nodes=n, cpu_s=(width / 8) ** power)
        )
        for width, n in nodes.items()
    ]
    return ScalingResult(0, tuple(rows))


def test_growth_is_judged() -> None:
    linear = made("add", {width: 5 * width for width in WIDTHS}, 1.5)
    assert linear.exponent("add", lambda one: one.nodes) == pytest.approx(1)
    assert linear.exponent("add", lambda one: one.cpu_s) == pytest.approx(1.5)
    assert all(bar.met for bar in linear.bars)
    square = made("add", {width: width**2 for width in WIDTHS}, 2.2)
    assert [bar.met for bar in square.bars] == [True, False, False]
    bent = made("shift", {width: round(allowed("shift", width)) for width in WIDTHS})
    assert all(bar.met for bar in bent.bars)
    assert not made("shift", {8: 24, 16: 64, 32: 200}).bars[1].met
    assert made("add", {8: 40}).doubling("add") is None
