"""The learned logic as Verilog in which shared functions are modules of their own.

Modules and ports are those of `bsdgen.emit.verilog`, so the file can take the place of that one. Each unit
that the learner found is a module ``<name>_unit<i>``; a part that needs it has an instance ``unit<i>`` with
its operands on wires ``unit<i>_a`` and so on. What is not in a unit, the operand multiplexers and the
control, is written as there, a wire a node. An operand bit that a part's own outputs do not depend on is tied
to 0, so that no part reads an input late. A model without units is written as `bsdgen.emit.verilog` does it.
"""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from bsdgen.bsd import Bsd
from bsdgen.emit.parts import Part, fresh, header, input_bits, split_parts
from bsdgen.emit.shared_units import SharedUnit, Word, children, schedule, shared_units
from bsdgen.emit.verilog import (
    bit_text,
    flip,
    head_lines,
    join_lines,
    node_line,
    output_lines,
    verilog_text,
)
from bsdgen.model import Model

_WIDTH = 100  # of concatenations and comments
Namer = Callable[[int], str]


class _Names:
    """Texts of literals: of the whole model, and changed for one module."""

    def __init__(self, model: Model) -> None:
        fields = [field.name for field in model.schema.fields]
        self.first = 1 + model.bsd.n_inputs
        self.node = fresh("n", fields)
        self.unit = fresh("unit", [*fields, *(field.part for field in model.schema.outputs)])
        self.bits = [bit_text(field, bit) for field, bit in input_bits(model)]

    def plain(self, index: int) -> str:
        """The text of an index, not complemented."""
        if index == 0:
            return "1'b0"
        return self.bits[index - 1] if index < self.first else f"{self.node}{index}"

    def namer(self, instead: dict[int, str]) -> Namer:
        """Function from literals to text; `instead`: by index, what stands for it in a module."""

        def name(literal: int) -> str:
            if literal <= 1:
                return f"1'b{literal}"
            text = instead.get(literal >> 1) or self.plain(literal >> 1)
            return flip(text) if literal & 1 else text

        return name


def _bit(word: Word, bit: int, of: str = "") -> str:
    name = f"{of}{word.name}"
    return name if len(word.literals) == 1 else f"{name}[{bit}]"


def _texts(words: Iterable[Word], of: str = "") -> dict[int, str]:
    """What stands for each index that a unit's port carries; the first port that does."""
    texts: dict[int, str] = {}
    for word in words:
        for bit, literal in enumerate(word.literals):
            if literal is not None and literal > 1:
                text = _bit(word, bit, of)
                texts.setdefault(literal >> 1, flip(text) if literal & 1 else text)
    return texts


def _range(word: Word) -> str:
    width = len(word.literals)
    return "" if width == 1 else f"[{width - 1}:0] "


def _comment(lines: Iterable[str], indent: str = "") -> list[str]:
    """Comment lines, wrapped."""
    found = []
    for line in lines:
        found += textwrap.wrap(
            line, _WIDTH, initial_indent=f"{indent}// ", subsequent_indent=f"{indent}//     "
        )
    return found


def _unit_module(bsd: Bsd, unit: SharedUnit, title: str, names: _Names) -> list[str]:
    lines = _comment([f"Unit {unit.number}: {len(unit.nodes)} nodes.", *unit.says])
    for word in unit.operands + unit.results:
        where = f"{word.name}{_range(word).strip()}"
        lines += _comment([f"{where} is {word.says[0]}", *(f"    {text}" for text in word.says[1:])])
    ports = [f"  input  wire {_range(word):<7}{word.name}" for word in unit.operands]
    ports += [f"  output wire {_range(word):<7}{word.name}" for word in unit.results]
    lines += [f"module {title} (", ",\n".join(ports), ");"]
    name = names.namer(_texts(unit.operands))
    lines += [node_line(bsd, index, name) for index in unit.nodes]
    for word in unit.results:
        for bit, literal in enumerate(word.literals):
            lines.append(f"  assign {_bit(word, bit)} = {name(literal or 0)};")
    return [*lines, "endmodule", ""]


def concatenation(texts: Sequence[str]) -> str:
    """Bits, the lowest first, as one expression, the highest first; runs of a word are a range.

    >>> concatenation(["a[0]", "a[1]", "n7", "1'b0"]), concatenation(["~a[0]", "~a[1]"])
    ("{1'b0, n7, a[1:0]}", '~a[1:0]')
    """
    split = [text.rstrip("]").rpartition("[") if text.endswith("]") else ("", "", text) for text in texts]

    def run(item: tuple[int, tuple[str, str, str]]) -> tuple[str, int]:
        at, (word, bracket, bit) = item
        return (word, int(bit) - at) if bracket else (f"{bit} alone", -at)

    parts = []
    for _, group in groupby(enumerate(split), key=run):
        inside = [texts[at] for at, _ in group]
        low, high = inside[0], inside[-1]
        word, _, bit = low.rstrip("]").rpartition("[")
        parts.append(low if low == high else f"{word}[{high.rstrip(']').rpartition('[')[2]}:{bit}]")
    if len(parts) == 1:
        return parts[0]
    text = "{" + ", ".join(reversed(parts)) + "}"
    return "\n".join(textwrap.wrap(text, _WIDTH, subsequent_indent="    ", break_long_words=False))


def _instance(
    unit: SharedUnit, title: str, names: _Names, name: Namer, used: Sequence[int], bsd: Bsd
) -> list[str]:
    """Operand wires, result wires and the instance of a unit in a part, which uses some of its nodes."""
    instance = f"{names.unit}{unit.number}"
    needed = children(bsd, used)
    lines = _comment([f"Operands and results of unit {unit.number}."], "  ")
    for word in unit.operands:
        texts = [
            name(literal) if literal is not None and literal >> 1 in needed else "1'b0"
            for literal in word.literals
        ]
        lines.append(f"  wire {_range(word)}{instance}_{word.name} = {concatenation(texts)};")
    lines += [f"  wire {_range(word)}{instance}_{word.name};" for word in unit.results]
    pins = ", ".join(f".{word.name}({instance}_{word.name})" for word in unit.operands + unit.results)
    return [*lines, f"  {title} {instance} ({pins});"]


def _part_module(bsd: Bsd, part: Part, title: str, units: Sequence[SharedUnit], names: _Names) -> list[str]:
    """A part with instances of the units of which it uses at least half."""
    first = 1 + bsd.n_inputs
    wanted = [False] * (first + bsd.n_nodes)
    for i in part.nodes.tolist():
        wanted[first + i] = True
    here = [unit for unit in units if 2 * sum(wanted[index] for index in unit.nodes) >= len(unit.nodes)]
    order = schedule(bsd, [set(unit.nodes) for unit in here], wanted)
    assert order is not None, "units that wait for each other were left out before"
    instead: dict[int, str] = {}
    for unit in here:
        instead |= _texts(unit.results, f"{names.unit}{unit.number}_")
    name = names.namer(instead)
    lines = head_lines(f"{title}_{part.name}", part.inputs, part.outputs)
    for item in order:
        if item > 0:
            lines.append(node_line(bsd, item, name))
        else:
            unit = here[-1 - item]
            used = [index for index in unit.nodes if wanted[index]]
            lines += _instance(unit, f"{title}_{names.unit}{unit.number}", names, name, used, bsd)
    return [*lines, *output_lines(part, name), "endmodule", ""]


def structural_text(model: Model, name: str) -> str:
    """The whole file.

    Parameters
    ----------
    name : prefix of the modules' names.

    Raises
    ------
    InputError
        A part's name cannot be a module's.
    """
    units = shared_units(model)
    if not units:
        return verilog_text(model, name)
    parts = split_parts(model)
    names = _Names(model)
    said = [
        f"  {name}_{names.unit}{unit.number}: {len(unit.nodes)} nodes, "
        f"{sum(len(word.literals) for word in unit.operands)} operand bits, used in {len(unit.says)} contexts"
        for unit in units
    ]
    lines = [f"// {line}" for line in header(model, name, parts, said)] + [""]
    for unit in units:
        lines += _unit_module(model.bsd, unit, f"{name}_{names.unit}{unit.number}", names)
    for part in parts:
        lines += _part_module(model.bsd, part, name, units, names)
    return "\n".join(lines + join_lines(model, name, parts))
