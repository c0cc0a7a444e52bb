"""Small models for tests, built by hand: an adder, and something that decodes like a CPU."""

import numpy as np

from bsdgen.bsd import Bsd
from bsdgen.model import Model
from bsdgen.traces.schema import RVFI_SCHEMA, Field, Schema


class Builder:
    """Appends nodes of a diagram; literals in and out."""

    def __init__(self, n_inputs: int) -> None:
        self.n_inputs = n_inputs
        self._nodes: dict[tuple[int, int, int], int] = {}

    def var(self, variable: int) -> int:
        return 2 * (variable + 1)

    def ite(self, guard: int, high: int, low: int) -> int:
        if high == low:
            return high
        key = (guard, low, high)
        return self._nodes.setdefault(key, 2 * (1 + self.n_inputs + len(self._nodes)))

    def and_(self, *literals: int) -> int:
        result = 1
        for literal in literals:
            result = literal if result == 1 else self.ite(literal, result, 0)
        return result

    def xor(self, a: int, b: int) -> int:
        return self.ite(a, b ^ 1, b)

    def add(self, a: list[int], b: list[int], carry: int = 0) -> list[int]:
        """Ripple sum, the carry out last."""
        out = []
        for x, y in zip(a, b, strict=True):
            differ = self.xor(x, y)
            out.append(self.ite(carry, differ ^ 1, differ) if carry else differ)
            carry = self.ite(differ, carry, y)
        return [*out, carry]

    def build(self, roots: list[int]) -> Bsd:
        columns = np.array(list(self._nodes), np.int32).reshape(-1, 3)
        guard, low, high = (np.ascontiguousarray(columns[:, i]) for i in range(3))
        return Bsd(self.n_inputs, guard, low, high, np.array(roots, np.int32))


def adder_schema(width: int) -> Schema:
    return Schema((Field("a", width, "in"), Field("b", width, "in"), Field("total", width + 1, "out")))


def adder_model(width: int = 4, oracle: str = "") -> Model:
    build = Builder(2 * width)
    total = build.add([build.var(i) for i in range(width)], [build.var(width + i) for i in range(width)])
    return Model(build.build(total), adder_schema(width), {"oracle": oracle, "learn": LEARNED})


LEARNED = {"wall_s": 1.25, "cpu_s": 2.5, "peak_rss_mib": 210.0, "oracle_queries": 12_345, "n_contexts": 7}


def decoder_model() -> Model:
    """RVFI's fields: LUI, ADDI and ADD right, everything else a trap with nothing written."""
    build = Builder(RVFI_SCHEMA.n_inputs)
    insn = [build.var(i) for i in range(32)]
    pc, rs1, rs2 = ([build.var(32 * word + i) for i in range(32)] for word in (1, 2, 3))

    def field(high: int, low: int, value: int) -> int:
        return build.and_(*(insn[low + i] ^ (1 - (value >> i & 1)) for i in range(high - low + 1)))

    lui = field(6, 0, 0b0110111)
    funct3 = field(14, 12, 0)
    addi = build.and_(field(6, 0, 0b0010011), funct3)
    add = build.and_(field(6, 0, 0b0110011), funct3, field(31, 25, 0))
    legal = build.ite(lui, 1, build.ite(addi, 1, add))
    imm = insn[20:31] + [insn[31]] * 21
    operand = [build.ite(add, y, i) for y, i in zip(rs2, imm, strict=True)]
    total = build.add(rs1, operand)[:32]
    upper = [0] * 12 + insn[12:]
    following = [*pc[:2], *build.add(pc[2:], [1] + [0] * 29)[:30]] if pc else []
    roots = [
        *insn[15:20],
        *insn[20:25],
        *(build.ite(legal, bit, 0) for bit in insn[7:12]),
        *(build.ite(lui, u, t) for u, t in zip(upper, total, strict=True)),
        *following,
        *total,
        *[0] * 8,
        *rs2,
        legal ^ 1,
    ]
    return Model(build.build(roots), RVFI_SCHEMA, {"oracle": "simulator:rv32i", "learn": LEARNED})
