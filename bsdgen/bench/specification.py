"""What is to be learned, written as hardware in Amaranth.

Nothing here comes from the oracles; a learned netlist is proved against these, so that a slip in an oracle
is found too.
"""

from functools import lru_cache, partial
from typing import Any

from bsdgen.bench.words import DEMO, N_SELECT, demo_schema
from bsdgen.circuit.aig import Aig
from bsdgen.circuit.equivalence import Equivalence, prove_equivalent
from bsdgen.spec.graph import graph_of


def _expressions(a: Any, b: Any, s: Any, width: int) -> dict[int, Any]:
    """Right-hand sides of functions 0 to 15; an assignment cuts them to the word."""
    amount = b[: (width - 1).bit_length()]
    return {
        0: a,
        1: a + b,
        2: a.as_signed() + b.as_signed(),
        3: a - b,
        4: a.as_signed() - b.as_signed(),
        5: a << amount,
        6: a >> amount,
        7: a < b,
        8: a.as_signed() < b.as_signed(),
        9: a & b,
        10: a | b,
        11: a ^ b,
        12: (a << 1) + a + b,
        13: -(a + b),
        14: a + 4,
        15: a * 11 + b * 5 + 4,
    }


def _describe_demo(number: int, width: int, module: Any, signals: dict[str, Any]) -> None:
    from amaranth.hdl import Mux

    a, b, s, y = (signals[name] for name in ("a", "b", "s", "y"))
    plain = _expressions(a, b, s, width)
    choices = {16: (1, 3), 17: (1, 3, 2, 4), 18: (1, 5, 7, 9)}
    if number in plain:
        module.d.comb += y.eq(plain[number])
        return
    which = choices[number]
    words = [plain[function][:width] for function in which]
    for bit in range(len(which).bit_length() - 1):
        words = [Mux(s[bit], high, low) for low, high in zip(words[::2], words[1::2], strict=True)]
    module.d.comb += y.eq(words[0])


@lru_cache(maxsize=64)
def demo_specification(number: int, width: int = 32) -> Aig:
    """Function `number` of the suite as a graph over the fields of `demo_schema`.

    Examples
    --------
    >>> demo_specification(9, 4).n_ands
    4
    """
    if not 0 <= number < len(DEMO):
        raise ValueError(f"number must be 0 to {len(DEMO) - 1}, not {number}")
    graph = graph_of(demo_schema(width), partial(_describe_demo, number, width))
    assert graph.n_inputs == 2 * width + N_SELECT
    return graph


def prove_demo(number: int, width: int, learned: Aig) -> Equivalence:
    """Prove a netlist to be function `number`, by both engines."""
    return prove_equivalent(learned, demo_specification(number, width))
