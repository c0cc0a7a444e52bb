"""Functions of words of up to 128 bits as oracles, for the scaling of cost with width.

Inputs are the words `a` and `b` of `width` bits each and two select bits; words wider than 64 bits are more
than one field of the schema, which the oracle need not know: rows are packed without padding.
"""

from functools import lru_cache, partial
from typing import Any, Literal

import numpy as np
from numba import njit, prange

from bsdgen.bits import U64, n_words
from bsdgen.circuit.aig import Aig
from bsdgen.circuit.equivalence import Equivalence, prove_equivalent
from bsdgen.spec.graph import graph_of
from bsdgen.traces.schema import Field, Schema

Kind = Literal["add", "compare", "shift", "alu"]
KINDS: tuple[Kind, ...] = ("add", "compare", "shift", "alu")
TEXTS: dict[Kind, str] = {
    "add": "a + b",
    "compare": "a < b",
    "shift": "a << b",
    "alu": "+, <<, <, and by two select bits",
}
WIDTHS = (8, 16, 32, 64, 128)
_CHUNK = 8192
_ONES = 0xFFFFFFFFFFFFFFFF


def _pieces(name: str, width: int, role: Literal["in", "out"]) -> list[Field]:
    if width <= 64:
        return [Field(name, width, role)]
    return [Field(f"{name}{at}", min(64, width - 64 * at), role) for at in range((width + 63) // 64)]


def wide_schema(kind: Kind, width: int) -> Schema:
    """Fields: a comparison has one output bit, the others a word."""
    output = [Field("y", 1, "out")] if kind == "compare" else _pieces("y", width, "out")
    select = [Field("s", 2, "in")]
    return Schema((*_pieces("a", width, "in"), *_pieces("b", width, "in"), *select, *output))


@njit(cache=True, nogil=True, inline="always")
def _limb(row: U64, bit: int, width: int) -> np.uint64:  # pragma: no cover - compiled
    """At most 64 bits from `bit` on; 0 where `width` is not positive."""
    if width <= 0:
        return np.uint64(0)
    word = bit >> 6
    shift = bit & 63
    value: np.uint64 = row[word] >> np.uint64(shift)
    if shift and word + 1 < row.shape[0]:
        value |= row[word + 1] << np.uint64(64 - shift)
    return value & (np.uint64(_ONES) >> np.uint64(64 - min(64, width)))


@njit(cache=True, nogil=True, inline="always")
def _shifted(
    low: np.uint64, high: np.uint64, amount: np.uint64
) -> tuple[np.uint64, np.uint64]:  # pragma: no cover
    word = np.uint64(64)
    if amount >= word:
        return np.uint64(0), low << (amount - word)
    if amount == np.uint64(0):
        return low, high
    return low << amount, high << amount | low >> (word - amount)


@njit(cache=True, nogil=True)
def _rows(kind: int, width: int, inputs: U64, out: U64) -> None:  # pragma: no cover - compiled
    for i in range(inputs.shape[0]):
        row = inputs[i]
        a0 = _limb(row, 0, width)
        a1 = _limb(row, 64, width - 64)
        b0 = _limb(row, width, width)
        b1 = _limb(row, width + 64, width - 64)
        which = kind
        if kind == 3:
            select = np.int64(_limb(row, 2 * width, 2))
            which = 0 if select == 0 else 2 if select == 1 else 1 if select == 2 else 3
        low = a0 & b0
        high = a1 & b1
        if which == 0:
            low = a0 + b0
            high = a1 + b1 + (np.uint64(1) if low < a0 else np.uint64(0))
        elif which == 1:
            low = np.uint64(1) if a1 < b1 or (a1 == b1 and a0 < b0) else np.uint64(0)
            high = np.uint64(0)
        elif which == 2:
            low, high = _shifted(a0, a1, b0 & np.uint64(width - 1))
        out[i, 0] = low & (np.uint64(_ONES) >> np.uint64(64 - min(64, width)))
        if out.shape[1] > 1:
            out[i, 1] = high & (np.uint64(_ONES) >> np.uint64(128 - width))


@njit(cache=True, nogil=True, parallel=True)
def _chunks(kind: int, width: int, inputs: U64, out: U64) -> None:  # pragma: no cover - compiled
    n = inputs.shape[0]
    for chunk in prange((n + _CHUNK - 1) // _CHUNK):
        part = slice(chunk * _CHUNK, min(n, (chunk + 1) * _CHUNK))
        _rows(kind, width, inputs[part], out[part])


class WideOracle:
    """One function at one width.

    Parameters
    ----------
    kind : of `KINDS`.
    width : of `WIDTHS`: a power of two, so that a shift amount is a number of low bits.

    Examples
    --------
    >>> import numpy as np
    >>> row = np.array([[0xFFFFFFFFFFFFFFFF, 0, 1, 0, 0]], np.uint64)  # a = 2**64 - 1, b = 1
    >>> WideOracle("add", 128).query(row)[0].tolist()
    [[0, 1]]
    """

    def __init__(self, kind: Kind, width: int) -> None:
        if kind not in KINDS or width not in WIDTHS:
            raise ValueError(f"kind must be of {KINDS} and width of {WIDTHS}, not {kind!r} and {width}")
        self.kind = kind
        self.width = width
        self.n_inputs = 2 * width + 2
        self.n_outputs = 1 if kind == "compare" else width
        self.name = f"{kind} at {width} bits"

    def query(self, inputs: U64) -> tuple[U64, U64]:
        """Compute each row; see `bsdgen.oracle.protocol.Oracle.query`."""
        outputs = np.zeros((inputs.shape[0], n_words(self.n_outputs)), np.uint64)
        kernel = _rows if inputs.shape[0] <= _CHUNK else _chunks
        kernel(KINDS.index(self.kind), self.width, np.ascontiguousarray(inputs), outputs)
        care = np.full_like(outputs, np.uint64(_ONES))
        if self.n_outputs % 64:
            care[:, -1] = np.uint64((1 << self.n_outputs % 64) - 1)
        return outputs, care


def _describe(kind: Kind, width: int, module: Any, signals: dict[str, Any]) -> None:
    from amaranth.hdl import Cat, Mux

    def word(name: str) -> Any:
        return Cat(*(signal for key, signal in signals.items() if key.rstrip("0123456789") == name))

    a, b, s, y = (word(name) for name in ("a", "b", "s", "y"))
    total, less, shifted = (a + b)[:width], a < b, (a << b[: width.bit_length() - 1])[:width]
    plain = {"add": total, "compare": less, "shift": shifted}
    if kind == "alu":
        module.d.comb += y.eq(Mux(s[1], Mux(s[0], a & b, less), Mux(s[0], shifted, total)))
    else:
        module.d.comb += y.eq(plain[kind])


@lru_cache(maxsize=32)
def wide_specification(kind: Kind, width: int) -> Aig:
    """The function written as hardware, over the fields of `wide_schema`."""
    return graph_of(wide_schema(kind, width), partial(_describe, kind, width))


def prove_wide(kind: Kind, width: int, learned: Aig) -> Equivalence:
    """Prove a netlist to be the function, by both engines."""
    return prove_equivalent(learned, wide_specification(kind, width))
