"""The page: facts and pictures in one self-contained HTML file."""

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from bsdgen.artifacts import write_json, write_text
from bsdgen.bsd.distance import distances
from bsdgen.coverage.result import holes_text
from bsdgen.inspect.names import Names
from bsdgen.measure.result import failure_text
from bsdgen.report.charts import (
    accuracy_chart,
    coverage_chart,
    coverage_columns,
    distance_chart,
    guard_chart,
    level_chart,
    mutants_chart,
    size_chart,
)
from bsdgen.report.drawing import draw_top
from bsdgen.report.facts import Known, gather
from bsdgen.report.hardware import cells_picture, curve_picture
from bsdgen.report.style import FONT, css_variables, standalone
from bsdgen.synth.summary import HEADER, hardware_cells, legend


def write_report(folder: Path, *, figures: Path | None = None) -> dict[str, Any]:
    """Write report.html and report.json into a model's folder.

    Parameters
    ----------
    folder : of the model.
    figures : where each picture goes as an SVG file of its own; nowhere if None.

    Returns
    -------
    The document of report.json.

    Raises
    ------
    InputError
        The folder holds no model, or one of its files is broken.
    """
    known = gather(folder)
    pictures = draw(known)
    write_text(folder / "report.html", render(known, pictures))
    write_json(folder / "report.json", known.facts)
    if figures is not None:
        for name, svg in pictures.items():
            write_text(figures / f"{name}.svg", standalone(svg))
    return known.facts


def draw(known: Known) -> dict[str, str]:
    """Draw every picture that there are data for."""
    facts, structure = known.facts, known.structure
    pictures: dict[str, str] = {}
    if facts["measure"]:
        pictures["accuracy"] = accuracy_chart(facts["measure"]["classes"], facts["measure"]["upper"])
    for name in ("mutate", "mutate_shell"):
        run = facts[name]
        if run and any(row["killable"] for row in run["summary"]):
            pictures[name] = mutants_chart(run["summary"], list(run["sources"]))
    columns = coverage_columns(known.covered)
    for source in known.covered:
        pictures[f"coverage-{source.name}"] = coverage_chart(source, columns)
    pictures["sizes"] = size_chart(structure.fields)
    if structure.profile:
        pictures["levels"] = level_chart(structure.profile)
    if facts["bsd"]["tested"]:
        pictures["tested"] = guard_chart([(item["name"], item["nodes"]) for item in facts["bsd"]["tested"]])
    if known.hardware.curves:
        pictures["optimised"] = curve_picture(known.hardware.curves)
    if known.hardware.synthesis is not None and known.hardware.synthesis.asic is not None:
        pictures["cells"] = cells_picture(known.hardware.synthesis.asic)
    heat = distance_chart(distances(known.model.bsd), Names(known.model.schema))
    if heat is not None:
        pictures["distance"] = heat
    top = draw_top(known.model, structure.guard_uses)
    if top is not None:
        pictures["top"] = top
    return pictures


def render(known: Known, pictures: dict[str, str]) -> str:
    """Fill the template."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bsdgen.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"thousands": _thousands, "seconds": _seconds, "short": _short, "bound": _bound}
    environment.globals |= {"failure_text": failure_text, "holes_text": holes_text}
    return environment.get_template("page.html.j2").render(
        known.facts,
        name=known.name,
        pictures={name: Markup(svg) for name, svg in pictures.items()},
        sums=known.equations,
        hardware_table=(HEADER, hardware_cells(known.hardware.rows)),
        hardware_legend=legend(known.hardware),
        paths={item["context"]: item["cube"] for item in known.facts["contexts"] or []},
        colours=Markup(css_variables()),
        font=Markup(FONT),
    )


def _thousands(value: float) -> str:
    return f"{value:,.0f}"


def _seconds(value: float) -> str:
    """A time as one reads it: 28 ms, 4.2 s, 262 s."""
    if value < 0.95:
        return f"{1000 * value:.0f} ms"
    if value < 100:
        return f"{value:.1f} s"
    return f"{value:,.0f} s"


def _short(value: float) -> str:
    """A large number in three digits: 615 M."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= 10 * unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:,.0f}"


def _bound(value: float) -> Markup:
    """A rate in scientific notation with a real exponent."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return Markup("{} × 10<sup>{}</sup>").format(mantissa, str(int(exponent)).replace("-", "−"))
