"""Draws docs/img/shell_*.svg: ``python docs/shells.py``. What a shell holds, and what goes where."""

from dataclasses import dataclass
from pathlib import Path

from bsdgen.report.style import FONT, css_variables

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A block: what is learned is filled, what holds state has a line on the left, as a flip-flop's clock."""

    x: float
    y: float
    name: str
    says: str
    kind: str = "logic"
    w: float = 120
    h: float = 52

    def draw(self) -> str:
        """Its rectangle and words, around its centre."""
        left, top = self.x - self.w / 2, self.y - self.h / 2
        clock = ""
        if self.kind == "state":
            clock = f'<path class="clock" d="M{left} {top + 6}V{top + self.h - 6}"/>'
        return (
            f'<rect class="{self.kind}" x="{left}" y="{top}" width="{self.w}" height="{self.h}" rx="5"/>'
            f"{clock}"
            f'<text class="name" x="{self.x}" y="{self.y - 2}">{self.name}</text>'
            f'<text class="says" x="{self.x}" y="{self.y + 14}">{self.says}</text>'
        )


@dataclass(frozen=True)
class Wire:
    """A line through points, an arrow at its end, with words at a place."""

    points: tuple[Point, ...]
    says: str = ""
    at: Point = (0, 0)
    anchor: str = "middle"

    def draw(self) -> str:
        """Its line and words."""
        path = "M" + "L".join(f"{x} {y}" for x, y in self.points)
        (x, y), anchor = self.at, self.anchor
        said = f'<text class="wire" x="{x}" y="{y}" text-anchor="{anchor}">{self.says}</text>'
        return f'<path class="line" d="{path}" marker-end="url(#tip)"/>' + (said if self.says else "")


def picture(title: str, size: Point, boxes: list[Box], wires: list[Wire]) -> str:
    """Put a picture together."""
    style = (
        f"{css_variables()}svg{{background:var(--surface)}}text{{font-family:{FONT}}}"
        ".name{font-size:13px;font-weight:600;fill:var(--ink);text-anchor:middle}"
        ".says{font-size:10.5px;fill:var(--muted);text-anchor:middle}.wire{font-size:10.5px;fill:var(--ink)}"
        ".learned{fill:var(--soft);stroke:var(--accent);stroke-width:1.4}"
        ".state,.logic{fill:var(--surface);stroke:var(--muted);stroke-width:1.3}"
        ".clock{stroke:var(--accent);stroke-width:4;fill:none}"
        ".line{fill:none;stroke:var(--muted);stroke-width:1.3}.tip{fill:var(--muted)}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]:g} {size[1]:g}" role="img">'
        f"<title>{title}</title><style>{style}</style>"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
        f"{''.join(wire.draw() for wire in wires)}{''.join(box.draw() for box in boxes)}</svg>\n"
    )


def single() -> str:
    """The single-cycle core."""
    boxes = [
        Box(110, 190, "pc", "32 bits", "state"),
        Box(270, 80, "source", "learned", "learned"),
        Box(450, 80, "registers", "31 × 32, read at once", "state", 140),
        Box(640, 80, "request", "learned", "learned"),
        Box(640, 190, "result", "learned", "learned"),
        Box(450, 190, "RVFI", "order, intr", "state", 140),
    ]
    wires = [
        Wire(((110, 164), (110, 24)), "fetch_addr", (116, 34), "start"),
        Wire(((270, 24), (270, 54)), "fetch_data", (276, 34), "start"),
        Wire(((330, 80), (380, 80)), "rs1, rs2", (355, 74)),
        Wire(((520, 80), (580, 80)), "operands", (549, 74)),
        Wire(((540, 80), (540, 178), (580, 178))),
        Wire(((700, 80), (880, 80)), "mem_addr, masks, mem_wdata", (708, 74), "start"),
        Wire(((880, 178), (700, 178)), "mem_rdata", (708, 172), "start"),
        Wire(((580, 200), (520, 200)), "", (0, 0)),
        Wire(((640, 216), (640, 254), (110, 254), (110, 216)), "pc_wdata, trap", (250, 248)),
        Wire(((560, 200), (560, 138), (450, 138), (450, 106)), "rd", (505, 132)),
        Wire(((380, 190), (330, 190)), "rvfi_*", (345, 184)),
        Wire(((40, 190), (50, 190)), "reset_pc", (4, 184), "start"),
    ]
    return picture("The shell single: an instruction a cycle", (900, 276), boxes, wires)


def fpga() -> str:
    """The multi-cycle core."""
    boxes = [
        Box(110, 210, "pc", "32 bits", "state"),
        Box(110, 100, "insn", "the word executed", "state"),
        Box(290, 100, "source", "learned; word or insn", "learned", 140),
        Box(480, 100, "registers", "block RAM, sync. read", "state", 150),
        Box(670, 60, "request", "learned", "learned"),
        Box(670, 210, "result", "learned", "learned"),
        Box(480, 210, "RVFI", "order, intr", "state", 150),
        Box(290, 210, "phase", "START, FETCH, READ, EXECUTE", "state", 160),
        Box(850, 130, "bus", "access or fetch", "logic", 100, 120),
    ]
    wires = [
        Wire(((170, 100), (220, 100)), "", (0, 0)),
        Wire(((360, 100), (405, 100)), "rs1, rs2", (383, 94)),
        Wire(((555, 100), (590, 100), (590, 60), (610, 60)), "operands", (572, 52)),
        Wire(((590, 100), (590, 200), (610, 200))),
        Wire(((730, 60), (760, 60), (760, 90), (800, 90)), "address, masks, data", (740, 50), "start"),
        Wire(((730, 205), (770, 205), (770, 150), (800, 150)), "next pc", (764, 172), "end"),
        Wire(((670, 236), (670, 276), (110, 276), (110, 236)), "pc_wdata, trap", (300, 270)),
        Wire(((610, 220), (555, 220)), "", (0, 0)),
        Wire(((575, 220), (575, 155), (480, 155), (480, 126)), "rd", (527, 150)),
        Wire(((480, 236), (480, 258)), "rvfi_*", (488, 256), "start"),
        Wire(((900, 100), (1040, 100)), "bus_valid, bus_instr,", (906, 80), "start"),
        Wire(((900, 100), (1040, 100)), "bus_addr, masks, bus_wdata", (906, 94), "start"),
        Wire(((1040, 160), (900, 160)), "bus_ready, bus_rdata", (906, 154), "start"),
        Wire(((850, 70), (850, 16), (110, 16), (110, 74)), "the word that was fetched", (450, 12)),
        Wire(((290, 16), (290, 74)), "", (0, 0)),
        Wire(((850, 190), (850, 226), (730, 226)), "mem_rdata", (800, 240)),
        Wire(((40, 210), (50, 210)), "reset_pc", (2, 204), "start"),
    ]
    return picture("The shell fpga: one bus, registers in block RAM", (1060, 296), boxes, wires)


_ASKS = "wb_cyc, wb_stb, wb_we, wb_adr, wb_sel, wb_dat_w"


def wishbone() -> str:
    """The adapter."""
    boxes = [
        Box(130, 90, "fpga", "the core above", "logic", 130, 130),
        Box(390, 50, "or", "ack | err", "logic", 110, 40),
        Box(390, 130, "choose", "err ? 0 : dat_r", "logic", 110, 40),
    ]
    wires = [
        Wire(((335, 50), (195, 50)), "bus_ready", (265, 44)),
        Wire(((335, 130), (195, 130)), "bus_rdata", (265, 124)),
        Wire(((600, 40), (445, 40)), "wb_ack", (500, 34)),
        Wire(((600, 58), (445, 58)), "wb_err", (500, 72)),
        Wire(((600, 130), (445, 130)), "wb_dat_r", (500, 124)),
        Wire(((470, 58), (470, 100), (390, 100), (390, 110))),
        Wire(((195, 148), (210, 148), (210, 172), (600, 172)), _ASKS, (220, 166), "start"),
    ]
    return picture("The shell wishbone: an adapter around fpga", (640, 190), boxes, wires)


if __name__ == "__main__":
    for draw in (single, fpga, wishbone):
        path = Path(__file__).parent / "img" / f"shell_{draw.__name__}.svg"
        path.write_text(draw(), encoding="utf-8")
        print(path)
