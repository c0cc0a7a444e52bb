"""What `bsdgen optimise`, `synth` and `soc build` leave in a model's folder, with made-up figures."""

from pathlib import Path

from bsdgen.artifacts import sha256, write_json
from bsdgen.circuit.aig import aig_from_bsd
from bsdgen.circuit.aiger import write_aiger
from bsdgen.circuit.curve import CURVE_VERSION, Curve
from bsdgen.circuit.equivalence import comment_of
from bsdgen.circuit.search import Point
from bsdgen.circuit.steps import graph_digest
from bsdgen.model import Model
from bsdgen.synth.fpga import FpgaRow
from bsdgen.synth.result import SYNTH_VERSION, Asic, AsicRow, Synthesis
from bsdgen.synth.timing import CriticalPath, Power

BOARD = {
    "board": "icebreaker",
    "fmax_hz": 10.25e6,
    "clock_hz": 6e6,
    "used": {"ICESTORM_LC": 1986, "ICESTORM_RAM": 20},
}


def _asic(name: str, flip_flops: float, ns: float | None, graph: str) -> AsicRow:
    path = None if ns is None else CriticalPath(ns, "a[0]", "sum[3]")
    return AsicRow(name, 1234.5, flip_flops, 9, {}, 0, 0.0, 3.0, path, Power("x", 1.0, 0.1), 0.5, graph)


def fill(folder: Path) -> None:
    """Put results of all three into the folder of a model."""
    model = Model.load(folder)
    aig = aig_from_bsd(model.bsd)
    graph, comment = graph_digest(aig), comment_of(model.digest)
    write_aiger(folder / "circuit.aig", aig, comment=comment)
    (folder / "optimised").mkdir()
    write_aiger(folder / "optimised" / "area.aig", aig, comment=comment)
    points = (
        Point("", -1, aig.n_ands, aig.depth, 0.0, True, note="diagram"),
        Point("dch", 0, aig.n_ands, aig.depth, 0.5, True),
    )
    curve = Curve(CURVE_VERSION, model.digest, "area", 3, True, 1, (1,), points, {"dch": "dch"}, {})
    write_json(folder / "optimised" / "area.json", curve)
    rows = (
        FpgaRow("step, as learned", 11, 2, 0, 0, 0, 15, {}, graph),
        FpgaRow("core, area", 13, 2, 32, 1, 0, 21, {}, graph),
    )
    library = Asic(
        "l",
        "",
        "l",
        100.0,
        0.1,
        "used",
        (_asic("step, as learned", 0, 4.0, graph), _asic("core, area", 8, 5, graph)),
    )
    write_json(folder / "synth.json", Synthesis(SYNTH_VERSION, model.digest, {}, library, {"ecp5": rows}))
    (folder / "soc" / "icebreaker").mkdir(parents=True)
    write_json(
        folder / "soc" / "icebreaker" / "build.json", BOARD | {"model_sha256": sha256(folder / "model.npz")}
    )
