"""Learning from recorded rows alone: how many rows it takes, and whether what is wrong is listed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from bsdgen.bench.row_machines import MACHINES, RowMachine
from bsdgen.bits import U64, pack_fields, to_bool
from bsdgen.errors import UsageError
from bsdgen.learn import LearnConfig
from bsdgen.learn.evidence import Evidence, evidence_of

FRESH = 1_000_000  # rows that judge what was learned of the step function


class RowsTrial(msgspec.Struct, frozen=True):
    """One function learned from so many rows.

    Attributes
    ----------
    what : its name.
    rows : distinct rows learned from.
    cpu_s : of finding what they say, not of making it small.
    contexts, not_explained : leaves of the control tree; those that are not explained in full.
    fresh, wrong : rows that judged it (all assignments where `exhaustive`), and those with a wrong cared bit.
    outputs, outputs_right : output bits; those that are right on all of these rows.
    listed, listed_wrong : output bits that some listed claim is about; those of them that are wrong.
    questions : rows that were asked, of an oracle, where the others left doubt.
    source : of a point of a curve, where its rows come from; empty for any other.
    """

    what: str
    rows: int
    cpu_s: float
    contexts: int
    not_explained: int
    fresh: int
    wrong: int
    outputs: int
    outputs_right: int
    listed: int
    listed_wrong: int
    exhaustive: bool
    questions: int = 0
    source: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from others: with questions the rows are not the same each time."""
        return self.what, 0 if self.questions else self.rows

    @property
    def precision(self) -> float | None:
        """Share of the listed output bits that are wrong; None if none is listed."""
        return self.listed_wrong / self.listed if self.listed else None

    @property
    def recall(self) -> float | None:
        """Share of the wrong output bits that are listed; None if none is wrong."""
        n_wrong = self.outputs - self.outputs_right
        return self.listed_wrong / n_wrong if n_wrong else None


class RowsResult(msgspec.Struct, frozen=True):
    """The step function from several sources of rows, and small machines."""

    seed: int
    curve: tuple[RowsTrial, ...]
    machines: tuple[RowsTrial, ...]

    def with_others(self, other: "RowsResult") -> "RowsResult":
        """Both; of trials with the same name and number of rows those of the other."""

        def joined(mine: tuple[RowsTrial, ...], theirs: tuple[RowsTrial, ...]) -> tuple[RowsTrial, ...]:
            new = {t.key: t for t in theirs}
            kept = [new.pop(t.key, t) for t in mine]
            return (*kept, *new.values())

        return RowsResult(other.seed, joined(self.curve, other.curve), joined(self.machines, other.machines))


def judged(
    what: str, evidence: Evidence, rows: tuple[U64, U64, U64], exhaustive: bool, source: str = ""
) -> RowsTrial:
    """Compare what rows said with inputs, outputs and care of other rows."""
    inputs, outputs, care = rows
    n_outputs = evidence.hypothesis.n_outputs
    said, _ = evidence.hypothesis.query(inputs)
    wrong = to_bool((said ^ outputs) & care, n_outputs)
    by_output = wrong.any(axis=0)
    listed = np.zeros(n_outputs, np.bool_)
    listed[[claim.output for claim in evidence.unsupported]] = True
    return RowsTrial(
        what,
        evidence.n_rows,
        evidence.cpu_s,
        evidence.n_contexts,
        evidence.n_open,
        inputs.shape[0],
        int(wrong.any(axis=1).sum()),
        n_outputs,
        int((~by_output).sum()),
        int(listed.sum()),
        int((listed & by_output).sum()),
        exhaustive,
        evidence.asked.n_questions if evidence.asked is not None else 0,
        source,
    )


def machine_trial(machine: RowMachine, n_rows: int, config: LearnConfig) -> RowsTrial:
    """Learn one machine from random rows and compare it on all assignments."""
    rows = machine.rows(n_rows, config.seed)
    evidence = evidence_of(*rows, machine.n_inputs, machine.n_outputs, config)
    every = machine.every()
    return judged(machine.text, evidence, (every, *machine.answers(every)), True)


def step_rows(n_rows: int, seed: int) -> tuple[U64, U64, U64]:
    """Distinct random rows of the step function: inputs, outputs, care."""
    from bsdgen.isa.random_rows import Mix, random_rows
    from bsdgen.traces.index import distinct_rows
    from bsdgen.traces.schema import RVFI_SCHEMA

    rows = random_rows(n_rows, seed, Mix())

    def packed(names: Sequence[str], widths: Sequence[int]) -> U64:
        return pack_fields(np.array([rows[name] for name in names], np.uint64), widths)

    ins, outs = RVFI_SCHEMA.inputs, RVFI_SCHEMA.outputs
    out_widths = [field.width for field in outs]
    inputs, outputs, care, _ = distinct_rows(
        packed([field.name for field in ins], [field.width for field in ins]),
        packed([field.name for field in outs], out_widths),
        packed([f"{field.name}_care" for field in outs], out_widths),
    )
    return inputs, outputs, care


@dataclass(frozen=True)
class Source:
    """Where rows of the step function come from, and how they are learned from.

    Attributes
    ----------
    random : number of random rows, 0 for none.
    recorded : inputs, outputs and care of rows recorded elsewhere, which are added; None for none.
    seed : of the random rows and of the learner.
    disguise : seed of a disguise (`bsdgen.bench.disguise`); None for bits as they are.
    most : so many of the rows, drawn at random; 0: all.
    name : of the rows recorded elsewhere.
    is_point : whether it is a point of the curve over numbers of rows.
    without : a setting of `bsdgen.learn.LearnConfig` that is turned off, or none.
    questions : that may be asked of the step function where rows leave doubt.
    """

    random: int
    recorded: tuple[U64, U64, U64] | None
    seed: int
    disguise: int | None
    most: int = 0
    name: str = "recorded rows"
    is_point: bool = False
    without: str = ""
    questions: int = 0

    @property
    def rows_text(self) -> str:
        """For people: where the rows come from."""
        parts = ["random rows"] if self.random else []
        parts += [self.name] if self.recorded is not None else []
        return " and ".join(parts)

    @property
    def text(self) -> str:
        """For people."""
        hidden = "" if self.disguise is None else f", in disguise {self.disguise}"
        without = f", without {self.without}" if self.without else ""
        asked = f", up to {self.questions:,} questions" if self.questions else ""
        return f"RV32I, {self.rows_text}, seed {self.seed}{hidden}{without}{asked}"

    def rows(self) -> tuple[U64, U64, U64]:
        """Distinct rows: inputs, outputs, care."""
        from bsdgen.traces.index import distinct_rows

        parts = [step_rows(self.random, self.seed)] if self.random else []
        parts += [self.recorded] if self.recorded is not None else []
        if len(parts) == 1:
            inputs, outputs, care = parts[0]
        else:
            whole = [np.concatenate(kind) for kind in zip(*parts, strict=True)]
            inputs, outputs, care, _ = distinct_rows(*whole)
        if self.most and self.most < inputs.shape[0]:
            chosen = np.random.default_rng(self.seed).permutation(inputs.shape[0])[: self.most]
            inputs, outputs, care = inputs[chosen], outputs[chosen], care[chosen]
        return self.hidden((inputs, outputs, care))

    def hidden(self, rows: tuple[U64, U64, U64]) -> tuple[U64, U64, U64]:
        """Rows in disguise, if there is one."""
        if self.disguise is None:
            return rows
        from bsdgen.bench.disguise import Disguise, Mover, Recipe
        from bsdgen.traces.schema import RVFI_SCHEMA

        d = Disguise.draw(RVFI_SCHEMA.n_inputs, RVFI_SCHEMA.n_outputs, Recipe(self.disguise))
        nothing = np.zeros_like(d.output_flip)
        inputs, outputs, care = rows
        values = Mover(d.output_order, nothing, d.output_flip)(outputs)
        moved = Mover(d.output_order, nothing, nothing)(care)
        return d.rows(inputs), values & moved, moved


def step_trial(source: Source, config: LearnConfig, fresh: int = FRESH) -> RowsTrial:
    """Learn the step function from rows and compare it on fresh random ones.

    Raises
    ------
    UsageError
        Questions in disguise: nobody answers them.
    """
    from bsdgen.oracle.resolve import resolve_oracle
    from bsdgen.traces.schema import RVFI_SCHEMA

    if source.questions and source.disguise is not None:
        raise UsageError("the step function answers questions as it is, not in disguise; leave one out")
    settings: dict[str, Any] = {source.without: False} if source.without else {}
    evidence = evidence_of(
        *source.rows(),
        RVFI_SCHEMA.n_inputs,
        RVFI_SCHEMA.n_outputs,
        replace(config, seed=source.seed, **settings),
        None,
        resolve_oracle("simulator:rv32i", RVFI_SCHEMA) if source.questions else None,
        source.questions,
    )
    judges = source.hidden(step_rows(fresh, source.seed + 1_000))
    return judged(source.text, evidence, judges, False, source.rows_text if source.is_point else "")


def run_rows(
    sources: Sequence[Source],
    machines: Sequence[RowMachine] = MACHINES,
    n_rows: int = 30_000,
    *,
    config: LearnConfig,
    fresh: int = FRESH,
    on_trial: Callable[[int, RowsTrial, RowsResult], None] | None = None,
) -> RowsResult:
    """Learn the machines, then the step function from each source of rows.

    Parameters
    ----------
    sources : of rows of the step function.
    machines, n_rows : small machines, and rows of each.
    fresh : rows that judge the step function.
    config : seed of the machines, and the time limit of each; half of it is for the rows.
    on_trial : told (trials done, trial, result so far) after each.
    """
    small: list[RowsTrial] = []
    curve: list[RowsTrial] = []

    def tell(trial: RowsTrial) -> None:
        if on_trial is not None:
            on_trial(len(small) + len(curve), trial, RowsResult(config.seed, tuple(curve), tuple(small)))

    for machine in machines:
        small.append(machine_trial(machine, n_rows, config))
        tell(small[-1])
    for source in sources:
        curve.append(step_trial(source, config, fresh))
        tell(curve[-1])
    return RowsResult(config.seed, tuple(curve), tuple(small))
