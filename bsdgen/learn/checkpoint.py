"""A run that was stopped, on disk: enough to go on and to end with the same bytes.

What is kept is the state at the beginning of a round (bank, random generator, orders, decisions) and every
answer that the learner remembers, up to the last few seconds. A resumed run does the round again with these
answers at hand. Since a remembered answer is used wherever asking would give it, it takes the same decisions
and ends with the same diagram; only the cost (`oracle_queries`, time) is another.

A checkpoint is a folder::

    state             this module's `Checkpoint`: a line, its SHA-256, MessagePack
    answers-0001.npz  remembered answers, in the order in which they came; never changed once written, but put
                      together when there are many
    best-0001.npz     the diagram of the last whole round, for a budget that ends before the next

`state` names the digest of every other file and is replaced last, in one move: a process that is killed at
any moment leaves the checkpoint before or the one after.
"""

import hashlib
import shutil
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from bsdgen.artifacts import atomic_path, sha256
from bsdgen.errors import InputError

_MAGIC = b"bsdgen checkpoint\n"
_STATE = "state"
_REMEDY = "remove the folder and learn from the beginning, without resuming"


class Checkpoint(msgspec.Struct, frozen=True):
    """The state of a run.

    Attributes
    ----------
    made_by : what the run depends on, by name: whoever resumes must have the same.
    round, n_counterexamples, n_separated : where it was.
    n_queries, wall_s, cpu_s : what it has cost.
    rng : state of the random generator, JSON.
    bank : packed rows of the sample bank.
    decisions : how each context was split (`bsdgen.learn.facts`).
    orders : variables of each shared order.
    answers : names and digests of the files of answers, in order.
    best : name and digest of the file with the best diagram, if there is one.
    given_up : arrays of the ledger of what was refuted so far, by name.
    version : of this format.
    """

    made_by: dict[str, str]
    round: int
    n_counterexamples: int
    n_separated: int
    n_queries: int
    wall_s: float
    cpu_s: float
    rng: str
    bank: bytes
    decisions: dict[bytes, Any]
    orders: dict[bytes, list[int]]
    given_up: dict[str, Any]
    answers: list[tuple[str, str]] = []
    best: tuple[str, str] | None = None
    version: Literal[2] = 2

    def save(self, folder: Path) -> None:
        """Replace the state in `folder`; the files that it names are there already."""
        body = msgspec.msgpack.encode(self)
        with atomic_path(folder / _STATE) as temporary:
            temporary.write_bytes(_MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body)

    @staticmethod
    def load(folder: Path) -> "Checkpoint":
        """Read the state and hold all files to it.

        Raises
        ------
        InputError
            There is none, or a file is missing, truncated or changed.
        """
        path = folder / _STATE
        if not path.is_file():
            raise InputError(f"{folder}: holds no checkpoint to resume; learn from the beginning")
        head, body = path.read_bytes()[: len(_MAGIC) + 65], path.read_bytes()[len(_MAGIC) + 65 :]
        if not head.startswith(_MAGIC) or head[len(_MAGIC) : -1] != hashlib.sha256(body).hexdigest().encode():
            raise _damaged(path)
        try:
            state = msgspec.msgpack.decode(body, type=Checkpoint)
        except msgspec.MsgspecError as error:
            raise InputError(f"{path}: is of another version of bsdgen ({error}); {_REMEDY}") from error
        for name, digest in state.files():
            if not (folder / name).is_file() or sha256(folder / name) != digest:
                raise _damaged(folder / name)
        return state

    def files(self) -> list[tuple[str, str]]:
        """Names and digests of the other files of this checkpoint."""
        return [*self.answers, *([] if self.best is None else [self.best])]

    def check_made_by(self, now: dict[str, str], folder: Path) -> None:
        """Refuse to go on where something that the result depends on is another.

        Raises
        ------
        InputError
            Names what it was and what it is.
        """
        for name, value in now.items():
            before = self.made_by.get(name, "absent")
            if before != value:
                raise InputError(
                    f"{folder}: was made with another {name} ({before} then, {value} now); resume with the "
                    "same, or learn from the beginning, without resuming"
                )


def answers_name(number: int) -> str:
    """File name of the answers that came as number `number`, from 0."""
    return f"answers-{number + 1:04}.npz"


def next_number(state: Checkpoint) -> int:
    """The number of the file of answers after those of a checkpoint."""
    return int(state.answers[-1][0].removeprefix("answers-").removesuffix(".npz")) if state.answers else 0


def write_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> str:
    """Write arrays as a whole file or nothing; its digest."""
    with atomic_path(path) as temporary:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # no name is allow_pickle
        return sha256(temporary)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read a file of arrays whose digest was checked."""
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def is_there(folder: Path, *, with_answers: bool = False) -> bool:
    """Whether a folder holds a checkpoint (and one of a run that had come to know anything)."""
    return (folder / _STATE).exists() and not (with_answers and not list(folder.glob("answers-*.npz")))


def remove(folder: Path) -> None:
    """Remove a checkpoint, if there is one: first its state, so that no half of it is taken for one."""
    (folder / _STATE).unlink(missing_ok=True)
    if folder.is_dir():
        shutil.rmtree(folder)


def _damaged(path: Path) -> InputError:
    return InputError(f"{path}: is missing, truncated or changed, so its run cannot be resumed; {_REMEDY}")
