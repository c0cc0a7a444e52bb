"""The ledger asked again: every speculation against its oracle, on fresh rows."""

from typing import Any

from bsdgen.bits import unpack_fields
from bsdgen.inspect.inspection import Inspection
from bsdgen.inspect.nodes import record
from bsdgen.learn.recheck import recheck
from bsdgen.oracle.protocol import Oracle

_SHOWN = 16  # refuted claims that are listed one by one


def asked_again(of: Inspection, oracle: Oracle, n: int, seed: int) -> dict[str, Any]:
    """JSON-ready: the ledger after `n` fresh rows a claim, and the claims that a row refuted.

    Raises
    ------
    InputError
        The model has no ledger.
    """
    found = recheck(of.needed_ledger(), of.bsd, oracle, n, seed)
    view = Inspection(of.model)
    view.ledger = found.ledger
    rows = {int(at): found.ledger.witness[i] for i, at in enumerate(found.ledger.witnesses)}
    refuted = []
    for at in found.refuted[:_SHOWN].tolist():
        words = unpack_fields(rows[at][None], [field.width for field in of.model.schema.inputs])[:, 0]
        witness = {
            field.name: f"0x{int(word):x}" for field, word in zip(of.model.schema.inputs, words, strict=True)
        }
        refuted.append({**record(view, at), "witness": witness})
    return {
        "rows_a_claim": n,
        "rows": found.n_rows,
        "seed": seed,
        "ledger": found.ledger.summary(),
        "n_without_node": found.n_without_node,
        "n_refuted": len(found.refuted),
        "refuted": refuted,
    }
