"""Examples on disk and in memory: rows of input bits with one output bit, and how a circuit does on them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.circuit.aig import Aig
from bsdgen.errors import InputError

U8 = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Rows:
    """Input bits and what came out.

    Attributes
    ----------
    inputs : uint8, shape (n, n_inputs), of 0 and 1.
    labels : uint8, shape (n,), of 0 and 1.
    """

    inputs: U8
    labels: U8

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_inputs(self) -> int:
        """Input bits."""
        return int(self.inputs.shape[1])

    def take(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> "Rows":
        """Some of the rows."""
        return Rows(self.inputs[which], self.labels[which])

    def joined(self, other: "Rows") -> "Rows":
        """These rows, then the others."""
        return Rows(np.vstack([self.inputs, other.inputs]), np.concatenate([self.labels, other.labels]))

    def flipped(self, positions: tuple[int, ...]) -> "Rows":
        """The same inputs; labels xor the parity of some of them."""
        if not positions:
            return self
        return Rows(
            self.inputs, self.labels ^ (self.inputs[:, list(positions)].sum(axis=1) & 1).astype(np.uint8)
        )

    def columns(self) -> U64:
        """As `Aig.simulate` wants them; the last word is filled up with zeros."""
        padded = np.zeros((-(-len(self) // 64) * 64, self.n_inputs), np.uint8)
        padded[: len(self)] = self.inputs
        packed = np.packbits(padded.T, axis=1, bitorder="little")
        return np.ascontiguousarray(packed).view(np.uint64)


@dataclass(frozen=True, eq=False)
class Example:
    """One function to learn: rows to learn from, and rows that only the score may look at."""

    name: str
    known: Rows
    test: Rows


def outputs(aig: Aig, rows: Rows) -> U8:
    """A circuit's output on rows, from the graph itself, not from what it was made of: uint8, shape (n,)."""
    literal = int(aig.outputs[0])
    value = aig.simulate(rows.columns())[literal >> 1].view(np.uint8)
    said: U8 = np.unpackbits(value, bitorder="little")[: len(rows)] ^ np.uint8(literal & 1)
    return said


def n_right(aig: Aig, rows: Rows) -> int:
    """Rows on which a circuit's output is the label."""
    return int((outputs(aig, rows) == rows.labels).sum())


def accuracy(aig: Aig, rows: Rows) -> float:
    """Part of the rows on which a circuit is right."""
    return n_right(aig, rows) / len(rows)


def read_pla(path: Path) -> Rows:
    """Read a PLA file of one output without don't-cares.

    Raises
    ------
    InputError
        The file is missing, or a line is not `.i`, `.o 1`, `.p`, `.type`, `.e` or a row of that many bits.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); is this the right folder?") from error
    inputs, labels = [], []
    width = -1
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0] in (b".p", b".type", b".e", b".end"):
            continue
        if words[0] == b".i" and len(words) == 2 and words[1].isdigit():
            width = int(words[1])
        elif words[0] == b".o" and words[1:] == [b"1"]:
            pass
        elif (
            len(words) == 2
            and len(words[0]) == width
            and not words[0].strip(b"01")
            and words[1] in (b"0", b"1")
        ):
            inputs.append(words[0])
            labels.append(words[1] == b"1")
        else:
            raise InputError(
                f"{path}, line {number}: {line[:40]!r} is no row of {width} bits and one output bit, nor a "
                "declaration of such; the file must be a PLA of one output, fully specified"
            )
    if not inputs:
        raise InputError(f"{path}: holds no rows; the file must be a PLA of one output, fully specified")
    bits = np.frombuffer(b"".join(inputs), np.uint8).reshape(len(inputs), width) - ord("0")
    return Rows(bits, np.array(labels, np.uint8))


def find_examples(folder: Path) -> dict[str, dict[str, Path]]:
    """Files `exNN.train.pla`, `exNN.valid.pla`, `exNN.test.pla` anywhere under a folder, by NN and kind.

    Raises
    ------
    InputError
        There are none, or one of the three is missing.
    """
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.rglob("ex*.pla")):
        name, _, kind = path.name.removesuffix(".pla").partition(".")
        if kind in ("train", "valid", "test"):
            found.setdefault(name.removeprefix("ex"), {})[kind] = path
    for name, files in found.items():
        missing = {"train", "valid", "test"} - files.keys()
        if missing:
            raise InputError(
                f"{folder}: ex{name}.{sorted(missing)[0]}.pla is missing; fetch the examples again"
            )
    if not found:
        raise InputError(
            f"{folder}: holds no ex*.train.pla; fetch iwls2020-lsml-contest/iwls2020-lsml-contest from "
            "GitHub and give its folder"
        )
    return found


def read_example(name: str, files: dict[str, Path]) -> Example:
    """Read an example: training and validation rows together are what is known.

    Raises
    ------
    InputError
        A file is damaged, or they do not belong together.
    """
    train, valid, test = (read_pla(files[kind]) for kind in ("train", "valid", "test"))
    if not train.n_inputs == valid.n_inputs == test.n_inputs:
        raise InputError(
            f"{files['train']}: has {train.n_inputs} inputs, validation {valid.n_inputs}, test "
            f"{test.n_inputs}; they must be the same; fetch the examples again"
        )
    return Example(name, train.joined(valid), test)
