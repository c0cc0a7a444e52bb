"""Results of a run of mutation as they come: kept when it is stopped, taken over from an earlier one."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bsdgen.artifacts import json_bytes, sha256
from bsdgen.errors import InputError
from bsdgen.mutate.result import FaultResult, Mutation


class Found:
    """What is known of the faults of a run.

    Parameters
    ----------
    blank : the run without faults and sources.
    numbers : its faults.
    more : what else their results depend on, JSON-ready.
    files : programs and traces, on whose content they depend.
    before : what an earlier run found; faults that it left undecided are open again.
    checkpoint : gets the run so far whenever a fault is added.

    Raises
    ------
    InputError
        `before` is a run of something else.

    Attributes
    ----------
    open : numbers of faults that nothing is known of yet.
    sources : as in `Mutation`, to be filled in.
    """

    def __init__(
        self,
        blank: Mutation,
        numbers: Sequence[int],
        more: Sequence[Any],
        files: Sequence[Path],
        before: Mutation | None,
        checkpoint: Callable[[Mutation], None],
    ) -> None:
        of = [blank.of, blank.artifact_sha256, blank.model_sha256, blank.seed, blank.engines, *more]
        digest = hashlib.sha256(json_bytes([*of, [sha256(file) for file in files]])).hexdigest()
        self._blank = msgspec.structs.replace(blank, inputs_sha256=digest)
        self._checkpoint = checkpoint
        self._numbers = list(numbers)
        self._found: dict[int, FaultResult] = {}
        self.sources: dict[str, int] = {}
        if before is not None:
            if before.inputs_sha256 != digest:
                raise InputError(
                    f"{blank.artifact}: the earlier run is of another model, specification, seed or engine, "
                    "or of other vectors or programs; begin anew without --resume"
                )
            self.sources = dict(before.sources)
            self._found = {item.number: item for item in before.faults if item.verdict != "undecided"}
        self.open = [number for number in self._numbers if number not in self._found]

    def add(self, *results: FaultResult) -> None:
        """Take results in, in place of earlier ones of the same faults."""
        self._found |= {item.number: item for item in results}
        self._checkpoint(self.run())

    @property
    def results(self) -> list[FaultResult]:
        """What is known, in the order of the run's numbers."""
        return [self._found[number] for number in self._numbers if number in self._found]

    def run(self, wall_s: float = 0.0) -> Mutation:
        """The run with what is known so far."""
        return msgspec.structs.replace(
            self._blank, sources=dict(self.sources), faults=tuple(self.results), wall_s=wall_s
        )
