"""Models that every format must carry: awkward names, constants, no outputs, one input, shared units."""

import numpy as np
from small_models import Builder
from standin import random_bsd

from bsdgen.bsd import Bsd
from bsdgen.emit.check import check_covers, check_netlist
from bsdgen.emit.write import WRITERS, EmitOptions
from bsdgen.model import Model
from bsdgen.traces.schema import Field, Schema

EMPTY = np.zeros(0, np.int32)


def literals(*values):
    return np.array(values, np.int32)


A2, Y3 = (Field("a", 2, "in"),), (Field("y", 3, "out"),)


def plain_model(roots, inputs=A2, outputs=Y3):
    """No nodes: wires and constants."""
    schema = Schema((*inputs, *outputs))
    return Model(Bsd(schema.n_inputs, EMPTY, EMPTY, EMPTY, literals(*roots)), schema, {})


def awkward_model(seed=0, n_nodes=200, window=10**9):
    """Keywords of several languages, names like those of nodes, non-ASCII names, several parts."""
    schema = Schema(
        (
            Field("output", 2, "in"),
            Field("wire", 1, "in"),
            Field("n5", 1, "in"),
            Field("unit1_a", 3, "in"),
            Field("naïve", 2, "in"),
            Field("digraph", 1, "in"),
            Field("names", 1, "in"),
            Field("y", 64, "out", "early"),
            Field("module", 1, "out", "early"),
            Field("é", 1, "out"),
            Field("end", 3, "out", "unit1"),
        )
    )
    bsd = random_bsd(np.random.default_rng(seed), schema.n_inputs, n_nodes, schema.n_outputs, window)
    info = {"oracle": 'line\nbreak */ "quote" \\ `x', "traces": {"rows": 5, "files": [{"path": "é.parquet"}]}}
    return Model(bsd, schema, info)


def folding_model():
    """Every way in which a node's three operands can be constants, equal or complementary."""
    operands = [0, 1, 2, 3, 4, 5]
    triples = [(g, h, low) for g in operands for h in operands for low in operands] + [(2, 4, 6), (3, 5, 7)]
    schema = Schema(
        (
            Field("a", 3, "in"),
            *(Field(f"y{at}", 2, "out") for at in range(len(triples) // 2)),
        )
    )
    guard, high, low = (literals(*column) for column in zip(*triples, strict=True))
    roots = literals(*(2 * (4 + i) ^ (i & 1) for i in range(len(triples))))
    return Model(Bsd(3, guard, low, high, roots), schema, {})


SPECIAL = {
    "constants": lambda: plain_model([1, 0, 5]),
    "one input": lambda: plain_model([3], (Field("a", 1, "in"),), (Field("y", 1, "out"),)),
    "no outputs": lambda: plain_model([], outputs=()),
    "no inputs": lambda: plain_model([1, 0, 1], inputs=()),
    "folding": folding_model,
}


def unit_model(width=4):
    """Made by hand: an adder whose second operand is b, or the low half of c sign-extended; x reads carries.

    As a learner saves it, with one unit used in two contexts; ``late`` needs the adder's lowest bits only.
    """
    schema = Schema(
        (
            Field("op", 1, "in"),
            Field("a", width, "in"),
            Field("b", width, "in"),
            Field("c", width // 2, "in"),
            Field("y", width, "out"),
            Field("carry", 1, "out"),
            Field("late", 1, "out", "other"),
        )
    )
    build = Builder(schema.n_inputs)
    op, *rest = [build.var(i) for i in range(schema.n_inputs)]
    a, b, c = rest[:width], rest[width : 2 * width], rest[2 * width :]
    second = [build.ite(op, b[i], c[min(i, len(c) - 1)]) for i in range(width)]
    total = build.add(a, [literal ^ 1 for literal in second])
    roots = [build.ite(op, bit, bit ^ 1) if at else bit for at, bit in enumerate(total[:width])]
    bsd = build.build([*roots, build.and_(total[width], op), total[0]])
    operand = [(0, 1 + i, a[i]) for i in range(width)] + [
        (0, 1 + width + i, second[i] ^ 1) for i in range(width)
    ]
    choice = [(0, place, 1 + i, a[i]) for place in (0, 1) for i in range(width)]
    choice += [(0, 0, 1 + width + i, b[i] ^ 1) for i in range(width)]
    choice += [(0, 1, 1 + width + i, c[min(i, len(c) - 1)] ^ 1) for i in range(width)]
    output = [(0, 0, i, total[i]) for i in range(width)] + [(0, 1, i, total[i] ^ 1) for i in range(width)]
    extra = {
        "unit_base": literals(0),
        "unit_operand": np.array(operand, np.int32),
        "unit_choice": np.array(choice, np.int32),
        "unit_output": np.array(output, np.int32),
        "unit_mask": np.array([[1], [1]], np.uint64),
        "unit_value": np.array([[1], [0]], np.uint64),
        "unit_is_cube": np.array([True, True]),
    }
    return Model(bsd, schema, {"oracle": "by hand"}, extra)


def written(form, model, folder, name="m", **options):
    """What a format's writer makes, not checked."""
    folder.mkdir(exist_ok=True)
    return WRITERS[form](model, name, folder, EmitOptions(**options))


def proved(form, model, folder, **options):
    """Whether every file of a format is the model's function."""
    made = written(form, model, folder, **options)
    assert made.netlists or made.tables
    equal = all(check_netlist(model, [file], "m_step").equal for file in made.netlists)
    return equal and (made.tables is None or check_covers(model, made.tables).equal)
