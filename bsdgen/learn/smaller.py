"""The last step of learning: the finished diagram made smaller, checked, and its ledger carried over."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words
from bsdgen.bsd.literals import I32
from bsdgen.learn.check import Checker, Mistakes
from bsdgen.learn.control import DONT_CARE, GONE, ControlTree
from bsdgen.learn.ledger import Kind, Ledger, claims
from bsdgen.learn.product import Attempt, Product
from bsdgen.learn.queries import Queries
from bsdgen.learn.samples import RowSource
from bsdgen.learn.share import Sharing

_PREFIX = "unit_"
_PROBED = 1 << 12  # rows of the bank that tell whether an output is cared for
_FEW = 1 << 12  # fresh rows where nothing was speculated


class CareProbe:
    """Tells by samples which outputs mean nothing inside a cube: on no row of the bank they do."""

    def __init__(self, queries: Queries, bank: U64) -> None:
        self.queries = queries
        self.rows = bank[:_PROBED]
        self._known: dict[bytes, frozenset[int]] = {}

    def __call__(self, mask: U64, value: U64) -> frozenset[int]:
        """Outputs, see `bsdgen.learn.share.units.Uncared`."""
        key = mask.tobytes() + value.tobytes()
        if key not in self._known:
            _, care = self.queries.all_outputs(self.rows, mask, value)
            self._known[key] = frozenset(np.flatnonzero(~care.any(axis=1)).tolist())
        return self._known[key]


def check_smaller(
    sharing: Sharing,
    attempt: Attempt,
    queries: Queries,
    source: RowSource,
    rng: np.random.Generator,
    n_check: int,
) -> Mistakes:
    """Look for mistakes in the smaller diagram, on rows of all kinds that the larger one was checked on.

    With nothing speculated it is the larger one's function by construction, so that few rows are enough.
    """
    tree, extra = attempt.assembly.tree, sharing.mask.shape[0] - attempt.assembly.tree.n_contexts
    leaves = np.full(extra, -1, np.int32)  # contexts that were split for a unit: only counted
    tree = replace(
        tree,
        guard=np.append(tree.guard, np.zeros_like(leaves)),
        low=np.append(tree.low, leaves),
        high=np.append(tree.high, leaves),
        mask=sharing.mask,
        value=sharing.value,
    )
    assembly = replace(attempt.assembly, bsd=sharing.bsd, tree=tree)
    return Checker(queries, assembly, attempt.assembly).run(
        source, rng, (sharing.mask, sharing.value), n_check if sharing.is_speculated else _FEW
    )


def smaller(product: Product, attempt: Attempt, sharing: Sharing, mistakes: Mistakes) -> Product:
    """The product with its diagram made smaller.

    Parameters
    ----------
    mistakes : the check of the smaller diagram, which found none.
    """
    old = attempt.assembly
    ledger = Ledger.from_arrays(product.ledger)
    assert ledger is not None
    moved = ledger.remapped(sharing.literals)
    inside = _inside(ledger, sharing)
    moved = replace(moved, target=np.where(moved.target < 0, inside, moved.target).astype(np.int32))
    moved = moved.joined(_substitutions(sharing, mistakes)).joined(_uncared(sharing, old.bsd.n_inputs))
    tree = _tree(old.tree, sharing)
    units = _arrays(sharing)
    summary = product.summary | moved.summary()
    summary["units"] = [
        {"functions": len(unit.functions), "operands": len(unit.operands), "uses": len(unit.uses)}
        for unit in sharing.units
    ]
    summary["nodes_before_sharing"] = product.bsd.n_nodes
    return Product(sharing.bsd, moved.arrays() | tree.arrays() | units, summary, product.n_functions)


def _inside(ledger: Ledger, sharing: Sharing) -> I32:
    """For claims inside the context that a unit comes from: the unit's literal, which is the same there."""
    found = np.full(len(ledger), GONE, np.int32)
    index, complement = np.maximum(ledger.target, 0) >> 1, ledger.target & 1
    for unit, inside in zip(sharing.units, sharing.inside, strict=True):
        if not sharing.is_cube[unit.base]:
            continue
        mask, value = sharing.mask[unit.base], sharing.value[unit.base]
        within = ((ledger.mask & mask) == mask).all(axis=1) & ((ledger.value & mask) == value).all(axis=1)
        literal = inside[index]
        found = np.where(within & (ledger.target >= 0) & (literal >= 0), literal ^ complement, found)
    return found.astype(np.int32)


def _substitutions(sharing: Sharing, mistakes: Mistakes) -> Ledger:
    """What the uses of units claim: this output is that unit's function in this context."""
    output, target, context = [], [], []
    for unit in sharing.units:
        for place, (_, outputs) in unit.uses.items():
            if place == unit.base or not sharing.is_cube[place]:
                continue
            for bit, literal in outputs.items():
                output.append(bit)
                target.append(literal)
                context.append(place)
    at, bits = np.array(context, np.int64), np.array(output, np.int64)
    return claims(
        Kind.SUBSTITUTION,
        bits.astype(np.int32),
        (sharing.mask[at], sharing.value[at]),
        np.array(target, np.int32),
        mistakes.fresh_entries[at, bits],
    )


def _uncared(sharing: Sharing, n_inputs: int) -> Ledger:
    """Where outputs were taken to mean nothing, beyond what the larger diagram took."""
    claimed = {(o, m.tobytes(), v.tobytes()): (m, v) for o, m, v in sharing.uncared}
    w = n_words(n_inputs)
    return claims(
        Kind.UNCARED,
        np.array([output for output, _, _ in claimed], np.int32),
        (
            np.array([mask for mask, _ in claimed.values()], np.uint64).reshape(-1, w),
            np.array([value for _, value in claimed.values()], np.uint64).reshape(-1, w),
        ),
        np.full(len(claimed), GONE, np.int32),
    )


def _tree(tree: ControlTree, sharing: Sharing) -> ControlTree:
    """The control tree over the smaller diagram; outputs that units make are their functions."""
    made = {
        (place, output): literal
        for unit in sharing.units
        for place, (_, outputs) in unit.uses.items()
        for output, literal in outputs.items()
    }
    moved = tree.remapped(sharing.literals)
    entries = zip(tree.entry_context.tolist(), tree.entry_output.tolist(), strict=True)
    own = np.array([made.get(entry, GONE) for entry in entries], np.int32)
    literal = np.where(tree.settled & (own >= 0), own, moved.literal)
    root = (tree.entry_context == 0) & (tree.literal != DONT_CARE)
    literal[root] = sharing.bsd.roots[tree.entry_output[root]]
    return replace(moved, literal=literal.astype(np.int32))


def _arrays(sharing: Sharing) -> dict[str, NDArray[Any]]:
    """Units as they are saved with a model: tables of operands, choices and outputs, a row an entry.

    ``operand``: unit, variable, literal of the diagram. ``choice``: unit, context, variable, the literal of
    a variable that stands there. ``output``: unit, context, output, literal of the diagram. ``mask``,
    ``value``: the cubes of the contexts; ``is_cube``: see `Sharing`.
    """
    units = sharing.units
    operand = [(u, v, x) for u, unit in enumerate(units) for v, x in unit.operands.items()]
    choice = [
        (u, c, v, x)
        for u, unit in enumerate(units)
        for c, (choices, _) in unit.uses.items()
        for v, x in choices.items()
    ]
    output = [
        (u, c, o, x)
        for u, unit in enumerate(units)
        for c, (_, outputs) in unit.uses.items()
        for o, x in outputs.items()
    ]
    return {
        _PREFIX + "base": np.array([unit.base for unit in units], np.int32),
        _PREFIX + "operand": np.array(operand, np.int32).reshape(-1, 3),
        _PREFIX + "choice": np.array(choice, np.int32).reshape(-1, 4),
        _PREFIX + "output": np.array(output, np.int32).reshape(-1, 4),
        _PREFIX + "mask": sharing.mask,
        _PREFIX + "value": sharing.value,
        _PREFIX + "is_cube": sharing.is_cube,
    }
