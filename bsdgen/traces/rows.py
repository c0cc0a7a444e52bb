"""Rows of one file, packed, whatever the format."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, offsets
from bsdgen.traces.schema import Field, Schema

Progress = Callable[[int, int], None]
"""Called with what is done and how much there is, in one unit."""


class Rows(NamedTuple):
    """What a reader gives back.

    Attributes
    ----------
    schema : fields.
    provenance : where the rows came from, JSON-ready, with the file's `path` and the number of `rows`.
    inputs, outputs, care : uint64, shape (n, words)
        Packed as `bsdgen.bits` says; an output bit whose care bit is 0 is 0.
    """

    schema: Schema
    provenance: dict[str, Any]
    inputs: U64
    outputs: U64
    care: U64

    def columns(self) -> dict[str, NDArray[Any]]:
        """Arrays by name as `bsdgen.traces.store.write_traces` takes them, one field at a time: never more
        memory than the result and one column more."""
        columns = _columns(self.inputs, self.schema.inputs)
        columns |= _columns(self.outputs, self.schema.outputs)
        care = _columns(self.care, self.schema.outputs)
        return columns | {f"{name}_care": values for name, values in care.items()}


def storage(width: int) -> type[np.unsignedinteger[Any]]:
    """The narrowest unsigned type of `width` bits or more, at most 64.

    >>> storage(9).__name__
    'uint16'
    """
    return np.uint8 if width <= 8 else np.uint16 if width <= 16 else np.uint32 if width <= 32 else np.uint64


def _columns(packed: U64, fields: Sequence[Field]) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    for field, first in zip(fields, offsets([field.width for field in fields]), strict=False):
        word, shift = first // 64, first % 64
        values = packed[:, word] >> np.uint64(shift)
        if shift + field.width > 64:
            values |= packed[:, word + 1] << np.uint64(64 - shift)
        values &= np.uint64((1 << field.width) - 1)
        columns[field.name] = values.astype(storage(field.width))
    return columns
