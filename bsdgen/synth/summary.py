"""All that is known of a model as hardware in one table: of optimising, synthesis and boards."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bsdgen.artifacts import read_object, sha256
from bsdgen.circuit.aiger import read_aiger
from bsdgen.circuit.curve import Curve, read_curve
from bsdgen.circuit.equivalence import agrees
from bsdgen.model import Model
from bsdgen.synth.result import Synthesis, read_synthesis

HEADER = ["", "ANDs", "levels", "ECP5 LUT4", "iCE40 LUT4", "area um2", "ns", "MHz"]
_LEARNED = "as learned"


@dataclass(frozen=True)
class Hardware:
    """All that is known of a model as hardware.

    Attributes
    ----------
    rows : ``name``, ``ands``, ``levels``, ``ecp5``, ``ice40``, ``area``, ``ns`` and ``mhz`` of the step
        function and of the core, as learned and for each goal, then of the system on each board; None where
        nobody asked.
    others : what was left out because it is of another model, and what would make it anew.
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
        empty = dict.fromkeys(("ands", "levels", "ecp5", "ice40", "area", "ns", "mhz"))
        return rows.setdefault(name, {"name": name, **empty})

    graphs = {_LEARNED: folder / "circuit.aig"}
    graphs |= {path.stem: path for path in sorted((folder / "optimised").glob("*.aig"))}
    for name, path in graphs.items():
        if path.is_file():
            aig = read_aiger(path).aig
            if not agrees(aig, model.bsd):
                how = "emit" if name == _LEARNED else f"optimise --goal {name}"
                others.append(f"{path}: is of another model; write it again with `bsdgen {how}`")
                continue
            row(f"step, {name}").update(ands=aig.n_ands, levels=aig.depth)
    for name in graphs:
        row(f"core, {name}")  # behind those of the step function, if there is anything to tell
    synthesis = read_synthesis(folder / "synth.json") if (folder / "synth.json").is_file() else None
    if synthesis is not None and synthesis.model != model.digest:
        others.append(f"{folder / 'synth.json'}: is of another model; run `bsdgen synth {folder}` again")
        synthesis = None
    if synthesis is not None:
        _add_synthesis(synthesis, row)
    for path in sorted((folder / "soc").glob("*/build.json")):
        built = read_object(path)
        if built.get("model_sha256") == sha256(folder / "model.npz"):
            _add_board(built, row)
        else:
            board = path.parent.name
            others.append(f"{path}: is of another model; run `bsdgen soc build --board {board}` again")
    curves = [read_curve(path) for path in sorted((folder / "optimised").glob("*.json"))]
    return Hardware(
        rows=[item for item in rows.values() if any(value is not None for value in list(item.values())[1:])],
        others=others,
        curves=[curve for curve in curves if curve.model == model.digest],
        synthesis=synthesis,
    )


def _add_synthesis(found: Synthesis, row: Any) -> None:
    for family in ("ecp5", "ice40"):
        for cells in found.fpga.get(family, ()):
            row(cells.name)[family] = cells.luts
    for design in found.asic.rows if found.asic is not None else ():
        ns = design.path.ns if design.path is not None else design.abc_ns
        row(design.name).update(area=design.area, ns=ns)
        if ns and design.sequential_area:
            row(design.name)["mhz"] = 1000 / ns


def _add_board(built: dict[str, Any], row: Any) -> None:
    cells = {"ICESTORM_LC": "ice40", "TRELLIS_COMB": "ecp5"}
    mine = row(f"system on {built['board']}")
    mine["mhz"] = built["fmax_hz"] / 1e6
    mine |= {cells[name]: count for name, count in built["used"].items() if name in cells}


def hardware_cells(rows: list[dict[str, Any]]) -> list[list[str]]:
    """The rows as text, under `HEADER`."""

    def text(value: Any, form: str) -> str:
        return "-" if value is None else format(value, form)

    forms = {"ands": ",", "levels": ",", "ecp5": ",", "ice40": ",", "area": ",.0f", "ns": ".2f", "mhz": ".1f"}
    return [[row["name"], *(text(row[key], form) for key, form in forms.items())] for row in rows]
