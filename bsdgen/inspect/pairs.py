"""Boolean distance of outputs: which have most and least in common."""

from typing import Any

import numpy as np

from bsdgen.bsd.distance import Distances, distances
from bsdgen.inspect.inspection import Inspection

_LEAST_CONE = 4  # nodes: smaller functions share by chance


def distance(of: Inspection, n: int = 12) -> dict[str, Any]:
    """JSON-ready: what output fields share, and the closest and most distant output bits of each two fields.

    Parameters
    ----------
    of : the model.
    n : how many pairs of each kind at most.
    """
    bits = distances(of.bsd)
    words, fields = field_distances(of)
    return {
        "fields": fields,
        "cones": words.size.tolist(),
        "shared": words.shared.tolist(),
        "closest": _pairs(of, bits, n, closest=True),
        "farthest": _pairs(of, bits, n, closest=False),
    }


def field_distances(of: Inspection) -> tuple[Distances, list[str]]:
    """Distances of output fields, each counted as one function of several bits, and their names."""
    fields = [field.name for field in of.model.schema.outputs]
    group = np.array([fields.index(field) for field, _, _ in of.names.output_bits], np.int64)
    return distances(of.bsd, of.bsd.roots, group), fields


def _pairs(of: Inspection, bits: Distances, n: int, *, closest: bool) -> list[dict[str, Any]]:
    """The first pairs, one for each pair of fields."""
    overlap, names = bits.overlap(), of.names.output_names
    found: dict[tuple[str, str], dict[str, Any]] = {}
    n_fields = len(of.model.schema.outputs)
    wanted = min(n, n_fields * (n_fields + (1 if closest else -1)) // 2)
    for i, j in bits.pairs(bits.size.shape[0] ** 2, _LEAST_CONE, closest):
        fields = (of.names.output_bits[i][0], of.names.output_bits[j][0])
        if len(found) == wanted:
            break
        if fields in found or (not closest and fields[0] == fields[1]):
            continue
        found[fields] = {
            "first": names[i],
            "second": names[j],
            "first_nodes": int(bits.size[i]),
            "second_nodes": int(bits.size[j]),
            "shared": int(bits.shared[i, j]),
            "overlap": float(overlap[i, j]),
        }
    return list(found.values())
