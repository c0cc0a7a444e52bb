"""Oracles that make the learner speculate in every way: adders, a comparison as a guard, a random table."""

import numpy as np
from small_oracles import FieldOracle, Fields, TableOracle, Words, every_row

from bsdgen.bits import U64


def unit(mode: U64, a: U64, b: U64) -> Words:
    return (np.where(mode.astype(np.bool_), a - b, a + b), (a < b).astype(np.uint64))


def unit_oracle() -> FieldOracle:
    """Sum or difference, and a comparison."""
    return FieldOracle([1, 12, 12], [12, 1], unit)


def guard_oracle() -> FieldOracle:
    """Everything depends on two words through their being equal."""
    return FieldOracle([12, 12, 32, 32], [32], lambda a, b, x, y: (np.where(a == b, x + y, x ^ y),))


def random_oracle() -> TableOracle:
    """Four random functions of eight variables, a third of it not cared for."""
    rng = np.random.default_rng(8)
    return TableOracle(rng.random((256, 4)) < 0.5, rng.random((256, 4)) < 0.7)


def decoder_oracle() -> FieldOracle:
    """Four operations on words by two control bits, another output that means nothing for two of them."""

    def operate(op: U64, a: U64, b: U64) -> Words:
        return np.choose(op.astype(np.int64), [a + b, a & b, a ^ b, a - b]), a | b

    def cared(op: U64, a: U64, b: U64) -> Words:
        ones = np.full(op.shape, ~np.uint64(0))
        return ones, np.where(op & np.uint64(1) == 0, ones, np.uint64(0))

    return FieldOracle([2, 8, 8], [8, 8], operate, cared)


def operand_oracle() -> FieldOracle:
    """One adder with two operands: a word, or a short one with its sign."""

    def add(op: U64, a: U64, b: U64, i: U64) -> Words:
        sign = np.where(i >> np.uint64(3) == 1, ~np.uint64(0xF), np.uint64(0))
        return (a + np.where(op == 1, b, sign | i),)

    return FieldOracle([1, 12, 12, 4], [12], add)


def fresh_rows(oracle: FieldOracle | TableOracle, n: int = 400) -> U64:
    """Rows that no learner has seen; all of them where they are few."""
    if isinstance(oracle, TableOracle):
        return every_row(oracle.n_inputs)
    return Fields(oracle.widths_in).random(44, n)
