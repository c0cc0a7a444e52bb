"""The learned logic as an Amaranth source file, and what Amaranth makes of it as Verilog.

The file holds a `wiring.Component` for each part and one, `Step`, that joins them; it imports nothing of
bsdgen. A line of it is a node, but not a statement of Amaranth: how long Amaranth elaborates goes with
statements and signals (20,000 nodes with a signal each: 28 s), so the file's `Gates` gathers nodes of one
kind and depth and drives them by one statement on wide signals (2.3 s). Chains must not nest, as Amaranth
walks expressions recursively.
"""

import gc
import importlib.util
import keyword
import re
import sys
import tempfile
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from bsdgen.bsd import Bsd
from bsdgen.circuit.tools import run_yosys
from bsdgen.emit.gates import Gate, gate
from bsdgen.emit.parts import Part, digest_line, fresh, header, source_lines, split_parts
from bsdgen.errors import InputError, UnsuitableError
from bsdgen.model import Model
from bsdgen.traces.schema import Field

_TAKEN = frozenset({"signature", "elaborate", "metadata"})  # attributes of a Component
_GLOBALS = frozenset({"Cat", "Const", "Gates", "In", "Module", "Out", "Signal", "Step"})
_LOCALS = _GLOBALS | {"self", "platform", "m", "g", "wiring", "super"}
_WIDTH = 100

_PREAMBLE = '''
from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Gates:
    """Gates as numbers: ~n is the complement of n; 0 and ~0 are the constants.

    Those of one kind and depth become one wide signal, `<kind>_<depth>`, the first made its lowest bit.
    """

    def __init__(self, m):
        self.m = m
        self.bits = [(Const(0, 1), Const(1, 1))]  # by number: a bit and its complement
        self.depths = [0]
        self.made = {}

    def word(self, value):
        """Numbers of an input's bits."""
        first = len(self.bits)
        self.bits += zip(value, self._complement(value))
        self.depths += [0] * len(value)
        return range(first, len(self.bits))

    def _complement(self, value):
        signal = Signal(len(value), name=value.name + "_not")
        self.m.d.comb += signal.eq(~value)
        return signal

    def _gate(self, kind, *operands):
        depth = 1 + max(self.depths[max(n, ~n)] for n in operands)
        self.made.setdefault((depth, kind), []).append((len(self.depths), operands))
        self.depths.append(depth)
        return len(self.depths) - 1

    def and_(self, a, b):
        return self._gate("and", a, b)

    def or_(self, a, b):
        return self._gate("or", a, b)

    def xor(self, a, b):
        return self._gate("xor", a, b)

    def mux(self, guard, high, low):
        return self._gate("mux", guard, high, low)

    def drive(self):
        """All gates, after which `value` knows them."""
        self.bits += [None] * (len(self.depths) - len(self.bits))
        for (depth, kind), made in sorted(self.made.items()):
            a, b, *c = (self.value(column) for column in zip(*(operands for _, operands in made)))
            if kind == "mux":
                guard = Signal(len(made), name=f"guard_{depth}")  # it is read twice
                self.m.d.comb += guard.eq(a)
                made_of = (guard & b) | (~guard & c[0])
            else:
                made_of = a & b if kind == "and" else a | b if kind == "or" else a ^ b
            signal = Signal(len(made), name=f"{kind}_{depth}")
            self.m.d.comb += signal.eq(made_of)
            for (n, _), *pair in zip(made, signal, self._complement(signal)):
                self.bits[n] = pair

    def value(self, numbers):
        """A word of bits, the lowest first."""
        return Cat(self.bits[n][0] if n >= 0 else self.bits[~n][1] for n in numbers)'''


def _check_names(model: Model) -> None:
    for field in model.schema.fields:
        if field.name in _TAKEN or not re.fullmatch(r"[A-Za-z]\w*", field.name, re.ASCII):
            raise UnsuitableError(
                f"field {field.name!r} cannot be a member of an Amaranth component; start it with a "
                f"letter and use none of {', '.join(sorted(_TAKEN))}, or emit another format"
            )


def _unique(names: Sequence[str], taken: frozenset[str]) -> list[str]:
    """Names as Python variables, all different; what cannot be one as it is gets underscores."""
    made: list[str] = []
    for name in names:
        text = name
        while keyword.iskeyword(text) or text in taken or text in made:
            text += "_"
        made.append(text)
    return made


def _attribute(owner: str, name: str) -> str:
    """A field as an attribute of a component."""
    return f'getattr({owner}, "{name}")' if keyword.iskeyword(name) else f"{owner}.{name}"


def _submodule(name: str) -> str:
    """Where a part goes; a name with underscores in front would be another one inside a class."""
    plain = not keyword.iskeyword(name) and not name.startswith("_")
    return f"m.submodules.{name}" if plain else f'm.submodules["{name}"]'


def _class_names(parts: list[Part]) -> list[str]:
    names = ["".join(word[:1].upper() + word[1:] for word in part.name.split("_")) for part in parts]
    return _unique([name if name.isidentifier() else f"Part{name}" for name in names], _GLOBALS)


def gate_call(made: Gate, name: Callable[[int], str]) -> str:
    """A gate as the file has it.

    >>> name = {2: "a", 3: "~a", 4: "b", 6: "c"}.__getitem__
    >>> gate_call(gate(3, 4, 0), name), gate_call(gate(2, 4, 6), name)
    ('g.and_(~a, b)', 'g.mux(a, b, c)')
    """
    texts = ", ".join(name(operand) for operand in made.operands)
    return texts if made.kind == "wire" else f"g.{_METHODS.get(made.kind, made.kind)}({texts})"


_METHODS = {"and": "and_", "or": "or_"}


def _namer(bsd: Bsd, inputs: Sequence[Field], variables: Sequence[str], prefix: str) -> Callable[[int], str]:
    first = 1 + bsd.n_inputs
    bits = [
        variable if field.width == 1 else f"{variable}[{bit}]"
        for field, variable in zip(inputs, variables, strict=True)
        for bit in range(field.width)
    ]

    def name(literal: int) -> str:
        index = literal >> 1
        text = "0" if index == 0 else bits[index - 1] if index < first else f"{prefix}{index}"
        return f"~{text}" if literal & 1 else text

    return name


def _members(fields: tuple[Field, ...], direction: str) -> list[str]:
    return [f'            "{field.name}": {direction}({field.width}),' for field in fields]


def _connect(sink: str, source: str, field: Field) -> str:
    return f"        m.d.comb += {_attribute(sink, field.name)}.eq({_attribute(source, field.name)})"


def _component(
    part: Part, title: str, bsd: Bsd, prefix: str, variables: dict[str, str], name: Callable[[int], str]
) -> list[str]:
    first = 1 + bsd.n_inputs
    lines = [
        "",
        "",
        f"class {title}(wiring.Component):",
        f'    """Part {part.name}: {len(part.nodes)} nodes."""',
        "",
    ]
    lines += ["    def __init__(self):", "        super().__init__({"]
    lines += [*_members(part.inputs, "In"), *_members(part.outputs, "Out"), "        })", ""]
    lines += ["    def elaborate(self, platform):", "        m = Module()", "        g = Gates(m)"]
    for field in part.inputs:
        target = variables[field.name] if field.width > 1 else f"({variables[field.name]},)"
        lines.append(f"        {target} = g.word({_attribute('self', field.name)})")
    for i in part.nodes.tolist():
        made = gate(int(bsd.guard[i]), int(bsd.high[i]), int(bsd.low[i]))
        lines.append(f"        {prefix}{first + i} = {gate_call(made, name)}")
    lines.append("        g.drive()")
    at = 0
    for field in part.outputs:
        texts = ", ".join(name(root) for root in part.roots[at : at + field.width])
        lines.append(f"        m.d.comb += {_attribute('self', field.name)}.eq(g.value([")
        lines += textwrap.wrap(texts, _WIDTH, initial_indent=" " * 12, subsequent_indent=" " * 12)
        lines.append("        ]))")
        at += field.width
    return [*lines, "        return m"]


def amaranth_text(model: Model, name: str) -> str:
    """The whole source file.

    Raises
    ------
    UnsuitableError
        A field's name cannot be a member of an Amaranth component.
    """
    _check_names(model)
    parts = split_parts(model)
    classes = _class_names(parts)
    names = [field.name for field in model.schema.inputs]
    variables = dict(zip(names, _unique(names, _LOCALS | set(classes)), strict=True))
    prefix = fresh("n", variables.values())
    literal = _namer(model.bsd, model.schema.inputs, list(variables.values()), prefix)
    lines = [
        '"""' + "\n".join(header(model, name, parts)).replace("\\", "/").replace('"', "'"),
        '"""',
        _PREAMBLE,
    ]
    for part, title in zip(parts, classes, strict=True):
        lines += _component(part, title, model.bsd, prefix, variables, literal)
    lines += ["", "", "class Step(wiring.Component):", '    """All parts, joined."""', ""]
    lines += ["    def __init__(self):", "        super().__init__({"]
    lines += [*_members(model.schema.inputs, "In"), *_members(model.schema.outputs, "Out"), "        })", ""]
    lines += ["    def elaborate(self, platform):", "        m = Module()"]
    for part, title in zip(parts, classes, strict=True):
        lines.append(f"        {_submodule(part.name)} = part = {title}()")
        lines += [_connect("part", "self", field) for field in part.inputs]
        lines += [_connect("self", "part", field) for field in part.outputs]
    return "\n".join([*lines, "        return m", ""])


def load_source(path: Path) -> ModuleType:
    """Import an emitted source file under a name of its own, leaving no trace in `sys.modules`."""
    spec = importlib.util.spec_from_file_location(f"_emitted_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: is no Python source; write it with `bsdgen emit`")
    module = importlib.util.module_from_spec(spec)
    keep, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = keep
    return module


@contextmanager
def elaborating() -> Iterator[None]:
    """While Amaranth elaborates: if that is stopped, no warning for each part that it did not come to.

    No garbage is collected meanwhile: walking its many small objects again and again takes a quarter of the
    time and finds nothing.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    except BaseException:
        from amaranth.hdl import UnusedElaboratable

        # For good: the parts are destroyed only when whoever holds the traceback lets go of it.
        warnings.simplefilter("ignore", UnusedElaboratable)
        raise
    finally:
        if collecting:
            gc.enable()


def rtlil_to_verilog(text: str, comment: str) -> str:
    """RTLIL as Verilog, through Yosys, with a comment in front."""
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as folder:
        work = Path(folder)
        (work / "in.il").write_text(text, encoding="utf-8")
        run_yosys(
            ["read_rtlil in.il", "proc -norom", "opt_clean", "write_verilog -norename -noattr out.v"],
            cwd=work,
        )
        body = (work / "out.v").read_text(encoding="utf-8")
    # Yosys starts with its own version and build, which is not the file's content.
    body = re.sub(r"\A/\*.*?\*/\s*", "", body, flags=re.DOTALL)
    return "".join(f"// {line}\n" for line in comment.splitlines()) + "\n" + body


def elaborated_verilog(path: Path, name: str, model: Model) -> str:
    """Verilog that Amaranth makes of the source file of `model`; the top module is ``<name>_step``."""
    from amaranth.back import rtlil

    source = load_source(path)
    with elaborating():
        text = rtlil.convert(source.Step(), name=f"{name}_step", emit_src=False)
    says = [f"{name}_step: elaborated by Amaranth from {path.name}.", *source_lines(model)]
    return rtlil_to_verilog(text, "\n".join([*says, digest_line(model), "Written by `bsdgen emit`."]))
