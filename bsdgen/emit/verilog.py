"""The learned logic as one Verilog file, written in topological order.

A module ``<name>_<part>`` for each part of the schema's outputs, and ``<name>_step`` that joins them. One
wire a node, so that a line of the file is a node of the diagram. Verilog-2001 only.
"""

from collections.abc import Callable, Sequence

from bsdgen.bsd import Bsd
from bsdgen.emit.parts import Part, fresh, header, input_bits, split_parts
from bsdgen.model import Model
from bsdgen.traces.schema import Field

# Words of Verilog and SystemVerilog that a field may be called; simulators read .v files as either.
_RESERVED = """
accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin
bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos
config const constraint context continue cover covergroup coverpoint cross deassign default defparam design
disable dist do edge else end endcase endchecker endclass endclocking endconfig endfunction endgenerate
endgroup endinterface endmodule endpackage endprimitive endprogram endproperty endsequence endspecify
endtable endtask enum event eventually expect export extends extern final first_match for force foreach
forever fork forkjoin function generate genvar global highz0 highz1 if iff ifnone ignore_bins illegal_bins
implements implies import incdir include initial inout input inside instance int integer interconnect
interface intersect join join_any join_none large let liblist library local localparam logic longint
macromodule matches medium modport module nand negedge nettype new nexttime nmos nor noshowcancelled not
notif0 notif1 null or output package packed parameter pmos posedge primitive priority program property
protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase
randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0
rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal
showcancelled signed small soft solve specify specparam static string strong strong0 strong1 struct super
supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time timeprecision timeunit
tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned until
until_with untyped use uwire var vectored virtual void wait wait_order wand weak weak0 weak1 while wildcard
wire with within wor xnor xor
"""
_KEYWORDS = frozenset(_RESERVED.split())


def identifier(name: str) -> str:
    """A name as Verilog writes it; keywords and non-ASCII names are escaped.

    >>> identifier("insn"), identifier("output")
    ('insn', '\\\\output ')
    """
    return f"\\{name} " if name in _KEYWORDS or not name.isascii() else name


def _bit(field: Field, bit: int) -> str:
    return identifier(field.name) if field.width == 1 else f"{identifier(field.name)}[{bit}]"


def _port(direction: str, field: Field) -> str:
    width = "" if field.width == 1 else f"[{field.width - 1}:0] "
    return f"  {direction:<6} wire {width:<7}{identifier(field.name)}"


def _flip(text: str) -> str:
    return text[1:] if text.startswith("~") else f"~{text}"


def ite_text(guard: str, high: str, low: str) -> str:
    """``ITE(guard, high, low)`` in Verilog, as the operator it is.

    Operands are names, complemented names or the constants ``1'b0`` and ``1'b1``.

    >>> ite_text("a", "~b", "b"), ite_text("a", "b", "1'b0"), ite_text("~a", "b", "c")
    ('a ^ b', 'a & b', 'a ? c : b')
    """
    if guard.startswith("~"):
        guard, high, low = guard[1:], low, high
    if high == "1'b1":
        return guard if low == "1'b0" else f"{guard} | {low}"
    if high == "1'b0":
        return f"~{guard}" if low == "1'b1" else f"~{guard} & {low}"
    if low == "1'b0":
        return f"{guard} & {high}"
    if low == "1'b1":
        return f"~{guard} | {high}"
    if high == _flip(low):
        return f"{guard} ^ {low}"
    return f"{guard} ? {high} : {low}"


def _namer(bsd: Bsd, bits: Sequence[str], prefix: str) -> Callable[[int], str]:
    """Function from literals to text."""
    first = 1 + bsd.n_inputs

    def name(literal: int) -> str:
        index = literal >> 1
        if index == 0:
            return "1'b1" if literal & 1 else "1'b0"
        text = bits[index - 1] if index < first else f"{prefix}{index}"
        return f"~{text}" if literal & 1 else text

    return name


def _module(bsd: Bsd, part: Part, title: str, name: Callable[[int], str]) -> list[str]:
    first = 1 + bsd.n_inputs
    ports = [_port("input", field) for field in part.inputs] + [
        _port("output", field) for field in part.outputs
    ]
    lines = [f"module {title} (", ",\n".join(ports), ");"]
    for i in part.nodes.tolist():
        text = ite_text(name(int(bsd.guard[i])), name(int(bsd.high[i])), name(int(bsd.low[i])))
        lines.append(f"  wire {name(2 * (first + i))} = {text};")
    bits = [_bit(field, bit) for field in part.outputs for bit in range(field.width)]
    lines += [f"  assign {bit} = {name(root)};" for bit, root in zip(bits, part.roots, strict=True)]
    return [*lines, "endmodule", ""]


def _join(model: Model, title: str, parts: list[Part]) -> list[str]:
    ports = [_port("input", field) for field in model.schema.inputs]
    ports += [_port("output", field) for field in model.schema.outputs]
    names = [field.name for field in model.schema.fields]
    lines = [f"module {title}_step (", ",\n".join(ports), ");"]
    for part in parts:
        instance = part.name
        while instance in names or instance in _KEYWORDS:
            instance += "_"
        pins = ",\n".join(
            f"    .{identifier(field.name)}({identifier(field.name)})" for field in part.inputs + part.outputs
        )
        lines += [f"  {title}_{part.name} {instance} (", pins, "  );"]
    return [*lines, "endmodule", ""]


def verilog_text(model: Model, name: str) -> str:
    """The whole file.

    Parameters
    ----------
    name : prefix of the modules' names.
    """
    parts = split_parts(model)
    prefix = fresh("n", [field.name for field in model.schema.fields])
    bits = [_bit(field, bit) for field, bit in input_bits(model)]
    literal = _namer(model.bsd, bits, prefix)
    lines = [f"// {line}" for line in header(model, name, parts)] + [""]
    for part in parts:
        lines += _module(model.bsd, part, f"{name}_{part.name}", literal)
    return "\n".join(lines + _join(model, name, parts))
