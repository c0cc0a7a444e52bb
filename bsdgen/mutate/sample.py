"""A few faults through the whole proof: a model is not proved as engines are asked about one fault."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bsdgen.circuit.aig import Aig
from bsdgen.circuit.aiger import write_aiger
from bsdgen.model import Model
from bsdgen.mutate.result import FaultResult
from bsdgen.prove.run import prove_model
from bsdgen.spec.graph import Specification

_TAG = 0x73616D70
_SMALL = 1000  # ANDs of a graph whose proof needs no limit, and so no processes


def sampled(results: Sequence[FaultResult], kinds: Sequence[str], seed: int, n: int) -> list[FaultResult]:
    """`n` faults of each kind that the engines disproved, or all if there are fewer, drawn by the seed."""
    chosen: list[FaultResult] = []
    for at, kind in enumerate(kinds):
        there = [item for item in results if item.kind == kind and item.verdict == "killed"]
        order = np.random.default_rng([_TAG, seed, at]).permutation(len(there))
        chosen += [there[int(place)] for place in order[:n]]
    return chosen


def whole_proof(
    model: Model,
    folder: Path,
    specification: Specification,
    broken: Aig,
    time_limit_s: float,
    options: Mapping[str, Any],
) -> str:
    """Verdict of `bsdgen.prove.run.prove_model` on a model's folder whose ``circuit.aig`` is a faulty graph.

    Parameters
    ----------
    options : of `prove_model`.
    """
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        work = Path(name)
        for file in ("model.json", "model.npz"):
            shutil.copyfile(folder / file, work / file)
        names = specification.schema.input_names(), specification.schema.output_names()
        write_aiger(work / "circuit.aig", broken, *names)
        limit = time_limit_s if broken.n_ands > _SMALL else 0.0
        proof = prove_model(model, work, specification, stages=("circuit",), time_limit_s=limit, **options)
    return proof.verdict
