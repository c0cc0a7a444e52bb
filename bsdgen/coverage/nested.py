"""Counts along three axes as nested dictionaries of names, the form in which files hold them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
Nested = dict[str, dict[str, dict[str, int]]]
_MOST = 1 << 53  # of one count: sums of all cells stay within 64 bits, and JSON holds it exactly
Axes = tuple[Sequence[str], Sequence[str], Sequence[str]]


def to_nested(cube: I64, axes: Axes) -> Nested:
    """Counts that are not zero, by names.

    Parameters
    ----------
    cube : int64, shape (len(axes[0]), len(axes[1]), len(axes[2]))
    axes : names along each axis.

    Examples
    --------
    >>> to_nested(np.array([[[0, 3]]]), (("add",), ("equal",), ("none", "rd = x0")))
    {'add': {'equal': {'rd = x0': 3}}}
    """
    out: Nested = {}
    for at in np.argwhere(cube):
        first, second, third = (names[i] for names, i in zip(axes, at, strict=True))
        out.setdefault(first, {}).setdefault(second, {})[third] = int(cube[tuple(at)])
    return out


def from_nested(counts: Mapping[str, Mapping[str, Mapping[str, int]]], axes: Axes) -> I64:
    """Inverse of `to_nested`.

    Raises
    ------
    KeyError
        A name that `axes` does not have.
    ValueError
        A value is no count.
    """
    cube = np.zeros(tuple(map(len, axes)), np.int64)
    where = [{name: at for at, name in enumerate(names)} for names in axes]
    for first, seconds in counts.items():
        for second, thirds in seconds.items():
            for third, n in thirds.items():
                if not isinstance(n, int) or not 0 <= n < _MOST:
                    raise ValueError(f"{n!r} is no count ({first}, {second}, {third})")
                cube[where[0][first], where[1][second], where[2][third]] = n
    return cube
