"""What every emitter needs: the model cut into modules, and names that clash with nothing.

Each `part` of the schema's outputs becomes a module that holds the cone of its outputs and has only the
inputs that this cone reads. Nodes in two cones are written twice: that is what keeps a module free of late
inputs.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bsdgen import __version__
from bsdgen.bsd import Bsd
from bsdgen.bsd.literals import I32
from bsdgen.model import Model
from bsdgen.traces.schema import Field, bit_names, check_part

_DIGEST = "Model sha256: "
_FILES = 5  # names of trace files that a header tells


@dataclass(frozen=True, eq=False)
class Part:
    """One module of the learned logic.

    Attributes
    ----------
    name : the schema's name of the part.
    inputs, outputs : fields, in schema order; `inputs` are those that the cone of the outputs reads.
    nodes : int64, shape (n,)
        Positions of the cone's nodes in the diagram's arrays, ascending.
    roots : literals of the output bits, field after field.
    """

    name: str
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    nodes: NDArray[np.int64]
    roots: tuple[int, ...]


def split_parts(model: Model) -> list[Part]:
    """Parts in the order in which the schema's outputs first name them.

    Raises
    ------
    InputError
        A part's name cannot be a module's.
    """
    schema, bsd = model.schema, model.bsd
    first = 1 + bsd.n_inputs
    owner = [i for i, field in enumerate(schema.inputs) for _ in range(field.width)]
    parts = []
    for name in dict.fromkeys(field.part for field in schema.outputs):
        check_part(name)
        roots: list[int] = []
        at = 0
        for field in schema.outputs:
            if field.part == name:
                roots += bsd.roots[at : at + field.width].tolist()
            at += field.width
        used = used_indices(bsd, np.array(roots, np.int32))
        read = {owner[variable] for variable in np.flatnonzero(used[1:first])}
        parts.append(
            Part(
                name,
                tuple(field for i, field in enumerate(schema.inputs) if i in read),
                tuple(field for field in schema.outputs if field.part == name),
                np.flatnonzero(used[first:]),
                tuple(roots),
            )
        )
    return parts


def used_indices(bsd: Bsd, literals: I32) -> NDArray[np.bool_]:
    """Which indices some literals reach: bool, shape (1 + n_inputs + n_nodes,), by index."""
    first = 1 + bsd.n_inputs
    used = [False] * (first + bsd.n_nodes)
    for literal in literals.tolist():
        used[literal >> 1] = True
    guards, lows, highs = bsd.guard.tolist(), bsd.low.tolist(), bsd.high.tolist()
    for i in range(bsd.n_nodes - 1, -1, -1):
        if used[first + i]:
            used[guards[i] >> 1] = used[lows[i] >> 1] = used[highs[i] >> 1] = True
    return np.array(used, np.bool_)


def model_name(folder: Path) -> str:
    """Prefix of the modules' names: the folder's name as an identifier.

    >>> model_name(Path("rtl_out/rv32i")), model_name(Path("out/4-bit adder"))
    ('rv32i', 'm4_bit_adder')
    """
    name = re.sub(r"\W", "_", folder.resolve().name, flags=re.ASCII)
    return name if name[:1].isalpha() else f"m{name}"


def fresh(prefix: str, taken: Iterable[str]) -> str:
    """A prefix with which, whatever follows, no taken name starts.

    >>> fresh("n", ["n1", "insn"]), fresh("n", ["a"])
    ('n_', 'n')
    """
    names = tuple(taken)
    while any(re.match(re.escape(prefix) + r"\d", name) for name in names):
        prefix += "_"
    return prefix


def input_bits(model: Model) -> list[tuple[Field, int]]:
    """Field and bit of each input variable."""
    return [(field, bit) for field in model.schema.inputs for bit in range(field.width)]


def header(model: Model, name: str, parts: list[Part], more: Sequence[str] = ()) -> list[str]:
    """Lines that say what a file is and what it was learned from, for a comment.

    more : lines after those of the parts, about further modules.
    """
    lines = [
        f"{name}: logic learned by bsdgen {__version__} from input/output examples.",
        f"{model.schema.n_inputs} input bits, {model.schema.n_outputs} output bits, "
        f"{model.bsd.n_nodes} nodes ITE(guard, high, low); n<i> is node i of the diagram.",
    ]
    for part in parts:
        lines.append(
            f"  {name}_{part.name}: {len(part.nodes)} nodes; "
            f"{_list(part.inputs) or 'constants'} -> {_list(part.outputs)}"
        )
    lines += [*more, *source_lines(model), digest_line(model)]
    lines.append("Written by `bsdgen emit`; it is checked against the diagram when written. Do not edit.")
    return lines


def source_lines(model: Model) -> list[str]:
    """Lines that say what a model was learned from."""
    lines = []
    if model.info.get("oracle"):
        lines.append(f"Oracle asked: {_short(model.info['oracle'])}")
    if recorded := _recorded(model.info.get("traces")):
        lines.append(f"Recorded rows: {_short(recorded)}")
    return lines


def digest_line(model: Model) -> str:
    """Line of a file's leading comment that says which model it was written from."""
    return f"{_DIGEST}{model.digest}"


def written_from(path: Path) -> str:
    """The digest in the leading comment of an emitted Verilog file; "" if there is none."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in itertools.takewhile(lambda line: line.startswith("//"), file):
            text = line.removeprefix("//").strip()
            if text.startswith(_DIGEST):
                return text.removeprefix(_DIGEST)
    return ""


def _list(fields: tuple[Field, ...]) -> str:
    return ", ".join(field.name for field in fields)


def _recorded(traces: object) -> str:
    """Number of recorded rows and their files' names, from what a model says of its traces."""
    if not isinstance(traces, dict) or not traces.get("rows"):
        return ""
    files = [Path(file["path"]).name for file in traces.get("files", ()) if "path" in file]
    shown = [*files[:_FILES], *([f"{len(files) - _FILES:,} more"] if len(files) > _FILES else [])]
    return f"{traces['rows']:,}" + (f" in {', '.join(shown)}" if shown else "")


def _short(value: object) -> str:
    """One line of at most 160 characters, whatever the value."""
    text = "".join(c if c.isprintable() else "?" for c in " ".join(str(value).split()))
    return text if len(text) <= 160 else text[:157] + "..."


def bits_of(part: Part) -> list[str]:
    """Names of the part's output bits, one a root."""
    return bit_names(part.outputs)
