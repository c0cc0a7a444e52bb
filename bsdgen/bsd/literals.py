"""Literals, as diagrams and and-inverter graphs share them: ``2 * index + complement``.

Index 0 is the constant FALSE, ``1 .. n_inputs`` are the input variables, larger ones are nodes, each after
what it uses.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

I32 = NDArray[np.int32]


def check_graph(n_inputs: int, fanins: Mapping[str, I32], roots: Mapping[str, I32], what: str) -> None:
    """Hold the arrays of a graph to its rules.

    Parameters
    ----------
    n_inputs : number of input variables.
    fanins : int32, shape (n_nodes,) each: what node i uses, by the array's name.
    roots : int32, shape (n_roots,) each: what is asked of the graph, by the array's name.
    what : the graph, for the message.

    Raises
    ------
    ValueError
        Another type or shape, a literal of no earlier node, or a root that is no literal.

    Examples
    --------
    >>> check_graph(1, {"low": np.array([4], np.int32)}, {}, "diagram")
    Traceback (most recent call last):
    ValueError: low must hold literals of earlier nodes only
    """
    shape = next(iter(fanins.values())).shape
    own = 2 * (np.arange(shape[0], dtype=np.int64) + 1 + n_inputs)
    for name, array in fanins.items():
        if array.dtype != np.int32 or array.shape != shape:
            raise ValueError(f"{name} must be int32 of shape {shape}, not {array.dtype} {array.shape}")
        if array.size and (array.min() < 0 or bool((array >= own).any())):
            raise ValueError(f"{name} must hold literals of earlier nodes only")
    for name, array in roots.items():
        if array.dtype != np.int32 or (
            array.size and (array.min() < 0 or array.max() >= 2 * (1 + n_inputs + shape[0]))
        ):
            raise ValueError(f"{name} must be int32 literals of this {what}'s nodes")


def moved(literals: I32, to: I32) -> I32:
    """Rewrite literals for another graph; negative ones (no literal) stay.

    Parameters
    ----------
    literals : int32, any shape.
    to : int32, shape (1 + n_inputs + n_nodes,)
        New literal of each old index, -1 where there is none any more.

    Examples
    --------
    >>> moved(np.array([2, 3, 4, -2], np.int32), np.array([0, 5, -1], np.int32)).tolist()
    [5, 4, -1, -2]
    """
    new = to[np.maximum(literals, 0) >> 1]
    kept = np.where(new < 0, -1, new ^ (literals & 1))
    return np.where(literals < 0, literals, kept).astype(np.int32)
