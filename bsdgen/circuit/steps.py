"""One step of a search: a graph through a recipe; kept on disk, so that a search that was stopped goes on."""

import hashlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bsdgen.artifacts import read_object, write_json
from bsdgen.circuit.aig import Aig
from bsdgen.circuit.aiger import aiger_bytes, read_aiger, write_aiger
from bsdgen.circuit.recipes import Recipe
from bsdgen.circuit.tools import abc_binary, run_abc
from bsdgen.errors import CommandFailed, InputError, ToolError

_STEP_LIMIT_S = 600.0


@dataclass(frozen=True, eq=False)
class Step:
    """What a recipe made of a graph.

    Attributes
    ----------
    aig : the result; None if ABC failed.
    seconds : wall time of ABC when it was run.
    failure : why there is no result.
    lasting : whether it would fail the same way again; not what another time or machine may change.
    """

    aig: Aig | None
    seconds: float
    failure: str = ""
    lasting: bool = True


def graph_digest(aig: Aig) -> str:
    """SHA-256 of a graph, names apart."""
    return hashlib.sha256(aiger_bytes(aig)).hexdigest()


class StepStore:
    """Runs steps and keeps what they gave.

    Parameters
    ----------
    folder : where; made when the first step is kept. None: nothing is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def run(self, aig: Aig, recipe: Recipe, *, timeout_s: float = _STEP_LIMIT_S) -> Step:
        """Run a recipe, or say what it gave when it was run before.

        Raises
        ------
        ToolError
            ABC is missing. That it fails or does not end is a `Step.failure`.
        InputError
            A step that was kept is damaged, or the disk is full.
        """
        key = hashlib.sha256("; ".join([graph_digest(aig), *recipe.commands]).encode()).hexdigest()[:32]
        known = self._read(key)
        if known is not None:
            return known
        abc_binary()
        step = _run(aig, recipe, min(timeout_s, _STEP_LIMIT_S))
        if self._folder is not None and step.lasting:
            if step.aig is not None:
                write_aiger(self._folder / f"{key}.aig", step.aig)
            write_json(
                self._folder / f"{key}.json",
                {"recipe": recipe.name, "seconds": step.seconds, "failure": step.failure},
            )
        return step

    def _read(self, key: str) -> Step | None:
        if self._folder is None or not (self._folder / f"{key}.json").is_file():
            return None
        facts = read_object(self._folder / f"{key}.json")
        try:
            seconds, failure = float(facts["seconds"]), str(facts["failure"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{self._folder / key}.json: is no step of a search; search anew, without --resume"
            ) from error
        return Step(None if failure else read_aiger(self._folder / f"{key}.aig").aig, seconds, failure)


def _run(aig: Aig, recipe: Recipe, timeout_s: float) -> Step:
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        work = Path(name)
        write_aiger(work / "in.aig", aig)
        commands = ["read_aiger in.aig", "strash", *recipe.commands, "strash", "write_aiger out.aig"]
        try:
            run_abc(commands, cwd=work, timeout_s=timeout_s)
        except ToolError as error:
            said = str(error).splitlines()[0]
            return Step(None, time.perf_counter() - begun, said, isinstance(error, CommandFailed))
        try:
            made = read_aiger(work / "out.aig").aig.compact()
        except InputError as error:
            return Step(None, time.perf_counter() - begun, str(error).splitlines()[0], lasting=False)
    return Step(made, time.perf_counter() - begun)
