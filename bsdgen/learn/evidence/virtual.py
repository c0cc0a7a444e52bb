"""Virtual features: functions that other contexts are explained by, as features of this one.

A difference that one context shows decides a comparison in another. Three kinds: the definitions themselves;
their cofactors by inputs that are fixed here, at the other value; and definitions with inputs substituted,
the substitutions read off pairs of contexts in which the same output has the same table over other inputs
(`substitutions`), so that a function exists here that no context shows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.evidence.context import Explanation, RowContext, filled
from bsdgen.learn.evidence.definitions import Definitions, Table
from bsdgen.learn.evidence.tables.explainer import Explainer
from bsdgen.learn.evidence.tables.templates import Templates
from bsdgen.learn.evidence.tree import Node
from bsdgen.learn.kernels import evidence as kernel

I64 = NDArray[np.int64]
_WORDS = 128  # words of 64 rows on which virtual features are told apart
_CHOSEN = 40  # virtual features that join the pool of an output
_FAILURES = 6  # outputs that are not explained, until the others are not tried
_UNKNOWN = 2  # inputs of a table for which it is read off what stands for them
_NONE = -(1 << 30)  # stands for no feature: a constant
_LEAST_PAIRS = 8  # inputs that a substitution must replace
_MOST_SUBSTITUTIONS = 10
_MOST_COFACTORS = 800  # definitions of one fixed input
_TOGETHER = 4  # fixed inputs whose other values are tried together
_LEAST_COMMON = 4  # definitions that such an input must be in
_MOST_FEATURES = 20_000  # from which on no more are made
_WIDE = 70  # inputs of a definition that is substituted, at most


def resolved(node: Node, definitions: Definitions) -> dict[int, int]:
    """Definitions of a node's explained outputs, by output; kept at the node."""
    if node.resolved is None:
        node.resolved = resolve_all(node.explanations, definitions)
    return node.resolved


def resolve_all(explanations: dict[int, Explanation], definitions: Definitions) -> dict[int, int]:
    """Definitions of explained outputs whose features are explained too."""
    memo: dict[int, int] = {}
    left = dict(explanations)
    while left:
        ready = [o for o, e in left.items() if all(f >= 0 or -1 - f in memo for f in e.features)]
        if not ready:
            break
        for o in ready:
            explanation = left.pop(o)
            features = [memo[-1 - f] if f < 0 else f for f in explanation.features]
            memo[o] = definitions.make(features, filled(explanation.table()))
    return memo


def modes(nodes: Sequence[Node], n_inputs: int) -> set[int]:
    """Inputs that tell what is done: that contexts were split on, or that most tables of one depend on."""
    found = {node.guard for node in nodes if 0 <= node.guard < n_inputs}
    for node in nodes:
        wide = [set(e.features) for e in node.explanations.values() if len(e.features) > 2]
        if node.is_leaf and len(wide) >= _LEAST_PAIRS:
            counts = Counter(f for features in wide for f in features)
            found |= {f for f, n in counts.items() if 0 <= f < n_inputs and 2 * n > len(wide)}
    return found


@dataclass(frozen=True)
class Substitution:
    """Inputs and what stands for them: input -> feature."""

    images: tuple[tuple[int, int], ...]


_Said = tuple[tuple[int, ...], Table]  # features and table of an explanation
_Partial = tuple[dict[int, int], dict[int, int], dict[int, int]]


class Substitutions:
    """What inputs of one context's explanations become in another's; each pair is compared once."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self._shown: dict[int, dict[int, _Said]] = {}
        self._explained: dict[int, int] = {}
        # By context that is compared with others: what is fixed in the other, images and constants there.
        self._constant: dict[int, list[_Partial]] = {}
        self._found: dict[tuple[tuple[int, int], ...], bool] = {}
        self._memos: dict[tuple[tuple[int, int], ...], dict[int, int]] = {}

    def apply(self, images: Mapping[int, int], features: Iterable[int]) -> list[int]:
        """Features with inputs replaced; what was replaced once is remembered."""
        memo = self._memos.setdefault(tuple(sorted(images.items())), {})
        return [self.definitions.substituted(feature, images, memo) for feature in features]

    def of(self, nodes: Sequence[Node]) -> list[Substitution]:
        """Substitutions that contexts show by now, the largest first; half of it for words that are moved."""
        for at, node in enumerate(nodes):
            if not node.is_leaf or not node.cared.size or self._explained.get(at) == len(node.explanations):
                continue
            self._explained[at] = len(node.explanations)
            new = {
                o: (e.features, e.table())
                for o, e in node.explanations.items()
                if len(e.features) <= 6 and o < node.cared.size and node.cared[o]
            }
            if len(new) >= _LEAST_PAIRS:
                for other, old in self._shown.items():
                    if other != at:
                        self._compare((at, new), (other, old), nodes)
                        self._compare((other, old), (at, new), nodes)
            self._shown[at] = new if len(new) >= _LEAST_PAIRS else {}
        kept: list[Substitution] = []
        for images in sorted(self._found, key=lambda m: (-len(m) * (2 - self._found[m]), m)):
            if not any(set(images) <= set(other.images) for other in kept):
                kept.append(Substitution(images))
        return kept[:_MOST_SUBSTITUTIONS]

    def _compare(
        self,
        source: tuple[int, dict[int, _Said]],
        target: tuple[int, dict[int, _Said]],
        nodes: Sequence[Node],
    ) -> None:
        (at, a), (other, b) = source, target
        different = {o: e for o, e in a.items() if len(e[0]) > 1 and o in b and e[0] != b[o][0]}
        if len(different) < _LEAST_PAIRS:
            return
        images, constants = _images(different, b, self.definitions)
        moves = self._moves(images, different, {o: b[o] for o in different})
        self._keep(images, moves)
        if len(constants) >= _LEAST_PAIRS:
            fixed = {g: v for g, v in nodes[other].path if g < self.definitions.n_inputs}
            for before, known, values in self._constant.get(at, []):
                both = _joined((before, known, values), (fixed, images, constants), self.definitions)
                self._keep(both, moves)
            self._constant.setdefault(at, []).append((fixed, images, constants))

    def _moves(self, images: Mapping[int, int], a: dict[int, _Said], b: dict[int, _Said]) -> bool:
        """Whether most inputs go to where the other context has them for other outputs: a word that is moved
        within itself, as by a shift, and not an operand that another stands for."""
        used_a = {f for features, _ in a.values() for f in features}
        used_b = {f for features, _ in b.values() for f in features}
        n_inputs, features = self.definitions.n_inputs, self.definitions.features
        plain = {f if f < n_inputs else features[f - n_inputs][0] for f in images.values()}
        return 2 * len(used_b & images.keys()) > len(images) or 2 * len(used_a & plain) > len(plain)

    def _keep(self, images: Mapping[int, int], moves: bool) -> None:
        if len(images) >= _LEAST_PAIRS and self._replaces(images):
            key = tuple(sorted(images.items()))
            self._found[key] = moves and self._found.get(key, True)

    def _replaces(self, images: Mapping[int, int]) -> bool:
        """Whether one operand is replaced by another; a word that is only moved replaces nothing."""
        other = 0
        for image in images.values():
            other |= self.definitions.support(image)
        return not any(other >> variable & 1 for variable in images)


def _joined(one: _Partial, other: _Partial, definitions: Definitions) -> dict[int, int]:
    """Images that two contexts show together: what is 0 in one and 1 in the other is the input that is so; {}
    if they contradict, or do not say which."""
    (fixed0, images0, constants0), (fixed1, images1, constants1) = one, other
    images = {**images0, **images1}
    if any(images0[v] != images1[v] for v in images0.keys() & images1.keys()):
        return {}
    told = [v for v, value in fixed0.items() if fixed1.get(v, value) != value]
    if len(told) != 1:
        return {}
    for v in constants0.keys() & constants1.keys():
        if constants0[v] != constants1[v] and v not in images:
            same = constants0[v] == fixed0[told[0]]
            images[v] = told[0] if same else definitions.make(told, [1, 0])
    return images


def _images(
    a: dict[int, _Said], b: dict[int, _Said], definitions: Definitions
) -> tuple[dict[int, int], dict[int, int]]:
    """Input -> feature, and input -> constant, under which explanations of `a` become those of `b`; what
    contradicts or can be read in two ways is left out."""
    images: dict[int, int] = {}
    constants: dict[int, int] = {}
    todo = [o for o in a if o in b]
    changed = True
    while changed and todo:
        changed = False
        rest = []
        for o in todo:
            (plain, table), (wanted, other) = a[o], b[o]
            slots = [_slot(f, images, constants, definitions) for f in plain]
            taken = {f for f, _ in slots}
            own = [at for at, (f, _) in enumerate(slots) if f >= 0 and f not in wanted]
            new = [f for f in wanted if f not in taken]
            if len(own) > _UNKNOWN or len(new) > len(own):
                rest.append(o)
                continue
            lost = any(f < 0 and f != _NONE and f not in wanted for f, _ in slots)
            if lost or any(not 0 <= f < definitions.n_inputs for f in [*new, *(plain[at] for at in own)]):
                continue
            read = _assignment(slots, table, own, wanted, other, new) if own else None
            for at, (f, sign) in read or ():
                if plain[at] in images or plain[at] in constants:
                    continue
                changed = True
                if f == _NONE:
                    constants[plain[at]] = sign
                else:
                    images[plain[at]] = definitions.make((f,), [1, 0]) if sign else f
        todo = rest
    return images, constants


def _slot(
    f: int, images: Mapping[int, int], constants: Mapping[int, int], definitions: Definitions
) -> tuple[int, int]:
    """What stands for a feature: another and whether it is inverted, or _NONE and a constant."""
    if f in constants:
        return _NONE, constants[f]
    image = images.get(f, f)
    if (
        f >= 0
        and image >= definitions.n_inputs
        and len(definitions.features[image - definitions.n_inputs]) == 1
    ):
        return definitions.features[image - definitions.n_inputs][0], 1
    return image, 0


def _assignment(
    slots: list[tuple[int, int]],
    table: Table,
    own: list[int],
    wanted: tuple[int, ...],
    other: Table,
    new: list[int],
) -> list[tuple[int, tuple[int, int]]] | None:
    """What stands in the slots `own` so that the tables agree, each of `new` once and constants; None if
    nothing does, or two ways do."""
    found = None
    cells = np.arange(other.size)
    bit = {f: cells >> at & 1 for at, f in enumerate(wanted)}
    base = np.zeros_like(cells)
    for at, (f, sign) in enumerate(slots):
        if at not in own:
            base |= (sign if f == _NONE else bit[f] ^ sign) << at
    for chosen in permutations([*new, *[_NONE] * (len(own) - len(new))]):
        for signs in product((0, 1), repeat=len(own)):
            place = base
            for at, f, sign in zip(own, chosen, signs, strict=True):
                place = place | (sign if f == _NONE else bit[f] ^ sign) << at
            ta = table[place]
            both = (ta >= 0) & (other >= 0)
            if 2 * int(both.sum()) > both.size and np.array_equal(ta[both], other[both]):
                read = list(zip(own, zip(chosen, signs, strict=True), strict=True))
                if found is not None and read != found:
                    return None
                found = read
    return found


class Virtual:
    """Virtual features of a context.

    Attributes
    ----------
    features : their numbers.
    planes : their planes on the first rows.
    """

    def __init__(self, context: RowContext, nodes: Sequence[Node], substitutions: Substitutions) -> None:
        self.context = context
        definitions, n_inputs = context.definitions, context.store.n_inputs
        base: dict[int, None] = {}
        for node in nodes:
            if node.cared.size:
                base |= dict.fromkeys(d for d in resolved(node, definitions).values() if d >= n_inputs)
        base |= dict.fromkeys(node.guard for node in nodes if node.guard >= n_inputs)
        base = dict.fromkeys(d for d in base if definitions.features[d - n_inputs])
        numbers = list(base)
        for other, touched in self._other_controls(base, modes(nodes, n_inputs)):
            constants = {v: definitions.constant(value) for v, value in other.items()}
            numbers += substitutions.apply(constants, touched)
        plain = [
            d for d in dict.fromkeys(numbers) if d >= n_inputs and definitions.support(d).bit_count() <= _WIDE
        ]
        for substitution in substitutions.of(nodes):
            if len(numbers) > _MOST_FEATURES:
                break
            images = dict(substitution.images)
            domain = sum(1 << variable for variable in images)
            numbers += substitutions.apply(images, [d for d in plain if definitions.support(d) & domain])
        self.features, self.planes = self._distinct(numbers)

    def _other_controls(
        self, base: Iterable[int], modes: Iterable[int]
    ) -> list[tuple[dict[int, int], list[int]]]:
        """Other values of inputs that definitions depend on, and these definitions.

        Inputs that are fixed here, at the other value, and modes at both; one input after the other, and all
        values together of those fixed ones that most definitions depend on.
        """
        definitions, fixed = self.context.definitions, self.context.fixed
        touched = {
            v: [d for d in base if definitions.support(d) >> v & 1 and definitions.support(d) != 1 << v]
            for v in sorted({*fixed, *modes})
        }
        touched = {v: of for v, of in touched.items() if 0 < len(of) <= _MOST_COFACTORS}
        found = [({v: value}, of) for v, of in touched.items() for value in (0, 1) if fixed.get(v) != value]
        common = sorted(touched.keys() & fixed.keys(), key=lambda v: (-len(touched[v]), v))[:_TOGETHER]
        common = [v for v in common if len(touched[v]) >= _LEAST_COMMON]
        every = list(dict.fromkeys(d for v in common for d in touched[v]))
        for values in product((0, 1), repeat=len(common)):
            if sum(fixed[v] != value for v, value in zip(common, values, strict=True)) > 1:
                found.append((dict(zip(common, values, strict=True)), every))
        return found

    def _distinct(self, numbers: Sequence[int]) -> tuple[list[int], U64]:
        """Those whose planes differ from each other, constants and inputs."""
        context = self.context
        words = min(context.x.shape[1], _WORDS)
        valid = context.valid[:words]
        columns = {v: np.ascontiguousarray(context.x[v, :words]) for v in range(context.store.n_inputs)}
        seen: set[bytes] = set()
        for v in context.live:
            seen |= {(columns[v] & valid).tobytes(), (~columns[v] & valid).tobytes()}
        features, planes = [], []
        for number in numbers:
            if number < context.store.n_inputs:
                continue
            plane = context.definitions.evaluate(number, columns) & valid
            key = plane.tobytes()
            if key in seen or not plane.any() or np.array_equal(plane, valid):
                continue
            seen |= {key, (~plane & valid).tobytes()}
            features.append(number)
            planes.append(plane)
        shape = (len(planes), words)
        return features, np.array(planes, np.uint64).reshape(shape)

    def promising(self, y: U64, c: U64, pairs: bool) -> list[int]:
        """Features most correlated with a target; with `pairs` also in an exclusive or with an input."""
        if not self.features:
            return []
        words = self.planes.shape[1]
        y, c = np.ascontiguousarray(y[:words]), np.ascontiguousarray(c[:words])
        n = int(np.bitwise_count(c).sum())
        distance = np.zeros(len(self.features), np.int64)
        kernel.distances(self.planes, y, c, distance)
        chosen = np.argsort(-np.abs(n - 2 * distance), kind="stable")[:_CHOSEN].tolist()
        if pairs:
            best = np.zeros(len(self.features), np.int64)
            for variable in self.context.live:
                kernel.distances(self.planes, y ^ self.context.x[variable, :words], c, distance)
                best = np.maximum(best, np.abs(n - 2 * distance))
            chosen += [at for at in np.argsort(-best, kind="stable")[:_CHOSEN].tolist() if at not in chosen]
        return [self.features[at] for at in chosen]

    def _distance(self, output: int) -> float:
        """Share of the cared rows on which the nearest feature, or its complement, is not the output."""
        words = self.planes.shape[1]
        y, c = self.context.y[output, :words], self.context.c[output, :words]
        n = int(np.bitwise_count(c).sum())
        distance = np.zeros(len(self.features), np.int64)
        kernel.distances(self.planes, np.ascontiguousarray(y), np.ascontiguousarray(c), distance)
        return float(np.minimum(distance, n - distance).min(initial=n)) / max(1, n)

    def explain(self, templates: Templates) -> None:
        """Explain open outputs with virtual features: searched in full where few are open."""
        context = self.context
        outputs = context.open_outputs()
        few, failures = len(outputs) <= 3, 0
        explainer = Explainer(context, templates)
        if not few:
            outputs = sorted(outputs, key=self._distance)  # failures end it: the nearest first
        for output in outputs:
            if output in context.explanations:
                continue
            extra = self.promising(context.y[output], context.c[output], few)
            if not (explainer.full([output], extra, patience=1) if few else explainer.greedy(output, extra)):
                failures += 1
                if failures >= _FAILURES:
                    return
