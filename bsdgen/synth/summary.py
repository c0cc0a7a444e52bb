"""All that is known of a model as hardware in one table: of optimising, synthesis and boards."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bsdgen.artifacts import read_object, sha256
from bsdgen.circuit.aig import aig_from_bsd
from bsdgen.circuit.aiger import read_aiger
from bsdgen.circuit.curve import Curve, read_curve
from bsdgen.circuit.equivalence import is_of
from bsdgen.circuit.netlist import order_by_schema
from bsdgen.circuit.steps import graph_digest
from bsdgen.model import Model
from bsdgen.synth.design import EMITTED, LEARNED, graph_files
from bsdgen.synth.fpga import FAMILIES
from bsdgen.synth.result import Synthesis, read_synthesis

HEADER = ["", "ANDs", "levels", "ECP5 LUTs", "iCE40 LUTs", "area um2", "ns", "MHz", "Fmax"]


@dataclass(frozen=True)
class Hardware:
    """All that is known of a model as hardware.

    Attributes
    ----------
    rows : ``name``, ``ands``, ``levels``, ``ecp5``, ``ice40``, ``area``, ``ns``, ``mhz`` and ``fmax`` of the
        step function and of the core, of each graph, then of the system on each board; None where nobody
        asked.
    others : what was left out because it is of another model or graph, or failed; what would make it anew.
    curves : what each `bsdgen optimise` found.
    synthesis : what `bsdgen synth` found.
    """

    rows: list[dict[str, Any]]
    others: list[str]
    curves: list[Curve]
    synthesis: Synthesis | None


def known_hardware(model: Model, folder: Path) -> Hardware:
    """Read what optimising, synthesis and boards left in a model's folder.

    Parameters
    ----------
    folder : of the model.

    Raises
    ------
    InputError
        A file is broken.
    """
    rows: dict[str, dict[str, Any]] = {}
    others: list[str] = []

    def row(name: str) -> dict[str, Any]:
        empty = dict.fromkeys(("ands", "levels", "ecp5", "ice40", "area", "ns", "mhz", "fmax"))
        return rows.setdefault(name, {"name": name, **empty})

    graphs = {LEARNED: aig_from_bsd(model.bsd)}
    for variant, path in graph_files(folder).items():
        found = read_aiger(path)
        if is_of(found, model.bsd, model.digest):
            graphs[variant] = order_by_schema(found, model.schema)
        else:
            how = "emit" if variant == EMITTED else f"optimise --goal {variant}"
            others.append(f"{path}: is of another model; write it again with `bsdgen {how}`")
    for variant, aig in graphs.items():
        row(f"step, {variant}").update(ands=aig.n_ands, levels=aig.depth)
    for variant in graphs:
        row(f"core, {variant}")  # behind those of the step function, if there is anything to tell
    synthesis = read_synthesis(folder / "synth.json") if (folder / "synth.json").is_file() else None
    if synthesis is not None and synthesis.model != model.digest:
        others.append(f"{folder / 'synth.json'}: is of another model; run `bsdgen synth {folder}` again")
        synthesis = None
    if synthesis is not None:
        now = {graph_digest(aig) for aig in graphs.values()} | {""}
        old = sorted(_add_synthesis(synthesis, row, now))
        if old:
            others.append(
                f"{folder / 'synth.json'}: {old[0]!r} was made from a graph that is another one by now; run "
                f"`bsdgen synth {folder}` again as before"
            )
    for path in sorted((folder / "soc").glob("*/build.json")):
        wrong = _add_board(folder, path, row)
        others += [f"{path}: {wrong}"] if wrong else []
    curves = [read_curve(path) for path in sorted((folder / "optimised").glob("*.json"))]
    return Hardware(
        rows=[item for item in rows.values() if any(value is not None for value in list(item.values())[1:])],
        others=others,
        curves=[curve for curve in curves if curve.model == model.digest],
        synthesis=synthesis,
    )


def _add_synthesis(found: Synthesis, row: Any, graphs: set[str]) -> set[str]:
    """Put figures into their rows; the names of designs that were made from no graph that is there now."""
    old = set()
    for family in FAMILIES:
        for cells in found.fpga.get(family, ()):
            if cells.graph in graphs:
                row(cells.name)[family] = cells.sites
            else:
                old.add(cells.name)
    for design in found.asic.rows if found.asic is not None else ():
        if design.graph not in graphs:
            old.add(design.name)
            continue
        ns = design.path.ns if design.path is not None else design.abc_ns
        row(design.name).update(area=design.area, ns=ns)
        if design.path is not None and design.path.ns > 0 and design.sequential_area:
            row(design.name)["mhz"] = 1000 / design.path.ns
    return old


def _add_board(folder: Path, path: Path, row: Any) -> str:
    """Put a board's figures into its row, or say why they do not count."""
    built = read_object(path)
    again = f"run `bsdgen soc build --board {path.parent.name}` again"
    if built.get("model_sha256") != sha256(folder / "model.npz"):
        return f"is of another model; {again}"
    if built["fmax_hz"] < built["clock_hz"]:
        return f"missed its clock: {built['fmax_hz'] / 1e6:.1f} of {built['clock_hz'] / 1e6:g} MHz; {again}"
    ran = built.get("simulated")
    if ran is not None and (not ran["ended"] or ran["code"]):
        return f"its program did not end well on the netlist (code {ran['code']:#x}); {again}"
    cells = {"ICESTORM_LC": "ice40", "TRELLIS_COMB": "ecp5"}
    mine = row(f"system on {built['board']}")
    mine["fmax"] = built["fmax_hz"] / 1e6
    mine |= {cells[name]: count for name, count in built["used"].items() if name in cells}
    return ""


def hardware_cells(rows: list[dict[str, Any]]) -> list[list[str]]:
    """The rows as text, under `HEADER`."""

    def text(value: Any, form: str) -> str:
        return "-" if value is None else format(value, form)

    forms = {
        **{"ands": ",", "levels": ",", "ecp5": ",", "ice40": ","},
        **{"area": ",.0f", "ns": ".2f", "mhz": ".0f", "fmax": ".1f"},
    }
    return [[row["name"], *(text(row[key], form) for key, form in forms.items())] for row in rows]


def legend(known: Hardware) -> list[str]:
    """What the columns mean, a line each, as far as there is anything in them."""
    lines = []
    asic = known.synthesis.asic if known.synthesis is not None else None
    if asic is not None:
        who = "OpenSTA, flip-flops included" if asic.sta == "used" else "ABC, flip-flops left out"
        lines.append(f"area, ns, MHz: cells of {asic.library}; critical path by {who}; no wires")
    if any(row["fmax"] is None and (row["ecp5"] or row["ice40"]) for row in known.rows):
        lines.append(
            "LUTs: by Yosys, with those of carry cells and distributed memory, which a single-cycle core's "
            "registers are on ECP5; on iCE40 they are flip-flops"
        )
    if any(row["fmax"] is not None for row in known.rows):
        lines.append("system: core, RAM and peripherals on a board; logic cells and Fmax by nextpnr")
    return lines
