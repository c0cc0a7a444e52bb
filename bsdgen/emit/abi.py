"""``ABI.md`` beside each format: which port is which field, in which bit order, and how nets are called."""

from collections.abc import Sequence

from bsdgen.emit.parts import digest_line, source_lines
from bsdgen.model import Model
from bsdgen.traces.schema import Field

_WORDS = "ports have the fields' names and widths; bit 0 is the least significant"
_BITS = "one {what} a bit, called `field[bit]`, or `field` if the field has one bit"
_NODES = "`n<i>` is node i of the diagram (`bsdgen inspect MODEL --node i`)"

_NOTES: dict[str, tuple[str, ...]] = {
    "verilog": (
        f"Module `{{name}}_step`; {_WORDS}. It joins a module `{{name}}_<part>` for each part of the table.",
        f"A wire a node: {_NODES}. Keywords and non-ASCII names are escaped identifiers (`\\name `).",
    ),
    "structural": (
        f"Module `{{name}}_step`; {_WORDS}. Modules and ports are those of the format `verilog`; each may "
        "take the place of the other.",
        f"{_NODES}. `{{name}}_unit<i>` is unit i of `bsdgen inspect MODEL --units`, its ports `a`, `b`, ... "
        "the operands, the widest first, `x` further bits in, `y` its functions, `z` further nodes out; in a "
        "part these are `unit<i>_a` and so on. Operand bits that a part does not need are 0 there.",
    ),
    "amaranth": (
        f"Component `Step`; {_WORDS}. `{{name}}_step.v` is its elaboration, module `{{name}}_step`.",
        f"A line a node: {_NODES}. In the elaboration, nodes of one kind and depth are bits of one signal, "
        "`<kind>_<depth>`, in the order of their lines. A name that is a Python keyword is reached by "
        "`getattr`.",
    ),
    "rtlil": (
        f"Module `\\{{name}}_step`; {_WORDS}. Modules and ports are those of the format `verilog`.",
        f"A wire and a cell a node: {_NODES}; `n<i>_not` is its complement. All names are public (`\\name`).",
    ),
    "blif": (
        f"Model `{{name}}_step`, flat; {_BITS.format(what='signal')}.",
        f"A `.names` a node: {_NODES}. `read_blif -wideports` in Yosys makes words of the bits again.",
    ),
    "aiger": (
        f"Binary AIGER 1.9 without latches; {_BITS.format(what='symbol')}.",
        "Inputs and outputs stand in packing order: input i and output i are bit i of the tables. The graph "
        "is the diagram's, by structural hashing; the optimised one is `circuit.aig`.",
    ),
    "pla": (
        "A file an output bit, `{name}_<field>_<bit>.pla`; `.ilb` and `.ob` name the bits as `field[bit]`, "
        "a letter that is not ASCII as `_u<hex>_`.",
        "Only output bits of few inputs have one; its columns are the inputs that it needs. All rows that no "
        "product covers are 0.",
    ),
    "dot": (
        "Nodes `o<i>`: output bit i in packing order, `i<k>`: input bit k - 1 in packing order, `c0`: the "
        "constant 0, `n<i>`: node i of the diagram, `cut`: nodes that were left out.",
        "An edge's `class` is guard (bold), high (solid: the guard is 1) or low (dashed); `odot` at its head "
        "complements. The edge of an output is a high one.",
    ),
    "fusesoc": (
        f"Core `{{vlnv}}`, top module `{{name}}_step`; {_WORDS}.",
        "`rtl/` holds copies of the Verilog, so that the folder can be put under any cores root. Target "
        "`core`, where there is one, is the CPU around the learned logic.",
    ),
}


def abi_text(model: Model, name: str, form: str, files: Sequence[str]) -> str:
    """The whole file, in Markdown.

    Parameters
    ----------
    name : prefix of the modules' names.
    form : the format.
    files : names of the files that it describes.
    """
    from bsdgen.emit.fusesoc import vlnv

    notes = [note.format(name=name, vlnv=vlnv(name)) for note in _NOTES[form]]
    lines = [
        f"# {name}: {form}",
        "",
        *(f"- `{file}`" for file in files),
        "",
        *(f"{note}\n" for note in notes),
    ]
    lines += ["## Inputs", "", *_table(model.schema.inputs, part=False)]
    lines += ["", "## Outputs", "", *_table(model.schema.outputs, part=True), ""]
    lines += [
        "A row's bits in the packing order of bsdgen: fields in the order of the tables without padding, "
        "each with its least significant bit first; *packed* is where a field's bits are in it.",
        "",
        "The logic is combinational: no clock, no state. Where an output means nothing (a don't care of the "
        "oracle, such as the address of an instruction that reads no memory) it has whatever value made the "
        "diagram smaller; do not rely on it, and do not expect two models to agree there.",
        "",
        *(f"{line}  " for line in source_lines(model)),
        digest_line(model),
        "",
    ]
    return "\n".join(lines)


def _table(fields: Sequence[Field], part: bool) -> list[str]:
    if not fields:
        return ["none"]
    lines = ["| name | width | bits | packed |" + (" part |" if part else "")]
    lines.append("|---|--:|---|---|" + ("---|" if part else ""))
    at = 0
    for field in fields:
        bits = f"{field.name}[{field.width - 1}:0]" if field.width > 1 else field.name
        packed = f"{at} to {at + field.width - 1}" if field.width > 1 else str(at)
        row = f"| `{field.name}` | {field.width} | `{bits}` | {packed} |"
        lines.append(row + (f" {field.part} |" if part else ""))
        at += field.width
    return lines
