"""Expansion of functions with one shared variable order: Monte Carlo Shannon expansion, a layer a variable.

All live functions are expanded on the same variable before the next is chosen, so that the carry chains of
different outputs meet. Which one is next: `bsdgen.learn.ordering`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.errors import BudgetReached, OracleContradiction
from bsdgen.learn.functions import Function, FunctionTable, common_hash, free_variables, function_key, set_bit
from bsdgen.learn.kernels import rows as row_kernel
from bsdgen.learn.ordering import next_variable
from bsdgen.learn.queries import Queries

I64 = NDArray[np.int64]
_PART = 256  # functions, or variables, that are sampled at once
_OWN_ROWS = 64  # rows of its own that a function gets, where it is the less frequent value


@dataclass(frozen=True)
class Effort:
    """How an expansion goes, and what it may cost.

    Attributes
    ----------
    functions : most new functions, None for any number.
    width : most functions that may be open at the same time, None for any number.
    narrow : while no more than this are open, half as many functions again are allowed.
    careful : which rule chooses the next variable (`bsdgen.learn.ordering`).
    """

    functions: int | None = None
    width: int | None = None
    narrow: int = 0
    careful: bool = False

    def exceeded(self, n_functions: int, n_open: int) -> bool:
        """Whether so many new functions, and so many that are still open, are too many."""
        too_wide = self.width is not None and n_open > self.width
        share = 1.5 if n_open <= self.narrow else 1.0
        too_many = self.functions is not None and n_functions > share * self.functions
        return n_open > 0 and (too_wide or too_many)


UNLIMITED = Effort()


@dataclass
class _Live:
    """Functions to be expanded, with what was sampled of them (f functions, v inputs, b blocks of rows)."""

    ids: list[int]
    base: U64  # (f, b): values on the common rows, then on own rows
    sens: U64  # (f, v, b)

    def keep(self, which: NDArray[np.bool_]) -> "_Live":
        at = np.flatnonzero(which)
        return _Live([self.ids[i] for i in at], self.base[at], self.sens[at])

    def join(self, other: "_Live") -> "_Live":
        if not other.ids:
            return self
        if not self.ids:
            return other
        return _Live(
            self.ids + other.ids,
            np.concatenate([self.base, other.base]),
            np.concatenate([self.sens, other.sens]),
        )


class Memory:
    """Answers that stay true when the bank grows: signatures so far, and sampled sensitivities.

    Keys are (output, cube). A grown bank asks only for its new rows.
    """

    def __init__(self) -> None:
        self.sampled: dict[bytes, tuple[I64, U64, U64]] = {}
        self.planes: dict[bytes, U64] = {}

    def clear(self) -> None:
        """Forget everything, to have its memory back."""
        self.sampled.clear()
        self.planes.clear()

    def signatures(self, queries: Queries, bank: U64, output: I64, mask: U64, value: U64) -> U64:
        """Like `Queries.signatures`, asking only what is not remembered."""
        blocks = bank.shape[0] // 64
        out = np.empty((output.shape[0], blocks), np.uint64)
        keys = [function_key(int(output[i]), mask[i], value[i]) for i in range(output.shape[0])]
        by_length: dict[int, list[int]] = {}
        for i, key in enumerate(keys):
            planes = self.planes.get(key)
            n = 0 if planes is None else planes.shape[0]
            if planes is not None:
                out[i, :n] = planes
            if n < blocks:
                by_length.setdefault(n, []).append(i)
        for n, at in by_length.items():
            out[at, n:] = queries.signatures(bank[n * 64 :], output[at], mask[at], value[at])
            for i in at:
                self.planes[keys[i]] = out[i]
        return out


class Expander:
    """Expands functions of a table until nothing is left but constants, variables and known functions."""

    def __init__(
        self,
        queries: Queries,
        table: FunctionTable,
        bank: U64,
        n_common: int,
        max_functions: int,
        orders: dict[bytes, list[int]],
        memory: "Memory",
        tick: Callable[[int], None] | None = None,
    ) -> None:
        self.queries = queries
        self.table = table
        self.bank = bank
        self.n_common = n_common
        self.memory = memory
        self.tick = tick
        self.max_functions = max_functions
        self.planes = queries.planes(bank[:n_common], queries.n_inputs)
        self.own_blocks = _OWN_ROWS // 64
        self.expanded: list[tuple[int, int]] = []  # functions so far, and hashes of them on the common rows
        self.orders = orders
        self.order_key = b""

    def expand(self, ids: list[int], signatures: U64, order_key: bytes, effort: Effort = UNLIMITED) -> bool:
        """Expand functions `ids` (with their signatures, (f, k / 64)) and all that they lead to.

        `order_key` names the shared order: the order found at the first call is used again first, so that a
        refined bank splits functions but does not move variables. False if more than `effort` would be
        needed: the rest is left unexpanded, and the order is not kept.
        """
        live = self._sample(ids, signatures, None)
        self.order_key = order_key
        order = self.orders.setdefault(order_key, [])
        started = len(self.table)
        position = 0
        while live.ids:
            while position < len(order):
                variable = order[position]
                position += 1
                if live.sens[:, variable].any():
                    break
            else:
                variable = self._choose(live, effort.careful)
                order.append(variable)
                position = len(order)
            live = self._layer(live, variable)
            if self.tick is not None:
                self.tick(len(self.table))
            if len(self.table) > self.max_functions:
                raise BudgetReached(
                    f"more than {self.max_functions} functions are needed; raise max_nodes, or the function "
                    "has no small diagram"
                )
            if effort.exceeded(len(self.table) - started, len(live.ids)):
                del self.orders[order_key]
                return False
        return True

    def separate(self, index: int, branch: int) -> None:
        """Give one cofactor of a function a diagram of its own, merged with nothing at its root."""
        function = self.table.at(index)
        mask, value = set_bit(function.mask, function.variable), function.value
        if branch:
            value = set_bit(value, function.variable)
        signature = self.memory.signatures(
            self.queries, self.bank, np.array([function.output]), mask[None], value[None]
        )
        literal, _ = self.table.intern(function.output, mask, value, signature[0], merge=False)
        if branch:
            function.high = literal ^ function.complement
        else:
            function.low = literal ^ function.complement
        if not self.table.expanded(literal >> 1):
            self.expand([literal >> 1], signature, function.order)

    def forget(self, size: int) -> Callable[[], None]:
        """Drop all functions from id `size` on; what is returned has them back."""
        dropped, before = self.table.forget(size), self.expanded
        self.expanded = [entry for entry in before if entry[0] < size]

        def restore() -> None:
            self.table.restore(dropped)
            self.expanded = before

        return restore

    def _choose(self, live: _Live, careful: bool) -> int:
        known = np.unique(np.array([common for _, common in self.expanded], np.uint64))
        return next_variable(live.base, live.sens, self.planes, known, careful)

    def _layer(self, live: _Live, variable: int) -> _Live:
        depends = np.asarray(live.sens[:, variable].any(axis=1), np.bool_)
        ids = [live.ids[i] for i in np.flatnonzero(depends)]
        parents = [self.table.at(i) for i in ids]
        output = np.repeat(np.array([f.output for f in parents], np.int64), 2)
        mask = np.repeat(np.array([set_bit(f.mask, variable) for f in parents]), 2, axis=0)
        value = np.repeat(np.array([f.value for f in parents]), 2, axis=0)
        value[1::2, variable >> 6] |= np.uint64(1) << np.uint64(variable & 63)
        signatures = self.memory.signatures(self.queries, self.bank, output, mask, value)
        waiting = set(live.ids)
        new_ids: list[int] = []
        new_rows: list[int] = []
        own = np.flatnonzero(depends)
        supports = np.asarray(live.sens.any(axis=2), np.bool_)
        new_support: list[int] = []
        for i, function in enumerate(parents):
            edges = []
            for branch in (0, 1):
                row = 2 * i + branch
                literal, is_new = self.table.intern(int(output[row]), mask[row], value[row], signatures[row])
                if (is_new or not self.table.expanded(literal >> 1)) and literal >> 1 not in waiting:
                    waiting.add(literal >> 1)
                    new_ids.append(literal >> 1)
                    new_rows.append(row)
                    new_support.append(int(own[i]))
                edges.append(literal ^ function.complement)
            function.variable, function.low, function.high = variable, edges[0], edges[1]
            function.order = self.order_key
            self.expanded.append((ids[i], common_hash(live.base[own[i], : self.n_common // 64])))
        grown = self._sample(new_ids, signatures[new_rows], supports[new_support])
        return live.keep(~depends).join(grown)

    def _sample(self, ids: list[int], signatures: U64, supports: NDArray[np.bool_] | None) -> _Live:
        """Sensitivities of new functions on the common rows and on rows of their own.

        supports (f, n_inputs): where its parent was seen to depend; variables outside are re-tried only if
        replacing all of them at once shows a difference.
        """
        n_inputs, blocks = self.queries.n_inputs, self.n_common // 64 + self.own_blocks
        n = len(ids)
        live = _Live(list(ids), np.zeros((n, blocks), np.uint64), np.zeros((n, n_inputs, blocks), np.uint64))
        unknown = []
        for i, index in enumerate(ids):
            known = self.memory.sampled.get(self.table.at(index).key())
            if known is None:
                unknown.append(i)
            else:
                variables, planes, base = known
                live.sens[i, variables], live.base[i] = planes, base
        for first in range(0, len(unknown), _PART):
            part = unknown[first : first + _PART]
            self._sample_part(live, np.array(part), signatures, supports)
            for i in part:
                variables = np.flatnonzero(live.sens[i].any(axis=1))
                self.memory.sampled[self.table.at(ids[i]).key()] = (
                    variables,
                    live.sens[i, variables],
                    live.base[i].copy(),
                )
        for i, index in enumerate(ids):
            if self.table.at(index).complement:
                live.base[i] = ~live.base[i]
        return live

    def _sample_part(self, live: _Live, at: I64, signatures: U64, supports: NDArray[np.bool_] | None) -> None:
        n, common = at.shape[0], self.n_common // 64
        functions = [self.table.at(live.ids[i]) for i in at]
        output = np.array([f.output for f in functions], np.int64)
        mask = np.array([f.mask for f in functions])
        value = np.array([f.value for f in functions])
        rows = np.empty((n, self.n_common + _OWN_ROWS, self.queries.w_in), np.uint64)
        rows[:, : self.n_common] = self.bank[: self.n_common]
        own = np.empty((n, _OWN_ROWS), np.int64)  # by position: the same choice whatever was expanded before
        row_kernel.rare_rows(signatures[at], own)
        rows[:, self.n_common :] = self.bank[own]
        everyone = np.arange(n, dtype=np.int64)
        base = self.queries.sensitivities(rows, output, mask, value, everyone, np.full(n, -1, np.int64))
        expected = None if supports is None else supports[at]
        asked = 0  # first block that is left to be asked
        if n > 1 and not (mask != mask[0]).any() and not (value != value[0]).any():
            shared = self._shared_differences(output, mask[0], value[0])
            live.sens[at, :, :common] = shared
            expected, asked = np.asarray(shared.any(axis=2), np.bool_), common
        tried = self._candidates(rows, base, output, mask, value, expected)
        owner, variable = np.nonzero(tried)
        flipped = self.queries.sensitivities(
            np.ascontiguousarray(rows[:, asked * 64 :]), output, mask, value, owner, variable
        )
        live.sens[at[owner], variable, asked:] = flipped ^ base[owner, asked:]
        live.base[at] = base
        for dead in np.flatnonzero(~live.sens[at].any(axis=(1, 2))).tolist():
            crossed = self._crossing(functions[dead], signatures[at[dead]])
            live.sens[at[dead], crossed, -1] = np.uint64(1)

    def _shared_differences(self, output: I64, mask: U64, value: U64) -> U64:
        """Boolean differences of several outputs inside one cube on the common rows: (o, n_inputs, b).

        One flip shows what it does to all outputs.
        """
        planes = np.zeros((output.shape[0], self.queries.n_inputs, self.n_common // 64), np.uint64)
        free = free_variables(mask, self.queries.n_inputs)
        for first in range(0, free.shape[0], _PART):
            variables = free[first : first + _PART]
            found = np.empty((output.shape[0], variables.shape[0], planes.shape[2]), np.uint64)
            flips = self.queries.all_differences(self.bank[: self.n_common], mask, value, variables)
            row_kernel.difference_planes(flips, output, found)
            planes[:, variables] = found
        return planes

    def _crossing(self, function: Function, signature: U64) -> int:
        """A variable that matters although no flip showed it: between a row with 1 and a row with 0."""
        bits = np.unpackbits(signature.view(np.uint8), bitorder="little")
        rows = (self.bank[[int(np.argmax(bits)), int(np.argmin(bits))]] & ~function.mask) | function.value
        word, shift = function.output >> 6, np.uint64(function.output & 63)
        ends = (self.queries.ask(rows)[0][:, word] >> shift) & np.uint64(1)
        if ends[0] == ends[1] or (rows[0] == rows[1]).all():
            raise OracleContradiction(
                f"the oracle is not deterministic: output bit {function.output} was 0 and 1 in a cube in "
                "which it is constant now; it must be a function of its inputs alone"
            )
        differ = np.unpackbits((rows[0] ^ rows[1]).view(np.uint8), bitorder="little")
        variables = np.flatnonzero(differ)
        low, high = (
            0,
            variables.shape[0],
        )  # flipping the first `low` keeps the value, the first `high` changes it
        while high - low > 1:
            middle = (low + high) // 2
            row = rows[0].copy()
            for variable in variables[:middle]:
                row[variable >> 6] ^= np.uint64(1) << np.uint64(variable & 63)
            seen = (self.queries.ask(row[None])[0][0, word] >> shift) & np.uint64(1)
            low, high = (middle, high) if seen == ends[0] else (low, middle)
        return int(variables[low])

    def _candidates(
        self, rows: U64, base: U64, output: I64, mask: U64, value: U64, supports: NDArray[np.bool_] | None
    ) -> NDArray[np.bool_]:
        n, n_inputs = mask.shape[0], self.queries.n_inputs
        fixed = np.unpackbits(mask.view(np.uint8), axis=1, bitorder="little")[:, :n_inputs]
        free: NDArray[np.bool_] = fixed == 0
        if supports is None:
            return free
        expected = free & supports
        packed = np.zeros((n, self.queries.w_in * 64), np.uint8)
        packed[:, :n_inputs] = free & ~expected
        others = np.packbits(packed, axis=1, bitorder="little").view(np.uint64)
        mixed = np.empty_like(rows)
        row_kernel.mixed(rows, others, mixed)
        again = self.queries.sensitivities(
            mixed, output, mask, value, np.arange(n, dtype=np.int64), np.full(n, -1, np.int64)
        )
        surprised = (again != base).any(axis=1)
        # all that were expected look dead: the function is not constant, so something else must matter
        return np.where(surprised[:, None], free, expected)
