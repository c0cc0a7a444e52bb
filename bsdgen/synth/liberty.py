"""Liberty files: which cells there are, how large they are, what they leak.

Yosys, ABC and OpenSTA read the file themselves; what is read here decides whether the file can be used, which
cells are flip-flops and where their clock goes in, and the power where OpenSTA is missing.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bsdgen.errors import InputError

DEFAULT_PLACES = (
    Path("build/liberty/osu018_stdcells.lib"),
    Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib"),
)
"""Where a liberty is looked for: where ``make liberty`` puts it, and where its Debian package does."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}();:,\n]|[^\s{}();:,"]+', re.DOTALL)
_SCALE = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3}


@dataclass
class _Group:
    """``kind (name) { attributes, groups }``."""

    kind: str
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    groups: list["_Group"] = field(default_factory=list)

    def of(self, kind: str) -> Iterator["_Group"]:
        return (group for group in self.groups if group.kind == kind)


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes
    ----------
    area : in the file's unit, which is µm² by custom.
    leakage_w, energy_j : static power; mean energy inside the cell of one change of an output.
    clock : pin that a flip-flop's clock goes to; "" of other cells.
    buffered : of a buffer that may be used, the pin that it repeats; "" of other cells.
    outputs : names of output pins.
    """

    name: str
    area: float
    leakage_w: float
    energy_j: float
    clock: str
    buffered: str
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Liberty:
    """A standard-cell library.

    Attributes
    ----------
    path, name : the file and what it calls itself.
    cells : by name.
    """

    path: Path
    name: str
    cells: dict[str, Cell]

    @property
    def flip_flops(self) -> list[str]:
        """Cells that are flip-flops."""
        return [cell.name for cell in self.cells.values() if cell.clock]


def find_liberty() -> Path | None:
    """The default liberty, if it is there."""
    return next((path for path in DEFAULT_PLACES if path.is_file()), None)


def read_liberty(path: Path) -> Liberty:
    """Read what is needed of a liberty file.

    Raises
    ------
    InputError
        The file is missing, is no liberty, or holds no cells that logic can be made of.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); give a liberty file with --lib, or get one with "
            "`make liberty`"
        ) from error
    library = _parse(text, path)
    if library.kind != "library":
        raise InputError(
            f"{path}: is no liberty file (it begins with {library.kind[:20]!r}, expected "
            "'library (name) {'); give the .lib of a standard-cell library, or get one with `make liberty`"
        )
    cells = {group.name: _cell(group, library, path) for group in library.of("cell")}
    if not any(cell.outputs and not cell.clock for cell in cells.values()):
        raise InputError(
            f"{path}: holds {len(cells)} cells, none of them a gate; expected a standard-cell library"
        )
    return Liberty(path, library.name, cells)


def _parse(text: str, path: Path) -> _Group:
    """The first group of the file; one without groups inside if the file is something else."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)
    text = re.sub(r"\\[ \t]*\r?\n", " ", text)
    root = _Group("", "")
    inside = [root]
    words: list[str] = []
    for token in (match.group(0) for match in _TOKEN.finditer(text)):
        ends_line = token == "\n" and len(words) > 2 and words[1] == ":"  # the semicolon is often forgotten
        if token == "{":
            name = words[words.index("(") + 1 : -1] if "(" in words else []
            group = _Group(words[0] if words else "", " ".join(word.strip('"') for word in name))
            inside[-1].groups.append(group)
            inside.append(group)
        elif token in (";", "}") or ends_line:
            if len(words) > 2:
                inside[-1].attributes[words[0]] = " ".join(words[2:] if words[1] == ":" else words[2:-1])
            if token == "}" and len(inside) > 1:
                inside.pop()
        else:
            words += [token] if token != "\n" else []
            continue
        words = []
    if len(inside) > 1 and inside[1].kind == "library":
        raise InputError(
            f"{path}: ends inside {inside[-1].kind} {inside[-1].name!r}: it is cut short; get it anew"
        )
    return root.groups[0] if root.groups else _Group(next(iter(text.split()), ""), "")


def _number(text: str) -> float | None:
    """A number; None of what is none, or is infinite."""
    try:
        value = float(text.strip('"'))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _unit(text: str, letter: str) -> float:
    """A unit as ``1nW`` or ``1 , pf`` says it, in SI.

    >>> _unit('"1nW"', "w"), _unit("1 , pf", "f"), _unit("", "w")
    (1e-09, 1e-12, 1.0)
    """
    match = re.search(rf"(\d+\.?\d*(?:e[+-]?\d+)?)[\s,]*([fpnumk]?){letter}", text, re.IGNORECASE)
    return float(match[1]) * _SCALE[match[2].lower()] if match else 1.0


def _cell(group: _Group, library: _Group, path: Path) -> Cell:
    state = next((item for kind in ("ff", "ff_bank") for item in group.of(kind)), None)
    clock = re.search(r"\w+", state.attributes.get("clocked_on", "").replace('"', "")) if state else None
    pins = [pin for pin in group.of("pin") if pin.attributes.get("direction", "").strip('"') == "output"]
    area = _number(group.attributes.get("area", ""))
    if area is None or area < 0:
        raise InputError(
            f"{path}: cell {group.name!r} has the area {group.attributes.get('area', 'none')!r}, expected a "
            "number; is it a standard-cell library?"
        )
    leakage = _number(group.attributes.get("cell_leakage_power", ""))
    if leakage is None:  # some libraries say it for each state of the inputs alone
        states = [_number(state.attributes.get("value", "")) or 0.0 for state in group.of("leakage_power")]
        leakage = sum(states) / len(states) if states else 0.0
    energies = [
        _number(value) or 0.0
        for pin in pins
        for power in pin.of("internal_power")
        for kind in ("rise_power", "fall_power")
        for table in power.of(kind)
        for value in re.split(r"[\s,\"]+", table.attributes.get("values", ""))
        if value
    ]
    voltage = _unit(library.attributes.get("voltage_unit", ""), "v")
    energy_unit = _unit(library.attributes.get("capacitive_load_unit", ""), "f") * voltage**2
    return Cell(
        name=group.name,
        area=area,
        leakage_w=leakage * _unit(library.attributes.get("leakage_power_unit", ""), "w"),
        energy_j=energy_unit * sum(energies) / len(energies) if energies else 0.0,
        clock=clock.group(0) if clock else "",
        buffered=_buffered(group, pins) if state is None and not _kept_away(group) else "",
        outputs=tuple(pin.name for pin in pins if "function" in pin.attributes),
    )


def _kept_away(group: _Group) -> bool:
    """Whether a cell is not for logic in general."""
    names = ("dont_use", "is_level_shifter", "is_isolation_cell", "always_on")
    return any(group.attributes.get(name, "").strip('"').lower() == "true" for name in names)


def _buffered(group: _Group, outputs: list[_Group]) -> str:
    """The pin that the only output repeats, if it does."""
    inputs = [
        pin.name for pin in group.of("pin") if pin.attributes.get("direction", "").strip('"') == "input"
    ]
    if len(outputs) != 1 or len(inputs) != 1 or "three_state" in outputs[0].attributes:
        return ""
    function = re.sub(r"[\s\"()]", "", outputs[0].attributes.get("function", ""))
    return inputs[0] if function == inputs[0] else ""
