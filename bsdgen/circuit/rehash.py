"""A graph with each multiplexer in one shape, so that the same circuit from two tools is the same graph.

``ITE(s, h, l)`` is ``!(!(s & h) & !(!s & l))`` to one tool and ``!(s & !h) & !(!s & !l)`` to the next, and an
exclusive or has as many forms. Structural hashing takes them for different nodes, and everything above is
different then. Here each is found by its three nodes and built anew by `AigBuilder.ite`.
"""

from bsdgen.circuit.aig import Aig, AigBuilder


def rehash(aig: Aig) -> Aig:
    """The same function with multiplexers and exclusive ors as `AigBuilder.ite` builds them; linear.

    Examples
    --------
    >>> b = AigBuilder(3)
    >>> one = b.build([b.or_(b.and_(2, 4), b.and_(3, 6))])
    >>> two = b.build([b.or_(b.and_(2, 5), b.and_(3, 7)) ^ 1])
    >>> one.outputs.tolist() == two.outputs.tolist(), repr(rehash(one)) == repr(rehash(two))
    (False, True)
    """
    first = 1 + aig.n_inputs
    builder = AigBuilder(aig.n_inputs)
    fanins = list(zip(aig.fanin0.tolist(), aig.fanin1.tolist(), strict=True))
    image = list(range(0, 2 * first, 2))

    def moved(literal: int) -> int:
        return image[literal >> 1] ^ (literal & 1)

    for a, b in fanins:
        mux = None
        if a & b & 1 and min(a, b) >> 1 >= first:
            mux = _select(fanins[(a >> 1) - first], fanins[(b >> 1) - first])
        if mux is None:
            image.append(builder.and_(moved(a), moved(b)))
        else:
            guard, high, low = mux
            image.append(builder.ite(moved(guard), moved(high), moved(low)) ^ 1)
    return builder.build([moved(output) for output in aig.outputs.tolist()])


def _select(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int, int] | None:
    """Guard, high and low where the or of two ANDs is a multiplexer: one reads what the other complements."""
    for x in (0, 1):
        for y in (0, 1):
            if a[x] == b[y] ^ 1:
                return a[x], a[1 - x], b[1 - y]
    return None
