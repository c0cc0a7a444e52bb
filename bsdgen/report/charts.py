"""Charts of the report, one function a picture; each returns an SVG element."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.bsd.distance import Distances
from bsdgen.coverage.cells import HAZARDS, OPERANDS, ROWS
from bsdgen.coverage.result import Covered
from bsdgen.inspect.names import Names
from bsdgen.report.structure import FieldSize
from bsdgen.report.style import ACCENT, BAD, INK, MUTED, RULE, SOFT, figure, to_svg

_HEAT = (0.18, 0.53, 0.79)  # readable on light and dark, since an image cannot follow the page's colours
_HOLE = (0.80, 0.27, 0.21)
_MOST_SORTED = 400  # functions whose leaves are put into the best order, which takes their cube


def accuracy_chart(classes: Sequence[dict[str, Any]], overall: float) -> str:
    """Error-rate bound of each class on a logarithmic axis; classes with errors stand out."""
    with figure(9.8, 2.7) as drawn:
        axes = drawn.subplots()
        at = np.arange(len(classes))
        bounds = [item["upper"] for item in classes]
        colours = [BAD if item["errors"] else ACCENT for item in classes]
        axes.vlines(at, min([*bounds, overall]) * 0.5, bounds, colors=RULE, linewidth=1)
        axes.scatter(at, bounds, s=22, c=colours, zorder=3)
        axes.axhline(overall, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.text(len(classes) - 0.5, overall, "all ", color=MUTED, ha="right", va="bottom")
        axes.set_yscale("log")
        axes.set_xticks(at, [item["name"] for item in classes], rotation=90)
        axes.set_xlim(-0.8, len(classes) - 0.2)
        axes.set_ylabel("error rate, 95 % upper bound")
        axes.grid(axis="y", linewidth=0.6)
        axes.tick_params(length=0, which="both")
        return to_svg(drawn, "accuracy", "Upper bound of the error rate of each class")


def mutants_chart(rows: Sequence[dict[str, Any]], sources: Sequence[str]) -> str:
    """Share of the faults of each kind that each source catches, of those that change the function."""
    kinds = [row for row in rows if row["killable"]]
    with figure(9.8, 0.34 * len(kinds) + 0.9) as drawn:
        axes = drawn.subplots()
        at = np.arange(len(kinds))[::-1]
        looks = zip(sources, (SOFT, MUTED, INK, RULE), ("s", "^", "D", "v"), strict=False)
        for name, colour, marker in [*looks, ("proof", ACCENT, "o")]:
            caught = [100 * row[name] / row["killable"] for row in kinds]
            axes.scatter(caught, at, s=34, c=colour, marker=marker, label=name, zorder=3)
        axes.set_yticks(at, [f"{row['kind']} ({row['killable']:,})" for row in kinds])
        axes.set_xlabel("% of the faults that change the function")
        axes.grid(axis="x", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        axes.legend(frameon=False, loc="lower left", ncols=5, labelcolor=MUTED, bbox_to_anchor=(0, 1))
        return to_svg(drawn, "mutants", "Who catches which faults")


def size_chart(fields: Sequence[FieldSize]) -> str:
    """Nodes in the cone of each output field, own ones apart from shared ones."""
    with figure(6.4, 0.32 * len(fields) + 0.7) as drawn:
        axes = drawn.subplots()
        at = np.arange(len(fields))[::-1]
        own = np.array([field.own for field in fields])
        total = np.array([field.nodes for field in fields])
        axes.barh(at, own, height=0.62, color=ACCENT, label="this field alone")
        axes.barh(at, total - own, left=own, height=0.62, color=SOFT, label="shared with other fields")
        widest = max(1, int(total.max(initial=1)))
        for y, nodes in zip(at, total, strict=True):
            axes.text(nodes + widest * 0.01, y, f"{nodes:,}", va="center", color=INK)
        axes.set_yticks(at, [f"{field.name}[{field.width}]" for field in fields])
        axes.set_xlim(0, widest * 1.12)
        axes.tick_params(length=0)
        axes.set_xlabel("nodes in the cone")
        axes.spines["left"].set_visible(False)
        axes.legend(frameon=False, loc="lower right", labelcolor=MUTED)
        return to_svg(drawn, "sizes", "Nodes in the cone of each output field")


def level_chart(profile: Sequence[int]) -> str:
    """Nodes at each level, from the variables up."""
    with figure(6.4, 2.3) as drawn:
        axes = drawn.subplots()
        at = np.arange(1, len(profile) + 1)
        axes.fill_between(at, profile, step="mid", color=SOFT, linewidth=0)
        axes.step(at, profile, where="mid", color=ACCENT, linewidth=1.2)
        axes.set_xlim(0.5, len(profile) + 0.5)
        axes.set_ylim(0)
        axes.set_xlabel("level (longest path down to a variable)")
        axes.set_ylabel("nodes")
        axes.grid(axis="y", linewidth=0.6)
        axes.tick_params(length=0)
        return to_svg(drawn, "levels", "Nodes at each level of the diagram")


def guard_chart(uses: Sequence[tuple[str, int]]) -> str:
    """Nodes that test each variable, most tested first."""
    with figure(6.4, 2.5) as drawn:
        axes = drawn.subplots()
        at = np.arange(len(uses))
        axes.bar(at, [count for _, count in uses], width=0.66, color=ACCENT)
        axes.set_xticks(at, [name for name, _ in uses], rotation=90)
        axes.set_xlim(-0.7, len(uses) - 0.3)
        axes.set_ylabel("nodes that test it")
        axes.grid(axis="y", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        return to_svg(drawn, "guards", "The variables that most nodes test")


def distance_chart(of: Distances, names: Names) -> str | None:
    """Heat map of what output bits share, similar ones side by side; None with fewer than two to compare."""
    wanted = np.flatnonzero(of.size > 0)
    if wanted.shape[0] < 2:
        return None
    overlap = of.overlap()[np.ix_(wanted, wanted)]
    order = wanted[leaf_order(overlap)]
    shares = of.overlap()[np.ix_(order, order)]
    image = np.empty((*shares.shape, 4))
    image[..., :3], image[..., 3] = _HEAT, shares
    with figure(6.8, 5.6) as drawn:
        axes = drawn.subplots()
        axes.imshow(image, interpolation="nearest", aspect="equal")
        runs = _runs(order.tolist(), names)
        axes.set_yticks([at for at, _ in runs], [text for _, text in runs])
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)
        return to_svg(drawn, "distance", "Share of nodes that each two outputs have in common")


def coverage_chart(source: Covered, shown: NDArray[np.bool_]) -> str:
    """Heat map of how often each cell was met: a line a row class, hazards side by side in operand classes.

    Parameters
    ----------
    source : what was met.
    shown : bool, shape (n_operands, n_hazards)
        Columns of the picture; of all sources together, so that their pictures compare.
    """
    counts = source.counts[:, shown]
    strength = np.log1p(counts) / np.log1p(max(1, int(counts.max(initial=0))))
    image = np.zeros((*counts.shape, 4))
    image[..., :3], image[..., 3] = _HEAT, np.where(counts > 0, 0.2 + 0.8 * strength, 0.0)
    image[source.holes[:, shown]] = (*_HOLE, 0.85)
    with figure(9.8, 8.6) as drawn:
        axes = drawn.subplots()
        axes.imshow(image, interpolation="nearest", aspect="auto")
        ends = np.cumsum(np.count_nonzero(shown, axis=1))
        starts = ends - np.count_nonzero(shown, axis=1)
        axes.vlines(ends[:-1] - 0.5, -0.5, len(ROWS) - 0.5, colors=RULE, linewidth=0.8)
        axes.hlines(np.arange(1, len(ROWS)) - 0.5, -0.5, ends[-1] - 0.5, colors=RULE, linewidth=0.3)
        used = np.flatnonzero(ends > starts)
        middles = ((starts + ends - 1) / 2)[used].tolist()
        axes.set_xticks(middles, [OPERANDS[at] for at in used], rotation=90)
        axes.set_yticks(np.arange(len(ROWS)), ROWS, fontsize=6.5)
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)
        return to_svg(drawn, f"coverage-{source.name}", f"How often {source.name} met each cell")


def coverage_columns(sources: Sequence[Covered]) -> NDArray[np.bool_]:
    """Pairs of operand class and hazard that some row class can have: bool, (n_operands, n_hazards)."""
    pairs = np.zeros((len(OPERANDS), len(HAZARDS)), np.bool_)
    for source in sources:
        pairs |= source.possible.any(axis=0)
    return pairs


def leaf_order(overlap: NDArray[np.float64]) -> NDArray[np.int_]:
    """Order by average-linkage clustering."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    apart = 1.0 - overlap
    np.fill_diagonal(apart, 0.0)
    tree = linkage(
        squareform(apart, checks=False), "average", optimal_ordering=overlap.shape[0] <= _MOST_SORTED
    )
    return np.asarray(leaves_list(tree), np.int_)


def _runs(order: Sequence[int], names: Names) -> list[tuple[float, str]]:
    """Where neighbours of one field stand, as the middle of each long run and the field's name."""
    fields = [names.output_bits[output][0] for output in order]
    starts = [at for at in range(len(fields)) if not at or fields[at] != fields[at - 1]]
    ends = [*starts[1:], len(fields)]
    least = max(1, len(order) // 40)  # shorter runs would print on top of each other
    return [
        ((start + end - 1) / 2, fields[start])
        for start, end in zip(starts, ends, strict=True)
        if end - start >= least
    ]
