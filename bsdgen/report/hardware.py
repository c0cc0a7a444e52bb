"""Pictures of hardware: ANDs against levels, and what designs cost as standard cells or on an FPGA."""

from collections.abc import Sequence

from bsdgen.report.style import ACCENT, INK, MUTED, RULE, SOFT, figure, standalone, to_svg

_LONGEST = 28  # letters of a name
_COLOURS = (ACCENT, SOFT, MUTED, INK)


def curve_picture(
    tried: Sequence[tuple[int, int]], front: Sequence[tuple[int, int]], given: Sequence[tuple[int, int, str]]
) -> str:
    """ANDs over levels: what was tried, the points that nothing beats, and what the search began with.

    Parameters
    ----------
    tried, front : (depth, ANDs) each.
    given : (depth, ANDs, name) each.
    """
    with figure(7.4, 4.2) as drawn:
        axes = drawn.subplots()
        axes.scatter(
            [x for x, _ in tried], [y for _, y in tried], s=8, c=SOFT, label="tried", linewidths=0, zorder=2
        )
        line = sorted(front)
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
        for x, y, name in given:
            axes.annotate(name, (x, y), (6, -3), textcoords="offset points", color=MUTED)
        axes.set_xlabel("levels")
        axes.set_ylabel("AND nodes")
        axes.grid(linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        axes.legend(frameon=False, loc="upper right", labelcolor=MUTED)
        return standalone(to_svg(drawn, "curve", "AND nodes against levels"))


def bars_picture(
    names: Sequence[str], panels: Sequence[tuple[str, Sequence[tuple[str, Sequence[float]]]]], label: str
) -> str:
    """Horizontal bars by design, a panel a figure; a bar may be stacked.

    Parameters
    ----------
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
        return standalone(to_svg(drawn, "bars", label))
