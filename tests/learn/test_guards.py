"""Function guards: a set of variables is accepted only if it acts through one bit."""

import dataclasses

import numpy as np
import pytest
from small_oracles import FieldOracle, Words

from bsdgen.bits import U64, pack_fields
from bsdgen.learn.bound import Guard
from bsdgen.learn.contexts import Context
from bsdgen.learn.queries import Queries
from bsdgen.learn.samples import RowSource

WIDTHS = [4, 4, 8, 8]


def add_or_subtract(a: U64, b: U64, x: U64, y: U64) -> Words:
    return (np.where(a == b, x + y, x - y),)


def row(*values: int) -> U64:
    return pack_fields(np.array(values, np.uint64)[:, None], WIDTHS)[0]


def compare_words() -> Guard:
    """Both words a, b; 0 - 1 and 0 + 1 differ in bit 1, which says whether a and b differ."""
    inside = row(15, 15, 0, 0)
    everything = row(15, 15, 255, 255)
    return Guard(
        mask=inside,
        output=1,
        phi_mask=everything & ~inside,
        phi_value=row(0, 0, 0, 1),
        inverted=0,
        assignments=np.stack([row(5, 5, 0, 0), row(5, 4, 0, 0)]),
    )


def holds(guard: Guard, function: object = add_or_subtract) -> bool:
    queries = Queries(FieldOracle(WIDTHS, [8], function))  # type: ignore[arg-type]
    bank = RowSource(queries.n_inputs, None).mixed(np.random.default_rng(0), 1024)
    zero = np.zeros(1, np.uint64)
    return guard.holds(queries, bank, Context(zero, zero.copy(), np.arange(8)))


def test_a_set_that_acts_through_one_bit() -> None:
    assert holds(compare_words())


@pytest.mark.parametrize(
    "changes",
    [
        {"inverted": 1},
        {"assignments": np.stack([row(5, 4, 0, 0), row(5, 5, 0, 0)])},
        {"assignments": np.stack([row(5, 5, 0, 0), row(4, 4, 0, 0)])},
    ],
)
def test_assignments_that_do_not_stand_for_it(changes: dict[str, object]) -> None:
    assert not holds(dataclasses.replace(compare_words(), **changes))  # type: ignore[arg-type]


def test_a_set_that_also_acts_otherwise() -> None:
    def leaks(a: U64, b: U64, x: U64, y: U64) -> Words:
        return (add_or_subtract(a, b, x, y)[0] ^ ((a & x & y & np.uint64(8)) << np.uint64(4)),)

    assert not holds(compare_words(), leaks)
