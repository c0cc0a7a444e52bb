"""Orders of variables: sizes that only a good order gives, whatever the numbering of the variables."""

import numpy as np
import pytest
from small_oracles import FieldOracle, Fields, Words, learn
from small_units import decoder_oracle

from bsdgen.bits import U64, from_bool, pack_fields, to_bool, unpack_fields
from bsdgen.learn import BsdLearner, LearnConfig, tree
from bsdgen.learn.contexts import Context
from bsdgen.learn.kernels.influence import hash_signature
from bsdgen.learn.ordering import next_variable

ONE = np.uint64(1)


def wrong_rows(learner: BsdLearner, oracle: FieldOracle, seed: int = 987) -> int:
    rows = Fields(oracle.widths_in).random(seed, 50_000)
    outputs, care = oracle.query(rows)
    return int(((learner.bsd_.evaluate(rows) ^ outputs) & care).any(axis=1).sum())


def weighted(a: U64, b: U64) -> Words:
    return (np.uint64(11) * a + np.uint64(5) * b + np.uint64(4),)


@pytest.mark.parametrize("seed", range(2))
def test_weighted_sum(seed: int) -> None:
    """The low bits reach all outputs, but hardly ever are seen to reach the high ones."""
    oracle = FieldOracle([32, 32], [32], weighted)
    learner = learn(oracle, seed=seed)
    assert wrong_rows(learner, oracle) == 0
    assert learner.bsd_.n_nodes <= 2000


@pytest.mark.parametrize("factor, most", [(3, 400), (5, 620)])
def test_multiple_plus_word(factor: int, most: int) -> None:
    oracle = FieldOracle([32, 32], [32], lambda a, b: (np.uint64(factor) * a + b,))
    learner = learn(oracle)
    assert wrong_rows(learner, oracle) == 0
    assert learner.bsd_.n_nodes <= most


def test_product() -> None:
    """No small diagram exists: one leaf with a fair order is smaller than many contexts."""
    oracle = FieldOracle([6, 6], [12], lambda a, b: (a * b,))
    learner = learn(oracle)
    assert wrong_rows(learner, oracle) == 0
    assert learner.bsd_.n_nodes <= 2150  # by plain orders and contexts: 2,322


def test_three_comparisons_share_their_chains() -> None:
    top = np.uint64(1 << 31)

    def compare(a: U64, b: U64) -> Words:
        return ((a == b).astype(np.uint64), (a < b).astype(np.uint64), (a ^ top < b ^ top).astype(np.uint64))

    oracle = FieldOracle([32, 32], [1, 1, 1], compare)
    learner = learn(oracle)
    assert wrong_rows(learner, oracle) == 0
    assert learner.bsd_.n_nodes <= 230


@pytest.mark.parametrize("rows", ["equal ones", "others", "none"])
def test_rows_without_the_event_do_no_harm(rows: str) -> None:
    """Two circuits selected by an equality that recorded rows never show are as small as without any rows."""
    widths = [12, 12, 32, 32]
    oracle = FieldOracle(widths, [32], lambda a, b, x, y: (np.where(a == b, x + y, x ^ y),))
    values = unpack_fields(Fields(widths).random(3, 1000), widths)
    if rows == "equal ones":
        values[1, ::2] = values[0, ::2]
    else:
        values[1] ^= (values[0] == values[1]).astype(np.uint64)
    learner = learn(oracle, None if rows == "none" else pack_fields(values, widths), n_bank=4096)
    assert wrong_rows(learner, oracle) == 0
    assert learner.bsd_.n_nodes <= 200  # 250 while a leaf that was too good to be true stayed one


@pytest.mark.parametrize("seed", range(3))
def test_rare_events_are_no_control(seed: int) -> None:
    """An increment by an equality: what a bit seems to sort out on a handful of rows is noise."""
    oracle = FieldOracle([8, 8, 16], [16], lambda a, b, x: (np.where(a == b, x + ONE, x),))
    learner = learn(oracle, seed=seed)
    assert wrong_rows(learner, oracle) == 0
    assert learner.bsd_.n_nodes <= 70


class Disguised:
    """Another oracle with inputs and outputs permuted and a random half of them inverted."""

    def __init__(self, inner: FieldOracle, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.inner, self.n_inputs, self.n_outputs = inner, inner.n_inputs, inner.n_outputs
        self.into, self.out = rng.permutation(inner.n_inputs), rng.permutation(inner.n_outputs)
        self.flip_in, self.flip_out = rng.random(inner.n_inputs) < 0.5, rng.random(inner.n_outputs) < 0.5

    def query(self, inputs: U64) -> tuple[U64, U64]:
        bits = to_bool(inputs, self.n_inputs) ^ self.flip_in
        outputs, care = self.inner.query(from_bool(bits[:, self.into]))
        return (
            from_bool(to_bool(outputs, self.n_outputs)[:, self.out] ^ self.flip_out),
            from_bool(to_bool(care, self.n_outputs)[:, self.out]),
        )


def unit(select: U64, a: U64, b: U64) -> Words:
    less = (a < b).astype(np.uint64)
    return (np.choose(select.astype(np.int64), [a + b, a << (b & np.uint64(7)), a & b, less]),)


@pytest.mark.parametrize("widths, function", [([2, 16, 16], unit), ([24, 24], weighted)])
def test_numbering_does_not_matter(widths: list[int], function: object) -> None:
    plain = FieldOracle(widths, [widths[-1]], function)  # type: ignore[arg-type]
    size = learn(plain).bsd_.n_nodes
    for seed in range(2):
        learner = BsdLearner(LearnConfig(n_bank=1024, n_check=1 << 17, jobs=1)).fit(Disguised(plain, seed))
        assert learner.bsd_.n_nodes <= 1.1 * size + 5


def test_plain_and_careful_choice() -> None:
    """Variable 0 costs no function but is seen on few rows; variable 1 costs one and is seen well."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 1 << 64, (2, 1), np.uint64)
    base = rng.integers(0, 1 << 64, (1, 2), np.uint64)
    seldom = np.array([[0b111, 0]], np.uint64)
    often = rng.integers(0, 1 << 64, (1, 2), np.uint64)
    sens = np.stack([seldom, often], axis=1)
    high = base[0, :1] ^ (seldom[0, :1] & ~values[0])
    known = np.array([hash_signature(high)], np.uint64)  # so expanding on variable 0 gives one new function
    assert next_variable(base, sens, values, known, careful=False) == 0
    assert next_variable(base, sens, values, known, careful=True) == 1


@pytest.mark.parametrize("fat", [0.0, 1e9])
def test_fat_leaves_and_splits(fat: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every leaf that could be split is compared with the split, or none is: the function is the same."""
    compared: list[bool] = []
    inner = tree.TreeGrower._halves_are_smaller

    def seen(self: tree.TreeGrower, context: Context, variable: int, whole: int) -> bool:
        compared.append(inner(self, context, variable, whole))
        return compared[-1]

    monkeypatch.setattr(tree, "_FAT", fat)
    monkeypatch.setattr(tree.TreeGrower, "_halves_are_smaller", seen)
    monkeypatch.setattr(tree.TreeGrower, "_split_is_smaller", lambda *of: False)  # compares them elsewhere
    oracle = decoder_oracle()
    fitted = learn(oracle)
    assert bool(compared) == (fat == 0)
    assert fitted.stats_.finished and wrong_rows(fitted, oracle) == 0


def test_of_equal_variables_the_widest_function_decides() -> None:
    """Each variable splits one function in two; the first always matters, but its function has no other."""
    rng = np.random.default_rng(1)
    values = rng.integers(0, 1 << 64, (4, 1), np.uint64)
    base = rng.integers(0, 1 << 64, (2, 2), np.uint64)
    sens = np.zeros((2, 4, 2), np.uint64)
    sens[0, 0] = rng.integers(0, 1 << 64, 2, np.uint64) | rng.integers(0, 1 << 64, 2, np.uint64)
    sens[1, 1:] = rng.integers(0, 1 << 64, (3, 2), np.uint64) & rng.integers(0, 1 << 64, (3, 2), np.uint64)
    assert next_variable(base, sens, values, np.zeros(0, np.uint64), careful=False) in (1, 2, 3)
