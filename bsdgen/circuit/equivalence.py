"""Are two graphs the same function? Asked of two engines that share no code.

ABC's ``cec`` and a SAT sweep of our own (`bsdgen.circuit.sweep`, python-sat underneath). Both must agree
before the word "proved" is used: equivalence checkers have had bugs.
"""

import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bsdgen.bits import U64, from_bool
from bsdgen.bsd import Bsd
from bsdgen.circuit.aig import Aig
from bsdgen.circuit.aiger import NamedAig, write_aiger
from bsdgen.circuit.sweep import sweep
from bsdgen.circuit.tools import run_abc
from bsdgen.errors import CheckFailed, InputError, ToolError, ToolTimeout

Engine = Literal["abc", "sat"]
ENGINES: tuple[Engine, ...] = ("abc", "sat")
_AGREE_ROWS = 1024


@dataclass(frozen=True)
class Equivalence:
    """The answer of `prove_equivalent`.

    Attributes
    ----------
    equal : whether all engines proved that the graphs are equal.
    engines : seconds that each engine took.
    inputs : packed assignment on which they differ (shape (n_words(n_inputs),)), or None.
    output : position of an output that differs there, or None.
    """

    equal: bool
    engines: dict[str, float]
    inputs: U64 | None = None
    output: int | None = None


def abc_equal(a: Aig, b: Aig, *, timeout_s: float = 600) -> bool:
    """Ask ABC's ``cec``; inputs and outputs correspond by position.

    Raises
    ------
    ToolTimeout
        It gives no answer in time.
    ToolError
        It is missing or fails.
    """
    log = cec_log(a, b, timeout_s)
    if re.search(r"^Networks are equivalent", log, re.MULTILINE):
        return True
    if re.search(r"^Networks are NOT EQUIVALENT", log, re.MULTILINE):
        return False
    raise no_answer(log, timeout_s)


def cec_log(a: Aig, b: Aig, timeout_s: float) -> str:
    """What ABC's ``cec`` prints of two graphs; raises as `abc_equal`.

    Its own limit (``-T``) is looked at between two steps only, so that the process is ended from outside.
    """
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        work = Path(name)
        write_aiger(work / "a.aig", a)
        write_aiger(work / "b.aig", b)
        limit = max(1, round(timeout_s))
        return run_abc([f"cec -n -T {limit} a.aig b.aig"], cwd=work, timeout_s=timeout_s)


def no_answer(log: str, timeout_s: float) -> ToolError:
    """The error of a ``cec`` that did not say whether two graphs are equal."""
    told = f"yosys-abc cec gave no answer within {timeout_s:g} s; it printed:\n{log.strip()[-500:]}"
    return ToolTimeout(told) if "UNDECIDED" in log else ToolError(told)


def prove_equivalent(
    a: Aig, b: Aig, engines: tuple[Engine, ...] = ENGINES, *, timeout_s: float = 600.0
) -> Equivalence:
    """Prove that two graphs are the same function, or find an assignment on which they differ.

    Parameters
    ----------
    a, b : graphs with the same numbers of inputs and outputs, corresponding by position.
    engines : which engines to ask, at least one.
    timeout_s : wall time of each engine.

    Raises
    ------
    InputError
        The graphs differ in their numbers of inputs or outputs.
    CheckFailed
        The engines contradict each other.
    ToolTimeout
        An engine gives no answer in time.
    ToolError
        An engine is missing or fails.

    Examples
    --------
    >>> from bsdgen.circuit.aig import AigBuilder
    >>> builder = AigBuilder(2)
    >>> both, either = builder.build([builder.and_(2, 4)]), builder.build([builder.or_(2, 4)])
    >>> prove_equivalent(both, both).equal, prove_equivalent(both, either, ("sat",)).equal
    (True, False)
    """
    if (a.n_inputs, a.n_outputs) != (b.n_inputs, b.n_outputs):
        raise InputError(
            f"graphs with {a.n_inputs} and {b.n_inputs} inputs, {a.n_outputs} and {b.n_outputs} outputs "
            "cannot be compared; both must be of one schema"
        )
    difference = None
    answers: dict[str, bool] = {}
    seconds: dict[str, float] = {}
    for engine in engines:
        start = time.perf_counter()
        if engine == "abc":
            answers[engine] = abc_equal(a, b, timeout_s=timeout_s)
        else:
            difference, _ = sweep(a, b, timeout_s=timeout_s)
            answers[engine] = difference is None
        seconds[engine] = time.perf_counter() - start
    if len(set(answers.values())) != 1:
        raise CheckFailed(
            f"equivalence engines contradict each other ({answers}); neither answer can be trusted"
        )
    if difference is None:
        return Equivalence(all(answers.values()), seconds)
    row = difference.inputs[None, :]
    if np.array_equal(a.evaluate(row), b.evaluate(row)):
        raise CheckFailed(
            "the SAT engine's counterexample does not tell the graphs apart; its answer is worthless"
        )
    return Equivalence(False, seconds, difference.inputs, difference.output)


def comment_of(digest: str) -> str:
    """The comment of a graph's file that names the model it is of, as `is_of` reads it."""
    return f"Model sha256: {digest}"


def is_of(circuit: NamedAig, bsd: Bsd, digest: str) -> bool:
    """Whether a circuit is of a model, and not of one that was learned into its folder before.

    That it was equal when it was written is proved then. Its comment says of which model it is; if it has
    none, it is compared on random rows, which tells what is quite another function only.

    Parameters
    ----------
    bsd, digest : of the model.
    """
    if "Model sha256: " in circuit.comment:
        return comment_of(digest) in circuit.comment.splitlines()
    return _agrees(circuit.aig, bsd)


def _agrees(circuit: Aig, bsd: Bsd) -> bool:
    if (circuit.n_inputs, circuit.n_outputs) != (bsd.n_inputs, bsd.n_outputs):
        return False
    rng = np.random.default_rng(0)
    rows = from_bool(rng.integers(0, 2, (_AGREE_ROWS, bsd.n_inputs)).astype(np.bool_))
    return bool((circuit.evaluate(rows) == bsd.evaluate(rows)).all())
