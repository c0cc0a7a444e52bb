"""The learner as users see it; `bsdgen.learn.fit` is what it does."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words
from bsdgen.bsd import Bsd
from bsdgen.learn.config import Event, LearnConfig, LearnStats
from bsdgen.learn.fit import Fit, Fitted
from bsdgen.learn.hint import Hint
from bsdgen.learn.keeper import Keeper, made_by
from bsdgen.oracle.protocol import Oracle


class BsdLearner:
    """Learns all outputs of an oracle as one diagram.

    Fitted attributes: `bsd_` (the diagram), `stats_`, `ledger_` (arrays of the `Ledger` and of the
    `ControlTree`), `ledger_summary_` (what was speculated, how often, on how much evidence).
    """

    def __init__(self, config: LearnConfig | None = None) -> None:
        self.config = config if config is not None else LearnConfig()
        self.bsd_: Bsd
        self.stats_: LearnStats
        self.ledger_: dict[str, NDArray[Any]]
        self.ledger_summary_: dict[str, Any]

    def fit(
        self,
        oracle: Oracle,
        rows: U64 | None = None,
        on_event: Callable[[Event], None] | None = None,
        *,
        checkpoint: Path | None = None,
        resume: bool = False,
        hints: Mapping[bytes, Hint] | None = None,
    ) -> "BsdLearner":
        """Learn.

        Parameters
        ----------
        oracle : answers batches of packed rows.
        rows : (n, w) recorded inputs, or None: where rare events come from.
        on_event : told about every step of the work.
        checkpoint : folder in which the state of the run is kept (`bsdgen.learn.checkpoint`); whoever has
            saved the result removes it.
        resume : go on where the checkpoint says; the result is the one that the run would have had.
        hints : by cube, the bytes of its mask and of its value, where to split it: what whoever asks knows
            already (`bsdgen.learn.evidence`). Not kept with a checkpoint.

        Raises
        ------
        ValueError
            `rows` have the wrong type or shape, or there is nothing to resume from.
        InputError
            The checkpoint is missing, damaged, or of another configuration, oracle, set of rows or version.
        BudgetReached
            More functions, rounds, time or memory would be needed than the configuration allows. The fitted
            attributes are set all the same: the best diagram so far, with ``stats_.finished`` False and its
            accuracy on fresh rows.
        """
        w = n_words(oracle.n_inputs)
        if rows is not None and (rows.dtype != np.uint64 or rows.ndim != 2 or rows.shape[1] != w):
            raise ValueError(f"rows must be uint64 of shape (n, {w}), not {rows.dtype} {rows.shape}")
        if resume and checkpoint is None:
            raise ValueError("resume needs the folder of a checkpoint")
        keeper = None if checkpoint is None else Keeper(checkpoint, made_by(self.config, oracle, rows))
        threads = numba.get_num_threads()
        if self.config.jobs:
            numba.set_num_threads(min(self.config.jobs, os.cpu_count() or 1))
        try:
            fit = Fit(self.config, oracle, rows, on_event, keeper, resume, hints or {})
            try:
                fit.run()
            finally:
                self._take(fit.fitted)
        finally:
            numba.set_num_threads(threads)
        return self

    def _take(self, fitted: Fitted | None) -> None:
        if fitted is not None:
            self.bsd_, self.stats_ = fitted.bsd, fitted.stats
            self.ledger_, self.ledger_summary_ = fitted.ledger, fitted.summary
