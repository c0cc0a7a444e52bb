"""What `bsdgen.inspect` says of a model, held against the diagram and the function that was learned."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bsdgen.bits import pack_fields
from bsdgen.bsd import Bsd, Builder
from bsdgen.errors import InputError, UsageError
from bsdgen.inspect import Inspection
from bsdgen.inspect.contexts import contexts
from bsdgen.inspect.names import Names
from bsdgen.inspect.nodes import find_output, node, output
from bsdgen.inspect.operands import operands
from bsdgen.inspect.overview import overview
from bsdgen.inspect.pairs import distance
from bsdgen.inspect.shared import described_guards, shared
from bsdgen.model import Model
from bsdgen.traces.schema import Field, Schema


def multiplexers(width: int = 6) -> Inspection:
    """y is w where s, else v shifted by two (0 below), and p the parity of w: nothing that chooses."""
    schema = Schema(
        (
            Field("s", 1, "in"),
            Field("v", width, "in"),
            Field("w", width, "in"),
            Field("y", width, "out"),
            Field("p", 1, "out"),
        )
    )
    build = Builder(1 + 2 * width)
    v = [build.variable(1 + i) for i in range(width)]
    w = [build.variable(1 + width + i) for i in range(width)]
    y = [build.ite(build.variable(0), w[i], v[i - 2] if i >= 2 else 0) for i in range(width)]
    parity = 0
    for bit in w:
        parity = build.ite(bit, parity ^ 1, parity)
    return Inspection(Model(build.build([*y, parity])[0], schema, {}))


def test_overview(of: Inspection) -> None:
    facts = overview(of)
    assert facts["nodes"] == of.bsd.n_nodes and facts["n_outputs"] == 33
    assert facts["guard_functions"] == 1 and facts["nodes_with_function_guard"] == 32
    assert facts["contexts"] == 4
    assert facts["ledger"]["kinds"]["independent"]["records"] >= of.bsd.n_nodes
    assert facts["check"]["errors"] == 0 and 1e-6 < facts["check"]["upper"] < 1e-4
    assert 0 < facts["nodes_of_several_outputs"] < facts["nodes"]


def test_contexts_tell_how_outputs_are_settled(of: Inspection) -> None:
    found = contexts(of)
    assert [item["context"] for item in found] == list(range(of.needed_tree().n_contexts))
    root = found[0]
    assert root["nodes"] == of.bsd.n_nodes and root["function_guard"] and root["split_on"].startswith("f")
    assert root["when"] == "always" and root["cube"] == "everywhere"
    for item in found[1:]:
        parent = found[item["parent"]]
        assert item["when"] in (f"{parent['split_on']}=0", f"{parent['split_on']}=1")
        assert item["nodes"] <= parent["nodes"] and item["outputs"] <= parent["outputs"]
    leaves = [item for item in found if item["split_on"] is None]
    assert all(item["open"] == "" and 0 < item["own"] <= item["nodes"] for item in leaves)
    assert all(sum(item["settled"].values()) == item["outputs"] for item in leaves)
    one, two = found[3], found[found[3]["nearest"]["context"]]
    cones = [set(leaf_cone(of, leaf["context"])) for leaf in (one, two)]
    others = set().union(*(leaf_cone(of, leaf["context"]) for leaf in leaves if leaf is not one))
    assert len(cones[0] - others) == one["own"] < one["nodes"]
    assert len(cones[0] & cones[1]) == one["nearest"]["shared"] and len(cones[0]) == one["nodes"]


def leaf_cone(of: Inspection, context: int) -> list[int]:
    tree = of.needed_tree()
    literals = tree.literal[(tree.entry_context == context) & (tree.literal >= 0)]
    return of.cone(literals).tolist()


def test_outline_leaves_out_empty_halves(of: Inspection) -> None:
    """A half in which everything is constant is not shown, nor is the split that made it."""
    tree = of.needed_tree()
    leaf = int(np.flatnonzero(tree.leaf)[0])
    parent = int(tree.parents()[leaf])
    empty = np.where((tree.entry_context == leaf) & (tree.literal >= 0), 0, tree.literal).astype(np.int32)
    changed = dataclasses.replace(tree, literal=empty)
    found = contexts(Inspection(dataclasses.replace(of.model, extra=changed.arrays())))
    assert found[leaf]["outline"] is None and found[parent]["outline"] is None
    sibling = int(tree.high[parent] if tree.low[parent] == leaf else tree.low[parent])
    assert found[sibling]["outline"]["under"] == 0 and found[sibling]["outline"]["left_out"] == 1
    assert found[parent]["when"] in found[sibling]["outline"]["path"]
    assert all(item["outline"] is not None for item in contexts(of))


def test_shared_parts(of: Inspection) -> None:
    found = shared(of)
    assert [part["saved"] for part in found] == sorted((part["saved"] for part in found), reverse=True)
    assert found[0]["outputs"] == "y[15:0] z[15:0] same" and found[0]["support"] == "c[11:0] d[11:0]"
    for part in found:
        cone = of.cone(np.array([2 * part["node"]], np.int32))
        assert len(cone) == part["nodes"] and part["n_outputs"] == len(of.outputs_of(part["node"]))
        others = [set(of.cone(np.array([2 * p["node"]], np.int32)).tolist()) for p in found if p is not part]
        assert all(len(set(cone.tolist()) & other) <= len(other | set(cone.tolist())) / 2 for other in others)
    assert len(shared(of, 2)) == 2 and shared(of, 2)[0]["alike"] == found[0]["alike"]


def test_guards(of: Inspection) -> None:
    (guard,) = described_guards(of)
    assert guard["tested_by"] == 32 and guard["splits"] == [0]
    assert guard["support"] == "c[11:0] d[11:0]"


def test_operands() -> None:
    """Found by structure alone: four of two bits; two choose a bit or 0 and are none; parity is none."""
    of = multiplexers()
    (group,) = operands(of)
    assert group["count"] == 4 and (group["least"], group["most"]) == (2, 2)
    assert group["chooses"] == "v[3:0] w[5:2]" and group["by"] == "s" and group["by_functions"] == []
    assert group["pattern"] == "v[i] or w[i+2]" and group["outputs"] == "y[5:2]"
    assert sorted(group["nodes"]) == sorted(int(root) >> 1 for root in of.bsd.roots[2:6])


def test_what_is_tested_is_no_operand() -> None:
    """A node that tests a bit that it may also give back computes with it."""
    build = Builder(3)
    a, b, s = (build.variable(i) for i in range(3))
    inner = build.ite(a, b, s)
    schema = Schema((Field("a", 1, "in"), Field("b", 1, "in"), Field("s", 1, "in"), Field("y", 2, "out")))
    both = Inspection(Model(build.build([build.ite(s, inner, b), inner])[0], schema, {}))
    (group,) = operands(both)
    assert group["nodes"] == [int(both.bsd.roots[1]) >> 1] and group["chooses"] == "b s"


def test_operands_of_the_model(of: Inspection) -> None:
    groups = operands(of)
    assert any(group["pattern"] == "a[i] or b[i]" and group["by"].startswith("op") for group in groups)


def test_distance(of: Inspection) -> None:
    facts = distance(of)
    assert facts["fields"] == ["y", "z", "same"] and facts["cones"][2] == 34
    assert facts["shared"][0][2] == facts["shared"][2][0] == 34
    first = facts["closest"][0]
    assert first["overlap"] == max(pair["overlap"] for pair in facts["closest"]) == 1.0
    assert all(pair["first"].split("[")[0] != pair["second"].split("[")[0] for pair in facts["farthest"])


def test_node(of: Inspection) -> None:
    index = int(of.bsd.roots[32]) >> 1
    facts = node(of, index)
    assert facts["root_of"] == "same" and facts["n_support"] == 24
    assert facts["guard_of"]["count"] == 32 and len(facts["guard_of"]["nodes"]) == 16
    kinds = {record["kind"] for record in facts["evidence"]}
    assert {"independent", "function guard"} <= kinds
    assert all(record["status"] == "confirmed" and record["fresh_rows"] > 0 for record in facts["evidence"])
    (stands, *_) = facts["stands_for"]
    rows = np.random.default_rng(3).integers(0, 1 << 12, (2, 50), np.uint64)
    inputs = [np.zeros(50, np.uint64)] * 3 + [rows[0], np.where(np.arange(50) % 2, rows[0], rows[1])]
    packed = pack_fields(np.stack(inputs), [2, 16, 16, 12, 12])
    value = of.bsd.evaluate_each(packed, np.full(50, 2 * index, np.int32))
    if stands["output"] == "same":
        assert np.array_equal(value != stands["complement"], inputs[3] == inputs[4])


def test_truth_table_and_equation() -> None:
    of = multiplexers(2)
    facts = output(of, "p")
    assert facts["bits"][0]["equation"] == "w[0] !w[1] | !w[0] w[1]"
    assert facts["bits"][0]["is"].startswith("!f") and facts["node"]["truth_table"] == "1001"
    word = output(of, "y")
    assert word["node"] is None and [bit["equation"] for bit in word["bits"]] == ["s w[0]", "s w[1]"]
    assert word["cone"] == 2 and word["support"] == "s w[1:0]"


def test_unknown_names(of: Inspection) -> None:
    last = of.first + of.bsd.n_nodes - 1
    for index in (-1, 0, of.first - 1, last + 1):
        with pytest.raises(UsageError, match=rf"node {index}: .*{of.first} to {last}"):
            node(of, index)
    with pytest.raises(UsageError, match=r"output 'sam': .* did you mean 'same'"):
        find_output(of, "sam")
    with pytest.raises(
        UsageError, match=r"output 'y\[16\]': there is no such output; outputs are y, z, same"
    ):
        find_output(of, "y[16]")
    assert find_output(of, "y[15]") == [15] and find_output(of, "z") == list(range(16, 32))


def test_no_nodes_at_all() -> None:
    none = np.zeros(0, np.int32)
    schema = Schema((Field("a", 1, "in"), Field("y", 2, "out")))
    of = Inspection(Model(Bsd(1, none, none, none, np.array([3, 1], np.int32)), schema, {}))
    facts = overview(of)
    assert facts["nodes"] == 0 and facts["operand_multiplexers"] == 0 and facts["check"] is None
    assert shared(of) == [] and operands(of) == [] and distance(of)["closest"] == []
    assert [bit["is"] for bit in output(of, "y")["bits"]] == ["!a", "1"]
    with pytest.raises(UsageError, match="the diagram has no nodes"):
        node(of, 2)


def test_models_of_an_earlier_version(old: Inspection) -> None:
    """What needs no ledger works; what does says so."""
    facts = overview(old)
    assert facts["ledger"] is None and facts["contexts"] is None and facts["nodes"] == old.bsd.n_nodes
    with pytest.raises(InputError, match="holds no control tree; learn it anew"):
        contexts(old)
    with pytest.raises(InputError, match="holds no ledger"):
        old.needed_ledger()
    assert shared(old)[0]["contexts"] is None
    assert node(old, old.first)["evidence"] == [] and node(old, old.first)["stands_for"] == []


def test_saved_and_loaded(of: Inspection, tmp_path: Path) -> None:
    of.model.save(tmp_path)
    assert contexts(Inspection(Model.load(tmp_path))) == contexts(of)


def test_names() -> None:
    names = Names(
        Schema((Field("a", 16, "in"), Field("b", 1, "in"), Field("c", 3, "in"), Field("y", 2, "out")))
    )
    assert names.inputs([19, 0, 1, 2, 4, 16]) == "a[2:0] a[4] b c[2]"
    assert names.outputs([]) == "" and names.outputs([0, 1]) == "y[1:0]"
    mask, value = np.array([0b1101 << 16 | 0xFFFF], np.uint64), np.array([0b100 << 16 | 0x1A], np.uint64)
    assert names.cube(mask, value) == "a[15:0]=0x001a b=0 c[2:1]=01"
    assert [names.literal(k) for k in (0, 1, 2, 35, 42, 43, -1)] == [
        "0",
        "1",
        "a[0]",
        "!b",
        "f21",
        "!f21",
        "gone",
    ]
