"""The diagram, or the cone of some outputs, as a Graphviz file.

A solid edge leads to what a node is where its guard is 1 (high), a dashed one to what it is where it is 0
(low), a bold one to the guard; a circle at an edge's head complements. Graphviz lays out some thousand nodes
and no more, so a larger diagram is cut: the nodes nearest to the outputs stay.
"""

from collections import deque

from bsdgen.bsd import Bsd
from bsdgen.emit.options import EmitOptions
from bsdgen.emit.parts import digest_line
from bsdgen.model import Model

_CUT = "cut"  # stands for all nodes that are left out
_STYLES = {"guard": "bold", "high": "solid", "low": "dashed"}


def quoted(text: str) -> str:
    r"""A string as Graphviz writes it.

    >>> print(quoted('say "a"'), quoted("a\\b"))
    "say \"a\"" "a\\b"
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def nearest(bsd: Bsd, roots: list[int], most: int) -> tuple[list[int], int]:
    """Indices that some literals reach, breadth first from them, ascending; and how many nodes were left out.

    Parameters
    ----------
    most : nodes that are kept; 0: all. Inputs and the constant are kept where a kept node or a root reads
        them.
    """
    first = 1 + bsd.n_inputs
    children = list(zip(bsd.guard.tolist(), bsd.low.tolist(), bsd.high.tolist(), strict=True))
    seen: dict[int, None] = dict.fromkeys(root >> 1 for root in roots)
    kept: set[int] = set()
    waiting = deque(seen)
    n_nodes = n_kept = 0
    while waiting:
        index = waiting.popleft()
        keep = index < first or not most or n_kept < most
        if index >= first:
            n_nodes += 1
            n_kept += keep
            for child in children[index - first]:
                if child >> 1 not in seen:
                    seen[child >> 1] = None
                    waiting.append(child >> 1)
        if keep:
            kept.add(index)
    read = {root >> 1 for root in roots}
    for index in kept:
        if index >= first:
            read |= {child >> 1 for child in children[index - first]}
    return sorted(index for index in kept if index >= first or index in read), n_nodes - n_kept


def _edge(source: str, literal: int, kind: str, ids: dict[int, str]) -> str:
    head = ', arrowhead="odot"' if literal & 1 else ""
    return f'  {source} -> {ids.get(literal >> 1, _CUT)} [class="{kind}", style="{_STYLES[kind]}"{head}];'


def dot_text(model: Model, name: str, options: EmitOptions | None = None) -> str:
    """The whole file.

    Parameters
    ----------
    name : of the graph.
    options : which outputs are drawn, and how many nodes at most.

    Raises
    ------
    UsageError
        The schema has no such output.
    """
    options = options or EmitOptions()
    bsd, names = model.bsd, model.schema.output_names()
    outputs = options.drawn(model.schema)
    roots = [int(bsd.roots[output]) for output in outputs]
    indices, left_out = nearest(bsd, roots, options.dot_nodes)
    first = 1 + bsd.n_inputs
    inputs = ["0", *model.schema.input_names()]
    ids = {index: f"n{index}" if index >= first else f"i{index}" if index else "c0" for index in indices}
    lines = [f"// {name}: {sum(index >= first for index in indices)} nodes, {len(outputs)} output bits."]
    if left_out:
        lines.append(f"// Cut: {left_out} nodes farther from the outputs are left out (--dot-nodes 0: none).")
    lines += [f"// {digest_line(model)}", "// Written by `bsdgen emit`. Do not edit."]
    lines += [f"digraph {quoted(name)} {{", "  rankdir=TB;", '  node [shape="ellipse"];']
    for index in indices:
        shape = ', shape="box"' if index < first else ""
        lines.append(f"  {ids[index]} [label={quoted(inputs[index] if shape else ids[index])}{shape}];")
    if left_out:
        lines.append(f'  {_CUT} [label="{left_out} more nodes", shape="note"];')
    for output, root in zip(outputs, roots, strict=True):
        lines.append(f'  o{output} [label={quoted(names[output])}, shape="invhouse"];')
        lines.append(_edge(f"o{output}", root, "high", ids))
    for index in indices:
        if index >= first:
            i = index - first
            for kind, column in (("guard", bsd.guard), ("high", bsd.high), ("low", bsd.low)):
                lines.append(_edge(ids[index], int(column[i]), kind, ids))
    return "\n".join([*lines, "}", ""])
