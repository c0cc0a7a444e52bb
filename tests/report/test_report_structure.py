import numpy as np
from small_models import Builder, adder_model, decoder_model

from bsdgen.model import Model
from bsdgen.report.drawing import choose_output, draw_top, take_top
from bsdgen.report.structure import analyse
from bsdgen.traces.schema import Field, Schema


def one_node() -> Model:
    build = Builder(2)
    node = build.and_(build.var(0), build.var(1))
    schema = Schema((Field("a", 2, "in"), Field("f", 1, "out"), Field("g", 1, "out"), Field("h", 1, "out")))
    return Model(build.build([node, node ^ 1, build.var(1)]), schema, {})


def test_one_node() -> None:
    structure = analyse(one_node())
    assert structure.profile == [1]
    assert structure.n_levels == 1
    assert [(field.name, field.nodes, field.own) for field in structure.fields] == [
        ("f", 1, 0),
        ("g", 1, 0),
        ("h", 0, 0),
    ]
    assert structure.function_guards == 0
    assert structure.guard_uses.sum() == 1


def test_levels_are_longest_paths() -> None:
    bsd = adder_model(6).bsd
    structure = analyse(adder_model(6))
    first = 1 + bsd.n_inputs
    expected = np.zeros(first + bsd.n_nodes, np.int32)
    for index, *literals in bsd.nodes():
        expected[index] = 1 + max(expected[literal >> 1] for literal in literals)
    assert np.array_equal(structure.level, expected)
    assert sum(structure.profile) == bsd.n_nodes


def test_cones_by_brute_force() -> None:
    model = decoder_model()
    bsd, structure = model.bsd, analyse(model)
    first, at = 1 + bsd.n_inputs, 0
    cones = []
    for field in model.schema.outputs:
        seen, stack = set(), [int(literal) >> 1 for literal in bsd.roots[at : at + field.width]]
        at += field.width
        while stack:
            index = stack.pop()
            if index >= first and index not in seen:
                seen.add(index)
                i = index - first
                stack += [int(array[i]) >> 1 for array in (bsd.guard, bsd.low, bsd.high)]
        cones.append(seen)
    for field, cone in zip(structure.fields, cones, strict=True):
        others = set().union(*(other for other in cones if other is not cone))
        assert (field.nodes, field.own) == (len(cone), len(cone - others))


def test_no_node_at_all() -> None:
    schema = Schema((Field("a", 1, "in"), Field("f", 1, "out"), Field("g", 1, "out")))
    model = Model(Builder(1).build([2, 0]), schema, {})
    structure = analyse(model)
    assert structure.profile == []
    assert structure.fields[0].nodes == 0
    assert draw_top(model, structure.guard_uses) is None


def test_top_of_the_diagram() -> None:
    model = adder_model(8)
    structure = analyse(model)
    position = choose_output(model, structure.guard_uses)
    assert position == 8
    assert model.schema.output_names()[position] == "total[8]"
    top = take_top(model, int(model.bsd.roots[position]) >> 1, depth=3, n_opened=5)
    assert len(top.opened) <= 5
    assert len(top.edges) == 2 * len(top.opened)
    depth = {key: layer for layer, keys in enumerate(top.layers) for key in keys}
    assert set(depth) == set(top.labels)
    assert all(depth[edge.parent] < depth[edge.child] for edge in top.edges)
    for key in top.opened:
        assert sorted(edge.high for edge in top.edges if edge.parent == key) == [False, True]


def test_drawing_names_what_is_tested() -> None:
    model = decoder_model()
    svg = draw_top(model, analyse(model).guard_uses)
    assert svg is not None
    assert svg.startswith("<svg")
    assert "insn[" in svg
    assert "var(--ink)" in svg
    assert "#010101" not in svg
