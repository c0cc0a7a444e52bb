"""The learned logic as BLIF (Berkeley Logic Interchange Format), one table a node in topological order.

One flat model ``<name>_step`` whose signals are the bits' names: BLIF has no words. The format has no
escapes either; names hold no blank, ``#``, ``=`` or backslash, since a field's name is an identifier.
Complements are absorbed by the tables.
"""

from collections.abc import Callable, Sequence

from bsdgen.emit.gates import Gate, gate
from bsdgen.emit.parts import fresh, header, split_parts, used_indices
from bsdgen.model import Model

_AND, _OR = "{a}{b} 1", "{a}- 1\n-{b} 1"
_XOR = "{a}{B} 1\n{A}{b} 1"
_MUX = "1{a}- 1\n0-{b} 1"


def _signals(keyword: str, names: Sequence[str]) -> str:
    return " \\\n  ".join([keyword, *names])


def _table(made: Gate, target: str, name: Callable[[int], str]) -> str:
    """A gate's ``.names``: its fanins, then a row a product."""
    guard, operands = made.operands[:-2], made.operands[-2:]
    if made.kind == "wire":
        (literal,) = made.operands
        if literal <= 1:
            return f".names {target}" + ("\n1" if literal else "")
        return f".names {name(literal >> 1)} {target}\n{1 - (literal & 1)} 1"
    fanins = " ".join(name(literal >> 1) for literal in (*guard, *operands))
    a, b = (1 - (literal & 1) for literal in operands)
    rows = {"and": _AND, "or": _OR, "xor": _XOR, "mux": _MUX}[made.kind]
    return f".names {fanins} {target}\n" + rows.format(a=a, b=b, A=1 - a, B=1 - b)


def blif_text(model: Model, name: str) -> str:
    """The whole file; linear in the nodes.

    Parameters
    ----------
    name : prefix of the model's name.

    Raises
    ------
    InputError
        A part's name cannot be a module's.
    """
    bsd, schema = model.bsd, model.schema
    first = 1 + bsd.n_inputs
    prefix = fresh("n", [field.name for field in schema.fields])
    inputs = schema.input_names()

    def signal(index: int) -> str:
        return inputs[index - 1] if index < first else f"{prefix}{index}"

    lines = [f"# {line}" for line in header(model, name, split_parts(model))]
    lines += [f".model {name}_step", _signals(".inputs", inputs), _signals(".outputs", schema.output_names())]
    used = used_indices(bsd, bsd.roots)
    for index, guard, low, high in bsd.nodes():
        if used[index]:
            lines.append(_table(gate(guard, high, low), signal(index), signal))
    for output, root in zip(schema.output_names(), bsd.roots.tolist(), strict=True):
        lines.append(_table(Gate("wire", (root,)), output, signal))
    return "\n".join([*lines, ".end", ""])
