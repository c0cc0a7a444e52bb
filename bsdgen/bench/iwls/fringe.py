"""Features from the fringes of trees, and forests grown on them again and again.

Where a tree ends, its last two tests stand for a conjunction that mattered, or an exclusive or where both
branches end in the same test (Pagallo and Haussler, *Boolean feature discovery in empirical learning*,
1990). These become features themselves, trees get shorter and reach deeper, and the next fringes are found
with them. Features that the trees stop using are dropped.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bsdgen.bench.iwls import arithmetic as at
from bsdgen.bench.iwls.features import F32, FeatureSet, Pair, join, matrix
from bsdgen.bench.iwls.forest import ForestConfig, Tree, grow_forest
from bsdgen.bench.iwls.rows import U8, Rows
from bsdgen.circuit.aig import Aig, AigBuilder


@dataclass(frozen=True)
class FringeConfig:
    """How features are looked for.

    Attributes
    ----------
    forest : grown to be judged.
    n_scouts : trees of it whose fringes are looked at.
    n_rounds : of growing and adding; 1: no features are added.
    judged : every so many rounds a whole forest is grown and judged, otherwise the scouts alone.
    n_new, n_kept : features that a round adds, and that stay beside the inputs.
    """

    forest: ForestConfig
    n_scouts: int = 8
    n_rounds: int = 1
    judged: int = 3
    n_new: int = 60
    n_kept: int = 400


@dataclass(frozen=True, eq=False)
class Vote:
    """A forest over features: 1 where at least half of the trees say so.

    Attributes
    ----------
    features : what the trees' columns are, by index.
    """

    trees: tuple[Tree, ...]
    definitions: FeatureSet
    features: tuple[int, ...]

    def cut(self, n_trees: int) -> "Vote":
        """The first trees of it."""
        return Vote(self.trees[:n_trees], self.definitions, self.features)

    def same_as(self, other: "Vote") -> bool:
        """Whether it is the same trees."""
        return len(self.trees) == len(other.trees) and self.trees[0] is other.trees[0]

    @property
    def used(self) -> list[int]:
        """Indices of the features that the trees test."""
        return sorted(
            {self.features[f] for tree in self.trees for f in tree.feature[tree.feature >= 0].tolist()}
        )

    def literal(self, b: AigBuilder) -> int:
        """Trees as multiplexers, an adder of their votes, and a comparison."""
        literal = self.definitions.literals(b, self.used)
        votes = [_tree(b, tree, [literal.get(f, 0) for f in self.features]) for tree in self.trees]
        return at.at_least(b, at.popcount(b, votes), (len(votes) + 1) // 2)

    def circuit(self) -> Aig:
        """The forest as a graph."""
        builder = AigBuilder(self.definitions.n_inputs)
        return builder.build([self.literal(builder)])


def _tree(b: AigBuilder, tree: Tree, literals: list[int]) -> int:
    out = [int(sign) for sign in tree.sign]
    for node in range(len(out) - 1, -1, -1):
        feature = int(tree.feature[node])
        if feature >= 0:
            out[node] = b.ite(literals[feature], out[tree.high[node]], out[tree.low[node]])
    return out[0]


def running_accuracy(trees: list[Tree], x: F32, labels: U8) -> NDArray[np.float64]:
    """Accuracy of the first 1, 3, 5, ... trees' vote."""
    total = np.zeros(len(labels), np.int32)
    out = []
    for n, tree in enumerate(trees, 1):
        total += tree.votes(x)
        if n % 2:
            out.append(float(((2 * total > n) == labels).mean()))
    return np.array(out)


def fringe_pairs(trees: list[Tree], active: list[int], most: int) -> list[Pair]:
    """Pairs of features at the ends of trees, the most frequent first."""
    found: Counter[Pair] = Counter()
    for tree in trees:
        feature, low, high = tree.feature.tolist(), tree.low.tolist(), tree.high.tolist()
        above: dict[int, tuple[int, bool]] = {}
        for node, tested in enumerate(feature):
            if tested < 0:
                continue
            above[low[node]], above[high[node]] = (node, True), (node, False)
            if node not in above:
                continue
            parent, flip = above[node]
            here, there = active[tested], active[feature[parent]]
            for child, flip_here in ((high[node], False), (low[node], True)):
                if feature[child] < 0 and here != there:
                    (a, flip_a), (c, flip_c) = sorted([(here, flip_here), (there, flip)])
                    found[Pair("and", a, flip_a, c, flip_c)] += 1
            beside = high[parent] if low[parent] == node else low[parent]
            if feature[beside] == tested and here != there:
                found[Pair("xor", min(here, there), False, max(here, there), False)] += 1
    return [pair for pair, _ in found.most_common(most)]


def grow_on_fringes(
    features: FeatureSet,
    fit: Rows,
    held: Rows,
    config: FringeConfig,
    rng: np.random.Generator,
    extra: Sequence[int] = (),
    enough: Callable[[], bool] = lambda: False,
) -> list[tuple[float, Vote]]:
    """Grow forests and features in turn.

    Parameters
    ----------
    features : gets what is found.
    fit, held : rows that trees are grown on, and rows that they are judged by.
    extra : features to begin with beside the inputs.
    enough : asked after each round.

    Returns
    -------
    Of each round that was judged: accuracy on the held rows of the best number of trees, and that forest.
    """
    active = [*range(features.n_inputs), *extra]
    columns = [features.values(rows.inputs, active) for rows in (fit, held)]
    judged: list[tuple[float, Vote]] = []
    for round_ in range(config.n_rounds):
        last = round_ + 1 == config.n_rounds or enough()
        judging = last or round_ % config.judged == 0
        x, x_held = (matrix(part) for part in columns)
        forest = config.forest if judging else replace(config.forest, n_trees=config.n_scouts)
        trees = grow_forest(x, fit.labels, forest, rng)
        if judging:
            curve = running_accuracy(trees, x_held, held.labels)
            n_trees = 2 * int(curve.argmax()) + 1
            judged.append((float(curve.max()), Vote(tuple(trees[:n_trees]), features, tuple(active))))
            if last or curve.max() == 1:
                break
        scouts = trees[: config.n_scouts]
        new: list[int] = []
        there = set(active)
        for pair in fringe_pairs(scouts, active, 3 * config.n_new):
            index = features.add(pair)
            if index not in there:
                new.append(index)
            if len(new) == config.n_new:
                break
        if not new:
            break
        use = np.zeros(len(active))
        for tree in scouts:
            np.add.at(use, tree.feature[tree.feature >= 0], 1)
        made = sorted(range(features.n_inputs, len(active)), key=lambda i: -use[i])
        kept = [*range(features.n_inputs), *sorted(made[: max(0, config.n_kept - len(new))])]
        place = {index: i for i, index in enumerate(active)}
        columns = [_with_new(part, kept, new, features, place) for part in columns]
        active = [active[i] for i in kept] + new
    return judged


def _with_new(
    columns: U8, kept: list[int], new: list[int], features: FeatureSet, place: dict[int, int]
) -> U8:
    made = []
    for index in new:
        pair = features.definitions[index]
        assert isinstance(pair, Pair)
        made.append(join(pair, columns[:, place[pair.first]], columns[:, place[pair.second]]))
    return np.hstack([columns[:, kept], np.stack(made, axis=1)])
