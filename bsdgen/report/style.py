"""Looks shared by all pictures: one accent colour, and colours that follow the page's light or dark mode.

Pictures are drawn with stand-in colours that are then replaced by CSS variables, so that one SVG serves both
modes.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib.figure import Figure

INK, MUTED, ACCENT, SURFACE, RULE, BAD, SOFT = (f"#0{n}0{n}0{n}" for n in range(1, 8))
_VARIABLES = {
    INK: "ink", MUTED: "muted", ACCENT: "accent", SURFACE: "surface", RULE: "rule", BAD: "bad", SOFT: "soft"
}  # fmt: skip

LIGHT = {
    "ink": "#1b1f24",
    "muted": "#5c6670",
    "accent": "#0f6fb8",
    "surface": "#ffffff",
    "rule": "#dde2e7",
    "bad": "#c2352b",
    "soft": "#b9d6ec",
}
DARK = {
    "ink": "#e7eaee",
    "muted": "#9aa5b1",
    "accent": "#58b0f0",
    "surface": "#14181d",
    "rule": "#2c343d",
    "bad": "#ff7b6e",
    "soft": "#244a66",
}
FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif'


def css_variables() -> str:
    """CSS that defines the colours for both modes."""
    light = "".join(f"--{name}:{value};" for name, value in LIGHT.items())
    dark = "".join(f"--{name}:{value};" for name, value in DARK.items())
    return f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"


@contextmanager
def figure(width: float, height: float) -> Iterator[Figure]:
    """Make a figure (inches) with the house style."""
    from matplotlib import rc_context

    style: Any = {
        "svg.fonttype": "none",
        "font.size": 9,
        "axes.edgecolor": RULE,
        "axes.labelcolor": MUTED,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "text.color": INK,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "grid.color": RULE,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
    }
    with rc_context(style):
        yield Figure(figsize=(width, height), layout="constrained")


def to_svg(drawn: Figure, salt: str, label: str) -> str:
    """Render as an SVG element for a page.

    Parameters
    ----------
    drawn : the figure.
    salt : sets this picture's ids apart from those of the page's others; the same salt gives the same text.
    label : what the picture shows, for those who cannot see it.
    """
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        drawn.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'id="([^"]+)"', rf'id="{salt}-\1"', text)
    text = re.sub(r'(xlink:href="|url\()#', rf"\1#{salt}-", text)
    for colour, name in _VARIABLES.items():
        text = text.replace(colour, f"var(--{name})")
    width = re.search(r'width="([\d.]+)pt" height="[\d.]+pt"', text)
    if width:
        text = text.replace(width.group(0), f'style="max-width:{width.group(1)}pt" role="img"', 1)
    return text.replace(">", f"><title>{label}</title>", 1)


def standalone(svg: str) -> str:
    """Make an inline SVG a file of its own that follows the reader's light or dark mode."""
    style = f"{css_variables()}svg{{background:var(--surface)}}svg text{{font-family:{FONT}!important}}"
    return '<?xml version="1.0" encoding="utf-8"?>\n' + svg.replace(
        "</title>", f"</title><style>{style}</style>", 1
    )
