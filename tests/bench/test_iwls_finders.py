"""Structure finders on synthetic functions: what is there is found, and noise is called noise."""

import numpy as np
import pytest

from bsdgen.bench.iwls.decisions import PASS, DecisionList, Step, find_decision_list
from bsdgen.bench.iwls.features import FeatureSet, Pair
from bsdgen.bench.iwls.forest import ForestConfig
from bsdgen.bench.iwls.fringe import FringeConfig, Vote, fringe_pairs, grow_on_fringes
from bsdgen.bench.iwls.parity import heavy_parities, peelings
from bsdgen.bench.iwls.rows import Rows, accuracy, outputs
from bsdgen.bench.iwls.search import Member, Search, best_votes, fitting, split
from bsdgen.bench.iwls.symmetric import find_symmetric
from bsdgen.bench.iwls.threshold import fit_threshold, propose_thresholds
from bsdgen.circuit.aig import AigBuilder

RNG = np.random.default_rng


def adder(bit: int, width: int = 12, n: int = 4000, seed: int = 0) -> Rows:
    """A bit of a sum; inputs in a random order."""
    inputs = RNG(seed).integers(0, 2, (n, 2 * width), np.uint8)
    weights = 1 << np.arange(width)
    total = inputs[:, :width] @ weights + inputs[:, width:] @ weights
    return Rows(inputs, (total >> bit & 1).astype(np.uint8))


def shuffled(rows: Rows, seed: int = 3) -> Rows:
    return Rows(rows.inputs[:, RNG(seed).permutation(rows.n_inputs)], rows.labels)


def noise(n_inputs: int = 16, n: int = 3000) -> Rows:
    rng = RNG(7)
    return Rows(rng.integers(0, 2, (n, n_inputs), np.uint8), rng.integers(0, 2, n, np.uint8))


def search(rows: Rows, seconds: float = 0.0) -> Search:
    return Search(rows, most_ands=5000, seconds=seconds, rng=RNG(1))


def test_a_carry_is_a_decision_list_and_goes_on_beyond_what_rows_show() -> None:
    found = find_decision_list(adder(12))
    assert len(found.steps) == 12 and {step.says for step in found.steps} <= {
        (0, PASS, PASS, 1),
        (1, PASS, PASS, 0),
    }
    assert accuracy(found.circuit(24), adder(12, n=20_000, seed=9)) == 1


def test_a_carry_of_inputs_in_any_order() -> None:
    found = find_decision_list(shuffled(adder(12)))
    fresh = shuffled(adder(12, n=20_000, seed=9))
    assert accuracy(found.circuit(24), fresh) > 0.99
    assert (found.predict(fresh.inputs) == outputs(found.circuit(24), fresh)).all()


def test_a_list_s_circuit_is_its_prediction() -> None:
    some = DecisionList(
        (Step(0, 1, (PASS, 0, 1, PASS)), Step(2, 2, (1, PASS, PASS, PASS)), Step(1, 3, (0, 1, 1, 0))), 1
    )
    inputs = ((np.arange(16)[:, None] >> np.arange(4)) & 1).astype(np.uint8)
    assert accuracy(some.circuit(4), Rows(inputs, some.predict(inputs))) == 1
    assert some.predict(np.array([[0, 1, 0, 0], [1, 0, 1, 1], [0, 0, 0, 0]], np.uint8)).tolist() == [0, 1, 1]


def test_noise_has_no_structure() -> None:
    rows = noise()
    assert not find_decision_list(rows).steps
    assert peelings(rows) == [()]
    some = search(rows)
    for i in range(rows.n_inputs):
        some.offer("lucky", AigBuilder(rows.n_inputs).build([2 + 2 * i]))
    assert some.best().held > 0.5 and some.run().method == "constant"
    assert some.best().method == "lucky"


def test_a_sum_bit_is_a_parity_and_a_carry() -> None:
    rows = adder(11)
    assert not find_decision_list(rows).steps
    assert (11, 23) in peelings(rows)
    assert heavy_parities(rows)[0][0] in ((11, 22, 23), (10, 11, 23))
    best = search(rows).run()
    assert best.method == "decision list ^ x11 ^ x23" and best.held == 1
    assert accuracy(best.aig, adder(11, n=20_000, seed=9)) == 1


def test_without_an_idea_less_is_found() -> None:
    def method(*without: str) -> str:
        return Search(adder(11), most_ands=5000, seconds=0.0, rng=RNG(1), without=without).run().method

    assert method() == method("fringes") == "decision list ^ x11 ^ x23"
    assert method("lists") == method("parities") == "constant"


def test_a_comparison_in_any_order_is_found() -> None:
    inputs = RNG(4).integers(0, 2, (5000, 20), np.uint8)
    weights = 1 << np.arange(10)
    rows = shuffled(Rows(inputs, (inputs[:, :10] @ weights > inputs[:, 10:] @ weights).astype(np.uint8)))
    best = search(rows).run()
    assert best.method.startswith("decision list") and best.held > 0.99


def test_a_symmetric_function_is_a_table() -> None:
    inputs = RNG(2).integers(0, 2, (4000, 12), np.uint8)
    rows = Rows(inputs, (inputs.sum(axis=1) % 5 < 2).astype(np.uint8))
    assert accuracy(find_symmetric(rows).circuit(12), rows) == 1
    assert search(rows).run().method == "symmetric"
    few = rows.take(np.flatnonzero(inputs.sum(axis=1) < 5))
    assert find_symmetric(few).table == (1, 1, 0, 0, 0, *[0] * 8)  # more ones than were seen: as of 4


def test_a_weighted_sum_is_a_threshold() -> None:
    inputs = RNG(2).integers(0, 2, (4000, 14), np.uint8)
    sums = inputs[:, :10] @ np.array([9, -7, 5, 4, -3, 3, 2, 2, -1, 1])
    rows = Rows(inputs, (sums >= 6).astype(np.uint8))
    found, held = fit_threshold(rows.take(np.arange(3000)), rows.take(np.arange(3000, 4000)))
    assert found is not None and held > 0.98
    features = FeatureSet(14)
    (first, *_) = propose_thresholds(features, rows, RNG(0))
    assert (features.values(inputs, [first])[:, 0] == rows.labels).mean() > 0.97
    assert not propose_thresholds(FeatureSet(16), noise(), RNG(0))
    often = Rows(inputs, rows.labels ^ (RNG(3).random(4000) < 0.15).astype(np.uint8))
    assert not propose_thresholds(
        FeatureSet(14), often, RNG(0)
    )  # only what is nearly exact becomes a feature


def nested(n: int, seed: int) -> Rows:
    """Two conjunctions in an exclusive or, twice: no input alone says much."""
    x = RNG(seed).integers(0, 2, (n, 14), np.uint8)
    one = (x[:, 0] & x[:, 1]) ^ (x[:, 2] | x[:, 3])
    two = (x[:, 4] ^ x[:, 5]) & (x[:, 6] | x[:, 7])
    return Rows(x, one ^ two)


CONFIG = FringeConfig(ForestConfig(n_trees=15, n_leaves=32, step=0.4), n_rounds=12, n_new=30, n_kept=120)


def test_fringes_find_what_trees_alone_do_not() -> None:
    fit, held, fresh = nested(2500, 0), nested(1000, 1), nested(4000, 2)
    judged = grow_on_fringes(FeatureSet(14), fit, held, CONFIG, RNG(0))
    first, best = judged[0][0], max(judged, key=lambda one: one[0])
    assert first < 0.95 and best[0] > 0.99
    assert accuracy(best[1].circuit(), fresh) > 0.99
    assert accuracy(best[1].circuit(), held) == best[0]  # the circuit is the vote that was judged


def test_a_forest_is_cut_to_the_room_there_is() -> None:
    judged = grow_on_fringes(FeatureSet(16), noise(), noise(), CONFIG, RNG(0))
    for judged_accuracy, vote in judged:
        assert accuracy(vote.circuit(), noise()) == judged_accuracy
    vote = max((one[1] for one in judged), key=lambda vote: len(vote.trees))
    whole = vote.circuit().n_ands
    cut = fitting(vote, whole // 2)
    assert cut is not None and cut.circuit().n_ands <= whole // 2 and len(cut.trees) % 2 == 1
    assert fitting(vote, whole) is not None and fitting(vote, 0) is None


def test_fringe_pairs_are_the_last_two_tests() -> None:
    rows = Rows(noise().inputs, noise().inputs[:, 3] & (noise().inputs[:, 5] ^ 1))
    judged = grow_on_fringes(FeatureSet(16), rows, rows, CONFIG, RNG(0))
    trees = list(judged[0][1].trees)
    assert Pair("and", 3, False, 5, True) in fringe_pairs(trees, list(range(16)), 50)
    features = FeatureSet(16)
    index = features.add(Pair("and", 3, False, 5, True))
    assert index == 16 == features.add(Pair("and", 3, False, 5, True))
    assert (features.values(rows.inputs, [index])[:, 0] == rows.labels).all()


def test_votes_are_chosen_by_what_they_get_right_together() -> None:
    vote = Vote((), FeatureSet(1), (0,))
    right = [[1, 1, 0, 0, 1, 1], [1, 0, 1, 1, 0, 1], [0, 1, 1, 1, 1, 0], [1, 1, 1, 1, 0, 0]]
    pool = [Member(vote, None, 1000, np.array(row, bool)) for row in right]  # type: ignore[arg-type]
    one, three = best_votes(pool, 4000)
    assert len(one) == 1 and [pool.index(member) for member in three] == [0, 1, 2]
    assert len(best_votes(pool, 2900)) == 1  # no room for three
    assert best_votes([], 5000) == []


def test_held_rows_are_apart() -> None:
    rows = Rows(((np.arange(1000)[:, None] >> np.arange(10)) & 1).astype(np.uint8), np.zeros(1000, np.uint8))
    fit, held = split(rows, RNG(0))
    assert len(held) == 150 and len(np.unique(np.vstack([fit.inputs, held.inputs]), axis=0)) == 1000


@pytest.mark.parametrize("positions", [(), (2,), (0, 5)])
def test_a_parity_taken_out_comes_back(positions: tuple[int, ...]) -> None:
    rows = noise()
    assert (rows.flipped(positions).flipped(positions).labels == rows.labels).all()
    parity = np.bitwise_xor.reduce(rows.inputs[:, list(positions)], axis=1) if positions else 0
    assert (rows.flipped(positions).labels == rows.labels ^ parity).all()
