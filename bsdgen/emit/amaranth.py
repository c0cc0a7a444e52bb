"""The learned logic as an Amaranth source file, and what Amaranth makes of it as Verilog.

The file holds a `wiring.Component` for each part and one, `Step`, that joins them; it imports nothing of
bsdgen. Every node is a signal with an assignment of its own: Amaranth walks expressions recursively, so
chains must not nest, and it is quadratic in the assignments to bits of one wide signal (20,000 nodes: 16 s
with a signal each, minutes with one signal for all).
"""

import importlib.util
import keyword
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from bsdgen.bsd import Bsd
from bsdgen.circuit.tools import run_yosys
from bsdgen.emit.parts import Part, fresh, header, split_parts
from bsdgen.errors import InputError, UnsuitableError
from bsdgen.model import Model
from bsdgen.traces.schema import Field

_TAKEN = frozenset({"signature", "elaborate", "metadata"})  # attributes of a Component
_LOCALS = frozenset({"self", "platform", "m", "node", "nodes", "Const", "Module", "Mux", "Signal"})

_PREAMBLE = """
from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out"""


def _check_names(model: Model) -> None:
    for field in model.schema.fields:
        if field.name in _TAKEN or not re.fullmatch(r"[A-Za-z]\w*", field.name, re.ASCII):
            raise UnsuitableError(
                f"field {field.name!r} cannot be a member of an Amaranth component; start it with a "
                f"letter and use none of {', '.join(sorted(_TAKEN))}, or emit another format"
            )


def _local(name: str) -> str:
    """A field's name as a Python variable."""
    return f"{name}_" if keyword.iskeyword(name) or name in _LOCALS else name


def _attribute(owner: str, name: str) -> str:
    """A field as an attribute of a component."""
    return f'getattr({owner}, "{name}")' if keyword.iskeyword(name) else f"{owner}.{name}"


def _class_names(parts: list[Part]) -> list[str]:
    names: list[str] = []
    for part in parts:
        name = "".join(word[:1].upper() + word[1:] for word in part.name.split("_")) or "Part"
        while name in names or name in {"Step", "Const", "Module", "Mux", "Signal", "In", "Out"}:
            name += "_"
        names.append(name)
    return names


def ite_expression(guard: str, high: str, low: str) -> str:
    """``ITE(guard, high, low)`` in Amaranth, as the operator it is; operands as in
    `bsdgen.emit.verilog.ite_text`.

    >>> ite_expression("a", "~b", "b"), ite_expression("~a", "b", "0"), ite_expression("a", "b", "c")
    ('a ^ b', '~a & b', 'Mux(a, b, c)')
    """
    if "0" in (high, low) or "1" in (high, low):
        if guard.startswith("~"):
            guard, high, low = guard[1:], low, high
        text = {("1", "0"): guard, ("0", "1"): f"~{guard}"}.get((high, low), "")
        if text:
            return text
        if low == "0":
            return f"{guard} & {high}"
        if low == "1":
            return f"~{guard} | {high}"
        return f"{guard} | {low}" if high == "1" else f"~{guard} & {low}"
    if high == f"~{low}" or low == f"~{high}":
        return f"{guard} ^ {low}"
    return f"Mux({guard}, {high}, {low})"


def _namer(bsd: Bsd, inputs: tuple[Field, ...], prefix: str) -> Callable[[int], str]:
    first = 1 + bsd.n_inputs
    bits = [
        _local(field.name) if field.width == 1 else f"{_local(field.name)}[{bit}]"
        for field in inputs
        for bit in range(field.width)
    ]

    def name(literal: int) -> str:
        index = literal >> 1
        if index == 0:
            return str(literal & 1)
        text = bits[index - 1] if index < first else f"{prefix}{index}"
        return f"~{text}" if literal & 1 else text

    return name


def _members(fields: tuple[Field, ...], direction: str) -> list[str]:
    return [f'            "{field.name}": {direction}({field.width}),' for field in fields]


def _connect(sink: str, source: str, field: Field) -> str:
    return f"        m.d.comb += {_attribute(sink, field.name)}.eq({_attribute(source, field.name)})"


def _component(part: Part, title: str, bsd: Bsd, prefix: str, name: Callable[[int], str]) -> list[str]:
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
    lines += ["    def elaborate(self, platform):", "        m = Module()", "        nodes = []", ""]
    lines += ["        def node(name, value):", "            signal = Signal(name=name)"]
    lines += ["            nodes.append(signal.eq(value))", "            return signal", ""]
    lines += [f"        {_local(field.name)} = {_attribute('self', field.name)}" for field in part.inputs]
    for i in part.nodes.tolist():
        wire = f"{prefix}{first + i}"
        text = ite_expression(name(int(bsd.guard[i])), name(int(bsd.high[i])), name(int(bsd.low[i])))
        lines.append(f'        {wire} = node("{wire}", {text})')
    lines.append("        m.d.comb += nodes")
    at = 0
    for field in part.outputs:
        for bit in range(field.width):
            value = name(part.roots[at + bit])
            target = _attribute("self", field.name) + ("" if field.width == 1 else f"[{bit}]")
            lines.append(f"        m.d.comb += {target}.eq({value})")
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
    fields = model.schema.fields
    prefix = fresh("n", [_local(field.name) for field in fields])
    literal = _namer(model.bsd, model.schema.inputs, prefix)
    lines = [
        '"""' + "\n".join(header(model, name, parts)).replace("\\", "/").replace('"', "'"),
        '"""',
        _PREAMBLE,
    ]
    for part, title in zip(parts, classes, strict=True):
        lines += _component(part, title, model.bsd, prefix, literal)
    lines += ["", "", "class Step(wiring.Component):", '    """All parts, joined."""', ""]
    lines += ["    def __init__(self):", "        super().__init__({"]
    lines += [*_members(model.schema.inputs, "In"), *_members(model.schema.outputs, "Out"), "        })", ""]
    lines += ["    def elaborate(self, platform):", "        m = Module()"]
    for part, title in zip(parts, classes, strict=True):
        lines.append(f"        m.submodules.{part.name} = part = {title}()")
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
    """While Amaranth elaborates: if that is stopped, no warning for each part that it did not come to."""
    try:
        yield
    except BaseException:
        from amaranth.hdl import UnusedElaboratable

        # For good: the parts are destroyed only when whoever holds the traceback lets go of it.
        warnings.simplefilter("ignore", UnusedElaboratable)
        raise


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


def elaborated_verilog(path: Path, name: str) -> str:
    """Verilog that Amaranth makes of an emitted source file; the top module is ``<name>_step``."""
    from amaranth.back import rtlil

    source = load_source(path)
    with elaborating():
        text = rtlil.convert(source.Step(), name=f"{name}_step", emit_src=False)
    return rtlil_to_verilog(
        text, f"{name}_step: elaborated by Amaranth from {path.name}. Written by `bsdgen emit`."
    )
