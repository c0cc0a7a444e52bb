"""Binary AIGER (Biere, *The AIGER And-Inverter Graph Format*, 2007) without state, with a symbol table."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsdgen.artifacts import atomic_path
from bsdgen.circuit.aig import Aig
from bsdgen.errors import InputError

_SEAL = b"sha256 "
_MOST_INPUTS = 1 << 24  # a header may claim any number; they take no bytes in the file


@dataclass(frozen=True, eq=False)
class NamedAig:
    """A graph with the names of its inputs and outputs, and a file's comment; empty where a file has none."""

    aig: Aig
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    comment: str = ""


def _encode(aig: Aig) -> bytes:
    """Deltas of the ANDs: 7 bits a byte, low first, the top bit set on all but the last."""
    out = bytearray()
    large = np.maximum(aig.fanin0, aig.fanin1).tolist()
    small = np.minimum(aig.fanin0, aig.fanin1).tolist()
    own = 2 * (1 + aig.n_inputs)
    for a, b in zip(large, small, strict=True):
        for delta in (own - a, a - b):
            rest = delta
            while rest >= 0x80:
                out.append(rest & 0x7F | 0x80)
                rest >>= 7
            out.append(rest)
        own += 2
    return bytes(out)


def aiger_bytes(
    aig: Aig, inputs: Sequence[str] = (), outputs: Sequence[str] = (), comment: str = ""
) -> bytes:
    """The graph as a binary AIGER file.

    Parameters
    ----------
    inputs, outputs : names, one a bit (none: no symbol table).
    comment : text after the symbol table.

    Examples
    --------
    >>> import numpy as np
    >>> one = lambda value: np.array([value], np.int32)
    >>> aiger_bytes(Aig(2, one(4), one(2), one(7)), ["a", "b"], ["nand"])
    b'aig 3 2 0 1 1\\n7\\n\\x02\\x02i0 a\\ni1 b\\no0 nand\\n'
    """
    if (inputs and len(inputs) != aig.n_inputs) or (outputs and len(outputs) != aig.n_outputs):
        raise ValueError(
            f"names must be one a bit, {aig.n_inputs} and {aig.n_outputs}, "
            f"not {len(inputs)} and {len(outputs)}"
        )
    n_ands = aig.n_ands
    head = [f"aig {aig.n_inputs + n_ands} {aig.n_inputs} 0 {aig.n_outputs} {n_ands}"]
    head += [str(output) for output in aig.outputs.tolist()]
    tail = [f"i{i} {name}" for i, name in enumerate(inputs)] + [
        f"o{i} {name}" for i, name in enumerate(outputs)
    ]
    if comment:
        tail += ["c", comment]
    text = "".join(line + "\n" for line in tail)
    return ("\n".join(head) + "\n").encode() + _encode(aig) + text.encode()


def write_aiger(
    path: Path, aig: Aig, inputs: Sequence[str] = (), outputs: Sequence[str] = (), comment: str = ""
) -> None:
    """Write a whole binary AIGER file or nothing; parameters as in `aiger_bytes`.

    Its comment ends with a digest of all bytes before it: a flipped bit would mostly be another graph.
    """
    data = aiger_bytes(aig, inputs, outputs, comment) + (b"" if comment else b"c\n")
    data += _SEAL + _digest(data) + b"\n"
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def _decode(data: bytes, start: int, n_inputs: int, n_ands: int) -> tuple[list[int], list[int], int]:
    """Fanins of the ANDs and where the symbol table starts; IndexError where the data ends too early."""
    fanin0, fanin1 = [0] * n_ands, [0] * n_ands
    at = start
    for i in range(n_ands):
        literal = 2 * (1 + n_inputs + i)
        for fanin in (fanin0, fanin1):
            shift = delta = 0
            while True:
                byte = data[at]
                at += 1
                delta |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            literal -= delta
            if literal < 0 or (fanin is fanin0 and delta == 0):
                raise ValueError(f"AND {i} refers to no earlier node")
            fanin[i] = literal
    return fanin0, fanin1, at


def _names(text: str, kind: str, n: int) -> tuple[str, ...]:
    names = [""] * n
    for line in text.split("\n"):
        if line == "c":
            break
        key, _, name = line.partition(" ")
        if key[:1] == kind and key[1:].isdecimal() and int(key[1:]) < n:
            names[int(key[1:])] = name
    return tuple(names)


def _comment(text: str) -> str:
    """What stands behind the symbol table, the digest left out."""
    _, found, said = f"\n{text}".partition("\nc\n")
    lines = said.splitlines() if found else []
    return "\n".join(line for line in lines if not line.startswith(_SEAL.decode()))


def read_aiger(path: Path) -> NamedAig:
    """Read a combinational binary AIGER file.

    Raises
    ------
    InputError
        The file cannot be read, is no binary AIGER, has latches, or is truncated.
    """
    return _parse(path, state=False)[0]


def read_state_aiger(path: Path) -> tuple[NamedAig, tuple[bool | None, ...]]:
    """Read a binary AIGER file as a combinational one: latches are inputs, their next values outputs.

    Returns
    -------
    The graph, latches behind the inputs and their next values behind the outputs (names are of inputs and
    outputs alone), and the value that each latch starts with, None where that is undefined.

    Raises
    ------
    InputError
        The file cannot be read, is no binary AIGER, or is truncated.
    """
    return _parse(path, state=True)


def _parse(path: Path, state: bool) -> tuple[NamedAig, tuple[bool | None, ...]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); expected a binary AIGER file"
        ) from error
    last = data[-len(_SEAL) - 65 :]
    if last.startswith(_SEAL) and last[len(_SEAL) : -1] != _digest(data[: -len(last)]):
        raise InputError(f"{path}: is not what was written (its digest differs); write it anew")
    header, _, _ = data.partition(b"\n")
    words = header.split()
    if (
        len(words) < 6
        or words[0] != b"aig"
        or not all(word.isdigit() and len(word) < 11 for word in words[1:])
    ):
        raise InputError(
            f"{path}: starts with {header[:40]!r}; expected the header of a binary AIGER, 'aig M I L O A'"
        )
    _, n_inputs, n_latches, n_outputs, n_ands = (int(word) for word in words[1:6])
    if n_inputs > _MOST_INPUTS or n_latches + n_outputs + n_ands > len(data):
        raise InputError(
            f"{path}: is truncated or damaged (its header {header[:60]!r} asks for more than its {len(data)} "
            "bytes can hold); write it anew"
        )
    if n_latches and not state:
        raise InputError(f"{path}: has {n_latches} latches; expected a combinational graph, without state")
    try:
        at = len(header) + 1
        lines: list[list[int]] = []
        for _ in range(n_latches + n_outputs):
            end = data.index(b"\n", at)
            lines.append([int(word) for word in data[at:end].split()])
            at = end + 1
        outputs = [line[0] for line in lines[n_latches:] + lines[:n_latches]]
        fanin0, fanin1, at = _decode(data, at, n_inputs + n_latches, n_ands)
        arrays = [np.array(values, np.int32) for values in (fanin0, fanin1, outputs)]
        text = data[at:].decode("utf-8", "replace")
        aig = Aig(n_inputs + n_latches, *arrays)
        names = _names(text, "i", n_inputs), _names(text, "o", n_outputs)
        return NamedAig(aig, *names, _comment(text)), tuple(_initial(line) for line in lines[:n_latches])
    except (IndexError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: is truncated or damaged ({error}); write it anew") from error


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def _initial(latch: list[int]) -> bool | None:
    """First value of a latch: 0 if its line says none, itself (undefined) if it says another than 0 and 1."""
    value = latch[1] if len(latch) > 1 else 0
    return bool(value) if value in (0, 1) else None
