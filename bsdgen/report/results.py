"""What other commands left in a model's folder, as far as it is of this model."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bsdgen.artifacts import read_object, sha256
from bsdgen.errors import InputError
from bsdgen.measure.result import VERSION as MEASUREMENT_VERSION
from bsdgen.mutate.result import Mutation, summary
from bsdgen.prove.result import SHOWN, Proof, Row, StageProof

_T = TypeVar("_T")
_STEP_KEYS = {"name", "checked", "found", "verdict", "seconds"}


def result_of(folder: Path, name: str) -> Any:
    """A result that stands in the folder, unless it is another model's: one learned into it before.

    One that does not say of which model it is may be of any, and is as good as none.

    Raises
    ------
    InputError
        The file is broken.
    """
    path = folder / name
    if not path.exists():
        return None
    result = read_object(path)
    return result if result.get("model_sha256") == sha256(folder / "model.npz") else None


def measured(folder: Path) -> Any:
    """The measurement without its strata; what an earlier version wrote is as good as none."""
    result = result_of(folder, "measure.json")
    if not isinstance(result, dict) or result.get("version") != MEASUREMENT_VERSION:
        return None
    return {key: value for key, value in result.items() if key not in ("strata", "strata_errors")}


def cosimulated(folder: Path) -> Any:
    """The co-simulation, if it names its programs; `stale` says that another Verilog stands there by now.

    Raises
    ------
    InputError
        The file is broken, or no result of a co-simulation.
    """
    result = result_of(folder, "cosim.json")
    programs = result.get("programs") if result else []
    if not isinstance(programs, list) or not all(
        isinstance(item, dict) and {"name", "retired", "mismatches", "passed"} <= set(item)
        for item in programs
    ):
        raise InputError(
            f"{folder / 'cosim.json'}: is no result of a co-simulation; make it anew with "
            f"`bsdgen cosim {folder}`"
        )
    if result is None:
        return None
    ran = result.get("verilog_sha256")
    ran = ran if isinstance(ran, dict) else {}
    return result | {"stale": not ran or any(_stale(folder, name, digest) for name, digest in ran.items())}


def proved(folder: Path) -> Any:
    """The proof without its times of each row; a stage whose artifact was written again since is told.

    Raises
    ------
    InputError
        The file is broken, or no result of a proof.
    """
    result = result_of(folder, "proof.json")
    if result is None:
        return None
    proof = _converted(folder / "proof.json", result, Proof, "prove")
    return {
        "verdict": proof.verdict,
        "specification": proof.specification,
        "engines": list(proof.engines),
        "only": list(proof.only),
        "partial": proof.partial,
        "wall_s": proof.wall_s,
        "skipped": list(proof.skipped),
        "stages": [_stage(folder, stage) for stage in proof.stages],
    }


def _stage(folder: Path, stage: StageProof) -> dict[str, Any]:
    return {
        "name": stage.name,
        "artifact": Path(stage.artifact).name,
        "verdict": stage.verdict,
        "stale": not stage.artifacts
        or any(_stale(folder, file, digest) for file, digest in stage.artifacts.items()),
        "wall_s": stage.wall_s,
        "cared": sum(row.cared for row in stage.outputs),
        "proved": sum(row.by_all for row in stage.outputs),
        "outputs": [_row(row) for row in stage.outputs],
        "instructions": [_row(row) for row in stage.instructions],
        "counterexamples": msgspec.to_builtins(stage.counterexamples[:SHOWN]),
    }


def _stale(folder: Path, artifact: str, digest: str) -> bool:
    """Whether a file of the folder is another one by now; what it was called tells where, wherever it was."""
    places = (folder / Path(artifact).name, folder / "verilog" / Path(artifact).name)
    return all(not path.is_file() or sha256(path) != digest for path in places)


def _row(row: Row) -> dict[str, Any]:
    return {"name": row.name, "cared": row.cared, "proved": row.by_all, "wrong": bool(row.wrong)}


def mutated(folder: Path, name: str) -> Any:
    """The table of a run of mutants, by kind; every fault stands in its own file.

    Raises
    ------
    InputError
        The file is broken, or no result of such a run.
    """
    result = result_of(folder, name)
    if result is None:
        return None
    run = _converted(folder / name, result, Mutation, "mutate")
    return {
        "of": run.of,
        "stale": _stale(folder, run.artifact, run.artifact_sha256),
        "seed": run.seed,
        "engines": list(run.engines),
        "sources": run.sources,
        "wall_s": run.wall_s,
        "summary": summary(run),
    }


def verified(folder: Path) -> Any:
    """The table of `bsdgen verify`.

    Raises
    ------
    InputError
        The file is broken, or no such table.
    """
    result = result_of(folder, "verify.json")
    if result is None:
        return None
    steps = result.get("steps")
    if not isinstance(steps, list) or not all(
        isinstance(step, dict) and set(step) >= _STEP_KEYS for step in steps
    ):
        raise InputError(
            f"{folder / 'verify.json'}: is no result of a verification; make it anew with "
            f"`bsdgen verify {folder}`"
        )
    return result


def _converted(path: Path, value: Any, kind: type[_T], command: str) -> _T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise InputError(
            f"{path}: is no result of `bsdgen {command}` ({error}); make it anew with "
            f"`bsdgen {command} {path.parent}`"
        ) from error
