"""Small output bits as espresso PLA files: minimised sums of products, one file an output bit."""

import itertools
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from bsdgen.emit.options import PLA_INPUTS
from bsdgen.emit.parts import digest_line
from bsdgen.errors import UnsuitableError
from bsdgen.inspect.equation import espresso_terms, truth_table
from bsdgen.model import Model
from bsdgen.traces.schema import Schema

_WRITTEN = "# Written by `bsdgen emit`"


@dataclass(frozen=True)
class Cover:
    """An output bit as a sum of products.

    Attributes
    ----------
    output : position of the bit.
    support : variables, ascending; a constant has one that no product reads.
    terms : a product each, a character a variable: "1" as it is, "0" complemented, "-" absent.
    """

    output: int
    support: tuple[int, ...]
    terms: tuple[str, ...]


def covers(model: Model, most: int = PLA_INPUTS) -> list[Cover]:
    """Every output bit whose diagram reads at most `most` inputs, minimised.

    Raises
    ------
    UnsuitableError
        No output bit is that small, or the model has no inputs.
    """
    bsd = model.bsd
    if not bsd.n_inputs:
        raise UnsuitableError("pla: the model has no inputs, and a PLA needs one; choose another format")
    supports = bsd.supports()[bsd.roots >> 1]
    sizes = supports.sum(axis=1)
    small = np.flatnonzero(sizes <= most).tolist()
    if not small:
        least = f"the smallest reads {sizes.min()}" if bsd.n_outputs else "there is no output"
        raise UnsuitableError(
            f"pla: no output bit reads at most {most} inputs ({least}); raise --pla-inputs, or choose "
            "another format"
        )
    return [_cover(model, output, np.flatnonzero(supports[output])) for output in small]


def _cover(model: Model, output: int, variables: NDArray[np.intp]) -> Cover:
    assignments, values = truth_table(model.bsd, int(model.bsd.roots[output]), variables)
    if values.all() or not values.any():
        return Cover(output, (0,), ("-",) if values.all() else ())
    terms = espresso_terms(assignments, values)
    used = [at for at in range(variables.size) if any(term[at] != "-" for term in terms)]
    chosen = tuple("".join(term[at] for at in used) for term in terms)
    return Cover(output, tuple(int(variables[at]) for at in used), chosen)


def labels(schema: Schema) -> tuple[list[str], list[str]]:
    """Names of the input and output bits in ASCII, which is all that readers of PLA files take.

    >>> from bsdgen.traces.schema import Field
    >>> labels(Schema((Field("é", 1, "in"), Field("y", 1, "out"))))
    (['_ue9_'], ['y'])
    """
    taken: set[str] = {field.name for field in schema.fields if field.name.isascii()}
    ascii_name: dict[str, str] = {}
    for field in schema.fields:
        name = "".join(c if c.isascii() else f"_u{ord(c):x}_" for c in field.name)
        while not field.name.isascii() and name in taken:
            name += "_"
        taken.add(name)
        ascii_name[field.name] = name
    renamed = Schema(tuple(msgspec.structs.replace(f, name=ascii_name[f.name]) for f in schema.fields))
    return renamed.input_names(), renamed.output_names()


def pla_text(model: Model, name: str, cover: Cover) -> str:
    """The whole file of one output bit.

    Parameters
    ----------
    name : what the header calls the model.
    """
    inputs, outputs = labels(model.schema)
    own, size = model.schema.output_names()[cover.output], (len(cover.terms), len(cover.support))
    lines = [f"# {name}: output {own}, {size[0]} products of {size[1]} inputs."]
    lines += [f"# {digest_line(model)}", f"{_WRITTEN}; checked when written. Do not edit."]
    lines += [f".i {len(cover.support)}", ".o 1"]
    lines.append(" ".join([".ilb", *(inputs[variable] for variable in cover.support)]))
    # A product of which the output is no part stands for none: ABC breaks down on a table without rows.
    rows = [f"{term} 1" for term in cover.terms] or ["-" * len(cover.support) + " 0"]
    return "\n".join([*lines, f".ob {outputs[cover.output]}", f".p {len(rows)}", *rows, ".e", ""])


def pla_names(model: Model, name: str, chosen: list[Cover]) -> list[str]:
    """A file's name for each cover: ``<name>_<field>_<bit>.pla``; names that would clash get a ``_`` more."""
    bits = [(field, bit) for field in model.schema.outputs for bit in range(field.width)]
    names: list[str] = []
    taken: set[str] = set()
    for cover in chosen:
        field, bit = bits[cover.output]
        stem = f"{name}_{field.name}" + ("" if field.width == 1 else f"_{bit}")
        while stem.casefold() in taken:
            stem += "_"
        taken.add(stem.casefold())
        names.append(f"{stem}.pla")
    return names


def stale_tables(folder: Path, current: Collection[str]) -> list[Path]:
    """PLA files of an earlier emission, by their leading comment, that are none of the current names."""
    found = []
    for path in sorted(folder.glob("*.pla")):
        with path.open(encoding="utf-8", errors="replace") as file:
            head = list(itertools.islice(file, 3))
        if path.name not in current and len(head) == 3 and head[2].startswith(_WRITTEN):
            found.append(path)
    return found
