"""What a run of mutation found: JSON-ready values, and their text."""

from collections.abc import Sequence
from typing import Literal

import msgspec

Verdict = Literal["killed", "equivalent", "missed", "undecided", "refused"]
SHOWN = 10
"""Faults that the text names of those that a source did not catch."""


class FaultResult(msgspec.Struct, frozen=True):
    """One fault and who caught it.

    Attributes
    ----------
    number, kind, text : the fault; it is drawn again by its number and the seed.
    verdict : "killed": it changes the function, and every engine that answered disproved it, at least one
        did; "equivalent": every engine proved that it changes nothing that is specified; "missed": it changes
        the function and an engine proved it equal; "refused": it cannot be read as what it is to be, so
        nothing was asked of it; "undecided": anything else.
    killable : it is known to change the function: a vector or an engine's assignment shows it, or an engine
        without one disproved it.
    engines : equal, differs, undecided or refused (it could not be read), by engine.
    caught : by source, the position of the first vector that shows it; -1: none does.
    example : an input that shows it, in words; "".
    seconds : by engine.
    proof : verdict of `bsdgen prove`'s own stage on it; "": it is not of the sample that is put through it.
    """

    number: int
    kind: str
    text: str
    verdict: Verdict
    killable: bool
    engines: dict[str, str]
    caught: dict[str, int]
    example: str
    seconds: dict[str, float]
    proof: str = ""


class Mutation(msgspec.Struct, frozen=True):
    """A whole run.

    Attributes
    ----------
    of : "netlist" or "shell".
    artifact, artifact_sha256 : what the faults were put into.
    kinds : in the table's order.
    sources : vectors looked at, by name of the source: each different row once, uniform and directed ones
        rounded up to 64. Of the shell: programs run.
    inputs_sha256 : of all that a fault's result depends on: runs of the same go on with each other's results.
    """

    of: str
    artifact: str
    artifact_sha256: str
    model_sha256: str
    specification: str
    seed: int
    kinds: tuple[str, ...]
    engines: tuple[str, ...]
    sources: dict[str, int]
    faults: tuple[FaultResult, ...]
    wall_s: float
    jobs: int
    time_limit_s: float
    tools: dict[str, str]
    inputs_sha256: str = ""


def judge(engines: dict[str, str], witnessed: bool) -> tuple[Verdict, bool]:
    """Verdict, and whether the fault is known to change the function.

    >>> judge({"abc": "differs", "sat": "equal"}, False), judge({"abc": "undecided"}, True)
    (('missed', True), ('undecided', True))
    """
    said = set(engines.values())
    killable = witnessed or "differs" in said
    if killable and "equal" in said:
        return "missed", True
    if "differs" in said:
        return "killed", True
    return ("equivalent" if said == {"equal"} else "undecided"), killable


def not_disproved(run: Mutation) -> list[FaultResult]:
    """Faults that are known to change the function and that the proof did not disprove."""
    said = ("", "disproved", "undecided")
    return [
        item for item in run.faults if item.killable and (item.verdict != "killed" or item.proof not in said)
    ]


def undecided(run: Mutation) -> list[FaultResult]:
    """Faults of which nobody knows whether they change the function, or that the whole proof left open."""
    return [
        item
        for item in run.faults
        if item.proof == "undecided" or (item.verdict == "undecided" and not item.killable)
    ]


def summary(run: Mutation) -> list[dict[str, object]]:
    """A row a kind that occurs, then one of all: counts, those of the sources among the killable."""
    rows = []
    for name in [kind for kind in run.kinds if any(item.kind == kind for item in run.faults)] + ["all"]:
        mine = [item for item in run.faults if name in ("all", item.kind)]
        killable = [item for item in mine if item.killable]
        row: dict[str, object] = {
            "kind": name,
            "n": len(mine),
            "equivalent": sum(item.verdict == "equivalent" for item in mine),
            "undecided": sum(item.verdict == "undecided" for item in mine),
            "refused": sum(item.verdict == "refused" for item in mine),
            "killable": len(killable),
            "proof": sum(item.verdict == "killed" for item in killable),
            "sampled": sum(bool(item.proof) for item in killable),
            "sample_disproved": sum(item.proof == "disproved" for item in killable),
        }
        row |= {source: sum(item.caught[source] >= 0 for item in killable) for source in run.sources}
        rows.append(row)
    return rows


def mutation_text(run: Mutation) -> str:
    """Lay out a run: the table by kind, then what was not caught."""
    sources = list(run.sources)
    refused = ["refused"] if any(item.verdict == "refused" for item in run.faults) else []
    counts = ["n", "equivalent", "undecided", *refused, "killable"]
    sampled = ["by `prove`"] if any(item.proof for item in run.faults) else []
    lines = [["fault", *counts, "proof", *sampled, *sources]]
    for row in summary(run):
        killable = int(str(row["killable"]))
        shares = [_share(int(str(row[name])), killable) for name in ("proof", *sources)]
        shares[1:1] = [f"{row['sample_disproved']} of {row['sampled']}" for _ in sampled]
        lines.append([str(row[name]) for name in ("kind", *counts)] + shares)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    blocks = [
        "\n".join(
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )
    ]
    for source in sources:
        left = [item for item in run.faults if item.killable and item.caught[source] < 0]
        blocks += _named(f"not caught by {source}", left)
    blocks += _named("undecided", undecided(run))
    blocks += _named("refused", [item for item in run.faults if item.verdict == "refused"])
    blocks += _named("NOT DISPROVED BY THE PROOF", not_disproved(run))
    units = {"programs": "programs" if run.of == "shell" else "rows of programs"}
    what = ", ".join(f"{count:,} {units.get(name, name + ' vectors')}" for name, count in run.sources.items())
    blocks.append(
        f"{len(run.faults):,} faults in the {run.of} ({run.artifact}), seed {run.seed}, held to "
        f"{run.specification} by {' and '.join(run.engines)}"
        + (f"; {what}" if what else "")
        + f"; {run.wall_s:.1f} s"
    )
    return "\n\n".join(blocks)


def _share(count: int, of: int) -> str:
    """A share that says 100 % only if all are."""
    if not of:
        return "-"
    return f"{count} {int(1000 * count / of) / 10:5.1f} %"


def _named(title: str, faults: Sequence[FaultResult]) -> list[str]:
    if not faults:
        return []
    lines = [f"{title}: {len(faults)}"]
    lines += [
        f"  {item.number:>5}  {item.text}" + (f"; seen by {item.example}" if item.example else "")
        for item in faults[:SHOWN]
    ]
    left = len(faults) - SHOWN
    return ["\n".join([*lines, *([f"  {left} more in the result's JSON"] if left > 0 else [])])]
