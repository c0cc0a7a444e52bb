"""The speculation ledger: everything that was taken for true without proof, and on how much evidence.

A record is a claim: *this output bit, inside this cube, is that literal of the diagram*. What the learner
speculates comes down to such claims, told apart by their kind: that a function is constant, is a variable,
is one that is known already, or that it depends on no variable but those below its node. Two kinds are other
claims: a *guard* (inside a cube everything depends on a set of variables through one bit), and *uncared* (an
output means nothing inside a cube). All can be tested again against the oracle at any time
(`bsdgen.learn.recheck`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd.literals import I32, moved

I64 = NDArray[np.int64]
_PREFIX = "ledger_"
_SPARSE = ("guards", "partners", "witnesses")  # positions of the records that further columns are about
_OF_SPARSE = {
    **dict.fromkeys(("guard_set", "guard_assignments", "guard_outputs"), "guards"),
    **dict.fromkeys(("partner_output", "partner_mask", "partner_value", "partner_inverted"), "partners"),
    "witness": "witnesses",
}


class Kind(IntEnum):
    """What is claimed of an output bit inside a cube."""

    CONSTANT = 0  # it is constant
    VARIABLE = 1  # it is an input variable or its complement
    MERGE = 2  # it is the function, or its complement, that another output or cube stands for
    INDEPENDENT = 3  # it depends on no variable but those below its node
    GUARD = 4  # every output depends on a set of variables through one bit alone
    UNCARED = 5  # it means nothing there
    SUBSTITUTION = 6  # it is another function with some of its inputs replaced

    @property
    def text(self) -> str:
        """The kind in words."""
        return _KIND_TEXT[self]


_KIND_TEXT = {
    Kind.CONSTANT: "constant",
    Kind.VARIABLE: "variable",
    Kind.MERGE: "merge",
    Kind.INDEPENDENT: "independent",
    Kind.GUARD: "function guard",
    Kind.UNCARED: "never cared for",
    Kind.SUBSTITUTION: "substitution",
}


class Status(IntEnum):
    """What has become of a claim."""

    SPECULATED = 0  # all samples of learning agree, nothing fresh was asked
    CONFIRMED = 1  # fresh rows agree too
    REFUTED = 2  # a row disagrees
    PROVED = 3  # it holds on every row

    @property
    def text(self) -> str:
        """The status in words."""
        return self.name.lower()


@dataclass(frozen=True, eq=False)
class Ledger:
    """Claims, a column an attribute (n of them).

    Attributes
    ----------
    kind, status : uint8, shape (n,)
        `Kind` and `Status`.
    output : int32, shape (n,)
        The output bit; -1: every output (guards).
    mask, value : uint64, shape (n, w)
        The cube.
    target : int32, shape (n,)
        The literal that it is said to be; for a guard the literal of its function; -1: no node of the diagram
        (any more), or none is claimed.
    rows : int64, shape (n,)
        Rows of the sample bank that agree, not more than the cube has.
    fresh : int64, shape (n,)
        Fresh rows that were drawn inside the cube, cared for the output and agree.
    more : int32, shape (n,)
        Further cubes of the same claim that are not listed one by one.
    round : int32, shape (n,)
        0 for what this diagram takes for true; else the round of refinement in which the claim was given up.
    guards : int32, shape (g,)
        Positions of guards among the records; `guard_set` uint64, shape (g, w), the variables;
        `guard_assignments` uint64, shape (g, 2, w), what stands for the bit being 0 and being 1;
        `guard_outputs` uint64, shape (g, w_out), the output bits that it is claimed for.
    partners : int32, shape (p,)
        Positions of merges that were given up. What the function was merged with is `partner_output` (p,) in
        the cube `partner_mask`, `partner_value` (p, w), complemented where `partner_inverted` (p,) is 1.
    witnesses : int32, shape (r,)
        Positions of refuted records, and `witness` uint64, shape (r, w), a row that refutes each. A merge
        that was undone since it makes a cycle may have none.
    """

    kind: NDArray[np.uint8]
    status: NDArray[np.uint8]
    output: I32
    mask: U64
    value: U64
    target: I32
    rows: I64
    fresh: I64
    more: I32
    round: I32
    guards: I32
    guard_set: U64
    guard_assignments: U64
    guard_outputs: U64
    partners: I32
    partner_output: I32
    partner_mask: U64
    partner_value: U64
    partner_inverted: NDArray[np.uint8]
    witnesses: I32
    witness: U64

    def __len__(self) -> int:
        return int(self.kind.shape[0])

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}={of['records']}" for name, of in self.summary()["kinds"].items())
        return f"Ledger({counts})"

    def keys(self) -> list[bytes]:
        """Identity of each claim's function: the output bit and the cube."""
        return [
            int(o).to_bytes(4, "little", signed=True) + m.tobytes() + v.tobytes()
            for o, m, v in zip(self.output, self.mask, self.value, strict=True)
        ]

    def of_node(self, index: int) -> I32:
        """Positions of the records whose target is a node, or its complement."""
        return np.flatnonzero((self.target >> 1 == index) & (self.target >= 0)).astype(np.int32)

    def with_status(
        self, which: NDArray[Any], status: Status | NDArray[np.uint8], fresh: I64 | None = None
    ) -> "Ledger":
        """The ledger after a check or a proof.

        Parameters
        ----------
        which : bool, shape (n,), or positions of records.
        status : what they are now: one for all, or one each.
        fresh : further rows that agree, one count each.
        """
        new, count = self.status.copy(), self.fresh.copy()
        new[which] = status
        if fresh is not None:
            count[which] += fresh
        return replace(self, status=new, fresh=count)

    def remapped(self, literals: I32) -> "Ledger":
        """The same claims over a diagram that was rewritten.

        Parameters
        ----------
        literals : int32, shape (1 + n_inputs + n_nodes,)
            New literal of each index of the old diagram (constant and variables too), -1 where there is none.
            It must be the old function inside the cubes of the claims about it; elsewhere it may be another.
        """
        return replace(self, target=moved(self.target, literals))

    def taken(self, positions: NDArray[Any]) -> "Ledger":
        """The records at some positions, in that order."""
        new = np.full(len(self), -1, np.int32)
        new[positions] = np.arange(len(positions), dtype=np.int32)
        kept = {name: new[getattr(self, name)] >= 0 for name in _SPARSE}
        columns: dict[str, NDArray[Any]] = {}
        for item in fields(self):
            column = getattr(self, item.name)
            if item.name in _SPARSE:
                columns[item.name] = new[column[kept[item.name]]]
            elif item.name in _OF_SPARSE:
                columns[item.name] = column[kept[_OF_SPARSE[item.name]]]
            else:
                columns[item.name] = column[positions]
        return Ledger(**columns)

    def joined(self, other: "Ledger") -> "Ledger":
        """This ledger with the records of another behind its own."""
        columns: dict[str, NDArray[Any]] = {}
        for item in fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            if item.name in _SPARSE:
                theirs = (theirs + len(self)).astype(np.int32)
            # a ledger without guards does not know how many outputs there are
            both = [column for column in (mine, theirs) if column.shape[0]]
            columns[item.name] = np.concatenate(both) if both else mine
        return Ledger(**columns)

    def summary(self) -> dict[str, Any]:
        """JSON-ready counts by kind and status, and how many fresh rows records have (least, median).

        ``given_up`` counts claims that refinement refuted: they are no part of the diagram any more.
        """
        kinds: dict[str, Any] = {}
        for kind in Kind:
            every = self.kind == kind
            of = every & (self.round == 0)
            if not every.any():
                continue
            live = of & (self.status != Status.REFUTED)
            fresh = self.fresh[live]
            kinds[kind.text] = {
                "records": int(of.sum()),
                "unlisted": int(self.more[of].sum()),
                **{status.text: int((of & (self.status == status)).sum()) for status in Status},
                "given_up": int((every & ~of).sum()),
                "least_fresh": int(fresh.min()) if fresh.size else 0,
                "median_fresh": int(np.median(fresh)) if fresh.size else 0,
            }
        return {"records": int((self.round == 0).sum()), "kinds": kinds}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays by name, as they are saved with a model."""
        return {_PREFIX + item.name: getattr(self, item.name) for item in fields(self)}

    @staticmethod
    def from_plain(arrays: Mapping[str, NDArray[Any]]) -> "Ledger":
        """The ledger of all that `arrays` gave."""
        return Ledger(**{name.removeprefix(_PREFIX): array for name, array in arrays.items()})

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> "Ledger | None":
        """The ledger that is among a model's arrays; None if there is none."""
        names = [item.name for item in fields(Ledger)]
        if any(_PREFIX + name not in arrays for name in names):
            return None
        return Ledger(**{name: arrays[_PREFIX + name] for name in names})


def claims(
    kind: Kind | NDArray[np.uint8],
    output: I32,
    cube: tuple[U64, U64],
    target: I32,
    fresh: I64 | None = None,
) -> Ledger:
    """A ledger of plain claims: speculated, or confirmed where fresh rows are given.

    Parameters
    ----------
    kind : one for all, or uint8, shape (n,).
    output, cube, target, fresh : see `Ledger`; absent counts are 0.
    """
    mask, value = cube
    n, w = mask.shape
    seen = np.zeros(n, np.int64) if fresh is None else fresh.astype(np.int64)
    none, rowless = np.zeros(0, np.int32), np.zeros((0, w), np.uint64)
    return Ledger(
        kind=np.full(n, kind, np.uint8) if isinstance(kind, Kind) else kind.astype(np.uint8),
        status=np.where(seen > 0, Status.CONFIRMED, Status.SPECULATED).astype(np.uint8),
        output=output.astype(np.int32),
        mask=mask,
        value=value,
        target=target.astype(np.int32),
        rows=np.zeros(n, np.int64),
        fresh=seen,
        more=np.zeros(n, np.int32),
        round=np.zeros(n, np.int32),
        guards=none,
        guard_set=rowless,
        guard_assignments=np.zeros((0, 2, w), np.uint64),
        guard_outputs=np.zeros((0, 0), np.uint64),
        partners=none,
        partner_output=none,
        partner_mask=rowless,
        partner_value=rowless,
        partner_inverted=np.zeros(0, np.uint8),
        witnesses=none,
        witness=rowless,
    )


def nothing(w: int) -> Ledger:
    """A ledger without records, for cubes of `w` words."""
    no_cube, no_output = np.zeros((0, w), np.uint64), np.zeros(0, np.int32)
    return claims(Kind.MERGE, no_output, (no_cube, no_cube), no_output)
