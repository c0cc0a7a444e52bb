"""What hardware must do, as Amaranth: the RV32I step function and a machine around it.

Written from the manual, apart from everything that it is used to judge: nothing of `bsdgen.isa`,
`bsdgen.oracle`, `bsdgen.core` or `bsdgen.emit` is imported here (import-linter holds that).
"""

from bsdgen.spec.cells import Cell
from bsdgen.spec.graph import Specification, graph_of
from bsdgen.spec.step import step_specification

__all__ = ["Cell", "Specification", "graph_of", "step_specification"]
