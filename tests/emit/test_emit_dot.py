"""A drawing, parsed again, is the diagram: the same arrays, the same names."""

import re

import numpy as np
import pytest
from emit_models import SPECIAL, awkward_model, literals, written
from small_models import adder_model
from standin import random_bsd

from bsdgen.bsd import Bsd
from bsdgen.emit import dot
from bsdgen.emit.dot import dot_text, nearest
from bsdgen.emit.options import EmitOptions
from bsdgen.errors import UsageError
from bsdgen.model import Model
from bsdgen.traces.schema import Field, Schema

STRING = r'"((?:[^"\\]|\\.)*)"'
NODE = re.compile(rf"  (\w+) \[label={STRING}(?:, shape=\"(\w+)\")?\];")
EDGE = re.compile(r'  (\w+) -> (\w+) \[class="(\w+)", style="(\w+)"(, arrowhead="odot")?\];')


def parsed(text):
    """Labels by id, and (kind, target, complement) by source."""
    labels, edges = {}, {}
    body = [line for line in text.splitlines() if not line.startswith("//")]
    assert re.fullmatch(rf"digraph {STRING} {{", body[0]) and body[1].startswith("  rankdir")
    assert body[-1] == "}"
    for line in body[3:-1]:
        if match := NODE.fullmatch(line):
            assert match[1] not in labels
            labels[match[1]] = re.sub(r"\\(.)", r"\1", match[2])
        else:
            match = EDGE.fullmatch(line)
            assert match, line
            assert {"guard": "bold", "high": "solid", "low": "dashed"}[match[3]] == match[4]
            edges.setdefault(match[1], {})[match[3]] = (match[2], bool(match[5]))
    assert {target for kinds in edges.values() for target, _ in kinds.values()} <= set(labels)
    return labels, edges


def rebuilt(text, model):
    """The diagram that a whole drawing shows; nodes that no output reaches are not in it."""
    labels, edges = parsed(text)
    names = ["0", *model.schema.input_names()]
    index = {key: int(key[1:]) for key in labels if key[0] in "ic"}
    assert all(labels[key] == names[at] for key, at in index.items())
    nodes = sorted((key for key in labels if key[0] == "n"), key=lambda key: int(key[1:]))
    first = 1 + model.bsd.n_inputs
    index |= {key: first + at for at, key in enumerate(nodes)}

    def literal(edge):
        return 2 * index[edge[0]] + edge[1]

    columns = [literals(*(literal(edges[key][kind]) for key in nodes)) for kind in ("guard", "low", "high")]
    outputs = [f"o{at}" for at in range(model.bsd.n_outputs)]
    assert [labels[key] for key in outputs] == model.schema.output_names()
    return Bsd(first - 1, *columns, literals(*(literal(edges[key]["high"]) for key in outputs)))


def compacted(bsd):
    """Without the nodes that no output reaches."""
    first = 1 + bsd.n_inputs
    indices = [i for i in nearest(bsd, bsd.roots.tolist(), 0)[0] if i >= first]
    to = {i: i for i in range(first)} | {old: first + at for at, old in enumerate(indices)}

    def move(column):
        return literals(*(2 * to[int(x) >> 1] + (int(x) & 1) for x in column))

    at = np.array(indices, np.int64) - first
    return Bsd(bsd.n_inputs, move(bsd.guard[at]), move(bsd.low[at]), move(bsd.high[at]), move(bsd.roots))


def same(a, b):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in ("guard", "low", "high", "roots")
    )


MODELS = {**SPECIAL, "adder": adder_model, "awkward": lambda: awkward_model(1, 60, 20)}


@pytest.mark.parametrize("which", MODELS)
def test_the_drawing_is_the_diagram(which):
    model = MODELS[which]()
    assert same(rebuilt(dot_text(model, 'a "graph" \\'), model), compacted(model.bsd))


def test_swapped_branches_are_found_out(monkeypatch):
    model = awkward_model(1, 60, 20)
    edge = dot._edge
    other = {"high": "low", "low": "high"}
    monkeypatch.setattr(
        dot,
        "_edge",
        lambda source, literal, kind, ids: edge(
            source, literal, other[kind] if source[0] == "n" and kind in other else kind, ids
        ),
    )
    assert not same(rebuilt(dot_text(model, "m"), model), compacted(model.bsd))


GOLDEN = """\
digraph "tiny" {
  rankdir=TB;
  node [shape="ellipse"];
  i1 [label="a[0]", shape="box"];
  i2 [label="a[1]", shape="box"];
  n3 [label="n3"];
  o0 [label="y", shape="invhouse"];
  o0 -> n3 [class="high", style="solid", arrowhead="odot"];
  n3 -> i1 [class="guard", style="bold"];
  n3 -> i2 [class="high", style="solid", arrowhead="odot"];
  n3 -> i2 [class="low", style="dashed"];
}
"""


def test_golden_text():
    schema = Schema((Field("a", 2, "in"), Field("y", 1, "out")))
    model = Model(Bsd(2, literals(2), literals(4), literals(5), literals(7)), schema, {})
    text = dot_text(model, "tiny")
    assert text[text.index("digraph") :] == GOLDEN


@pytest.mark.parametrize(
    "wanted, shown",
    [(("total[1]",), ["total[1]"]), (("total",), None), (("total[0]", "total[2]"), ["total[0]", "total[2]"])],
)
def test_some_outputs(wanted, shown):
    model = adder_model(4)
    labels, _ = parsed(dot_text(model, "m", EmitOptions(dot_outputs=wanted)))
    found = [label for key, label in labels.items() if key[0] == "o"]
    assert found == (shown or model.schema.output_names())
    if wanted == ("total[1]",):
        assert {label for key, label in labels.items() if key[0] == "i"} == {"a[0]", "a[1]", "b[0]", "b[1]"}


def test_an_unknown_output_is_told():
    with pytest.raises(UsageError, match=r"output 'sum' is unknown; .* such as total\[0\], of: total"):
        dot_text(adder_model(4), "m", EmitOptions(dot_outputs=("sum",)))
    with pytest.raises(UsageError, match=r"0 \(all\) or more, not -1"):
        EmitOptions(dot_nodes=-1)


def test_a_large_diagram_is_cut():
    schema = Schema((Field("a", 8, "in"), Field("y", 2, "out")))
    model = Model(random_bsd(np.random.default_rng(3), 8, 500, 2, window=50), schema, {})
    whole = len([i for i in nearest(model.bsd, model.bsd.roots.tolist(), 0)[0] if i > 8])
    text = dot_text(model, "m", EmitOptions(dot_nodes=40))
    labels, edges = parsed(text)
    assert sum(key[0] == "n" for key in labels) == 40
    assert labels["cut"] == f"{whole - 40} more nodes" and f"// Cut: {whole - 40} nodes" in text
    assert {f"n{root >> 1}" for root in model.bsd.roots.tolist() if root >> 1 > 8} <= set(labels)
    assert any(target == "cut" for kinds in edges.values() for target, _ in kinds.values())
    assert "cut" not in parsed(dot_text(model, "m", EmitOptions(dot_nodes=whole)))[0]


def test_files(tmp_path):
    assert list(written("dot", adder_model(4), tmp_path).files) == ["m.dot"]
