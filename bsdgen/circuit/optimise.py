"""Fewer AND nodes, by ABC; the result is checked against what went in."""

import tempfile
from pathlib import Path

from bsdgen.circuit.aig import Aig
from bsdgen.circuit.aiger import read_aiger, write_aiger
from bsdgen.circuit.equivalence import ENGINES, Engine, prove_equivalent
from bsdgen.circuit.tools import run_abc
from bsdgen.errors import CheckFailed

# compress2rs, written out: the alias lives in an abc.rc that pyosys does not bring.
_COMPRESS2RS = (
    "b -l; rs -K 6 -l; rw -l; rs -K 6 -N 2 -l; rf -l; rs -K 8 -l; b -l; rs -K 8 -N 2 -l; rw -l; rs -K 10 -l; "
    "rwz -l; rs -K 10 -N 2 -l; b -l; rs -K 12 -l; rfz -l; rs -K 12 -N 2 -l; rwz -l; b -l"
)
_NAMES = {
    "b": "balance",
    "rs": "resub",
    "rw": "rewrite",
    "rwz": "rewrite -z",
    "rf": "refactor",
    "rfz": "refactor -z",
}


def compress2rs(*, keep_levels: bool = False) -> list[str]:
    """The commands of ``compress2rs``; with `keep_levels` none of them may make the graph deeper.

    >>> compress2rs()[:2], compress2rs(keep_levels=True)[0]
    (['balance -l', 'resub -K 6 -l'], 'balance')
    """
    commands = []
    for command in _COMPRESS2RS.split("; "):
        word, _, options = command.partition(" ")
        written = f"{_NAMES[word]} {options}"
        commands.append(written.replace(" -l", "") if keep_levels else written)  # -l: levels may grow
    return commands


def optimise(aig: Aig, rounds: int = 2, engines: tuple[Engine, ...] = ENGINES) -> Aig:
    """Run ``dch; compress2rs`` some rounds.

    Parameters
    ----------
    rounds : how often; each round may still find something. 0: the graph as it is.
    engines : who checks the result, see `prove_equivalent`.

    Raises
    ------
    ToolError
        ABC is missing or fails.
    CheckFailed
        The result is another function.
    """
    if not rounds:
        return aig
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        work = Path(name)
        write_aiger(work / "in.aig", aig)
        steps = ["dch", *compress2rs()] * rounds
        run_abc(["read_aiger in.aig", "strash", *steps, "strash", "write_aiger out.aig"], cwd=work)
        small = read_aiger(work / "out.aig").aig
    if not prove_equivalent(aig, small, engines).equal:
        raise CheckFailed("ABC's optimisation changed the function; keep the graph as it was and report this")
    return small
