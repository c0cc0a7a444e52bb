"""Linear thresholds of inputs: found by logistic regression where a small tree has sorted the rows.

A comparison of sums of words, however weighted, is a threshold of bits, and within a branch of a tree much is
one that is none overall: a quotient's low bit is one between two multiples of the divisor.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bsdgen.bench.iwls.features import FeatureSet, Threshold, matrix
from bsdgen.bench.iwls.forest import ForestConfig, Tree, grow_forest
from bsdgen.bench.iwls.rows import Rows

F64 = NDArray[np.float64]
_KEPT = (6, 8, 12, 16, 20, 24, 32, 48)  # inputs that a threshold may have
_SCREENED = 96  # inputs that a regression starts with: those that go most with the label
_BITS = 9  # of the largest weight
_DIGITS = 3  # signed digits of each weight


def logistic(z: F64, y: F64, ridge: float, most: int = 15) -> F64:
    """Weights of a logistic regression by Newton's method.

    Parameters
    ----------
    z : shape (n, m), the last column being constant, whose weight is free.
    y : shape (n,), of 0 and 1.
    ridge : punishes squares of the other weights.
    """
    w = np.zeros(z.shape[1])
    penalty = np.full(z.shape[1], ridge)
    penalty[-1] = 1e-3
    for _ in range(most):
        p = 1 / (1 + np.exp(-np.clip(z @ w, -30, 30)))
        curvature = (z * np.maximum(p * (1 - p), 1e-6)[:, None]).T @ z
        curvature[np.diag_indices(len(w))] += penalty
        step = np.linalg.solve(curvature, z.T @ (y - p) - penalty * w)
        w += step
        if abs(step).max() < 1e-3 * max(1.0, abs(w).max()):
            break
    return w


def _signed(rows: Rows) -> F64:
    return np.hstack([2.0 * rows.inputs - 1, np.ones((len(rows), 1))])


def fit_threshold(fit: Rows, held: Rows, kept: Sequence[int] = _KEPT) -> tuple[Threshold | None, float]:
    """The threshold of few inputs that does best on held rows, with its accuracy there."""
    z, y = _signed(fit), fit.labels.astype(np.float64)
    screened = np.sort(np.argsort(-abs(z[:, :-1].T @ (y - y.mean())), kind="stable")[:_SCREENED])
    first = logistic(z[:, [*screened, -1]], y, 1.0, 8)
    order = screened[np.argsort(-abs(first[:-1]), kind="stable")]
    best: Threshold | None = None
    accuracy = 0.0
    for k in kept:
        which = np.sort(order[:k])
        w = logistic(z[:, [*which, -1]], y, 0.1)
        threshold = whole(which, w)
        here = float((threshold.values(held.inputs) == held.labels).mean()) if threshold else 0.0
        if here > accuracy + 0.5 / max(len(held), 1):
            best, accuracy = threshold, here
        if k >= len(order):
            break
    return best, accuracy


def whole(positions: NDArray[np.int64], weights: F64) -> Threshold | None:
    """A threshold with whole weights of few digits; None if all weights vanish.

    ``sum w (2 x - 1) + c >= 0`` is ``sum 2 w x >= sum w - c``.
    """
    largest = abs(weights[:-1]).max(initial=0.0)
    if largest <= 0:
        return None
    scale = (1 << _BITS) / largest
    rounded = [_few_digits(float(w) * scale) for w in weights[:-1]]
    # Rounding moves the sum: half of it for each input, as if inputs were balanced.
    bound = (sum(rounded) - float(weights[-1]) * scale) / 2
    used = tuple((int(p), w) for p, w in zip(positions, rounded, strict=True) if w)
    return Threshold(used, int(np.ceil(bound))) if used else None


def _few_digits(value: float) -> int:
    out = 0
    for _ in range(_DIGITS):
        rest = value - out
        if abs(rest) < 0.75:
            break
        power = 1 << max(0, round(np.log2(abs(rest))))
        out += power if rest > 0 else -power
    return out


def propose_thresholds(
    features: FeatureSet, fit: Rows, rng: np.random.Generator, *, n_rounds: int = 4, most: int = 10
) -> list[int]:
    """Add thresholds that explain branches of small trees, round by round; indices of what was added.

    In each round a small tree is grown on the inputs and the thresholds so far, and a threshold is fitted to
    the rows of each of its nodes. Those that bring most are kept.
    """
    added: list[int] = []
    for _ in range(n_rounds):
        part = rng.random(len(fit)) < 0.8
        x = matrix(features.values(fit.inputs, [*range(features.n_inputs), *added]))
        config = ForestConfig(n_trees=1, n_leaves=10, step=1.0, least=40.0)
        (tree,) = grow_forest(x, fit.labels, config, rng)
        found: list[tuple[float, int, Threshold]] = []
        for members in _members(tree, x):
            inside, outside = fit.take(members & part), fit.take(members & ~part)
            if len(inside) < 300 or len(outside) < 80:
                continue
            base = max(float(outside.labels.mean()), 1 - float(outside.labels.mean()))
            threshold, accuracy = fit_threshold(inside, outside)
            gain = (accuracy - base) * members.sum()
            if threshold is not None and accuracy > 0.95 and gain > 60:
                found.append((gain, len(found), threshold))
        columns = [x[:, -1 - i] for i in range(len(added))]
        new = 0
        for _, _, threshold in sorted(found, key=lambda one: (-one[0], one[1])):
            column = threshold.values(fit.inputs).astype(np.float32)
            if any(abs(np.mean(column == other) - 0.5) > 0.485 for other in columns):
                continue
            added.append(features.add(threshold))
            columns.append(column)
            new += 1
            if new == 3 or len(added) == most:
                break
        if not new or len(added) == most:
            break
    return added


def _members(tree: Tree, x: NDArray[np.float32]) -> list[NDArray[np.bool_]]:
    """The rows that come to each node."""
    members: list[NDArray[np.bool_]] = [np.ones(len(x), np.bool_)] * len(tree.feature)
    for node, feature in enumerate(tree.feature.tolist()):  # parents come first
        if feature >= 0:
            one = x[:, feature] > 0.5
            members[int(tree.low[node])] = members[node] & ~one
            members[int(tree.high[node])] = members[node] & one
    return members
