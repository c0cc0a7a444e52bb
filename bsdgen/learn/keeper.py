"""Keeps a checkpoint while a run goes on, and gives it back to the run that resumes."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np

import bsdgen
from bsdgen.bits import U64, n_words
from bsdgen.errors import InputError, OracleContradiction
from bsdgen.learn import checkpoint
from bsdgen.learn.checkpoint import Checkpoint
from bsdgen.learn.config import LearnConfig
from bsdgen.learn.facts import Answers, array_of, decision_of, plain, rng_of, rng_state
from bsdgen.learn.layers import Memory
from bsdgen.learn.ledger import Ledger
from bsdgen.learn.product import Product
from bsdgen.learn.queries import Queries
from bsdgen.learn.tree import Decision
from bsdgen.oracle.protocol import Oracle

_SPOTS = 64  # remembered signatures that are asked again on resuming, on 64 rows each
_INTERVAL_S = 3.0  # of work between two checkpoints, or
_MOST_FILES = 32  # of answers, before they become one
_COST_SHARE = 50  # so many times what the last one took
_BUDGETS = {"jobs", "max_nodes", "max_rounds", "time_limit_s", "max_memory_mib"}  # may change on resuming
_SOURCES = ("learn", "bsd", "bits.py", "oracle/protocol.py")  # that decide what is learned


@dataclass
class RoundState:
    """What a round begins with; what is saved of it is a copy, for the round adds to it and replaces parts.

    Attributes
    ----------
    round, n_counterexamples, n_separated : counts so far.
    rng : random generator.
    bank : (k, w) rows.
    decisions, orders : what was found in earlier rounds.
    given_up : speculations that were refuted in them.
    """

    round: int
    n_counterexamples: int
    n_separated: int
    rng: np.random.Generator
    bank: U64
    decisions: dict[bytes, Decision]
    orders: dict[bytes, list[int]]
    given_up: Ledger


@dataclass(frozen=True)
class Cost:
    """What the runs before this one have cost."""

    n_queries: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0


def made_by(config: LearnConfig, oracle: Oracle, rows: U64 | None) -> dict[str, str]:
    """All that the result depends on, by name, as text."""
    settings = {
        f"setting {name}": str(value) for name, value in asdict(config).items() if name not in _BUDGETS
    }
    digest = hashlib.sha256(b"" if rows is None else np.ascontiguousarray(rows).tobytes()).hexdigest()
    name = str(getattr(oracle, "name", type(oracle).__name__))
    return {
        "version of bsdgen": bsdgen.__version__,
        "source code of the learner": source_digest()[:16],
        "version of numpy": np.__version__,
        "oracle": name,
        "number of inputs": str(oracle.n_inputs),
        "number of outputs": str(oracle.n_outputs),
        "set of recorded rows": "none" if rows is None else f"{rows.shape[0]} rows, {digest[:16]}",
        **settings,
    }


def source_digest() -> str:
    """SHA-256 of the code that decides what is learned."""
    root = Path(bsdgen.__file__).parent
    digest = hashlib.sha256()
    for name in _SOURCES:
        files = sorted((root / name).rglob("*.py")) if (root / name).is_dir() else [root / name]
        for path in files:
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def spot_check(queries: Queries, bank: U64, memory: Memory) -> None:
    """Ask some remembered signatures again.

    Raises
    ------
    OracleContradiction
        The oracle does not answer as it did before the run was stopped.
    """
    keys = list(memory.planes)
    keys = keys[:: max(1, len(keys) // _SPOTS)][:_SPOTS]
    w = queries.w_in
    cubes = [np.frombuffer(key[4:], np.uint64) for key in keys]
    if not keys:
        return
    planes = queries.signatures(
        np.ascontiguousarray(bank[:64]),
        np.array([int.from_bytes(key[:4], "little") for key in keys], np.int64),
        np.array([cube[:w] for cube in cubes]),
        np.array([cube[w:] for cube in cubes]),
    )
    if any(planes[i, 0] != memory.planes[key][0] for i, key in enumerate(keys)):
        raise OracleContradiction(
            "the oracle does not answer as it did before this run was stopped: it is not deterministic, or "
            "was changed; learn from the beginning, without resuming"
        )


class Keeper:
    """Writes the checkpoint of one run.

    Parameters
    ----------
    folder : where it lies.
    made : see `made_by`.
    """

    def __init__(self, folder: Path, made: dict[str, str]) -> None:
        self.folder = folder
        self.made = made
        self.before = Cost()
        self.best: Product | None = None
        self.spent_s = 0.0  # by writing
        self._answers = Answers()
        self._n_files = 0
        self._state: Checkpoint | None = None
        self._last_s = time.perf_counter()
        self._interval_s = _INTERVAL_S

    def resume(self, memory: Memory) -> RoundState:
        """Read what is there; fills `memory`.

        Raises
        ------
        InputError
            No checkpoint, a damaged one, or one of another configuration, oracle, set of rows or version.
        """
        state = Checkpoint.load(self.folder)
        state.check_made_by(self.made, self.folder)
        for name, _ in state.answers:
            self._answers.restore(memory, checkpoint.read_arrays(self.folder / name))
        if state.best:
            self.best = Product.from_arrays(checkpoint.read_arrays(self.folder / state.best[0]))
        self._state = state
        self._n_files = checkpoint.next_number(state)
        self.before = Cost(state.n_queries, state.wall_s, state.cpu_s)
        w = n_words(int(self.made["number of inputs"]))
        return RoundState(
            state.round,
            state.n_counterexamples,
            state.n_separated,
            rng_of(state.rng),
            np.frombuffer(state.bank, np.uint64).reshape(-1, w).copy(),
            {key: decision_of(value) for key, value in state.decisions.items()},
            {key: list(order) for key, order in state.orders.items()},
            Ledger.from_plain({name: array_of(value) for name, value in state.given_up.items()}),
        )

    def begin_round(self, state: RoundState, best: Product | None, memory: Memory, cost: Cost) -> None:
        """Save the beginning of a round, and the diagram of the one before.

        Without one the diagram that was saved before stays the best.
        """
        old = self._state
        if old is None:
            checkpoint.remove(self.folder)  # of a run that nobody resumed
        best_file = None if old is None else old.best
        if best is not None:
            name = f"best-{state.round:04}.npz"
            best_file = (name, checkpoint.write_arrays(self.folder / name, best.arrays()))
        self._state = Checkpoint(
            made_by=self.made,
            round=state.round,
            n_counterexamples=state.n_counterexamples,
            n_separated=state.n_separated,
            n_queries=0,
            wall_s=0.0,
            cpu_s=0.0,
            rng=rng_state(state.rng),
            bank=np.ascontiguousarray(state.bank).tobytes(),
            decisions={key: plain(decision) for key, decision in state.decisions.items()},
            orders={key: list(order) for key, order in state.orders.items()},
            given_up={name: plain(array) for name, array in state.given_up.arrays().items()},
            answers=[] if old is None else old.answers,
            best=best_file,
        )
        self.save(memory, cost)
        if old is not None and old.best is not None and old.best != best_file:
            (self.folder / old.best[0]).unlink(missing_ok=True)

    def close(self) -> None:
        """Save nothing more: what is done from now on is no part of the run that may be resumed."""
        self._state = None

    def save_now_and_then(self, memory: Memory, cost: Callable[[], Cost]) -> str:
        """Save if some seconds of work have been done since; what went wrong, "" if nothing did.

        A disk that is full must not end the run.
        """
        if self._state is None or time.perf_counter() - self._last_s < self._interval_s:
            return ""
        try:
            self.save(memory, cost())
        except (OSError, InputError) as error:
            self._last_s = time.perf_counter()
            self._interval_s *= 2
            return f"the checkpoint cannot be written: {error}"
        return ""

    def save(self, memory: Memory, cost: Cost) -> None:
        """Save what has come to be known since the last time."""
        if self._state is None:
            return
        begun = time.perf_counter()
        before = self._state.answers
        answers, writer = list(before), self._answers
        if len(answers) >= _MOST_FILES:
            answers, writer = [], Answers()  # all of them into one
        new = writer.new(memory)
        if new:
            name = checkpoint.answers_name(self._n_files)
            answers.append((name, checkpoint.write_arrays(self.folder / name, new)))
        self._state = msgspec.structs.replace(
            self._state, answers=answers, n_queries=cost.n_queries, wall_s=cost.wall_s, cpu_s=cost.cpu_s
        )
        self._state.save(self.folder)
        writer.saved()
        self._answers = writer
        self._n_files += bool(new)
        for name in {name for name, _ in before} - {name for name, _ in answers}:
            (self.folder / name).unlink(missing_ok=True)
        self._last_s = time.perf_counter()
        self.spent_s += self._last_s - begun
        self._interval_s = max(_INTERVAL_S, _COST_SHARE * (self._last_s - begun))
