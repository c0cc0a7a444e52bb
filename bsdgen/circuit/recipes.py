"""Recipes: scripts of ABC commands, each of which may make a graph smaller or shallower, or neither.

What each brings was measured on learned RV32I; `docs/hardware.md` has the figures, and what was tried and
left out. ``&mfs`` and ``resub -F`` use don't-cares that the rest of the circuit gives, which ``compress2rs``
does not see; ``if -g`` balances sums of products (Mishchenko, Brayton, Jang, Kravets: Delay optimization
using SOP balancing, ICCAD 2011), which turns carry chains into trees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bsdgen.circuit.optimise import compress2rs

Goal = Literal["area", "delay", "balanced"]


@dataclass(frozen=True)
class Recipe:
    """A script for ABC.

    Attributes
    ----------
    name : what results call it.
    commands : from a structurally hashed graph to any network.
    """

    name: str
    commands: tuple[str, ...]


def _joined(name: str, *commands: str | Sequence[str]) -> Recipe:
    flat = [part for item in commands for part in ([item] if isinstance(item, str) else item)]
    return Recipe(name, tuple(flat))


def _mfs(size: int, before: str = "", *, extract: bool = True, wide: bool = False) -> Recipe:
    """Map to lookup tables of few inputs, minimise them with don't-cares, and take them apart again."""
    window = "-e -W 40 -L 20 -F 300 -M 5000 -D 0" if wide else "-e -W 20 -L 20"
    name = f"{before}{' ' if before else ''}mfs{size}{'' if extract else ' plain'}{' wide' if wide else ''}"
    opening = [f"&{word}" for word in before.split(" + ") if word]
    inner = ["&fx"] if extract else []
    return _joined(
        name, "&get -n", opening, f"&if -a -K {size}", f"&mfs {window}", inner, "&st", "&put", compress2rs()
    )


_DONT_CARES = [
    *("resub -l -K 8 -N 1 -F 2", "rewrite -l -z", "resub -l -K 10 -N 2 -F 3", "refactor -l -z"),
    *("resub -l -K 12 -N 3 -F 3", "rewrite -l -z", "resub -l -K 9 -N 2 -F 4", "balance -l"),
]
_LEVELS_KEPT = [command.replace(" -l", "") for command in _DONT_CARES]

AREA = (
    _mfs(4, "dch -f"),
    _mfs(3),
    _joined("resub odc", _DONT_CARES),
    _mfs(2, extract=False),
    _mfs(3, "dch -f"),
    _mfs(4),
    _joined("resub odc, compress2rs", _DONT_CARES, compress2rs()),
    _mfs(5, "dch -f"),
    _mfs(3, extract=False),
    _joined("dch, compress2rs", "dch", compress2rs()),
    _mfs(4, "synch2"),
    _mfs(6),
    _mfs(2, "dch", extract=False),
    _mfs(4, "syn3 + syn3"),
    _mfs(5, extract=False),
    _mfs(2, "dch -f", wide=True),
)
DELAY = (
    _joined("if -g", "if -g -K 6"),
    _joined("dch -f, if -g", "dch -f", "if -g -K 6"),
    _joined("resub odc, levels kept", _LEVELS_KEPT),
    _joined("dch, if -g", "dch", "if -g -K 6"),
    _joined("compress2rs, levels kept", "dch", compress2rs(keep_levels=True)),
    _joined("dch -f, if -g 8", "dch -f", "if -g -K 8"),
    _joined("dch -f, &if -g", "&get -n", "&dch -f", "&if -g -K 6", "&st", "&put"),
    _joined("resub odc, if -g", _DONT_CARES, "if -g -K 6"),
    _joined("compress2rs, if -g", compress2rs(), "dch -f", "if -g -K 6"),
    _joined("mfs4, if -g", _mfs(4, "dch -f").commands, "if -g -K 6", "strash", "dch -f", "if -g -K 6"),
    _joined("if -g -a", "dch -f", "if -g -a -K 6", "strash", "dch -f", "if -g -K 6"),
    _joined("if -x, if -g", "if -x -K 6", "strash", "dch -f", "if -g -K 6"),
)
BALANCED = (*DELAY, AREA[0], AREA[2])
RECIPES: dict[Goal, tuple[Recipe, ...]] = {"area": AREA, "delay": DELAY, "balanced": BALANCED}
_REGROUP = (
    _joined("regroup, disjoint", "if -x -K 6", "strash", "dch -f", "if -a -K 4"),
    _joined("regroup, sums of products", "if -g -K 6", "strash", "dch -f", "if -a -K 6"),
    _joined("regroup, eight inputs", "dch -f", "if -a -K 8"),
    _joined("regroup, six inputs", "&get -n", "&if -a -K 6", "&mfs -a -W 10 -L 50", "&st", "&put"),
    _joined("regroup, syn3", "&get -n", "&syn3", "&syn3", "&synch2", "&put"),
)
_SMALLER = (
    _joined("smaller, mfs4", _mfs(4, "dch -f").commands, _mfs(3).commands),
    _joined("smaller, compress2rs", "dch", compress2rs(), "dch", compress2rs()),
    _joined("smaller, mfs2", _mfs(2, extract=False).commands, _DONT_CARES),
)
KICKS: dict[Goal, tuple[Recipe, ...]] = {
    "area": _REGROUP,
    "delay": (*_SMALLER, *_REGROUP[:2]),
    "balanced": (*_SMALLER, *_REGROUP[:2]),
}
