"""All designs through one flow."""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bsdgen.artifacts import sha256
from bsdgen.circuit.aig import aig_from_bsd
from bsdgen.circuit.equivalence import ENGINES, prove_equivalent
from bsdgen.circuit.netlist import order_by_schema
from bsdgen.errors import CheckFailed, ToolError
from bsdgen.synth.design import Design
from bsdgen.synth.fpga import Family, FpgaRow, map_fpga
from bsdgen.synth.liberty import Liberty
from bsdgen.synth.mapping import Mapped, map_design, read_cells
from bsdgen.synth.result import Asic, AsicRow
from bsdgen.synth.timing import ACTIVITY, INSTALL, Timing, estimate_power, find_sta, time_netlist

Progress = Callable[[str, int, int], None]


def synthesise(
    designs: Sequence[Design],
    liberty: Liberty,
    *,
    clock_mhz: float = 100.0,
    sta: bool | None = None,
    progress: Progress | None = None,
) -> Asic:
    """Map designs to standard cells and time them.

    Parameters
    ----------
    sta : whether OpenSTA is asked; None: if it is there.
    clock_mhz : clock at which power is told.
    progress : called with (name of the design, designs done, all).

    Raises
    ------
    InputError
        A design cannot be synthesised, or the library lacks cells.
    CheckFailed
        The cells of a step function are another function than the model's diagram.
    ToolError
        Yosys is missing; or OpenSTA, and `sta` asks for it.
    """
    used = find_sta() is not None if sta is None else sta
    if used and find_sta() is None:
        raise ToolError(f"OpenSTA is missing: there is no `sta` on the PATH; {INSTALL}")
    rows = []
    for done, design in enumerate(designs):
        if progress:
            progress(design.name, done, len(designs))
        with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
            rows.append(_asic_row(design, liberty, clock_mhz, used, Path(name)))
    note = "used" if used else "left out" if sta is False else f"is missing: {INSTALL}"
    return Asic(
        liberty=liberty.path.name,
        liberty_sha256=sha256(liberty.path),
        library=liberty.name,
        clock_mhz=clock_mhz,
        activity=ACTIVITY,
        sta=note,
        rows=tuple(rows),
    )


def _asic_row(design: Design, liberty: Liberty, clock_mhz: float, sta: bool, work: Path) -> AsicRow:
    begun = time.perf_counter()
    mapped = map_design(design, liberty, work)
    timing = Timing(None, estimate_power(mapped, liberty, clock_mhz))
    if sta and mapped.cells:
        timing = time_netlist(mapped, liberty, clock_mhz, work)
    area = {name: count * liberty.cells[name].area for name, count in mapped.cells.items()}
    return AsicRow(
        name=design.name,
        area=sum(area.values()),
        sequential_area=sum(value for name, value in area.items() if liberty.cells[name].clock),
        n_cells=sum(mapped.cells.values()),
        cells=mapped.cells,
        memory_bits=mapped.memory_bits,
        memory_area=mapped.memory_area,
        abc_ns=mapped.abc_delay_ns,
        path=timing.path,
        power=timing.power,
        seconds=round(time.perf_counter() - begun, 2),
        graph=design.graph,
        note=timing.note,
        proved_by=_prove_cells(design, mapped, liberty, work),
    )


def _prove_cells(design: Design, mapped: Mapped, liberty: Liberty, work: Path) -> tuple[str, ...]:
    """Engines that prove a step function's cells equal to its model's diagram; none for other designs."""
    if design.model is None:
        return ()
    cells = order_by_schema(read_cells(design, mapped, work), design.model.schema)
    if not prove_equivalent(aig_from_bsd(design.model.bsd), cells).equal:
        raise CheckFailed(
            f"{design.name}: its cells are not the model's function; either Yosys, ABC or what "
            f"{liberty.path} says of its cells' functions is wrong"
        )
    return ENGINES


def synthesise_fpga(
    designs: Sequence[Design], family: Family, *, progress: Progress | None = None
) -> tuple[FpgaRow, ...]:
    """Map designs to an FPGA family; errors as in `map_fpga`."""
    rows = []
    for done, design in enumerate(designs):
        if progress:
            progress(f"{design.name} on {family}", done, len(designs))
        with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
            rows.append(map_fpga(design, family, Path(name)))
    return tuple(rows)
