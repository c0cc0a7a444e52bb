"""The table of functions: speculated equality is equality of signatures.

A function is (output bit, cube). Its signature is the oracle on the sample bank with the cube forced, so
functions found on whatever path are comparable. Two functions with the same signature, up to complement, are
speculated to be one. Literals are ``2 * id + complement``; id 0 is the constant FALSE, ids ``1 .. n_inputs``
the input variables.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.kernels.influence import hash_signature

UNEXPANDED = -1


@dataclass
class Function:
    """One speculated function.

    Attributes
    ----------
    output, mask, value : the output bit and the cube that stand for it.
    complement : whether the stored signature is the complement of that representative.
    variable : guard of its expansion, `UNEXPANDED` before.
    low, high : literals of its cofactors.
    merges : how many times another cube was speculated to be this function.
    order : key of the variable order that it was expanded in.
    """

    output: int
    mask: U64
    value: U64
    complement: bool
    variable: int = UNEXPANDED
    low: int = 0
    high: int = 0
    merges: int = 0
    order: bytes = b""

    def key(self) -> bytes:
        """Identity of the representative."""
        return function_key(self.output, self.mask, self.value)


@dataclass(frozen=True)
class Forgotten:
    """Functions that a table dropped, from id `size` on, and their signatures."""

    size: int
    functions: list[Function | None]
    keys: list[bytes | None]


class FunctionTable:
    """Functions by signature over one bank."""

    def __init__(self, bank_planes: U64, merging: bool = True) -> None:
        """bank_planes (n_inputs, k / 64): the bank's variables, which are functions too."""
        self.n_inputs = bank_planes.shape[0]
        self.functions: list[Function | None] = [None] * (1 + self.n_inputs)
        self.merging = merging
        self._by_signature: dict[bytes, int] = {}
        self._keys: list[bytes | None] = []
        zero = np.zeros(bank_planes.shape[1], np.uint64)
        self._by_signature[zero.tobytes()] = 0
        for v in range(self.n_inputs):
            signature, complement = canonical(bank_planes[v])
            self._by_signature.setdefault(signature.tobytes(), (1 + v) * 2 + complement)
        # the dictionary holds literals of the canonical signature

    def __len__(self) -> int:
        return len(self.functions)

    def find(self, signature: U64) -> int | None:
        """Literal of a known function with this signature, or None."""
        word, complement = canonical(signature)
        literal = self._by_signature.get(word.tobytes())
        return None if literal is None else literal ^ complement

    def intern(
        self, output: int, mask: U64, value: U64, signature: U64, merge: bool = True
    ) -> tuple[int, bool]:
        """Literal of the function, and whether it is new.

        With `merge` off a fresh function is made in any case (constants are still recognised).
        """
        word, complement = canonical(signature)
        key = word.tobytes()
        literal = self._by_signature.get(key)
        if literal is not None and (
            literal >> 1 == 0 or (merge and self.merging) or literal >> 1 <= self.n_inputs
        ):
            function = self.functions[literal >> 1]
            if function is not None:
                function.merges += 1
            return literal ^ complement, False
        index = len(self.functions)
        self.functions.append(Function(output, mask.copy(), value.copy(), bool(complement)))
        self._keys.append(key if literal is None else None)
        if literal is None:
            self._by_signature[key] = 2 * index
        return 2 * index ^ complement, True

    def forget(self, size: int) -> Forgotten:
        """Drop all functions from id `size` on; nothing older may refer to them."""
        at = size - 1 - self.n_inputs
        dropped = Forgotten(size, self.functions[size:], self._keys[at:])
        for key in dropped.keys:
            if key is not None:
                del self._by_signature[key]
        del self._keys[at:]
        del self.functions[size:]
        return dropped

    def restore(self, dropped: Forgotten) -> None:
        """Have functions back that were dropped, when there are as many others as there were then."""
        assert len(self) == dropped.size
        for index, key in enumerate(dropped.keys, dropped.size):
            if key is not None:
                self._by_signature[key] = 2 * index
        self.functions += dropped.functions
        self._keys += dropped.keys

    def at(self, index: int) -> Function:
        """The function of an id above the variables."""
        function = self.functions[index]
        assert function is not None
        return function

    def signature(self, index: int) -> U64 | None:
        """Signature over the bank of an id above the variables; None if a function before it has the same."""
        key = self._keys[index - 1 - self.n_inputs]
        return None if key is None else np.frombuffer(key, np.uint64)

    def expanded(self, index: int) -> bool:
        """Whether the id needs no expansion (any more)."""
        function = self.functions[index]
        return function is None or function.variable != UNEXPANDED


def function_key(output: int, mask: U64, value: U64) -> bytes:
    """Identity of (output bit, cube)."""
    return output.to_bytes(4, "little") + mask.tobytes() + value.tobytes()


def canonical(signature: U64) -> tuple[U64, int]:
    """Signature with its first row 0, and whether it was complemented."""
    if signature[0] & np.uint64(1):
        return ~signature, 1
    return signature, 0


def common_hash(planes: U64) -> int:
    """Hash of a signature part, as the expansion cost counts them."""
    return int(hash_signature(planes))


def set_bit(mask: NDArray[np.uint64], variable: int) -> NDArray[np.uint64]:
    """Copy of a packed row with one bit set."""
    out = mask.copy()
    out[variable >> 6] |= np.uint64(1) << np.uint64(variable & 63)
    return out


def free_variables(mask: U64, n_inputs: int) -> NDArray[np.int64]:
    """Variables outside a cube."""
    bits = np.unpackbits(mask.view(np.uint8), bitorder="little")[:n_inputs]
    return np.flatnonzero(bits == 0).astype(np.int64)
