"""What it costs to write a model in each format, and to check what was written.

The model is a random diagram of a given size (nothing that a learner made is that large), or a learned one.
Amaranth's elaboration is timed apart from writing its source: it is Amaranth's own.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from bsdgen.artifacts import write_text
from bsdgen.bsd import Bsd
from bsdgen.emit import FORMATS, EmitOptions
from bsdgen.emit.amaranth import amaranth_text, elaborated_verilog
from bsdgen.emit.write import WRITERS, Written, check_written
from bsdgen.errors import UnsuitableError
from bsdgen.model import Model
from bsdgen.traces.schema import Field, Schema

T = TypeVar("T")
_WINDOW = 2_000  # a node reads the last so many indices: some hundred levels, as learned arithmetic has
_NAME = "bench"
_SCHEMA = Schema(
    (
        *(Field(f"a{word}", 32, "in") for word in range(5)),
        *(Field(f"y{word}", 32, "out") for word in range(4)),
        Field("small", 16, "out", "decode"),
    )
)


class EmissionRow(msgspec.Struct, frozen=True):
    """One format.

    Attributes
    ----------
    write_s : CPU seconds, those of tools included, from the model to complete files, elaboration not counted.
    elaborate_s : of Amaranth's elaboration to Verilog; None: the format has none.
    check_s : of reading back and proving by two engines; None: not asked for, or nothing to prove.
    files, n_bytes : what was written.
    reason : why nothing was.
    """

    format: str
    write_s: float = 0.0
    elaborate_s: float | None = None
    check_s: float | None = None
    files: int = 0
    n_bytes: int = 0
    reason: str = ""


class EmissionResult(msgspec.Struct, frozen=True):
    """All formats; `model` is how the model is called."""

    model: str
    nodes: int
    rows: tuple[EmissionRow, ...]


def random_model(nodes: int, seed: int) -> Model:
    """A random diagram over 160 inputs; 128 outputs are of its last nodes, 16 of its first."""
    rng = np.random.default_rng(seed)
    first = 1 + _SCHEMA.n_inputs
    top = first + np.arange(nodes)
    low = np.maximum(0, top - _WINDOW)

    def literals() -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
        return (2 * rng.integers(low, top) + rng.integers(0, 2, nodes)).astype(np.int32)

    late = rng.integers(max(first, first + nodes - _WINDOW), first + nodes, 128)
    early = rng.integers(first, first + min(nodes, 40), 16)
    roots = (2 * np.concatenate([late, early]) + rng.integers(0, 2, 144)).astype(np.int32)
    bsd = Bsd(_SCHEMA.n_inputs, literals(), literals(), literals(), roots)
    return Model(bsd, _SCHEMA, {"oracle": f"random, seed {seed}"})


def model_with_units(nodes: int, seed: int) -> Model:
    """A random diagram with shared functions: a unit of 160 nodes for each 208.

    As a learner leaves it: a unit is a function of two words, the second of which is chosen by `op`, and is
    used in the contexts ``op = 1`` and ``op = 0``. Outputs are exclusive ors of what the units make.
    """
    rng = np.random.default_rng(seed)
    word, inside, made = 32, 160, 16
    fields = [Field("op", 1, "in"), *(Field(name, word, "in") for name in "abc")]
    schema = Schema((*fields, *(Field(f"y{at}", word, "out") for at in range(4))))
    first = 1 + schema.n_inputs
    a, b, c = (2 * (2 + at * word + np.arange(word)) for at in range(3))
    rows: list[tuple[int, int, int]] = []  # guard, low, high
    roots = np.zeros(schema.n_outputs, np.int64)
    operand, choice, output = [], [], []
    n_units = max(1, nodes // (word + inside + made))

    def node(guard: int, low: int, high: int) -> int:
        rows.append((guard, low, high))
        return 2 * (first + len(rows) - 1)

    for unit in range(n_units):
        b_bits, c_bits = rng.permutation(b).tolist(), rng.permutation(c).tolist()
        known = [*a.tolist(), *(node(2, y, x) for x, y in zip(b_bits, c_bits, strict=True))]
        operand += [(unit, (x >> 1) - 1, x) for x in a.tolist()]
        choice += [(unit, place, (x >> 1) - 1, x) for place in (0, 1) for x in a.tolist()]
        for bit in range(word):
            variable = (b_bits[bit] >> 1) - 1
            operand.append((unit, variable, known[word + bit]))
            choice += [(unit, 0, variable, b_bits[bit]), (unit, 1, variable, c_bits[bit])]
        for _ in range(inside):
            low = max(0, len(known) - 80)
            chosen = [known[at] for at in rng.integers(low, len(known), 3)]
            known.append(
                node(*(int(x) ^ int(flip) for x, flip in zip(chosen, rng.integers(0, 2, 3), strict=True)))
            )
        for at, literal in enumerate(known[-made:]):
            position = (unit * made + at) % len(roots)
            output += [(unit, context, position, literal) for context in (0, 1)]
            before = int(roots[position])
            roots[position] = node(literal, before, before ^ 1)
    columns = np.array(rows, np.int32).T
    bsd = Bsd(schema.n_inputs, columns[0], columns[1], columns[2], roots.astype(np.int32))
    words = (schema.n_inputs + 63) // 64
    cube = np.zeros((2, words), np.uint64)
    cube[:, 0] = 1
    extra: dict[str, np.ndarray[tuple[int, ...], np.dtype[Any]]] = {
        "unit_base": np.zeros(n_units, np.int32),
        "unit_operand": np.array(operand, np.int32),
        "unit_choice": np.array(choice, np.int32),
        "unit_output": np.array(output, np.int32),
        "unit_mask": cube,
        "unit_value": cube & np.array([[1], [0]], np.uint64),
        "unit_is_cube": np.array([True, True]),
    }
    return Model(bsd, schema, {"oracle": f"random units, seed {seed}"}, extra)


def run_emission(
    model: Model,
    called: str,
    *,
    units: Model | None = None,
    check: bool = False,
    on_row: Callable[[int, EmissionRow], None] | None = None,
) -> EmissionResult:
    """Write a model in every format, whole drawing included.

    Parameters
    ----------
    called : how the result names the model.
    units : written as `structural` instead of the model: one with shared functions, if it has none.
    check : read each file back and prove it, too.
    on_row : called with the number of rows done and the last one.
    """
    small = random_model(20, 0)
    rows = []
    for form in FORMATS:
        _row(form, small, check=False)  # compiling and loading are not what is measured
        written = units if units is not None and form == "structural" else model
        rows.append(_row(form, written, check=check))
        if on_row:
            on_row(len(rows), rows[-1])
    return EmissionResult(called, model.bsd.n_nodes, tuple(rows))


def _row(form: str, model: Model, *, check: bool) -> EmissionRow:
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        work = Path(name)
        elaborate_s = None
        try:
            if form == "amaranth":
                source, netlist = work / f"{_NAME}_step.py", work / f"{_NAME}_step.v"
                _, write_s = _timed(lambda: write_text(source, amaranth_text(model, _NAME)))
                text, elaborate_s = _timed(lambda: elaborated_verilog(source, _NAME, model))
                write_text(netlist, text)
                made = Written({source.name: source, netlist.name: netlist}, (netlist,))
            else:
                options = EmitOptions(dot_nodes=0)
                made, write_s = _timed(lambda: WRITERS[form](model, _NAME, work, options))
        except UnsuitableError as error:
            return EmissionRow(form, reason=str(error))
        check_s = None
        if check and (made.netlists or made.tables):
            _, check_s = _timed(lambda: check_written(model, form, made, f"{_NAME}_step"))
        sizes = [file.stat().st_size for file in made.files.values()]
        return EmissionRow(form, write_s, elaborate_s, check_s, len(sizes), sum(sizes))


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    start = os.times()
    result = work()
    end = os.times()
    return result, sum(end[:4]) - sum(start[:4])  # of this process and its children, user and system
