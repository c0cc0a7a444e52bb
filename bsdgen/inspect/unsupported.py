"""What of a model that was learned from rows alone goes beyond the rows."""

from typing import Any

from bsdgen.errors import UsageError
from bsdgen.inspect.inspection import Inspection

_REASONS = {
    "cells": "situations that no row met",
    "alike": "as in other contexts or at other bits; here no row met it",
    "few": "too few rows to rule out chance",
    "open": "not explained: a decision tree over inputs",
}


def unsupported(of: Inspection) -> list[dict[str, Any]]:
    """Claims that go beyond the rows, outputs of one context with the same reason together.

    Each has `context`, `outputs`, `inputs` (that they depend on), `rows` (fewest that care for one of them),
    `unseen` and `cells` of their tables, and `why`.

    Raises
    ------
    UsageError
        The model was not learned from rows alone.
    """
    evidence = of.model.info.get("evidence")
    if evidence is None:
        raise UsageError(
            "--unsupported is about models that were learned with --alone; this one had an oracle"
        )
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for claim in evidence["unsupported"]:
        group = groups.setdefault(
            (claim["context"], claim["reason"]),
            {
                "context": claim["context"],
                "outputs": [],
                "inputs": [],
                "rows": claim["rows"],
                "unseen": 0,
                "cells": 0,
                "why": _REASONS[claim["reason"]],
            },
        )
        group["outputs"].append(claim["output"])
        group["inputs"] += [name for name in claim["inputs"] if name not in group["inputs"]]
        group["rows"] = min(group["rows"], claim["rows"])
        group["unseen"] += claim["unseen"]
        group["cells"] += claim["cells"]
    return list(groups.values())
