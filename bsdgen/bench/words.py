"""The functions of the official demo suite as oracles: compiled, asked on packed rows.

Inputs are the words `a` and `b` of `width` bits each and ten select bits `s`, packed in this order; the
output is one word `y`. Functions that need no select bit ignore all ten, functions that need some use the
lowest. What each number means is written down again, independently, in `bsdgen.bench.specification`.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit, prange

from bsdgen.bits import U64, n_words
from bsdgen.traces.schema import Field, Schema

N_SELECT = 10
WIDTHS = (4, 8, 16, 32, 64)
FACTOR = 3  # the constant x of function 12
_SELECTED = 16  # the first function that looks at select bits
_CHUNK = 8192  # rows a thread takes at a time
_BLOCK = 512  # rows whose words are taken apart together: they stay in the cache


@dataclass(frozen=True)
class DemoFunction:
    """One function of the suite, and what the official code needs for it at 32 bits.

    Attributes
    ----------
    number, text : as in the suite.
    peer_cpu_s, peer_nodes : CPU seconds and split nodes of the official code, run by us on 2 shared cores,
        one process (the better of two runs where there are two).
    peer_accuracy : by its own test.
    """

    number: int
    text: str
    peer_cpu_s: float
    peer_nodes: int
    peer_accuracy: float = 1.0


DEMO: tuple[DemoFunction, ...] = (
    DemoFunction(0, "a", 22.4, 32),
    DemoFunction(1, "a + b, unsigned", 11.0, 278),
    DemoFunction(2, "a + b, signed", 11.0, 278),
    DemoFunction(3, "a − b, unsigned", 10.4, 278),
    DemoFunction(4, "a − b, signed", 10.4, 278),
    DemoFunction(5, "a << b[4:0]", 22.1, 192),
    DemoFunction(6, "a >> b[4:0]", 21.4, 192),
    DemoFunction(7, "a < b, unsigned", 3.9, 67),
    DemoFunction(8, "a < b, signed", 4.4, 90),
    DemoFunction(9, "a and b", 9.7, 64),
    DemoFunction(10, "a or b", 9.4, 64),
    DemoFunction(11, "a xor b", 41.0, 96),
    DemoFunction(12, f"{FACTOR}a + b", 15.6, 1168),
    DemoFunction(13, "−(a + b)", 12.0, 278),
    DemoFunction(14, "a + 4", 39.6, 67, 0.999998),
    DemoFunction(15, "11a + 5b + 4", 97.5, 53661, 0.99986),
    DemoFunction(16, "s ? a − b : a + b", 31.3, 586),
    DemoFunction(17, "a ± b, unsigned and signed, by s[1:0]", 53.1, 648),
    DemoFunction(18, "+, <<, <, and by s[1:0]", 212.0, 786),
)
"""Functions 0 to 18. Signed and unsigned sums are the same bits: the suite counts them apart, so do we."""


def demo_schema(width: int) -> Schema:
    """Fields of the suite at a word width of 4, 8, 16, 32 or 64."""
    return Schema(
        (
            Field("a", width, "in"),
            Field("b", width, "in"),
            Field("s", N_SELECT, "in"),
            Field("y", width, "out"),
        )
    )


@njit(cache=True, nogil=True)
def _field(inputs: U64, first: int, bit: int, width: int, out: U64) -> None:  # pragma: no cover - compiled
    """`width` bits (at most 64) from `bit` of the packed rows from `first` on: out (n,)."""
    word = bit >> 6
    shift = np.uint64(bit & 63)
    ones = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - width)
    for i in range(out.shape[0]):
        out[i] = (inputs[first + i, word] >> shift) & ones
    if (bit & 63) + width > 64:
        rest = np.uint64(64) - shift
        for i in range(out.shape[0]):
            out[i] |= (inputs[first + i, word + 1] << rest) & ones


@njit(cache=True, nogil=True)
def _values(number: int, a: U64, b: U64, s: U64, width: int, y: U64) -> None:  # pragma: no cover - compiled
    """The function's words before they are cut to `width` bits; all arithmetic is modulo 2**64.

    One loop a function: a choice by number in every row would take longer than the function itself.
    """
    n = y.shape[0]
    few = np.uint64(width - 1)
    sign = np.uint64(1) << np.uint64(width - 1)
    zero, one = np.uint64(0), np.uint64(1)
    if number == 0:
        for i in range(n):
            y[i] = a[i]
    elif number in (1, 2):
        for i in range(n):
            y[i] = a[i] + b[i]
    elif number in (3, 4):
        for i in range(n):
            y[i] = a[i] - b[i]
    elif number == 5:
        for i in range(n):
            y[i] = a[i] << (b[i] & few)
    elif number == 6:
        for i in range(n):
            y[i] = a[i] >> (b[i] & few)
    elif number == 7:
        for i in range(n):
            y[i] = one if a[i] < b[i] else zero
    elif number == 8:
        for i in range(n):
            y[i] = one if (a[i] ^ sign) < (b[i] ^ sign) else zero
    elif number == 9:
        for i in range(n):
            y[i] = a[i] & b[i]
    elif number == 10:
        for i in range(n):
            y[i] = a[i] | b[i]
    elif number == 11:
        for i in range(n):
            y[i] = a[i] ^ b[i]
    elif number == 12:
        for i in range(n):
            y[i] = np.uint64(FACTOR) * a[i] + b[i]
    elif number == 13:
        for i in range(n):
            y[i] = zero - (a[i] + b[i])
    elif number == 14:
        for i in range(n):
            y[i] = a[i] + np.uint64(4)
    elif number == 15:
        for i in range(n):
            y[i] = np.uint64(11) * a[i] + np.uint64(5) * b[i] + np.uint64(4)
    elif number in (16, 17):
        for i in range(n):
            y[i] = a[i] - b[i] if s[i] & one else a[i] + b[i]
    else:
        for i in range(n):
            less = one if a[i] < b[i] else zero
            even = less if s[i] & np.uint64(2) else a[i] + b[i]
            odd = a[i] & b[i] if s[i] & np.uint64(2) else a[i] << (b[i] & few)
            y[i] = odd if s[i] & one else even


@njit(cache=True, nogil=True)
def _rows(number: int, width: int, inputs: U64, outputs: U64) -> None:  # pragma: no cover - compiled
    ones = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - width)
    words = np.empty((4, min(_BLOCK, inputs.shape[0])), np.uint64)
    for first in range(0, inputs.shape[0], _BLOCK):
        n = min(_BLOCK, inputs.shape[0] - first)
        a, b, s, y = words[0, :n], words[1, :n], words[2, :n], words[3, :n]
        _field(inputs, first, 0, width, a)
        _field(inputs, first, width, width, b)
        if number >= _SELECTED:
            _field(inputs, first, 2 * width, N_SELECT, s)
        _values(number, a, b, s, width, y)
        for i in range(n):
            outputs[first + i, 0] = y[i] & ones


@njit(cache=True, nogil=True, parallel=True)
def _chunks(number: int, width: int, inputs: U64, outputs: U64) -> None:  # pragma: no cover - compiled
    n = inputs.shape[0]
    for chunk in prange((n + _CHUNK - 1) // _CHUNK):
        part = slice(chunk * _CHUNK, min(n, (chunk + 1) * _CHUNK))
        _rows(number, width, inputs[part], outputs[part])


class DemoOracle:
    """One function of the suite.

    Parameters
    ----------
    number : 0 to 18.
    width : bits of a word: 4, 8, 16, 32 or 64, so that a shift amount is a number of low bits.

    Examples
    --------
    >>> import numpy as np
    >>> outputs, _ = DemoOracle(1, 8).query(np.array([[0x05FE]], np.uint64))  # 0xFE + 0x05
    >>> hex(int(outputs[0, 0]))
    '0x3'
    """

    def __init__(self, number: int, width: int = 32) -> None:
        if not 0 <= number < len(DEMO) or width not in WIDTHS:
            raise ValueError(
                f"number must be 0 to {len(DEMO) - 1} and width one of {WIDTHS}, not {number} and {width}"
            )
        self.number = number
        self.width = width
        self.n_inputs = 2 * width + N_SELECT
        self.n_outputs = width
        self.name = f"demo {number} at {width} bits"

    def query(self, inputs: U64) -> tuple[U64, U64]:
        """Compute each row; see `bsdgen.oracle.protocol.Oracle.query`."""
        outputs = np.empty((inputs.shape[0], n_words(self.width)), np.uint64)
        care = np.empty_like(outputs)
        care.fill(0xFFFFFFFFFFFFFFFF >> (64 - self.width))
        kernel = _rows if inputs.shape[0] <= _CHUNK else _chunks
        kernel(self.number, self.width, np.ascontiguousarray(inputs), outputs)
        return outputs, care
