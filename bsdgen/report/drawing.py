"""A drawing of the top of the diagram: one output's first decisions and the variables that they test."""

from dataclasses import dataclass

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bsdgen.model import Model
from bsdgen.report.style import ACCENT, INK, MUTED, SOFT, SURFACE, figure, to_svg

_SWEEPS = 8  # barycentre passes; more change nothing visible


@dataclass(frozen=True)
class Edge:
    """From a drawn node to another, by their keys."""

    parent: int
    child: int
    high: bool
    complemented: bool


@dataclass(frozen=True)
class Top:
    """The part that is drawn.

    Attributes
    ----------
    labels : text of each drawn node by key; a key is an index of the diagram, or negative for a terminal,
        which is drawn once for each edge that ends there.
    opened : keys whose low and high edges are drawn.
    layers : keys by longest path from the top.
    edges : what connects them.
    """

    labels: dict[int, str]
    opened: frozenset[int]
    layers: list[list[int]]
    edges: list[Edge]


def choose_output(model: Model, guard_uses: NDArray[np.int64]) -> int | None:
    """Position of the output bit whose top tells most: it tests what the whole diagram tests most.

    None if no output has a node.
    """
    best, position = 0, None
    for candidate, literal in enumerate(model.bsd.roots):
        if literal >> 1 <= model.bsd.n_inputs:
            continue
        opened = np.array(sorted(take_top(model, int(literal) >> 1).opened)) - model.bsd.n_inputs - 1
        score = int(guard_uses[np.unique(model.bsd.guard[opened] >> 1)].sum())
        if score > best:
            best, position = score, candidate
    return position


def take_top(model: Model, root: int, *, depth: int = 5, n_opened: int = 22) -> Top:
    """Follow low and high edges down from a node, breadth first.

    Parameters
    ----------
    model : the model.
    root : index of the node.
    depth : decisions on a path at most.
    n_opened : nodes that are opened at most.
    """
    bsd, names = model.bsd, model.schema.input_names()
    first = 1 + bsd.n_inputs
    labels: dict[int, str] = {root: ""}
    opened: list[int] = []
    edges: list[Edge] = []
    front = [root]
    for _ in range(depth):
        below: list[int] = []
        for index in front:
            if len(opened) == n_opened:
                break
            opened.append(index)
            labels[index] = _guard_label(model, index)
            for literals, high in ((bsd.low, False), (bsd.high, True)):
                literal = int(literals[index - first])
                child, complemented = literal >> 1, bool(literal & 1)
                if child < first:
                    key = -len(labels) - 1
                    sign = "!" if complemented and child else ""
                    labels[key] = f"{sign}{names[child - 1]}" if child else str(int(complemented))
                    edges.append(Edge(index, key, high, False))
                    continue
                edges.append(Edge(index, child, high, complemented))
                if child not in labels:
                    labels[child] = f"…{child}"
                    below.append(child)
        front = below
    return Top(labels, frozenset(opened), _layers(root, edges), edges)


def _guard_label(model: Model, index: int) -> str:
    """What a node tests: a variable, or f and the number of the node whose function it is."""
    first = 1 + model.bsd.n_inputs
    guard = int(model.bsd.guard[index - first])
    names = model.schema.input_names()
    tested = names[(guard >> 1) - 1] if guard >> 1 < first else f"f{guard >> 1}"
    return f"!{tested}" if guard & 1 else tested


def _layers(root: int, edges: list[Edge]) -> list[list[int]]:
    """Longest path from the root; children have smaller indices, a terminal hangs one below its parent."""
    depth = {root: 0}
    for edge in sorted(edges, key=lambda edge: -edge.parent):
        depth[edge.child] = max(depth.get(edge.child, 0), depth[edge.parent] + 1)
    layers: list[list[int]] = [[] for _ in range(max(depth.values()) + 1)]
    for key, layer in depth.items():
        layers[layer].append(key)
    return layers


def draw_top(model: Model, guard_uses: NDArray[np.int64]) -> str | None:
    """Draw the top of the output that tells most as an SVG element; None if there is no node at all."""
    position = choose_output(model, guard_uses)
    if position is None:
        return None
    return draw_node(model, int(model.bsd.roots[position]) >> 1, model.schema.output_names()[position])


def draw_node(model: Model, root: int, title: str) -> str:
    """Draw a node's first decisions as an SVG element, under a title."""
    top = take_top(model, root)
    places = _layout(top)
    n_layers, widest = len(top.layers), max(len(layer) for layer in top.layers)
    with figure(max(6.4, 0.94 * widest), 0.82 * n_layers + 0.4) as drawn:
        axes = drawn.subplots()
        axes.set_axis_off()
        for edge in top.edges:
            _edge(axes, places[edge.parent], places[edge.child], edge)
        for key, place in places.items():
            _node(axes, place, top.labels[key], opened=key in top.opened)
        x, y = places[top.layers[0][0]]
        axes.text(x, y + 0.42, title, ha="center", va="bottom", color=MUTED)
        axes.set_xlim(0, widest)
        axes.set_ylim(-n_layers + 0.6, 0.75)
        return to_svg(drawn, "top", f"The first decisions of {title}")


def _layout(top: Top) -> dict[int, tuple[float, float]]:
    """Place layers below each other, each ordered by its neighbours' places (barycentre sweeps)."""
    graph = nx.Graph((edge.parent, edge.child) for edge in top.edges)
    layers = [list(layer) for layer in top.layers]
    widest = max(len(layer) for layer in layers)
    x = _spread(layers, widest)
    for sweep in range(_SWEEPS):
        for layer in layers[1:] if sweep % 2 == 0 else layers[-2::-1]:
            layer.sort(key=lambda key: float(np.mean([x[other] for other in graph[key]])))
            x.update(_spread([layer], widest))
    return {key: (x[key], -float(depth)) for depth, layer in enumerate(layers) for key in layer}


def _spread(layers: list[list[int]], widest: int) -> dict[int, float]:
    """Equal distances inside a layer, every layer centred."""
    return {
        key: (widest - len(layer)) / 2 + place + 0.5 for layer in layers for place, key in enumerate(layer)
    }


def _edge(axes: Axes, start: tuple[float, float], end: tuple[float, float], edge: Edge) -> None:
    (x0, y0), (x1, y1) = start, end
    side = 0.08 if edge.high else -0.08
    x0, x1 = x0 + side, x1 + side  # two edges to one child stay apart
    colour = INK if edge.high else MUTED
    line = "-" if edge.high else (0, (3, 2))
    axes.plot([x0, x1], [y0, y1], color=colour, linewidth=1, linestyle=line, zorder=1)
    if edge.complemented:  # a ring shortly before the edge arrives
        t = 0.68
        ring = (x0 + (x1 - x0) * t, y0 + (y1 - y0) * t)
        axes.scatter(*ring, s=16, facecolor=SURFACE, edgecolor=colour, linewidth=1, zorder=2)


def _node(axes: Axes, place: tuple[float, float], label: str, *, opened: bool) -> None:
    axes.text(
        *place,
        label,
        ha="center",
        va="center",
        fontsize=7.5,
        color=INK if opened else MUTED,
        bbox={
            "boxstyle": "round,pad=0.32",
            "facecolor": SOFT if opened else SURFACE,
            "edgecolor": ACCENT if opened else MUTED,
            "linewidth": 0.9,
        },
        zorder=4,
    )
