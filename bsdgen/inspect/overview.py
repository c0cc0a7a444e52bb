"""The overview: how large a model is, what it consists of, and how well its speculations are supported."""

from typing import Any

import numpy as np

from bsdgen.bounds import upper_bound
from bsdgen.inspect.inspection import Inspection
from bsdgen.inspect.operands import operands
from bsdgen.inspect.shared import guard_functions
from bsdgen.inspect.units import n_units, n_uses


def overview(of: Inspection) -> dict[str, Any]:
    """JSON-ready: sizes, fields, contexts, guards, what is shared, and the ledger by kind and status."""
    bsd, schema = of.bsd, of.model.schema
    uses = (of.guard_uses + of.branch_uses)[of.first :]
    above = np.bitwise_count(of.outputs_above[of.first :]).sum(axis=1)
    info = of.model.info
    facts: dict[str, Any] = {
        "oracle": info.get("oracle", ""),
        "inputs": [{"name": field.name, "width": field.width} for field in schema.inputs],
        "outputs": [{"name": field.name, "width": field.width} for field in schema.outputs],
        "n_inputs": bsd.n_inputs,
        "n_outputs": bsd.n_outputs,
        "nodes": bsd.n_nodes,
        "shared_nodes": int((uses > 1).sum()),
        "nodes_of_several_outputs": int((above > 1).sum()),
        "nodes_with_function_guard": int((bsd.guard >> 1 >= of.first).sum()),
        "guard_functions": len(guard_functions(of)),
        "operand_multiplexers": sum(group["count"] for group in operands(of)),
        "units": n_units(of),
        "unit_uses": n_uses(of),
        "nodes_before_sharing": info.get("speculation", {}).get("nodes_before_sharing"),
        "contexts": int(of.tree.leaf.sum()) if of.tree is not None else None,
        "ledger": of.ledger.summary() if of.ledger is not None else None,
        "check": check_facts(of),
    }
    return facts


def check_facts(of: Inspection) -> dict[str, Any] | None:
    """How many rows the last check of learning asked, and what that bounds."""
    said = of.model.info.get("speculation", {})
    if "fresh_rows_checked" not in said:
        return None
    n, wrong = said["fresh_rows_checked"], said["fresh_rows_wrong"]
    return {"n": n, "errors": wrong, "upper": upper_bound(wrong, n)}
