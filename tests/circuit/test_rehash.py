"""Multiplexers in one shape: the function stays, and what tools write differently becomes one graph."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bsdgen.bits import from_bool
from bsdgen.circuit.aig import AigBuilder, copy_into
from bsdgen.circuit.rehash import rehash

N = 4
ALL = from_bool((np.arange(2**N)[:, None] >> np.arange(N) & 1).astype(np.bool_))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=25))
def test_any_graph_keeps_its_function(pairs):
    builder = AigBuilder(N)
    known = list(range(2, 2 * (1 + N)))
    for a, b in pairs:
        literal = builder.and_(known[a % len(known)], known[b % len(known)])
        known += [literal, literal ^ 1]
    aig = builder.build(known[-6:])
    again = rehash(aig)
    assert again.n_inputs == N and again.n_outputs == 6
    assert np.array_equal(again.evaluate(ALL), aig.evaluate(ALL))


def test_all_forms_of_a_multiplexer_and_of_an_exclusive_or_are_one():
    muxes = [
        lambda b: b.or_(b.and_(2, 4), b.and_(3, 6)),
        lambda b: b.or_(b.and_(2, 5), b.and_(3, 7)) ^ 1,
        lambda b: b.and_(b.or_(3, 4), b.or_(2, 6)),
    ]
    xors = [
        lambda b: b.or_(b.and_(2, 5), b.and_(3, 4)),
        lambda b: b.or_(b.and_(2, 4), b.and_(3, 5)) ^ 1,
        lambda b: b.and_(b.or_(2, 4), b.or_(3, 5)),
    ]
    for forms in (muxes, xors):
        joint = AigBuilder(3)
        made = set()
        for form in forms:
            builder = AigBuilder(3)
            made.add(tuple(copy_into(joint, rehash(builder.build([form(builder)])), [2, 4, 6])))
        assert len(made) == 1 and joint.n_ands == 3
