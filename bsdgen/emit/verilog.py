"""The learned logic as one Verilog file, written in topological order.

A module ``<name>_<part>`` for each part of the schema's outputs, and ``<name>_step`` that joins them. One
wire a node, so that a line of the file is a node of the diagram. Verilog-2001 only.
"""

from collections.abc import Callable, Sequence

from bsdgen.bsd import Bsd
from bsdgen.emit.gates import Gate, gate
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
_SIGNS = {"and": "&", "or": "|", "xor": "^"}


def identifier(name: str) -> str:
    """A name as Verilog writes it; keywords and non-ASCII names are escaped.

    >>> identifier("insn"), identifier("output")
    ('insn', '\\\\output ')
    """
    return f"\\{name} " if name in _KEYWORDS or not name.isascii() else name


def bit_text(field: Field, bit: int) -> str:
    """A bit of a port as Verilog writes it."""
    return identifier(field.name) if field.width == 1 else f"{identifier(field.name)}[{bit}]"


def port_line(direction: str, field: Field) -> str:
    """A port in a module's head."""
    width = "" if field.width == 1 else f"[{field.width - 1}:0] "
    return f"  {direction:<6} wire {width:<7}{identifier(field.name)}"


def flip(text: str) -> str:
    """A text's complement."""
    return text[1:] if text.startswith("~") else f"~{text}"


def gate_text(made: Gate, name: Callable[[int], str]) -> str:
    """A gate in Verilog.

    >>> from bsdgen.emit.gates import gate
    >>> name = {2: "a", 3: "~a", 4: "b", 5: "~b", 6: "c"}.__getitem__
    >>> gate_text(gate(2, 5, 4), name), gate_text(gate(2, 4, 0), name), gate_text(gate(3, 4, 6), name)
    ('a ^ b', 'a & b', 'a ? c : b')
    """
    texts = [name(operand) for operand in made.operands]
    if made.kind == "mux":
        return f"{texts[0]} ? {texts[1]} : {texts[2]}"
    return f" {_SIGNS.get(made.kind, '')} ".join(texts)


def namer(bsd: Bsd, bits: Sequence[str], prefix: str) -> Callable[[int], str]:
    """Function from literals to text."""
    first = 1 + bsd.n_inputs

    def name(literal: int) -> str:
        index = literal >> 1
        if index == 0:
            return "1'b1" if literal & 1 else "1'b0"
        text = bits[index - 1] if index < first else f"{prefix}{index}"
        return f"~{text}" if literal & 1 else text

    return name


def head_lines(title: str, inputs: Sequence[Field], outputs: Sequence[Field]) -> list[str]:
    """A module's head with its ports."""
    ports = [port_line("input", field) for field in inputs]
    ports += [port_line("output", field) for field in outputs]
    return [f"module {title} (", ",\n".join(ports), ");"]


def node_line(bsd: Bsd, index: int, name: Callable[[int], str]) -> str:
    """The wire of one node."""
    i = index - 1 - bsd.n_inputs
    made = gate(int(bsd.guard[i]), int(bsd.high[i]), int(bsd.low[i]))
    return f"  wire {name(2 * index)} = {gate_text(made, name)};"


def module_lines(bsd: Bsd, part: Part, title: str, name: Callable[[int], str]) -> list[str]:
    """The module of one part."""
    first = 1 + bsd.n_inputs
    lines = head_lines(title, part.inputs, part.outputs)
    for i in part.nodes.tolist():
        lines.append(node_line(bsd, first + i, name))
    return [*lines, *output_lines(part, name), "endmodule", ""]


def output_lines(part: Part, name: Callable[[int], str]) -> list[str]:
    """The assignments to a part's outputs."""
    bits = [bit_text(field, bit) for field in part.outputs for bit in range(field.width)]
    return [f"  assign {bit} = {name(root)};" for bit, root in zip(bits, part.roots, strict=True)]


def join_lines(model: Model, title: str, parts: list[Part]) -> list[str]:
    """The module that joins the parts."""
    taken = {field.name for field in model.schema.fields}
    lines = head_lines(f"{title}_step", model.schema.inputs, model.schema.outputs)
    for part in parts:
        instance = part.name
        while instance in taken or instance in _KEYWORDS:
            instance += "_"
        taken.add(instance)
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
    bits = [bit_text(field, bit) for field, bit in input_bits(model)]
    literal = namer(model.bsd, bits, prefix)
    lines = [f"// {line}" for line in header(model, name, parts)] + [""]
    for part in parts:
        lines += module_lines(model.bsd, part, f"{name}_{part.name}", literal)
    return "\n".join(lines + join_lines(model, name, parts))
