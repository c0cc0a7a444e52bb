"""Looking for the circuit that does best on held rows, within a time and a number of ANDs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bsdgen.bench.iwls import arithmetic as at
from bsdgen.bench.iwls.decisions import find_decision_list
from bsdgen.bench.iwls.features import FeatureSet, matrix
from bsdgen.bench.iwls.forest import ForestConfig, grow_forest
from bsdgen.bench.iwls.fringe import FringeConfig, Vote, grow_on_fringes
from bsdgen.bench.iwls.parity import peelings
from bsdgen.bench.iwls.rows import Rows, accuracy, outputs
from bsdgen.bench.iwls.symmetric import find_symmetric
from bsdgen.bench.iwls.threshold import propose_thresholds
from bsdgen.circuit.aig import Aig, AigBuilder, copy_into

IDEAS = ("parities", "lists", "fringes", "thresholds", "again", "votes", "refit")
"""What a search may do without, to see what it brings."""
_HELD = 0.15  # part of the known rows that only choices look at
_POOL = 10  # forests that votes are put together from
_VOTE_ANDS = 30  # of a vote of five
_LUCK = 3.5  # standard deviations that chance is not believed to reach


@dataclass(frozen=True, eq=False)
class Candidate:
    """A circuit, how it was found, its accuracy on the held rows, and the forests that vote in it."""

    method: str
    aig: Aig
    held: float
    members: "tuple[Member, ...]" = ()


@dataclass(frozen=True, eq=False)
class Grown:
    """A forest that was grown on labels with a parity taken out."""

    held: float
    vote: Vote
    peeled: tuple[int, ...]
    config: ForestConfig
    how: str


def _luck(rate: float, n: int) -> float:
    """How far beyond its rate something that is right that often may come by luck, in n rows."""
    return float(_LUCK * np.sqrt(rate * (1 - rate) / n))


def split(known: Rows, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Rows to fit to, and held rows, drawn at random from training and validation rows together."""
    order = rng.permutation(len(known))
    n_held = int(_HELD * len(known))
    return known.take(order[n_held:]), known.take(order[:n_held])


def with_parity(aig: Aig, positions: tuple[int, ...]) -> Aig:
    """A graph's only output xor the parity of some inputs."""
    builder = AigBuilder(aig.n_inputs)
    (output,) = copy_into(builder, aig, [2 * (1 + i) for i in range(aig.n_inputs)])
    return builder.build([at.parity(builder, [output, *(2 * (1 + i) for i in positions)])])


class Search:
    """The search for one example.

    Parameters
    ----------
    known : rows to learn from.
    most_ands : of a circuit.
    seconds : CPU time after which no new forest is begun.
    without : ideas to leave out, of `IDEAS`.
    """

    def __init__(
        self,
        known: Rows,
        *,
        most_ands: int,
        seconds: float,
        rng: np.random.Generator,
        without: Sequence[str] = (),
    ) -> None:
        self.known = known
        self.most_ands = most_ands
        self.rng = rng
        self._ideas = frozenset(IDEAS) - frozenset(without)
        self.fit, self.held = split(known, rng)
        self.found: list[Candidate] = []
        self.grown: list[Grown] = []
        self._features: dict[tuple[int, ...], FeatureSet] = {}
        self._end = time.process_time() + seconds

    def run(self) -> Candidate:
        """The best candidate; of equals the smallest; the constant where nothing does better beyond luck."""
        self._simple()
        if self.best().held < 1:
            self._forests()
        best = self.best()
        constant = next(candidate for candidate in self.found if candidate.method == "constant")
        if best.held < constant.held + _luck(constant.held, len(self.held)):
            return constant
        return self._refitted(best)

    def _refitted(self, best: Candidate) -> Candidate:
        """The same forests grown on all known rows, where they stay small enough."""
        if not best.members or best.held == 1 or "refit" not in self._ideas:
            return best
        aig = self._made(best.members, refit=True)
        return replace(best, aig=aig) if aig.n_ands <= self.most_ands else best

    def best(self) -> Candidate:
        """The best candidate so far."""
        return max(self.found, key=lambda candidate: (candidate.held, -candidate.aig.n_ands))

    def offer(self, method: str, aig: Aig, members: "tuple[Member, ...]" = ()) -> None:
        """Take a circuit for a candidate if it is small enough."""
        if aig.n_ands <= self.most_ands:
            self.found.append(Candidate(method, aig, accuracy(aig, self.held), members))

    def _late(self) -> bool:
        return time.process_time() > self._end

    def _simple(self) -> None:
        """What has one form only: a constant, a symmetric function, decision lists."""
        n_inputs = self.known.n_inputs
        common = int(self.known.labels.mean() > 0.5)
        self.offer("constant", AigBuilder(n_inputs).build([common]))
        symmetric = find_symmetric(self.fit).circuit(n_inputs)
        final = find_symmetric(self.known).circuit(n_inputs)
        if final.n_ands <= self.most_ands:
            self.found.append(Candidate("symmetric", final, accuracy(symmetric, self.held)))
        self._peelings = peelings(self.fit) if "parities" in self._ideas else [()]
        for peeled in self._peelings:
            if self.best().held == 1:
                return
            for impure in (0.0, 0.02) if "lists" in self._ideas else ():
                found = find_decision_list(self.fit.flipped(peeled), impure)
                if found.steps or peeled:
                    name = _named("decision list", peeled)
                    self.offer(name, with_parity(found.circuit(n_inputs), peeled))

    def _forests(self) -> None:
        peeled = self._likely_peelings()
        n_run = 0
        while not self._late() and self._good() < 1:
            which = peeled[0] if n_run % 4 < 3 or len(peeled) == 1 else peeled[1]
            config = _random_config(self.rng, n_run)
            if "fringes" not in self._ideas:
                config = replace(config, n_rounds=1)
            thresholds = n_run == 2 and "thresholds" in self._ideas
            again = n_run >= 5 and n_run % 2 == 0 and "again" in self._ideas
            self._grow(which, config, thresholds=thresholds, again=again)
            n_run += 1
            if n_run == 4 and self._chance():
                return
        self._offer_forests()

    def _good(self) -> float:
        return max([self.best().held, *(one.held for one in self.grown)])

    def _chance(self) -> bool:
        """Whether no forest does better than guessing the more common label, beyond what luck explains."""
        base = max(float(self.held.labels.mean()), 1 - float(self.held.labels.mean()))
        return self._good() < base + _luck(base, len(self.held))

    def _likely_peelings(self) -> list[tuple[int, ...]]:
        """Parities by the accuracy of a small forest on what is left of the labels."""
        scores: list[tuple[float, int]] = []
        for peeled in self._peelings:
            rows = self.fit.flipped(peeled)
            trees = grow_forest(
                matrix(rows.inputs), rows.labels, ForestConfig(n_trees=15, n_leaves=32, step=0.4), self.rng
            )
            vote = Vote(tuple(trees), FeatureSet(rows.n_inputs), tuple(range(rows.n_inputs)))
            ahead = 0.0 if peeled else _luck(0.5, len(self.held)) / 2
            scores.append((-ahead - accuracy(vote.circuit(), self.held.flipped(peeled)), len(scores)))
        return [self._peelings[i] for _, i in sorted(scores)]

    def _grow(self, peeled: tuple[int, ...], config: FringeConfig, *, thresholds: bool, again: bool) -> None:
        """Grow forests; `again`: beginning with all features that the best forests so far use."""
        fit, held = self.fit.flipped(peeled), self.held.flipped(peeled)
        features = self._features.setdefault(peeled, FeatureSet(fit.n_inputs))
        how = "forest on fringes" if config.n_rounds > 1 else "forest"
        extra: list[int] = []
        if thresholds:
            extra = propose_thresholds(features, fit, self.rng)
            how += " and thresholds" if extra else ""
        if again:
            best = sorted((one for one in self.grown if one.peeled == peeled), key=lambda one: -one.held)
            some = self.rng.permutation(min(8, len(best)))[:4]
            extra += sorted({i for at in some for i in best[at].vote.used if i >= fit.n_inputs} - set(extra))
        judged = grow_on_fringes(features, fit, held, config, self.rng, extra, self._late)
        for accuracy_, vote in sorted(judged, key=lambda one: -one[0])[:3]:
            self.grown.append(Grown(accuracy_, vote, peeled, config.forest, how))

    def _offer_forests(self) -> None:
        """The best forests, as many trees of each as there is room for, and votes of three and of five."""
        pool: list[Member] = []
        for one in sorted(self.grown, key=lambda one: -one.held)[:_POOL]:
            for room in (self.most_ands, self.most_ands // 3 - 4, self.most_ands // 5 - 4):
                vote = fitting(one.vote, room - 3 * len(one.peeled))
                if vote is not None and not any(vote.same_as(other.vote) for other in pool):
                    graph = with_parity(vote.circuit(), one.peeled)
                    said = outputs(graph, self.held) == self.held.labels
                    pool.append(Member(vote, one, graph.n_ands, said))
        chosen = best_votes(pool, self.most_ands)
        for members in chosen if "votes" in self._ideas else chosen[:1]:
            name = _named(members[0].grown.how, members[0].grown.peeled)
            if len(members) > 1:
                name = f"vote of {len(members)} forests"
            self.offer(name, self._made(members, refit=False), members)

    def _made(self, members: "tuple[Member, ...]", *, refit: bool) -> Aig:
        """The circuit of a vote; refitted, trees are grown anew on the same features with all known rows."""
        graphs = []
        for member in members:
            vote, grown = member.vote, member.grown
            if refit:
                rows = self.known.flipped(grown.peeled)
                x = matrix(vote.definitions.values(rows.inputs, list(vote.features)))
                config = replace(grown.config, n_trees=len(vote.trees))
                vote = replace(vote, trees=tuple(grow_forest(x, rows.labels, config, self.rng)))
            graphs.append(with_parity(vote.circuit(), grown.peeled))
        if len(graphs) == 1:
            return graphs[0]
        builder = AigBuilder(self.known.n_inputs)
        inputs = [2 * (1 + i) for i in range(builder.n_inputs)]
        votes = [copy_into(builder, aig, inputs)[0] for aig in graphs]
        return builder.build([at.at_least(builder, at.popcount(builder, votes), (len(votes) + 1) // 2)])


@dataclass(frozen=True, eq=False)
class Member:
    """A forest that may have a vote: where it is right on the held rows, and what it costs."""

    vote: Vote
    grown: Grown
    n_ands: int
    right: NDArray[np.bool_]


def fitting(vote: Vote, room: int) -> Vote | None:
    """The first trees of a forest, as many as there is room for; None if there is room for none."""
    n_trees = len(vote.trees)
    while n_trees > 0:
        n_ands = vote.cut(n_trees).circuit().n_ands
        if n_ands <= room:
            return vote.cut(n_trees)
        n_trees = min(n_trees - 2, int(n_trees * room / n_ands) // 2 * 2 + 1)
    return None


def best_votes(pool: list[Member], most_ands: int) -> list[tuple[Member, ...]]:
    """The best single member, vote of three and vote of five, as far as there is room."""
    if not pool:
        return []
    cost = np.array([member.n_ands for member in pool])
    right = np.array([member.right for member in pool], np.int8)
    best: list[tuple[int, ...]] = [(int(np.argmax(right.sum(axis=1) - cost * 1e-6)),)]
    threes: list[tuple[int, tuple[int, ...]]] = []
    for three in combinations(range(len(pool)), 3):
        if cost[list(three)].sum() + _VOTE_ANDS <= most_ands:
            threes.append((int((right[list(three)].sum(axis=0) >= 2).sum()), three))
    threes.sort(key=lambda item: -item[0])
    fives: list[tuple[int, tuple[int, ...]]] = []
    for _, good in threes[:20]:
        for two in combinations(range(len(pool)), 2):
            five = (*good, *two)
            if len(set(five)) == 5 and cost[list(five)].sum() + _VOTE_ANDS <= most_ands:
                fives.append((int((right[list(five)].sum(axis=0) >= 3).sum()), five))
    for some in (threes, fives):
        if some:
            best.append(max(some, key=lambda item: item[0])[1])
    return [tuple(pool[i] for i in chosen) for chosen in best]


def _named(what: str, peeled: tuple[int, ...]) -> str:
    return f"{what} ^ {' ^ '.join(f'x{i}' for i in peeled)}" if peeled else what


def _random_config(rng: np.random.Generator, n_run: int) -> FringeConfig:
    """Each size of trees in turn; the rest by lot."""
    n_leaves = (64, 16, 128, 32, 256)[n_run % 5]
    forest = ForestConfig(
        n_trees=max(9, min(161, 2400 // n_leaves)) | 1,
        n_leaves=n_leaves,
        step={16: 0.2, 32: 0.3}.get(n_leaves, 0.4),
        least=float(rng.choice([0.5, 1.0, 2.0])),
        sample=float(rng.choice([1.0, 0.8])),
    )
    return FringeConfig(
        forest,
        n_scouts=int(rng.choice([6, 10])) if n_leaves > 32 else 24,
        n_rounds=1 if n_run == 1 else 25,
        n_new=int(rng.choice([40, 60, 100])),
        n_kept=int(rng.choice([300, 500])),
    )
