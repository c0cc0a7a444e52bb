"""Questions second: what rows leave in doubt is asked, and only that.

A claim is in doubt where its table has cells that no row met. Rows that meet them are found by a
satisfiability solver (`bsdgen.learn.evidence.claims.situations`), an oracle answers, and the answers are rows
like any others: they support the claim or refute it. What is wrong without being in doubt is looked for on
fresh rows; around each that is found, rows like it are asked (counterexamples: Angluin, Information and
Computation 75, 1987; Solar-Lezama, *Program synthesis by sketching*, 2008, chapter 4).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bsdgen.bits import U64, n_words
from bsdgen.learn.evidence.claims.doubts import Assignment
from bsdgen.learn.evidence.claims.situations import Situations
from bsdgen.learn.evidence.claims.support import Support, supported
from bsdgen.learn.evidence.grow import Grower
from bsdgen.learn.evidence.hypothesis import Hypothesis, hypothesis
from bsdgen.learn.queries import Queries
from bsdgen.learn.samples import RowSource
from bsdgen.oracle.protocol import Oracle

_ROWS_A_DOUBT = 4
_CHECKED, _CHECKED_LAST = 1 << 15, 1 << 20  # fresh rows a round, and once nothing is in doubt
_LIKE = 64  # rows that are asked around a wrong one
_MOST_WRONG = 256  # wrong rows that are followed up in a round


@dataclass(frozen=True)
class Asked:
    """What was asked.

    Attributes
    ----------
    n_questions, n_rounds : rows asked; how often answers were taken up.
    n_checked, n_wrong : fresh rows of the last round, and how many of them were wrong.
    finished : whether nothing is in doubt any more and no fresh row was wrong; otherwise no more was to be
        asked.
    """

    n_questions: int = 0
    n_rounds: int = 0
    n_checked: int = 0
    n_wrong: int = 0
    finished: bool = False


def said_by(grower: Grower) -> tuple[Hypothesis, Support]:
    """What a grower's explanations say together, as one function, and how far rows support it."""
    store = grower.store
    support = supported(
        store,
        grower.definitions,
        grower.nodes,
        grower.substitutions,
        grower.templates,
        grower.config.preference,
    )
    said = hypothesis(
        grower.nodes, support.known, support.cares, grower.definitions, store.n_inputs, store.n_outputs
    )
    return said, support


class Asker:
    """Asks an oracle where a grower's explanations are in doubt.

    Parameters
    ----------
    most : questions, at most.
    seed : of the rows that are drawn.
    tell : told what happens, a line each.
    check : called now and then; raises to stop.
    """

    def __init__(
        self,
        grower: Grower,
        oracle: Oracle,
        most: int,
        seed: int,
        tell: Callable[[str], None],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.grower, self.oracle, self.most, self.tell, self.check = grower, oracle, most, tell, check
        self.seed = seed
        self.asked = Asked()
        self._rng = np.random.default_rng([seed, 4])
        self._met: set[Assignment] = set()
        self._source = RowSource(grower.store.n_inputs, grower.store.inputs)

    def run(self) -> None:
        """Ask until nothing is in doubt and no fresh row is wrong, or no more may be asked; `asked` tells.

        Raises
        ------
        BudgetReached
            What `check` raises.
        """
        while self._round():
            self.check()

    def _round(self) -> bool:
        """Ask where doubt is and elsewhere, and take the answers up; whether there is more to do."""
        said, support = said_by(self.grower)
        doubtful = self._doubtful(support)
        n_doubtful = doubtful.shape[0]
        self._source.search(Queries(said), self.seed)  # of the hypothesis: nobody is asked
        fresh = self._source.mixed(self._rng, _CHECKED) if n_doubtful else self._last_check()
        rows = np.concatenate([doubtful, fresh])[: self.most - self.asked.n_questions]
        if not rows.shape[0]:
            self.asked = replace(self.asked, finished=False)
            return False
        outputs, care = self._ask(rows)
        answer, _ = said.query(rows)
        wrong = np.bitwise_or.reduce((answer ^ outputs) & care, axis=1) != 0
        n_fresh, n_wrong = max(0, rows.shape[0] - n_doubtful), int(wrong[n_doubtful:].sum())
        self.tell(
            f"{len(support.doubts)} cells in doubt: {rows.shape[0] - n_fresh} rows asked, "
            f"{int(wrong[:n_doubtful].sum())} of them wrong; {n_wrong} of {n_fresh} others wrong"
        )
        self.asked = replace(
            self.asked,
            n_rounds=self.asked.n_rounds + 1,
            n_checked=n_fresh,
            n_wrong=n_wrong,
            finished=not n_doubtful and not n_wrong,
        )
        if self.asked.finished:
            return False
        keep = wrong.copy()
        keep[:n_doubtful] = True
        taken = [(rows[keep], outputs[keep], care[keep])]
        around = self._around(rows[np.flatnonzero(wrong)[:_MOST_WRONG]])
        if around.shape[0]:
            taken.append((around, *self._ask(around)))
        self._take_up(*(np.concatenate(part) for part in zip(*taken, strict=True)))
        return True

    def _last_check(self) -> U64:
        """Rows for the check once nothing is in doubt: all that there are, if they are not too many."""
        n_inputs = self.grower.store.n_inputs
        if 1 << n_inputs <= _CHECKED_LAST:
            return np.arange(1 << n_inputs, dtype=np.uint64)[:, None]
        return self._source.mixed(self._rng, _CHECKED_LAST)

    def _doubtful(self, support: Support) -> U64:
        """Rows that meet cells in doubt, and cells that few rows met; none is asked twice.

        A cell that stays in doubt although rows met it is one that none of them cared for.
        """
        situations = Situations(self.grower.definitions, self.seed + self.asked.n_rounds)
        new = [there for there in (*support.doubts, *support.scarce) if there not in self._met]
        self._met.update(new)
        found = [np.zeros((0, n_words(self.grower.store.n_inputs)), np.uint64)]
        for there in new:
            rows = situations.rows(there, _ROWS_A_DOUBT)
            if rows is not None:
                found.append(rows)
        return np.concatenate(found)

    def _around(self, wrong: U64) -> U64:
        """Rows like wrong ones, as many as may be asked still."""
        rows = self._source.flipped(self._rng, np.repeat(wrong, _LIKE, axis=0)) if wrong.shape[0] else wrong
        return rows[: self.most - self.asked.n_questions]

    def _ask(self, rows: U64) -> tuple[U64, U64]:
        self.asked = replace(self.asked, n_questions=self.asked.n_questions + rows.shape[0])
        return self.oracle.query(np.ascontiguousarray(rows))

    def _take_up(self, inputs: U64, outputs: U64, care: U64) -> None:
        """Give the grower rows that it does not have."""
        _, first = np.unique(inputs, axis=0, return_index=True)
        first.sort()
        n = self.grower.more(inputs[first], outputs[first], care[first])
        self.tell(f"{first.shape[0]} rows more, {n} explanations contradicted")
