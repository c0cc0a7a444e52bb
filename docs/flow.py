"""Draws docs/img/flow.svg: ``python docs/flow.py``. What is read and written, from left to right."""

from pathlib import Path

from bsdgen.report.style import FONT, css_variables

WIDTH, HEIGHT, BOX_W, BOX_H = 980, 300, 128, 54

# key: (column centre, row centre, first line, second line, is it an artifact?)
BOXES = {
    "elf": (80, 60, "programs", "*.elf", True),
    "record": (80, 170, "record", "bsdgen.isa, .traces", False),
    "traces": (254, 170, "traces", "*.parquet", True),
    "oracle": (254, 60, "oracle", "bits in, bits out", True),
    "learn": (428, 170, "learn", "bsdgen.learn", False),
    "model": (602, 170, "model", "model.json, .npz", True),
    "emit": (602, 60, "emit", ".circuit, .emit, .core", False),
    "hardware": (776, 60, "hardware", "Verilog, AIGER", True),
    "cosim": (900, 170, "cosim", "bsdgen.cosim", False),
    "measure": (776, 170, "measure", "bsdgen.measure", False),
    "report": (838, 262, "report", "HTML, JSON", True),
}
ARROWS = [
    ("elf", "record"),
    ("record", "traces"),
    ("traces", "learn"),
    ("oracle", "learn"),
    ("learn", "model"),
    ("model", "emit"),
    ("emit", "hardware"),
    ("hardware", "cosim"),
    ("model", "measure"),
    ("measure", "report"),
    ("cosim", "report"),
]


def box(key: str) -> str:
    """Draw one box: filled for an artifact, outlined for a stage."""
    x, y, first, second, artifact = BOXES[key]
    w = BOX_W if key not in ("measure", "cosim") else 112
    kind = "artifact" if artifact else "stage"
    return (
        f'<rect class="{kind}" x="{x - w / 2}" y="{y - BOX_H / 2}" width="{w}" height="{BOX_H}" rx="7"/>'
        f'<text class="name" x="{x}" y="{y - 3}">{first}</text>'
        f'<text class="file" x="{x}" y="{y + 15}">{second}</text>'
    )


def arrow(start: str, end: str) -> str:
    """Draw a line from the edge of one box to the edge of another."""
    x0, y0, x1, y1 = *BOXES[start][:2], *BOXES[end][:2]
    if y0 == y1:
        half0, half1 = (56 if key in ("measure", "cosim") else BOX_W / 2 for key in (start, end))
        points = (x0 + half0, y0, x1 - half1 - 5, y1)
    elif start in ("oracle", "hardware"):
        points = (x0 + 30, y0 + BOX_H / 2, x1 - 20, y1 - BOX_H / 2 - 5)
    else:
        down = 1 if y1 > y0 else -1
        points = (x0, y0 + down * BOX_H / 2, x1 if x0 == x1 else (x0 + x1) / 2, y1 - down * (BOX_H / 2 + 5))
    return '<line x1="{}" y1="{}" x2="{}" y2="{}" marker-end="url(#tip)"/>'.format(*points)


def picture() -> str:
    """Put the picture together."""
    style = (
        f"{css_variables()}svg{{background:var(--surface)}}text{{font-family:{FONT};text-anchor:middle}}"
        ".name{font-size:14px;font-weight:600;fill:var(--ink)}.file{font-size:11px;fill:var(--muted)}"
        ".artifact{fill:var(--soft);stroke:none}.stage{fill:none;stroke:var(--accent);stroke-width:1.4}"
        "line{stroke:var(--muted);stroke-width:1.3}.wall{stroke:var(--bad);stroke-dasharray:5 4}"
        ".says{font-size:11px;fill:var(--bad)}path{fill:var(--muted)}"
    )
    wall = (
        '<line class="wall" x1="341" y1="20" x2="341" y2="240"/>'
        '<line class="wall" x1="515" y1="20" x2="515" y2="240"/>'
        '<text class="says" x="428" y="34">the wall: bits only</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        "<title>Programs are recorded, traces and an oracle are learned from, the model is emitted, "
        f"co-simulated, measured and reported</title><style>{style}</style>"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="5" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto">'
        '<path d="M0 0L8 4L0 8z"/></marker></defs>'
        f"{wall}{''.join(arrow(*ends) for ends in ARROWS)}{''.join(map(box, BOXES))}</svg>\n"
    )


if __name__ == "__main__":
    path = Path(__file__).parent / "img" / "flow.svg"
    path.write_text(picture(), encoding="utf-8")
    print(path)
