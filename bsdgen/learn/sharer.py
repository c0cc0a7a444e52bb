"""The last step of learning: sharing, tried step by step until a check finds nothing wrong."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bsdgen.errors import BudgetReached
from bsdgen.learn.check import Mistakes
from bsdgen.learn.config import LearnConfig
from bsdgen.learn.product import Attempt, Product
from bsdgen.learn.queries import Queries
from bsdgen.learn.samples import RowSource
from bsdgen.learn.share import Sharing, share
from bsdgen.learn.share.units import Uncared
from bsdgen.learn.smaller import CareProbe, check_smaller, smaller


@dataclass(frozen=True, eq=False)
class Handout:
    """A product, how many fresh rows its diagram was checked on, and what speaks against it.

    mistakes : rows on which the diagram that was to be made smaller is wrong itself, None if there are none.
    """

    product: Product
    checked: int
    mistakes: Mistakes | None = None


class Sharer:
    """Makes a product smaller if that goes well.

    Parameters
    ----------
    say : told (stage, message).
    check_budget : called with a number of functions; raises when a budget is used up.
    """

    def __init__(
        self,
        queries: Queries,
        source: RowSource,
        config: LearnConfig,
        say: Callable[[str, str], None],
        check_budget: Callable[[int], None],
    ) -> None:
        self.queries = queries
        self.source = source
        self.config = config
        self.say = say
        self.check_budget = check_budget

    def run(self, attempt: Attempt, product: Product, number: int) -> Handout:
        """The product made smaller, or as it is.

        Parameters
        ----------
        number : of the round, from which the fresh rows are drawn.
        """
        plain = Handout(product, attempt.mistakes.checked)
        rng = np.random.default_rng([self.config.seed, number])
        probe = CareProbe(self.queries, attempt.bank)
        for substitution, uncared in ((True, probe), (True, None), (False, None)):
            exact = self.config.exclusive or self.config.reordering
            if (substitution and not self.config.substitution) or not (substitution or exact):
                continue
            try:
                sharing = self._sharing(attempt, substitution, uncared)
                if sharing is None:
                    break
                found = check_smaller(sharing, attempt, self.queries, self.source, rng, self.config.n_check)
            except (BudgetReached, MemoryError) as stop:
                self.say("warning", f"{stop}; the diagram is handed out as it is, without sharing")
                break
            if not found.rows:
                checked = found.checked if sharing.is_speculated else plain.checked
                return Handout(smaller(product, attempt, sharing, found), checked)
            mistakes = self._also_before(attempt, found)
            if mistakes is not None:
                return Handout(product, plain.checked, mistakes)
            self.say("warning", f"{found.wrong} of {found.checked} rows wrong after sharing; undone")
        return plain

    def _sharing(self, attempt: Attempt, substitution: bool, uncared: Uncared | None) -> Sharing | None:
        return share(
            attempt.assembly.bsd,
            attempt.assembly.tree,
            self.config.exclusive,
            substitution,
            self.config.reordering,
            uncared,
            lambda message: self.say("share", message),
            lambda: self.check_budget(len(attempt.table)),
        )

    def _also_before(self, attempt: Attempt, found: Mistakes) -> Mistakes | None:
        """Of the rows that are wrong after sharing, those that were wrong before: counterexamples."""
        rows = np.array(found.rows)
        outputs, care = self.queries.ask(rows)
        wrong = ((attempt.assembly.bsd.evaluate(rows) ^ outputs) & care).any(axis=1)
        if not wrong.any():
            return None
        self.say("check", f"{int(wrong.sum())} rows of the check after sharing were wrong before, too")
        return replace(found, rows=list(rows[wrong]), wrong=int(wrong.sum()))
