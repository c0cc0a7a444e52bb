"""What a round ends with, and what of it is handed out: a diagram, its ledger, its counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd import Bsd
from bsdgen.learn.assemble import Assembly
from bsdgen.learn.check import Mistakes
from bsdgen.learn.functions import FunctionTable
from bsdgen.learn.ledger import Ledger
from bsdgen.learn.record import record
from bsdgen.learn.tree import TreeNode

_BSD = ("guard", "low", "high", "roots")
_PREFIX = "bsd_"
_TEXT = "text"


@dataclass(frozen=True, eq=False)
class Attempt:
    """A whole diagram, and what it was made from; `round` is the number of its round, 0 if it was none."""

    table: FunctionTable
    tree: list[TreeNode]
    assembly: Assembly
    mistakes: Mistakes
    bank: U64
    round: int = 0


@dataclass(frozen=True, eq=False)
class Product:
    """What is handed out.

    Attributes
    ----------
    bsd : the diagram.
    ledger : its ledger and control tree, as arrays.
    summary : JSON-ready: what was speculated.
    n_functions : distinct functions that it was made from.
    """

    bsd: Bsd
    ledger: dict[str, NDArray[Any]]
    summary: dict[str, Any]
    n_functions: int

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it as arrays, for a checkpoint."""
        text = msgspec.json.encode(
            {"summary": self.summary, "n_functions": self.n_functions, "n_inputs": self.bsd.n_inputs}
        )
        diagram = {_PREFIX + name: getattr(self.bsd, name) for name in _BSD}
        return {_TEXT: np.frombuffer(text, np.uint8)} | diagram | self.ledger

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> "Product":
        """What `arrays` was made of."""
        text = msgspec.json.decode(arrays[_TEXT].tobytes())
        own = {_TEXT, *(_PREFIX + name for name in _BSD)}
        return Product(
            Bsd(text["n_inputs"], **{name: arrays[_PREFIX + name] for name in _BSD}),
            {name: array for name, array in arrays.items() if name not in own},
            text["summary"],
            text["n_functions"],
        )


def product_of(attempt: Attempt, mistakes: Mistakes, given_up: Ledger, number: int) -> Product:
    """Hand out an attempt; what goes into its ledger is described at `bsdgen.learn.record.record`."""
    table, tree = attempt.table, attempt.tree
    ledger = record(attempt.assembly, tree, mistakes, int(attempt.bank.shape[0]), given_up, number)
    summary = {
        "bank_rows": int(attempt.bank.shape[0]),
        "contexts": sum(node.low < 0 for node in tree),
        "function_guards": sum(node.low >= 0 and node.guard >> 1 > table.n_inputs for node in tree),
        "merges": int(sum(table.at(i).merges for i in range(1 + table.n_inputs, len(table)))),
        **ledger.summary(),
    }
    return Product(
        attempt.assembly.bsd,
        ledger.arrays() | attempt.assembly.tree.arrays(),
        summary,
        len(table) - 1 - table.n_inputs,
    )
