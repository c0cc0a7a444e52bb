"""Circuits of words: sums, comparisons, products, quotients and square roots as AND nodes.

A word is a list of literals of an `AigBuilder`, least significant bit first. Constants fold, so words may
hold the literals 0 and 1. Sizes count: a full adder is 7 ANDs, a cell of a restoring divider or square-
rooter 9.
"""

from collections.abc import Sequence

from bsdgen.circuit.aig import AigBuilder

Word = list[int]


def xor_shared(b: AigBuilder, x: int, y: int) -> int:
    """Literal of ``x ^ y`` that contains ``x & y``, so that an adder's carry shares it."""
    return b.and_(b.and_(x, y) ^ 1, b.or_(x, y))


def full_adder(b: AigBuilder, x: int, y: int, z: int) -> tuple[int, int]:
    """Sum and carry of three bits."""
    half = xor_shared(b, x, y)
    return xor_shared(b, half, z), b.or_(b.and_(x, y), b.and_(half, z))


def parity(b: AigBuilder, literals: Sequence[int]) -> int:
    """Exclusive or of any number of bits, as a balanced tree."""
    level = list(literals)
    while len(level) > 1:
        paired = [b.xor(*level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) // 2 * 2 :]
    return level[0] if level else 0


def add(b: AigBuilder, x: Word, y: Word, carry: int = 0) -> Word:
    """Sum of two words, one bit longer than the longer one."""
    width = max(len(x), len(y))
    out = []
    for u, v in zip(x + [0] * (width - len(x)), y + [0] * (width - len(y)), strict=True):
        total, carry = full_adder(b, u, v, carry)
        out.append(total)
    return [*out, carry]


def subtract(b: AigBuilder, x: Word, y: Word) -> Word:
    """Difference of two words of equal width in two's complement, one bit longer; its sign comes last."""
    out = add(b, x, [bit ^ 1 for bit in y], 1)
    return [*out[:-1], out[-1] ^ 1]


def less(b: AigBuilder, x: Word, y: Word) -> int:
    """Literal of ``x < y``, words of equal width."""
    borrow = 0
    for u, v in zip(x, y, strict=True):
        borrow = _borrow(b, u, v, borrow)[0]
    return borrow


def equal(b: AigBuilder, x: Word, y: Word) -> int:
    """Literal of ``x == y``, words of equal width."""
    out = 1
    for u, v in zip(x, y, strict=True):
        out = b.and_(out, b.xor(u, v) ^ 1)
    return out


def _borrow(b: AigBuilder, x: int, y: int, borrow: int) -> tuple[int, int]:
    """Borrow of ``x - y - borrow``, and ``y ^ borrow``, which the difference needs."""
    both, any_ = b.and_(y, borrow), b.or_(y, borrow)
    return b.or_(both, b.and_(x ^ 1, any_)), b.and_(both ^ 1, any_)


def _restore(b: AigBuilder, rest: Word, trial: Word) -> tuple[int, Word]:
    """One step of restoring division: whether `trial` fits into `rest`, and what is left."""
    borrow, halves = 0, []
    for at, bit in enumerate(rest):
        borrow, half = _borrow(b, bit, trial[at] if at < len(trial) else 0, borrow)
        halves.append(half)
    for bit in trial[len(rest) :]:
        borrow = b.or_(borrow, bit)
    fits = borrow ^ 1
    return fits, [b.xor(bit, b.and_(fits, half)) for bit, half in zip(rest, halves, strict=True)]


def column_sums(b: AigBuilder, columns: list[Word], n_bits: int) -> Word:
    """Sum of bits by weight: column c holds bits of weight 2 ** c; `n_bits` bits of the sum.

    The last bit asked for needs no carries of its own column, only its parity.
    """
    columns = [*map(list, columns), *([] for _ in range(n_bits - len(columns)))]
    out = []
    for at in range(n_bits):
        column = columns[at]
        if at == n_bits - 1:
            out.append(parity(b, column))
            break
        while len(column) > 1:
            third = column.pop(0) if len(column) > 2 else 0
            total, carry = full_adder(b, column.pop(0), column.pop(0), third)
            column.append(total)
            columns[at + 1].append(carry)
        out.append(column[0] if column else 0)
    return out


def popcount(b: AigBuilder, literals: Sequence[int]) -> Word:
    """Number of ones among some bits."""
    return column_sums(b, [list(literals)], len(literals).bit_length())


def multiply(b: AigBuilder, x: Word, y: Word, n_bits: int, first: int = 0, instead: int = 0) -> Word:
    """The low `n_bits` bits of a product.

    Partial products of weight below 2 ** `first` are left out, and `instead` times that is added for them.
    """
    columns: list[Word] = [[] for _ in range(n_bits)]
    for i, u in enumerate(x):
        for j, v in enumerate(y):
            if first <= i + j < n_bits:
                columns[i + j].append(b.and_(u, v))
    for at in range(instead.bit_length()):
        if instead >> at & 1 and first + at < n_bits:
            columns[first + at].insert(0, 1)
    return column_sums(b, columns, n_bits)


def divide(b: AigBuilder, x: Word, y: Word, n_quotient: int | None = None) -> tuple[Word, Word]:
    """Quotient and remainder; by 0: all ones, and `x`.

    Parameters
    ----------
    n_quotient : low bits of the quotient that are computed, the others are taken for 0 (None: all).
    """
    steps = len(x) if n_quotient is None else min(n_quotient, len(x))
    rest = x[steps:]
    quotient: Word = []
    for bit in reversed(x[:steps]):
        # What is left is smaller than the divisor, and no longer than what came in.
        fits, rest = _restore(b, [bit, *rest], y)
        rest = rest[: len(y)]
        quotient.insert(0, fits)
    return quotient + [0] * (len(x) - steps), rest


def square_root(b: AigBuilder, x: Word, last: int = 0) -> Word:
    """The integer square root, half as long; bits below `last` are left out (0).

    Bit by bit from the top: the next bit is 1 if ``4 * root + 1`` fits into what is left.
    """
    word = x + [0] * (len(x) % 2)
    root: Word = []
    rest: Word = []
    for at in range(len(word) - 2, 2 * last - 2, -2):
        fits, rest = _restore(b, [*word[at : at + 2], *rest], [1, 0, *root])
        root.insert(0, fits)
        rest = rest[: len(root) + 1]  # at most twice the root
    return [0] * last + root


def table(b: AigBuilder, word: Word, values: Sequence[int]) -> int:
    """Entry ``values[word]`` of a table of 0 and 1, by multiplexers; entries past the end are 0."""
    level = [int(value) for value in values][: 1 << len(word)]
    level += [0] * ((1 << len(word)) - len(level))
    for bit in word:
        level = [b.ite(bit, level[at + 1], level[at]) for at in range(0, len(level), 2)]
    return level[0]


def at_least(b: AigBuilder, word: Word, bound: int) -> int:
    """Literal of ``word >= bound``, a constant."""
    if bound <= 0:
        return 1
    if bound >> len(word):
        return 0
    out = 1
    for at, bit in enumerate(word):
        out = b.and_(bit, out) if bound >> at & 1 else b.or_(bit, out)
    return out
