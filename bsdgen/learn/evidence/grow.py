"""Growing the control tree from rows, contexts explained as far as they can be."""

import heapq
from collections.abc import Callable
from enum import IntEnum

import numpy as np

from bsdgen.bits import U64
from bsdgen.learn.config import LearnConfig
from bsdgen.learn.evidence.context import Explanation, RowContext
from bsdgen.learn.evidence.definitions import Definitions
from bsdgen.learn.evidence.exceptions import Exceptions
from bsdgen.learn.evidence.rows import RowStore, bits_of
from bsdgen.learn.evidence.split import Look, gains, guards, next_gains, switch
from bsdgen.learn.evidence.tables.explainer import Explainer
from bsdgen.learn.evidence.tables.templates import Templates
from bsdgen.learn.evidence.tables.worth import unseen
from bsdgen.learn.evidence.tree import I32, Node, halves
from bsdgen.learn.evidence.virtual import Substitutions, Virtual
from bsdgen.learn.kernels import evidence as kernel

_FEW_ROWS = 40  # contexts with fewer are left as they are
_LOOKED_AT = 5  # candidates that are looked into, best gain first
_MANY_ROWS = 30000  # from which on a split is looked for before explanations are searched in full
_OTHERS_ROWS = 400  # below it definitions of other contexts are too many to be told apart
_SECOND = 3  # inputs that a half is split on by trial, where a gain is to decide
_KNOWN_CONTROLS = 3  # features that other contexts were split on: an exclusive or shows no gain
_FEW_OPEN = 8  # outputs of a context that is tried once more in the end
_LEAST_GAIN = 0.02
_SURE_SHARE = 0.1  # of the open outputs: explained in the halves, a split is taken at once
_SURE_GAIN = 0.042  # an output's share: taken although nothing becomes exactly explained
_CLEAR_GAIN = 1.5  # outputs' worth that a split must bring at least, if nothing becomes exactly explained
_WEAK_GAIN = 0.066  # below it explanations are searched in full before a split is taken
_KNOWN_GAIN = 0.05
_FORCED_GAIN = 0.03


class Level(IntEnum):
    """How hard a context is tried; each level waits until nothing is left to do on those before it."""

    SURE = 0  # what the context shows by itself, clearly
    OTHERS = 1  # with definitions of other contexts
    WEAK = 2  # a split that explains something
    AGAIN = 3  # with definitions that came since
    KNOWN = 4  # few outputs are open: a split that other contexts have needed too
    FORCED = 5  # a split that promises something two steps ahead


class Grower:
    """Grows the tree; `nodes` are parents before children.

    Parameters
    ----------
    tell : told what happens, a line each.
    check : called between contexts; raises to stop.
    config : `virtual`, `analogy` and `lookahead` say what is done without.
    """

    def __init__(
        self,
        store: RowStore,
        tell: Callable[[str], None],
        check: Callable[[], None] = lambda: None,
        config: LearnConfig | None = None,
    ) -> None:
        self.store, self.tell, self.check = store, tell, check
        self.config = config if config is not None else LearnConfig()
        self.definitions = Definitions(store.n_inputs)
        self.templates = Templates(self.config.analogy)
        self.substitutions = Substitutions(self.definitions)
        self.nodes: list[Node] = []
        self._seen: dict[int, int] = {}  # definitions that a context has tried as features
        self.controls: dict[int, int] = {}  # how often each feature was split on
        self._queue: list[tuple[int, int, int, int]] = []

    def run(self) -> None:
        """Grow the whole tree."""
        self.nodes = [Node(np.arange(self.store.n_rows, dtype=np.int32), {})]
        self._put(0, Level.SURE, 0)
        self._finish()

    def more(self, inputs: U64, outputs: U64, care: U64) -> int:
        """Take up more rows: what they contradict is explained anew.

        Parameters
        ----------
        inputs, outputs, care : uint64, shape (n, words): distinct rows that the store does not have.

        Returns
        -------
        Explanations that were contradicted.
        """
        first = self.store.n_rows
        self.store = self.store.extended(inputs, outputs, care)
        rows = np.arange(first, self.store.n_rows, dtype=np.int32)
        whole = RowContext(self.store, self.definitions, rows, {})
        inside = {0: np.ones(rows.shape[0], np.bool_)}
        contradicted = 0
        for at, node in enumerate(list(self.nodes)):
            chosen = inside.pop(at)
            if not node.is_leaf:
                high = bits_of(whole.column(node.guard), whole.n)
                inside |= {node.low: chosen & ~high, node.high: chosen & high}
            elif chosen.any():
                contradicted += self._taken_up(at, rows[chosen])
        self._finish()
        return contradicted

    def _taken_up(self, at: int, rows: I32) -> int:
        """Count a leaf's new rows; explanations that they contradict are dropped. Returns their number."""
        node = self.nodes[at]
        part = RowContext(self.store, self.definitions, rows, {})
        cared, dropped = np.flatnonzero(part.cared).tolist(), 0
        for output in cared:
            old = node.explanations.get(output)
            explanation = None if old is None else _with_counts(part, output, old)
            if explanation is not None:
                node.explanations[output] = explanation
            elif old is not None:
                del node.explanations[output]
                dropped += 1
        node.rows, node.resolved = np.concatenate([node.rows, rows]), None
        node.cared = node.cared | (part.cared > 0)
        if any(output not in node.explanations for output in cared):
            self._put(at, Level.SURE, 0)
        return dropped

    def _finish(self) -> None:
        """Work until nothing more comes of it."""
        self._drain()
        n_open = -1
        while n_open != (n_open := len(left := self._left())):
            for at, n in left:  # what came last may explain what was given up before
                self._seen[at] = 0
                self._put(at, Level.AGAIN, n)
            self._drain()
        self._reconsider()

    def _reconsider(self) -> None:
        """Explain anew what functions explain with cells that no row met, by all that there are now."""
        if not self.config.virtual:
            return
        n_inputs = self.store.n_inputs
        for node in self.nodes:
            doubtful = [
                o
                for o, e in node.explanations.items()
                if node.is_leaf
                and o < node.cared.size
                and node.cared[o]
                and any(f >= n_inputs for f in e.features)
                and unseen(e)
            ]
            if not doubtful:
                continue
            self.check()
            context = RowContext(self.store, self.definitions, node.rows, node.explanations)
            virtual = Virtual(context, self.nodes, self.substitutions)
            for o in doubtful:
                extra = virtual.promising(context.y[o], context.c[o], pairs=False)
                Explainer(context, self.templates).again(o, extra)
            node.explanations, node.resolved = context.explanations, None

    def _drain(self) -> None:
        while self._queue:
            self.check()
            if self._queue[0][0] == Level.FORCED:
                self._again()
            level, _, _, at = heapq.heappop(self._queue)
            self._visit(at, Level(level))

    def _left(self) -> list[tuple[int, int]]:
        """Contexts with few open outputs, and how many these are."""
        found = []
        for at, node in enumerate(self.nodes):
            if node.is_leaf and node.rows.shape[0] >= _OTHERS_ROWS:
                n = sum(o not in node.explanations for o in np.flatnonzero(node.cared).tolist())
                found += [(at, n)] if 0 < n <= _FEW_OPEN else []
        return found

    def _again(self) -> None:
        """Before a forced split: contexts with few open outputs, if there are more definitions now."""
        changed = [
            (int(Level.AGAIN) if few and self._grown(at) else level, few, n, at)
            for level, few, n, at in self._queue
        ]
        if changed != self._queue:
            self._queue = changed
            heapq.heapify(self._queue)

    def _grown(self, at: int) -> bool:
        """Whether a context has not seen many of the definitions that there are."""
        return len(self.definitions) > 1.02 * self._seen.get(at, 0)

    def _put(self, at: int, level: "Level", n_open: int) -> None:
        """Queue a context: sure work first, with most rows; of what waits for others that with fewest open
        outputs; forced splits last, with fewest rows, so that what is mixed of others comes behind these."""
        n = self.nodes[at].rows.shape[0]
        first = n_open if level in (Level.OTHERS, Level.AGAIN) else int(level == Level.FORCED and n_open <= 2)
        heapq.heappush(self._queue, (int(level), first, n if level == Level.FORCED else -n, at))

    def _visit(self, at: int, level: "Level") -> None:
        """Work on a context at a level; queue what it is split into, or itself for the next level."""
        node = self.nodes[at]
        context = RowContext(self.store, self.definitions, node.rows, node.explanations)
        done = self._begin(node, context) or self._at_level(at, context, level)
        if node.is_leaf and not context.open_outputs():
            Explainer(context, self.templates).tidy()
        node.explanations, node.resolved = context.explanations, None
        node.cared = context.cared > 0
        if not node.is_leaf:
            node.rows = np.zeros(0, np.int32)
            for half in (node.low, node.high):
                self._put(half, Level.SURE, 0)
        elif context.open_outputs() and not done:
            self._put(at, Level(level + 1), len(context.open_outputs()))
        elif not context.open_outputs():
            node.why = ""

    def _at_level(self, at: int, context: RowContext, level: "Level") -> bool:
        if level == Level.SURE:
            first = self.nodes[at].exceptional
            if first and (self._switched(at, context) or self._with_others(at, context, control=True)):
                return True
            return self._sure(at, context)
        if level == Level.OTHERS:
            return self._with_others(at, context)
        grown = self._grown(at)
        if level == Level.WEAK:
            return (grown and self._with_others(at, context)) or self._looked(at, context, 0.0)
        if level == Level.AGAIN:
            return grown and self._with_others(at, context)
        if level == Level.KNOWN:
            return len(context.open_outputs()) <= 2 and self._decided_elsewhere(at, context)
        return self._with_others(at, context, control=True) or self._forced(at, context)

    def _decided_elsewhere(self, at: int, context: RowContext) -> bool:
        """Split on the feature of other contexts' splits that has the best gain here."""
        outputs = context.open_outputs()
        known = [f for f, n in self.controls.items() if n > 1 and f in context.live]
        if not known:
            return False
        gain = gains(context, outputs, known)
        best = int(np.argmax(gain))
        if gain[best] < _KNOWN_GAIN:
            return False
        return self._split(at, context, known[best], f"split on {known[best]}, as elsewhere")

    def _begin(self, node: Node, context: RowContext) -> bool:
        """What is tried first everywhere; whether the context is done with."""
        for output, explanation in context.explanations.items():
            context.replace(output, explanation.restricted(context.fixed))
        Explainer(context, self.templates).quick(context.open_outputs())
        outputs = context.open_outputs()
        if not outputs:
            return True
        if context.n < _FEW_ROWS:
            node.why = "few rows"
            return True
        return False

    def _split(self, at: int, context: RowContext, guard: int, text: str, forced: bool = False) -> bool:
        node = self.nodes[at]
        high = bits_of(context.column(guard), context.n)
        node.guard, node.low, node.high = guard, len(self.nodes), len(self.nodes) + 1
        self.nodes += halves(node, context, guard, high, forced)
        for half in (node.low, node.high):
            self.nodes[half].exceptional = node.exceptional
        self.controls[guard] = self.controls.get(guard, 0) + 1
        self.tell(f"{self._where(node)} {context.n} rows, {len(context.open_outputs())} open: {text}")
        return True

    def _where(self, node: Node) -> str:
        return " ".join(f"{guard}={value}" for guard, value in node.path) or "all"

    def _switched(self, at: int, context: RowContext) -> bool:
        outputs = context.open_outputs()
        found = switch(context, outputs) if len(outputs) > 1 else None
        if found is None:
            return False
        variable, value, n = found
        return self._split(at, context, variable, f"{variable}={value} switches all off in {n} rows")

    def _looked(self, at: int, context: RowContext, share: float) -> bool:
        """Split where looking into the halves of the best candidates shows outputs explained.

        An input is the shorter description: functions are looked at where no input explains anything.
        """
        outputs = context.open_outputs()
        if len(outputs) <= 2 or not self.config.lookahead:
            return False
        look = Look(context, outputs, self.templates)
        for candidates, known in ((context.live, self._known_controls(context)), (guards(context), [])):
            if not candidates:
                continue
            gain = dict(zip(candidates, gains(context, outputs, candidates).tolist(), strict=True))
            best = [f for f in self._ranked(gain)[:_LOOKED_AT] if gain[f] > _LEAST_GAIN]
            best += [f for f in known if f not in best][:_KNOWN_CONTROLS]
            if not best:
                continue
            seen = look.halves(best)
            at_best = int(np.argmax(seen + 0.1 * np.array([gain[f] for f in best])))
            n, found, explained = len(outputs), best[at_best], seen[at_best]
            if explained >= 1 and (explained >= share * n or gain[found] >= _SURE_GAIN * n):
                text = f"split on {found}, explains {explained:.1f}, gain {gain[found]:.2f}"
                return self._split(at, context, found, text)
        return False

    def _known_controls(self, context: RowContext) -> list[int]:
        """Inputs that other contexts were split on, most often first."""
        live = set(context.live)
        return sorted((f for f in self.controls if f in live), key=lambda f: (-self.controls[f], f))

    @staticmethod
    def _ranked(gain: dict[int, float]) -> list[int]:
        return sorted(gain, key=lambda f: -gain[f])

    def _gained(self, at: int, context: RowContext) -> bool:
        """Split on an input of clear gain: that one behind which a second split explains most."""
        outputs = context.open_outputs()
        gain = dict(zip(context.live, gains(context, outputs, context.live).tolist(), strict=True))
        clear = max(_CLEAR_GAIN, _SURE_GAIN * len(outputs))
        best = self._ranked(gain)[:_LOOKED_AT]
        if best and gain[best[0]] >= clear:
            # Gain alone takes an operand for a control where all functions of it are mixed.
            seen = np.zeros(len(best))
            if self.config.lookahead:
                seen = Look(context, outputs, self.templates).quarters(best, _SECOND)
            found = best[int(np.argmax(seen + 0.1 * np.array([gain[f] for f in best])))]
            text = f"split on {found}, two explain {seen.max():.1f}, gain {gain[found]:.2f}"
            return self._split(at, context, found, text)
        what = f"gain {gain[best[0]]:.2f} of {best[0]}" if best else "no input"
        self.nodes[at].why = f"{what}, {len(outputs)} open {outputs[:4]}"
        self.tell(f"{self._where(self.nodes[at])} {context.n} rows: stuck, {self.nodes[at].why}")
        return False

    def _candidates(self, context: RowContext) -> list[int]:
        return [*context.live, *guards(context)]

    def _sure(self, at: int, context: RowContext) -> bool:
        """With what the context itself shows, if it shows it well."""
        if self._switched(at, context):
            return True
        if context.n > _MANY_ROWS and self._looked(at, context, _SURE_SHARE):
            return True
        outputs = context.open_outputs()
        candidates = self._candidates(context)
        gain = gains(context, outputs, candidates)
        if float(gain.max()) < _WEAK_GAIN * len(outputs):
            Explainer(context, self.templates).full(outputs)
            if not context.open_outputs():
                return True
        return self._looked(at, context, _SURE_SHARE) or self._gained(at, context)

    def _with_others(self, at: int, context: RowContext, control: bool = False) -> bool:
        """With definitions of other contexts as features, and exceptions to them."""
        node, before = self.nodes[at], len(context.open_outputs())
        self._seen[at] = len(self.definitions)
        if not self.config.virtual:
            return False
        if context.n < _OTHERS_ROWS or (node.forced and (before > 2 or context.n < 4000)):
            return False
        Explainer(context, self.templates).tidy()
        virtual = Virtual(context, self.nodes, self.substitutions)
        virtual.explain(self.templates)
        outputs = context.open_outputs()
        self.tell(
            f"{self._where(node)} {context.n} rows: {len(virtual.features)} definitions of others explain "
            f"{before - len(outputs)} of {before}"
        )
        if not outputs:
            return True
        exceptions = Exceptions(context, self.nodes, virtual, self.templates)
        exceptions.monomials()
        if not context.open_outputs():
            return True
        shared = self._shared(context) if control and len(context.open_outputs()) <= 2 else None
        guard = exceptions.guard(control and shared is None)
        guard = shared if guard is None else guard
        self._seen[at] = len(self.definitions)
        if guard is None:
            return False
        self._split(at, context, guard, f"an exception, split on {guard}")
        for half in (node.low, node.high):
            self.nodes[half].exceptional = True
        return True

    def _shared(self, context: RowContext) -> int | None:
        """The input that most explanations of the context have in common, if most of them do."""
        wide = [set(e.features) for e in context.explanations.values() if len(e.features) > 2]
        counts = {v: sum(v in features for features in wide) for v in context.live}
        best = max(counts, key=lambda v: (counts[v], -v), default=-1)
        return best if len(wide) >= 4 and counts[best] > len(wide) // 2 else None

    def _forced(self, at: int, context: RowContext) -> bool:
        """Split on what promises most two steps ahead."""
        if self._switched(at, context):
            return True
        Explainer(context, self.templates).full(context.open_outputs())
        if not context.open_outputs() or self._looked(at, context, 0.0):
            return True
        outputs = context.open_outputs()
        candidates = self._candidates(context)
        gain = gains(context, outputs, candidates)
        best = int(np.argmax(gain))
        if gain[best] < _FORCED_GAIN:
            self.nodes[at].why = f"no gain, {len(outputs)} open {outputs[:4]}"
            self.tell(f"{self._where(self.nodes[at])} {context.n} rows: not explained, {self.nodes[at].why}")
            return True
        if context.n > 700:
            chosen = [candidates[i] for i in np.argsort(-gain, kind="stable")[:5].tolist()]
            chosen += [f for f in self._known_controls(context) if f not in chosen][:12]
            two = next_gains(context, outputs, chosen)
            single = dict(zip(candidates, gain.tolist(), strict=True))
            score = [
                (t + single.get(f, 0.0)) * (1.25 if self.controls.get(f, 0) >= 5 else 1.0)
                for f, t in zip(chosen, two.tolist(), strict=True)
            ]
            at_best = int(np.argmax(score))
            if not np.isfinite(score[at_best]):
                self.nodes[at].why = f"no split, {len(outputs)} open {outputs[:4]}"
                return True
            return self._split(at, context, chosen[at_best], f"forced split on {chosen[at_best]}", True)
        return self._split(at, context, candidates[best], f"forced split on {candidates[best]}", True)


def _with_counts(part: RowContext, output: int, explanation: Explanation) -> Explanation | None:
    """The explanation with more rows counted; None if they contradict it."""
    if not explanation.features:
        values = kernel.values_seen(part.y[output], part.c[output])
        n = int(part.cared[output])
        more = np.array([[0 if values == 1 else n, 0 if values == 2 else n]], np.int64)
    else:
        more, _ = part.tabulate(output, explanation.features, 1 << 30)
    counts = np.array(explanation.counts, np.int64) + more
    if (counts > 0).all(axis=1).any():
        return None
    return Explanation.of(explanation.features, counts, explanation.own)
