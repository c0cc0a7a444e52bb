"""Parities of few inputs that say something: heavy Walsh coefficients of degree up to three.

The label of a sum bit is two inputs' exclusive or with a carry, and no input, nor any pair, says anything
about it alone; a third one does. Once the parity is taken out of the labels, what is left is easy.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bsdgen.bench.iwls.rows import Rows

F32 = NDArray[np.float32]
_MOST_ROWS = 4000  # for triples: the work grows with the cube of the inputs
_SIGMAS = 7.0  # 22 million triples of pure noise stay below 6 with near certainty


def heavy_parities(rows: Rows, most: int = 6) -> list[tuple[tuple[int, ...], float]]:
    """Sets of one to three inputs whose parity goes with the label, with the coefficient; heaviest first."""
    s = (1 - 2.0 * rows.inputs).astype(np.float32)
    f = (1 - 2.0 * rows.labels).astype(np.float32)
    f -= f.mean()
    n = len(s)
    found: list[tuple[tuple[int, ...], float]] = []
    bound = _SIGMAS / np.sqrt(n)
    single = s.T @ f / n
    found += [((int(i),), float(single[i])) for i in np.flatnonzero(abs(single) > bound)]
    pairs: F32 = np.triu((s * f[:, None]).T @ s / n, 1).astype(np.float32, copy=False)
    found += [((i, j), float(pairs[i, j])) for i, j in _largest(pairs, bound)]
    found += _triples(s, f)
    return sorted(found, key=lambda item: -abs(item[1]))[:most] if most else found


def _triples(s: F32, f: F32) -> list[tuple[tuple[int, ...], float]]:
    few, some = s[:_MOST_ROWS], f[:_MOST_ROWS]
    bound = _SIGMAS / np.sqrt(len(few))
    found: list[tuple[tuple[int, ...], float]] = []
    for i in range(s.shape[1] - 2):
        rest = few[:, i + 1 :]
        product = (rest * (some * few[:, i])[:, None]).T @ rest / len(few)
        block: F32 = np.triu(product, 1).astype(np.float32, copy=False)
        for j, k in _largest(block, bound):
            which = (i, i + 1 + j, i + 1 + k)
            found.append((which, float((s[:, which].prod(axis=1) * f).mean())))
    return found


def _largest(block: F32, bound: float, most: int = 12) -> list[tuple[int, int]]:
    """Where the largest entries beyond a bound are."""
    size = abs(block).ravel()
    some = np.argpartition(-size, most)[:most] if len(size) > most else np.arange(len(size))
    return [divmod(int(at), block.shape[1]) for at in some if size[at] > bound]


def peelings(rows: Rows, most: int = 12) -> list[tuple[int, ...]]:
    """Parities that are worth taking out of the labels: all parts of the heaviest sets, none first."""
    out: list[tuple[int, ...]] = [()]
    for which, _ in heavy_parities(rows):
        for size in range(1, min(len(which), 2) + 1):
            out += [part for part in combinations(which, size) if part not in out]
    return out[:most]
