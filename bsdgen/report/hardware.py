"""Pictures of hardware: ANDs against levels, and what designs cost as standard cells or on an FPGA.

Each function returns an SVG element for a page.
"""

from collections.abc import Sequence

from bsdgen.circuit.curve import Curve
from bsdgen.report.style import ACCENT, INK, MUTED, RULE, SOFT, figure, to_svg
from bsdgen.synth.fpga import FpgaRow
from bsdgen.synth.result import Asic

_LONGEST = 28  # letters of a name
_COLOURS = (ACCENT, SOFT, MUTED, INK)


def curve_picture(curves: Sequence[Curve]) -> str:
    """ANDs over levels: what was tried, the points that nothing beats, and what the searches began with.

    Parameters
    ----------
    curves : searches of one model.
    """
    tried = [size for curve in curves for size in curve.sizes(range(len(curve.points)))]
    proved = [size for curve in curves for size in curve.sizes(curve.front)]
    line = [
        size
        for size in sorted(set(proved))
        if not any(x <= size[0] and y <= size[1] and (x, y) != size for x, y in proved)
    ]
    given = {
        (point.depth, point.ands, point.note)
        for curve in curves
        for point in curve.points
        if not point.recipe
    }
    with figure(7.4, 4.2) as drawn:
        axes = drawn.subplots()
        axes.scatter(
            [x for x, _ in tried], [y for _, y in tried], s=8, c=SOFT, label="tried", linewidths=0, zorder=2
        )
        axes.plot(
            [x for x, _ in line], [y for _, y in line],
            color=ACCENT, marker="o", markersize=4, linewidth=1.2, drawstyle="steps-post",
            label="front, proved", zorder=3,
        )  # fmt: skip
        for at, (x, y) in enumerate(line):
            if at in (0, len(line) - 1):
                axes.annotate(f"{y:,} at {x}", (x, y), (5, 6), textcoords="offset points", color=INK)
        axes.scatter(
            [x for x, _, _ in given], [y for _, y, _ in given],
            s=26, c=INK, marker="D", label="begun with", zorder=4,
        )  # fmt: skip
        for x, y, name in sorted(given):
            axes.annotate(name, (x, y), (6, -3), textcoords="offset points", color=MUTED)
        axes.set_xlabel("levels")
        axes.set_ylabel("AND nodes")
        axes.grid(linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        axes.legend(frameon=False, loc="upper right", labelcolor=MUTED)
        return to_svg(drawn, "curve", "AND nodes against levels")


def cells_picture(asic: Asic) -> str:
    """Area, critical path and power of each design."""
    memories = [row.memory_area / 1e6 for row in asic.rows]
    rest = [(row.area - row.memory_area) / 1e6 for row in asic.rows]
    sta = asic.sta == "used"
    path = [(row.path.ns if row.path else 0.0) if sta else (row.abc_ns or 0.0) for row in asic.rows]
    panels = [
        ("area, mm²", [("the rest", rest), ("memories", memories)]),
        (f"critical path, ns ({'OpenSTA' if sta else 'ABC'})", [("", path)]),
        (f"power at {asic.clock_mhz:g} MHz, mW", [("", [row.power.total_mw for row in asic.rows])]),
    ]
    label = f"Area, critical path and power in {asic.library}"
    return _bars("cells", [row.name for row in asic.rows], panels, label)


def luts_picture(family: str, rows: Sequence[FpgaRow]) -> str:
    """Cells of each design on an FPGA family."""
    panels = [
        ("LUT4", [("", [float(row.luts) for row in rows])]),
        ("carry cells", [("", [float(row.carries) for row in rows])]),
        ("flip-flops", [("", [float(row.flip_flops) for row in rows])]),
    ]
    return _bars(family, [row.name for row in rows], panels, f"Cells on {family}")


def _bars(
    salt: str,
    names: Sequence[str],
    panels: Sequence[tuple[str, Sequence[tuple[str, Sequence[float]]]]],
    label: str,
) -> str:
    """Horizontal bars by design, a panel a figure; a bar may be stacked.

    Parameters
    ----------
    salt : as in `to_svg`.
    names : of the designs, from the top.
    panels : (title, ((part, value of each design), ...)) each.
    label : what the picture shows.
    """
    with figure(9.8, 0.36 * len(names) + 1.0) as drawn:
        for column, axes in enumerate(drawn.subplots(1, len(panels), squeeze=False)[0]):
            title, parts = panels[column]
            at = [len(names) - 1 - row for row in range(len(names))]
            left = [0.0] * len(names)
            for (part, values), colour in zip(parts, _COLOURS, strict=False):
                axes.barh(at, values, left=left, height=0.62, color=colour, label=part)
                left = [a + b for a, b in zip(left, values, strict=True)]
            widest = max([*left, 1e-12])
            for y, value in zip(at, left, strict=True):
                text = f"{value:,.0f}" if widest >= 100 else f"{value:.3g}"
                axes.text(value + widest * 0.01, y, text if value else "–", va="center", color=INK)
            shown = [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in names]
            axes.set_yticks(at, shown if column == 0 else [""] * len(names))
            axes.set_xlim(0, widest * 1.28)
            axes.set_title(title, color=MUTED, fontsize=9)
            axes.grid(axis="x", color=RULE, linewidth=0.6)
            axes.set_axisbelow(True)
            axes.tick_params(length=0)
            axes.locator_params(axis="x", nbins=4)
            axes.spines["left"].set_visible(False)
            if len(parts) > 1:
                axes.legend(
                    frameon=False,
                    loc="upper left",
                    ncols=len(parts),
                    labelcolor=MUTED,
                    bbox_to_anchor=(0, -0.12),
                )
        return to_svg(drawn, salt, label)
