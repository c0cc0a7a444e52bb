"""Boosted trees whose leaves are one bit: a forest that votes, made for a circuit from the start.

Gradient boosting of the logistic loss (Friedman 2001), trees grown leaf by leaf, best gain first. Every leaf
says +1 or -1 times one step that all trees of a forest share, so that a tree is one output bit and the forest
is "at least k of n trees". Rounding leaves afterwards costs accuracy; here each tree is fitted to what the
rounded ones before it have left.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]


@njit(cache=True, nogil=True, fastmath=True)
def _sums(x: F32, rows: I32, g: F32, h: F32, out: F32) -> None:  # pragma: no cover - compiled
    """Sums of gradient and curvature over the rows where each feature is 1, and over all (last entry)."""
    out[:] = 0
    n = x.shape[1]
    for k in range(rows.shape[0]):
        r = rows[k]
        gr = g[r]
        hr = h[r]
        xr = x[r]
        for f in range(n):
            out[0, f] += gr * xr[f]
            out[1, f] += hr * xr[f]
        out[0, n] += gr
        out[1, n] += hr


@njit(cache=True, nogil=True)
def _best(sums: F32, ridge: float, least: float) -> tuple[int, float]:  # pragma: no cover - compiled
    """The split of most gain, -1 if there is none."""
    n = sums.shape[1] - 1
    g = sums[0, n]
    h = sums[1, n]
    whole = g * g / (h + ridge)
    best = -1
    gain = 1e-6
    for f in range(n):
        g1 = sums[0, f]
        h1 = sums[1, f]
        h0 = h - h1
        if h1 < least or h0 < least:
            continue
        g0 = g - g1
        here = g1 * g1 / (h1 + ridge) + g0 * g0 / (h0 + ridge) - whole
        if here > gain:
            gain = here
            best = f
    return best, gain


@njit(cache=True, nogil=True)
def _grow(
    x: F32, g: F32, h: F32, n_leaves: int, ridge: float, least: float, rows: I32
) -> tuple[I32, I32, I32, F32]:  # pragma: no cover - compiled
    """One tree: tested feature (-1: leaf), children, and value of each node; node 0 is the root."""
    size = 2 * n_leaves - 1
    n_features = x.shape[1]
    feature = np.full(size, -1, np.int32)
    low = np.zeros(size, np.int32)
    high = np.zeros(size, np.int32)
    value = np.zeros(size, np.float32)
    first = np.zeros(size, np.int64)
    last = np.zeros(size, np.int64)
    split = np.full(size, -1, np.int64)
    gain = np.zeros(size, np.float64)
    sums = np.zeros((size, 2, n_features + 1), np.float32)
    order = rows.copy()
    last[0] = order.shape[0]
    _sums(x, order, g, h, sums[0])
    split[0], gain[0] = _best(sums[0], ridge, least)
    value[0] = sums[0, 0, n_features] / (sums[0, 1, n_features] + ridge)
    n = 1
    spare = np.empty_like(order)
    while n + 1 < size:
        node = -1
        for i in range(n):
            if split[i] >= 0 and feature[i] < 0 and (node < 0 or gain[i] > gain[node]):
                node = i
        if node < 0:
            break
        f = split[node]
        a = first[node]
        m = 0
        for k in range(first[node], last[node]):
            if x[order[k], f] > 0.5:
                spare[m] = order[k]
                m += 1
            else:
                order[a] = order[k]
                a += 1
        for k in range(m):
            order[a + k] = spare[k]
        feature[node] = f
        low[node] = n
        high[node] = n + 1
        first[n] = first[node]
        last[n] = a
        first[n + 1] = a
        last[n + 1] = last[node]
        small = n if 2 * m > last[node] - first[node] else n + 1
        other = 2 * n + 1 - small
        _sums(x, order[first[small] : last[small]], g, h, sums[small])
        sums[other] = sums[node] - sums[small]
        for child in (n, n + 1):
            split[child], gain[child] = _best(sums[child], ridge, least)
            value[child] = sums[child, 0, n_features] / (sums[child, 1, n_features] + ridge)
        n += 2
    return feature[:n], low[:n], high[:n], value[:n]


@njit(cache=True, nogil=True)
def _walk(x: F32, feature: I32, low: I32, high: I32, out: I32) -> None:  # pragma: no cover - compiled
    for r in range(x.shape[0]):
        node = 0
        while feature[node] >= 0:
            node = high[node] if x[r, feature[node]] > 0.5 else low[node]
        out[r] = node


@dataclass(frozen=True, eq=False)
class Tree:
    """A tree of tests; node 0 is its root.

    Attributes
    ----------
    feature : tested column by node, -1 for a leaf.
    low, high : child by node.
    sign : of a leaf: whether it votes for 1.
    """

    feature: I32
    low: I32
    high: I32
    sign: NDArray[np.bool_]

    def votes(self, x: F32) -> U8:
        """The vote on each row."""
        node = np.zeros(len(x), np.int32)
        _walk(x, self.feature, self.low, self.high, node)
        return self.sign[node].astype(np.uint8)


@dataclass(frozen=True)
class ForestConfig:
    """How a forest is grown.

    Attributes
    ----------
    n_trees, n_leaves : at most; of the forest, of each tree.
    step : what a vote adds to the logit.
    ridge, least : added to each leaf's curvature; least curvature of a leaf.
    sample : part of the rows that each tree sees.
    """

    n_trees: int = 120
    n_leaves: int = 16
    step: float = 0.15
    ridge: float = 1.0
    least: float = 1.0
    sample: float = 1.0


def grow_forest(x: F32, y: U8, config: ForestConfig, rng: np.random.Generator) -> list[Tree]:
    """Grow trees one by one.

    Parameters
    ----------
    x : float32, shape (n, n_features), of 0 and 1, C-contiguous.
    y : uint8, shape (n,), of 0 and 1.
    """
    logit = np.zeros(len(y), np.float32)
    rows = np.arange(len(y), dtype=np.int32)
    trees = []
    target = y.astype(np.float32)
    node = np.zeros(len(y), np.int32)
    for _ in range(config.n_trees):
        p = 1 / (1 + np.exp(-logit))
        g: F32 = (target - p).astype(np.float32, copy=False)
        h: F32 = (p * (1 - p)).astype(np.float32, copy=False)
        used = rows
        if config.sample < 1:
            used = rows[rng.random(len(rows)) < config.sample]
        feature, low, high, value = _grow(x, g, h, config.n_leaves, config.ridge, config.least, used)
        tree = Tree(feature, low, high, value > 0)
        _walk(x, feature, low, high, node)
        logit += np.where(tree.sign[node], config.step, -config.step).astype(np.float32)
        trees.append(tree)
    return trees
