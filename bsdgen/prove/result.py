"""What a proof found: JSON-ready values, and their text."""

from collections.abc import Sequence
from typing import Literal

import msgspec

Verdict = Literal["proved", "disproved", "undecided"]
SHOWN = 3
"""Counterexamples of a stage that are replayed and shown; the JSON has one an instruction."""


class Row(msgspec.Struct, frozen=True):
    """A line of a table: an output, or an instruction.

    Attributes
    ----------
    name : the output's or instruction's.
    cared : output bits that mean something for some input here.
    proved : how many of them each engine proved.
    seconds : that each engine took.
    wrong : names of the bits that differ.
    """

    name: str
    cared: int
    proved: dict[str, int]
    seconds: dict[str, float]
    wrong: tuple[str, ...] = ()

    @property
    def by_all(self) -> int:
        """Bits that every engine proved."""
        return min(self.proved.values(), default=self.cared)


class Said(msgspec.Struct, frozen=True):
    """What something says the outputs are, where a counterexample shows a difference."""

    by: str
    outputs: dict[str, str]
    as_specified: bool


class Counterexample(msgspec.Struct, frozen=True):
    """An input on which an artifact is wrong.

    Attributes
    ----------
    instruction : name, or "" where there are none.
    text : the instruction word disassembled, or "".
    inputs : fields as hexadecimal text; of a core, its state too.
    expected, got : output fields that differ in a cared bit, as specified and as the artifact has them.
    replayed : what others say of the same input.
    """

    instruction: str
    text: str
    inputs: dict[str, str]
    expected: dict[str, str]
    got: dict[str, str]
    replayed: tuple[Said, ...] = ()


def with_replays(example: Counterexample, replayed: tuple[Said, ...]) -> Counterexample:
    """The same counterexample with what others say of it."""
    return msgspec.structs.replace(example, replayed=replayed)


class StageProof(msgspec.Struct, frozen=True):
    """One stage: its artifact and the tables by output and by instruction.

    Attributes
    ----------
    artifact : file that was read, the first if there were several.
    artifacts : digest of each file that was read, by its path in the model's folder.
    """

    name: str
    artifact: str
    verdict: Verdict
    wall_s: float
    artifacts: dict[str, str] = {}
    outputs: tuple[Row, ...] = ()
    instructions: tuple[Row, ...] = ()
    counterexamples: tuple[Counterexample, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def wrong_instructions(self) -> tuple[str, ...]:
        """Names of the instructions that are wrong."""
        return tuple(row.name for row in self.instructions if row.wrong)


class Proof(msgspec.Struct, frozen=True):
    """A whole run.

    Attributes
    ----------
    verdict : proved if every stage that was asked for is.
    model_sha256 : of model.npz.
    specification : what it was held to.
    engines : who was asked; each must prove every bit.
    stages : in their order; none behind one that is not proved.
    skipped : stages that were not tried because an earlier one is not proved.
    only : instructions to which the run was limited; empty: all.
    partial : whether instructions, stages or engines were left out: then it is no proof of the model.
    """

    verdict: Verdict
    model_sha256: str
    specification: str
    engines: tuple[str, ...]
    stages: tuple[StageProof, ...]
    skipped: tuple[str, ...]
    only: tuple[str, ...]
    wall_s: float
    jobs: int
    time_limit_s: float
    tools: dict[str, str]
    partial: bool = False


def proof_text(proof: Proof) -> str:
    """Lay out a proof: what is wrong first, then the tables."""
    blocks = [_failure(stage) for stage in proof.stages if stage.verdict == "disproved"]
    machines = ("core", "fpga", "wishbone")
    step = [stage for stage in proof.stages if stage.name not in machines]
    tables = [([stage], f"{stage.name} output") for stage in proof.stages if stage.name in machines]
    for stages, title in ((step, "output"), *tables):
        if stages and stages[0].outputs:
            blocks.append(_table(title, stages, [stage.outputs for stage in stages], proof.engines))
    if any(stage.instructions for stage in proof.stages):
        rows = [stage.instructions for stage in proof.stages]
        blocks.append(_table("instruction", proof.stages, rows, proof.engines))
    blocks.append("\n".join(_summary(proof)))
    return "\n\n".join(blocks)


def _summary(proof: Proof) -> list[str]:
    who = " and ".join(proof.engines)
    lines = [
        f"{stage.name:<8} {stage.verdict:<9} {stage.wall_s:6.1f} s  {stage.artifact}"
        + "".join(f"; {note}" for note in stage.notes)
        for stage in proof.stages
    ]
    lines += [f"{name:<8} not tried: an earlier stage is not proved" for name in proof.skipped]
    of = f"{proof.specification}, on {', '.join(proof.only)} alone" if proof.only else proof.specification
    notes = "".join(f"; {note}" for stage in proof.stages for note in stage.notes)
    part = "in part: " if proof.partial else ""
    return [*lines, f"{part}{proof.verdict} to be {of}, by {who}, in {proof.wall_s:.1f} s{notes}"]


def _failure(stage: StageProof) -> str:
    """What is wrong with a stage, the instruction first."""
    names = stage.wrong_instructions
    what = f"{', '.join(names)}: wrong" if names else "wrong"
    lines = [f"{what} in the {stage.name} ({stage.artifact})"]
    for example in stage.counterexamples[:SHOWN]:
        lines += _example(example)
    left = len(stage.counterexamples) - SHOWN
    if left > 0:
        lines.append(f"  {left} more counterexamples in the result's JSON")
    return "\n".join([*lines, *(f"  {note}" for note in stage.notes)])


def _example(example: Counterexample) -> list[str]:
    lines = [f"  {example.text or example.instruction}".rstrip()]
    lines.append("    given      " + " ".join(f"{name}={value}" for name, value in example.inputs.items()))
    lines.append("    expected   " + " ".join(f"{name}={value}" for name, value in example.expected.items()))
    lines.append("    got        " + " ".join(f"{name}={value}" for name, value in example.got.items()))
    for said in example.replayed:
        values = " ".join(f"{name}={value}" for name, value in said.outputs.items())
        lines.append(f"    {said.by:<10} {values} ({'as' if said.as_specified else 'not as'} specified)")
    return lines


def _table(
    title: str, stages: Sequence[StageProof], tables: Sequence[tuple[Row, ...]], engines: Sequence[str]
) -> str:
    """Rows by name; bits proved by all engines stage by stage, seconds of each engine over all of them."""
    header = [title, "cared", *(stage.name for stage in stages), *(f"{engine} s" for engine in engines)]
    names = list(dict.fromkeys(row.name for table in tables for row in table))
    lines = [header]
    for name in names:
        rows = [next((row for row in table if row.name == name), None) for table in tables]
        known = [row for row in rows if row is not None]
        seconds = [sum(row.seconds.get(engine, 0.0) for row in known) for engine in engines]
        bits = [_bits(row) for row in rows]
        cared = "/".join(dict.fromkeys(str(row.cared) for row in known))
        lines.append([name, cared, *bits, *(f"{value:.2f}" for value in seconds)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _bits(row: Row | None) -> str:
    if row is None:
        return "-"
    return f"{row.by_all}" + (" WRONG" if row.wrong else "" if row.by_all == row.cared else " ?")
