"""The learned logic as RTLIL, Yosys's own text form, one simple cell a node in topological order.

The modules and ports are those of the Verilog: ``<name>_<part>`` for each part, and ``<name>_step`` that
joins them. Names are RTLIL's public ones (a backslash in front), which clash with nothing and may hold any
character, so nothing needs an escape. A complement that no cell absorbs is an inverter of its own,
``n<index>_not``, written where it is first needed.
"""

from bsdgen.bsd import Bsd
from bsdgen.emit.gates import Gate, gate
from bsdgen.emit.parts import Part, fresh, header, input_bits, split_parts
from bsdgen.model import Model
from bsdgen.traces.schema import Field

# Cells by kind and by which operands are complemented; the ports of a two-input cell are A and B.
_TWO = {
    ("and", 0, 0): "$_AND_",
    ("and", 0, 1): "$_ANDNOT_",
    ("and", 1, 1): "$_NOR_",
    ("or", 0, 0): "$_OR_",
    ("or", 0, 1): "$_ORNOT_",
    ("or", 1, 1): "$_NAND_",
    ("xor", 0, 0): "$_XOR_",
    ("xor", 0, 1): "$_XNOR_",
}


def _bit(field: Field, bit: int) -> str:
    return f"\\{field.name}" if field.width == 1 else f"\\{field.name} [{bit}]"


def _ports(inputs: tuple[Field, ...], outputs: tuple[Field, ...]) -> list[str]:
    lines = []
    for number, field in enumerate(inputs + outputs, 1):
        width = "" if field.width == 1 else f"width {field.width} "
        lines.append(f"  wire {width}{'input' if field.role == 'in' else 'output'} {number} \\{field.name}")
    return lines


class _Writer:
    """Lines of one module: cells, and the inverters that they turn out to need."""

    def __init__(self, bsd: Bsd, bits: list[str], prefix: str) -> None:
        self.first = 1 + bsd.n_inputs
        self.bits = bits
        self.prefix = prefix
        self.lines: list[str] = []
        self._inverted: set[int] = set()

    def plain(self, index: int) -> str:
        """The signal of an index, not complemented."""
        return self.bits[index - 1] if index < self.first else f"\\{self.prefix}{index}"

    def signal(self, literal: int) -> str:
        """The signal of a literal; makes the inverter that a complemented one needs."""
        index = literal >> 1
        if index == 0:
            return f"1'{literal & 1}"
        if not literal & 1:
            return self.plain(index)
        wire = f"{self.prefix}{index}_not"
        if index not in self._inverted:
            self._inverted.add(index)
            self._cell("$_NOT_", wire, {"A": self.plain(index)})
        return f"\\{wire}"

    def _cell(self, kind: str, wire: str, pins: dict[str, str]) -> None:
        self.lines += [f"  wire \\{wire}", f"  cell {kind} ${wire}"]
        self.lines += [f"    connect \\{pin} {signal}" for pin, signal in pins.items()]
        self.lines += [f"    connect \\Y \\{wire}", "  end"]

    def node(self, index: int, made: Gate) -> None:
        """The cell of a node; its wire is named after it."""
        wire, operands = f"{self.prefix}{index}", made.operands
        if made.kind == "wire":
            source = self.signal(operands[0])
            self.lines += [f"  wire \\{wire}", f"  connect \\{wire} {source}"]
        elif made.kind == "mux":
            guard, high, low = operands
            both = high & low & 1
            pins = {"A": self.signal(low ^ both), "B": self.signal(high ^ both), "S": self.signal(guard)}
            self._cell("$_NMUX_" if both else "$_MUX_", wire, pins)
        else:
            a, b = sorted(operands, key=lambda literal: literal & 1)
            flips = (0, (a ^ b) & 1) if made.kind == "xor" else (a & 1, b & 1)
            pins = {"A": self.plain(a >> 1), "B": self.plain(b >> 1)}
            self._cell(_TWO[made.kind, *flips], wire, pins)


def _module(bsd: Bsd, part: Part, title: str, bits: list[str], prefix: str) -> list[str]:
    writer = _Writer(bsd, bits, prefix)
    for i in part.nodes.tolist():
        made = gate(int(bsd.guard[i]), int(bsd.high[i]), int(bsd.low[i]))
        writer.node(writer.first + i, made)
    targets = [_bit(field, bit) for field in part.outputs for bit in range(field.width)]
    sources = [writer.signal(root) for root in part.roots]
    joins = [f"  connect {target} {source}" for target, source in zip(targets, sources, strict=True)]
    return [f"module \\{title}", *_ports(part.inputs, part.outputs), *writer.lines, *joins, "end", ""]


def _join(model: Model, title: str, parts: list[Part]) -> list[str]:
    lines = ["attribute \\top 1", f"module \\{title}_step"]
    lines += _ports(model.schema.inputs, model.schema.outputs)
    for part in parts:
        lines.append(f"  cell \\{title}_{part.name} ${part.name}")
        lines += [f"    connect \\{field.name} \\{field.name}" for field in part.inputs + part.outputs]
        lines.append("  end")
    return [*lines, "end", ""]


def rtlil_text(model: Model, name: str) -> str:
    """The whole file; linear in the nodes of the parts.

    Parameters
    ----------
    name : prefix of the modules' names.

    Raises
    ------
    InputError
        A part's name cannot be a module's.
    """
    parts = split_parts(model)
    prefix = fresh("n", [field.name for field in model.schema.fields])
    bits = [_bit(field, bit) for field, bit in input_bits(model)]
    lines = [f"# {line}" for line in header(model, name, parts)] + [""]
    for part in parts:
        lines += _module(model.bsd, part, f"{name}_{part.name}", bits, prefix)
    return "\n".join(lines + _join(model, name, parts))
