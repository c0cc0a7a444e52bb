"""Pictures of results, in the style of the report; each is an SVG file that follows light and dark mode."""

from collections.abc import Callable
from typing import Any

from bsdgen.bench.rows import RowsResult
from bsdgen.bench.scaling import ScalingResult
from bsdgen.bench.trial import Trial
from bsdgen.report.style import ACCENT, BAD, INK, MUTED, RULE, figure, standalone, to_svg

_LOOKS = {
    "add": (ACCENT, "o", "-"),
    "compare": (INK, "s", "-"),
    "shift": (MUTED, "^", "-"),
    "alu": (BAD, "D", "-"),
}


def _panel(
    axes: Any, result: ScalingResult, measure: Callable[[Trial], float | None], label: str, power: float
) -> None:
    """One figure over width, both logarithmic, with a line of slope `power` to compare with."""
    widths = sorted({row.width for row in result.rows})
    values: list[float] = []
    for kind in result.kinds():
        points = [(row.width, measure(row.trial)) for row in result.of(kind) if row.trial.learned]
        x = [width for width, value in points if value]
        y = [value for _, value in points if value]
        values += y
        colour, marker, line = _LOOKS[kind]
        axes.plot(x, y, color=colour, marker=marker, markersize=4, linestyle=line, linewidth=1.2, label=kind)
    if values:
        low = min(values) * 0.6
        guide = [low * (width / widths[0]) ** power for width in widths]
        axes.plot(widths, guide, color=RULE, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.text(widths[-1], guide[-1], f" n^{power:g}", color=MUTED, va="center")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(widths, [str(width) for width in widths])
    axes.set_xlabel("bits of a word")
    axes.set_title(label, color=MUTED, fontsize=9)
    axes.grid(axis="y", linewidth=0.6)
    axes.tick_params(length=0, which="both")


def scaling_picture(result: ScalingResult) -> str:
    """Nodes, CPU seconds and oracle queries over width."""
    with figure(9.8, 3.0) as drawn:
        panels = drawn.subplots(1, 3)
        _panel(panels[0], result, lambda trial: trial.nodes, "nodes", 1)
        _panel(panels[1], result, lambda trial: trial.cpu_s, "CPU seconds", 2)
        _panel(panels[2], result, lambda trial: trial.queries, "oracle queries", 2)
        panels[0].legend(frameon=False, loc="upper left", labelcolor=MUTED)
        return standalone(
            to_svg(drawn, "scaling", "Nodes, CPU seconds and oracle queries by width of a word")
        )


_SOURCES = ((ACCENT, "o"), (INK, "s"), (MUTED, "^"), (BAD, "D"), (RULE, "v"))


def rows_picture(result: RowsResult) -> str:
    """Fresh rows that are wrong, and output bits that are right, by rows learned from; a line a source."""
    with figure(9.8, 3.4) as drawn:
        left, right = drawn.subplots(1, 2)
        sources = list(dict.fromkeys(trial.source for trial in result.curve if trial.source))
        for at, source in enumerate(sources):
            points = sorted((t for t in result.curve if t.source == source), key=lambda t: t.rows)
            colour, marker = _SOURCES[at % len(_SOURCES)]
            look: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.2}
            rows = [t.rows for t in points]
            left.plot(rows, [max(t.wrong, 0.5) / t.fresh for t in points], label=source, **look)
            right.plot(rows, [t.outputs_right for t in points], **look)
        for axes, title in (
            (left, "share of fresh rows that are wrong"),
            (right, "output bits right"),
        ):
            axes.set_xscale("log")
            axes.set_xlabel("rows learned from")
            axes.set_title(title, color=MUTED, fontsize=9)
            axes.grid(axis="y", linewidth=0.6)
            axes.tick_params(length=0, which="both")
        left.set_yscale("log")
        left.legend(frameon=False, loc="lower left", labelcolor=MUTED, fontsize=8)
        text = "Fresh rows wrong and output bits right by rows learned from, for each source of rows"
        return standalone(to_svg(drawn, "rows", text))
