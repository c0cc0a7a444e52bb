"""What was covered: cells that sources of rows met, and those that they could have met and did not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.coverage.cells import HAZARDS, OPERANDS, ROWS, SHAPE
from bsdgen.coverage.nested import from_nested, to_nested
from bsdgen.coverage.witnesses import possible
from bsdgen.errors import InputError

I64 = NDArray[np.int64]

VERSION = 1

_AXES = (ROWS, OPERANDS, HAZARDS)


@dataclass(frozen=True, eq=False)
class Covered:
    """What one source met.

    Attributes
    ----------
    name : the kind of source: "traces", "vectors", "programs".
    of : the files that it is from.
    machine : whether its rows come from a running machine, so that fewer cells are possible
        (`bsdgen.coverage.witnesses`).
    counts : int64, shape `bsdgen.coverage.cells.SHAPE`
        Rows by cell.
    """

    name: str
    of: tuple[str, ...]
    machine: bool
    counts: I64 = field(repr=False)

    @property
    def possible(self) -> NDArray[np.bool_]:
        """Cells that it could have met: bool, shape `SHAPE`. What it met was possible."""
        cells: NDArray[np.bool_] = possible(machine=self.machine).cells | (self.counts > 0)
        return cells

    @property
    def holes(self) -> NDArray[np.bool_]:
        """Cells that it could have met and did not: bool, shape `SHAPE`."""
        cells: NDArray[np.bool_] = self.possible & (self.counts == 0)
        return cells

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "name": self.name,
            "of": list(self.of),
            "machine": self.machine,
            "rows": int(self.counts.sum()),
            "cells_met": int(np.count_nonzero(self.counts)),
            "cells_possible": int(np.count_nonzero(self.possible)),
            "counts": to_nested(self.counts, _AXES),
            "holes": named(self.holes),
        }


def together(sources: Sequence[Covered]) -> Covered:
    """All sources as one: a cell is a hole if any could have met it and none did."""
    counts: I64 = np.array([source.counts for source in sources], np.int64).sum(axis=0)
    return Covered("all", (), all(source.machine for source in sources), counts)


def named(cells: NDArray[np.bool_]) -> dict[str, dict[str, list[str]]]:
    """Cells by row class and operand class, each with its hazards."""
    out: dict[str, dict[str, list[str]]] = {}
    for row, operand, hazard in np.argwhere(cells):
        out.setdefault(ROWS[row], {}).setdefault(OPERANDS[operand], []).append(HAZARDS[hazard])
    return out


def document(sources: Sequence[Covered]) -> dict[str, Any]:
    """The document of coverage.json."""
    return {
        "version": VERSION,
        "rows": list(ROWS),
        "operands": list(OPERANDS),
        "hazards": list(HAZARDS),
        "sources": [source.as_dict() for source in sources],
        "holes_of_all": named(together(sources).holes),
    }


def from_document(facts: Mapping[str, Any], where: str = "coverage") -> list[Covered]:
    """Inverse of `document`; `where` is the file that errors name.

    Raises
    ------
    InputError
        It is no such document.
    """
    try:
        if facts["version"] != VERSION:
            raise ValueError(f"version {facts['version']!r}")
        return [
            Covered(
                str(item["name"]),
                tuple(item["of"]),
                bool(item["machine"]),
                from_nested(item["counts"], _AXES),
            )
            for item in facts["sources"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{where}: is no result of version {VERSION} ({error}); make it anew with `bsdgen coverage`"
        ) from error


def by_row(sources: Sequence[Covered]) -> list[dict[str, Any]]:
    """A line a row class: of each source rows, cells met and cells possible."""
    return [
        {
            "name": name,
            "sources": [
                {
                    "name": source.name,
                    "rows": int(source.counts[at].sum()),
                    "met": int(np.count_nonzero(source.counts[at])),
                    "possible": int(np.count_nonzero(source.possible[at])),
                }
                for source in sources
            ],
        }
        for at, name in enumerate(ROWS)
    ]


def holes_text(holes: Mapping[str, Mapping[str, Sequence[str]]]) -> list[str]:
    """A line a row class that has holes.

    >>> holes_text({"sub": {"equal": ["none", "rd = x0"], "zero": ["none"]}})
    ['sub: equal (none, rd = x0); zero (none)']
    """
    return [
        f"{row}: " + "; ".join(f"{operand} ({', '.join(hazards)})" for operand, hazards in operands.items())
        for row, operands in holes.items()
    ]


def witnesses_text(source: Covered) -> Iterator[str]:
    """A line a hole of a source, each with a row that would fill it."""
    from bsdgen.isa.disassembly import disassemble

    rows = possible(machine=source.machine).rows
    for row, operand, hazard in np.argwhere(source.holes):
        cell = int(np.ravel_multi_index((row, operand, hazard), SHAPE))
        insn, pc, rs1, rs2, mem = (int(word) for word in rows[:, cell])
        yield (
            f"{ROWS[row]}, {OPERANDS[operand]}, {HAZARDS[hazard]}: {disassemble(insn, pc)} with pc {pc:#x}, "
            f"rs1 {rs1:#x}, rs2 {rs2:#x}, memory {mem:#x}"
        )


def coverage_text(sources: Sequence[Covered], *, witnesses: bool = False) -> str:
    """Lay out coverage as text: sources, row classes by source, holes."""
    head = [[source.name, f"{source.counts.sum():,}", *_of(source)] for source in sources]
    lines = [_table(["source", "rows", "cells met", "possible"], head), ""]
    names = [name for source in sources for name in (source.name, "cells")]
    body = [
        [
            line["name"],
            *(
                cell
                for of in line["sources"]
                for cell in (f"{of['rows']:,}", f"{of['met']}/{of['possible']}")
            ),
        ]
        for line in by_row(sources)
    ]
    lines.append(_table(["class", *names], body))
    told: list[Covered] = []
    for source in sources:
        n = int(np.count_nonzero(source.holes))
        before = next((other.name for other in told if n and np.array_equal(other.holes, source.holes)), None)
        told.append(source)
        if before is not None:
            lines += ["", f"{source.name}: {n:,} holes, the same as of {before}"]
            continue
        lines += ["", f"{source.name}: {n:,} hole{'s' if n != 1 else ''}" if n else f"{source.name}: no hole"]
        found = witnesses_text(source) if witnesses else holes_text(named(source.holes))
        lines += [f"  {line}" for line in found]
    return "\n".join(lines)


def _of(source: Covered) -> tuple[str, str]:
    return f"{np.count_nonzero(source.counts):,}", f"{np.count_nonzero(source.possible):,}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    """Columns, the first flush left, the others flush right."""
    widths = [max(len(line[at]) for line in [head, *rows]) for at in range(len(head))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        )
        for line in [head, *rows]
    )
