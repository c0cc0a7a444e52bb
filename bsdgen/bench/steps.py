"""The step function as something to learn: whole, RV32E, or some opcode classes of it."""

from collections.abc import Sequence
from functools import partial

from bsdgen.bench.trial import Problem
from bsdgen.bits import U64
from bsdgen.errors import UsageError
from bsdgen.isa.subsets import rows_inside
from bsdgen.oracle.simulator import Base, SimulatorOracle
from bsdgen.prove.run import prove_step
from bsdgen.traces.schema import RVFI_SCHEMA, Schema


def step_problem(rows: U64, base: Base = "rv32i", classes: Sequence[str] | None = None) -> Problem:
    """Learn the step function from recorded rows.

    Parameters
    ----------
    rows : recorded inputs, packed by `RVFI_SCHEMA`; of opcode classes only those inside are given.
    base : RV32I or RV32E.
    classes : opcode classes outside of which nothing means anything; None: all words.
    """
    chosen = None if classes is None else tuple(classes)
    return Problem(
        name=base.upper() if chosen is None else ", ".join(chosen),
        schema=RVFI_SCHEMA,
        oracle=partial(SimulatorOracle, base, chosen),
        prove=partial(prove_step, chosen, base == "rv32e"),
        rows=rows if chosen is None else rows[rows_inside(rows, chosen)],
    )


def check_rvfi(schema: Schema) -> None:
    """Refuse traces of another schema than the step function's.

    Raises
    ------
    UsageError
        They are of another.
    """
    if [(f.name, f.width, f.role) for f in schema.fields] != [
        (f.name, f.width, f.role) for f in RVFI_SCHEMA.fields
    ]:
        raise UsageError(
            f"the traces have the fields {', '.join(f.name for f in schema.fields)}; this benchmark needs "
            "those of RVFI: record programs with `bsdgen record`"
        )
