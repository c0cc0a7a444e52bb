"""Faults in the text of an emitted core: its shell of registers, pc, memory port or bus, and RVFI port.

A *site* is one place where one operator applies; sites are found in the assignments, clocked statements and
memory ports of the core's module. What is inside the learned modules stands in another file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bsdgen.errors import UsageError

SHELL_KINDS: tuple[str, ...] = (
    "branches swapped",
    "condition stuck at 0",
    "condition stuck at 1",
    "gate replaced",
    "constant changed",
    "state not updated",
    "index bit stuck",
    "bits reversed",
    "bit stuck at 0",
    "bit stuck at 1",
    "operand inverted",
    "write enable stuck at 0",
    "write enable stuck at 1",
    "ports swapped",
)
"""Kinds of faults; fault k is of kind ``k % len(SHELL_KINDS)``."""

_TAG = 0x7368656C
_NAME = r"\\\S+ |[A-Za-z_][A-Za-z0-9_$]*"


@dataclass(frozen=True)
class ShellFault:
    """One changed line.

    Attributes
    ----------
    number, kind : of the list that a seed gives, and of `SHELL_KINDS`.
    line : its number in the file, from 1.
    old, new : the line before and after, without space around.
    """

    number: int
    kind: str
    line: int
    old: str
    new: str

    @property
    def text(self) -> str:
        """The kind, and what became of the line."""
        return f"{self.kind}, line {self.line}: {_short(self.old)}  became  {_short(self.new)}"


def _short(text: str) -> str:
    return text if len(text) <= 90 else f"{text[:60]} ... {text[-25:]}"


def sites(verilog: str) -> dict[str, list[tuple[int, str]]]:
    """Every place for each kind of fault: position of the line, and the line as it would be."""
    lines = verilog.splitlines()
    widths = _widths(lines)
    found: dict[str, list[tuple[int, str]]] = {kind: [] for kind in SHELL_KINDS}
    for at, line in enumerate(lines):
        for kind, new in _of_line(line, widths, verilog):
            if new != line:
                found[kind].append((at, new))
    return found


def draw_shell_fault(verilog: str, seed: int, number: int) -> ShellFault:
    """Draw fault `number` of a seed; the place is uniform among those of its kind.

    Raises
    ------
    UsageError
        The text has no place for any fault of that kind.
    """
    kind = SHELL_KINDS[number % len(SHELL_KINDS)]
    places = sites(verilog)[kind]
    if not places:
        raise UsageError(
            f"the core's Verilog has no place for the fault {kind!r}; expected one written by `bsdgen emit`"
        )
    at, new = places[int(np.random.default_rng([_TAG, seed, number]).integers(len(places)))]
    return ShellFault(number, kind, at + 1, verilog.splitlines()[at].strip(), new.strip())


def faulty_verilog(verilog: str, fault: ShellFault) -> str:
    """The text with the fault in it."""
    lines = verilog.splitlines()
    lines[fault.line - 1] = fault.new
    return "\n".join(lines) + "\n"


def _widths(lines: list[str]) -> dict[str, int]:
    """Width of every declared net, by name."""
    widths = {}
    for line in lines:
        match = re.match(rf"\s*(?:input|output|wire|reg)\s+(?:\[(\d+):0\]\s*)?({_NAME})\s*(?:;|=)", line)
        if match:
            widths[match[2].strip()] = int(match[1] or 0) + 1
    return widths


def _of_line(line: str, widths: dict[str, int], verilog: str) -> Iterator[tuple[str, str]]:
    """Kinds of faults that a line has place for, with what it becomes."""
    assign = re.fullmatch(rf"(\s*assign ({_NAME})\s*= )(.*);", line)
    if assign and _is_read(assign[2].strip(), verilog):
        for kind, new in _of_expression(assign[3], widths):
            yield kind, f"{assign[1]}{new};"
        index = re.fullmatch(rf"registers\[({_NAME})\s*\]", assign[3])
        if index:
            for new in _stuck_index(index[1], widths):
                yield "index bit stuck", f"{assign[1]}registers[{new}];"
    state = re.fullmatch(rf"(\s*)({_NAME})\s*<= ({_NAME})\s*;", line)
    if state:
        yield "state not updated", f"{state[1]}{state[2]} <= {state[2]};"
    write = re.fullmatch(rf"(\s*registers\[)({_NAME})(\s*\] <= .*)", line)
    if write:
        for new in _stuck_index(write[2], widths):
            yield "index bit stuck", f"{write[1]}{new}{write[3]}"
    read = re.fullmatch(rf"(\s*(?:{_NAME})\s*<= registers\[)({_NAME})(\s*\];)", line)
    if read:
        for new in _stuck_index(read[2], widths):
            yield "index bit stuck", f"{read[1]}{new}{read[3]}"
    guard = re.fullmatch(rf"(\s*if \()({_NAME})(\s*\).*)", line)
    if guard:
        for value in "01":
            yield f"write enable stuck at {value}", f"{guard[1]}1'h{value}{guard[3]}"
    port = re.fullmatch(rf"(\s*\.)(\w+)\((?:{_NAME})\),?", line)
    partner = next((net for net in _PARTNERS.get(port[2], ()) if net in widths), None) if port else None
    if port and partner:
        zero = " & 32'd0" if port[2] == "pc_rdata" else ""
        yield "ports swapped", f"{port[1]}{port[2]}({partner}{zero}){',' * line.endswith(',')}"


# What an input of a learned module is tied to instead: the first net that the shell has.
_PARTNERS = {
    "rs1_rdata": ("rvfi_rs2_rdata",),
    "rs2_rdata": ("rvfi_rs1_rdata",),
    "insn": ("mem_rdata", "bus_rdata", "step_mem_rdata"),
    "mem_rdata": ("fetch_data", "rvfi_insn"),
    "pc_rdata": ("rvfi_pc_wdata",),
}


def _is_read(name: str, verilog: str) -> bool:
    """Whether a net is a port, or something reads it: Yosys writes names that nothing reads, too."""
    declared = re.search(rf"^\s*output\b[^;]*\b{re.escape(name)}\s*;", verilog, re.MULTILINE)
    uses = len(re.findall(rf"(?<![\w$\\]){re.escape(name)}(?![\w$])", verilog))
    return declared is not None or uses > 2  # its declaration, and this assignment


def _of_expression(text: str, widths: dict[str, int]) -> Iterator[tuple[str, str]]:
    choice = re.fullmatch(r"(\S+)\s+\? (.*) : (.*)", text)
    if choice:
        yield "branches swapped", f"{choice[1]} ? {choice[3]} : {choice[2]}"
        yield "condition stuck at 0", f"1'h0 ? {choice[2]} : {choice[3]}"
        yield "condition stuck at 1", f"1'h1 ? {choice[2]} : {choice[3]}"
    for old, new in ((" & ", " | "), (" | ", " & "), (" + ", " - ")):
        if old in text and not text.startswith(old.strip()):
            yield "gate replaced", text.replace(old, new, 1)
    for old, new in (("| ", "& "), ("~ ", "")):
        if text.startswith(old):
            yield "gate replaced", new + text.removeprefix(old)
    for match in re.finditer(r"(\d+)'([hd])([0-9a-f]+)", text):
        value = int(match[3], 16 if match[2] == "h" else 10) ^ 1
        yield "constant changed", f"{text[: match.start()]}{match[1]}'h{value:x}{text[match.end() :]}"
    for match in re.finditer(rf"(?<![\w$\\'.])({_NAME})", text):
        name = match[1].strip()
        before, after = text[: match.start()], text[match.end() :]
        width = widths.get(name, 0)
        if not width or after.lstrip().startswith("["):
            continue
        read = f"{name} " if name.startswith("\\") else name
        yield "operand inverted", f"{before}(~{read}){after}"
        if width > 1:
            yield "bits reversed", f"{before}{_reversed(read, width)}{after}"
            for bit in (0, 1, width // 2, width - 1):
                yield "bit stuck at 0", f"{before}({read} & ~{width}'d{1 << bit}){after}"
                yield "bit stuck at 1", f"{before}({read} | {width}'d{1 << bit}){after}"


def _reversed(read: str, width: int) -> str:
    return "{" + ", ".join(f"{read}[{bit}]" for bit in range(width)) + "}"


def _stuck_index(name: str, widths: dict[str, int]) -> Iterator[str]:
    width = widths.get(name.strip(), 0)
    for bit in range(width):
        yield f"{name} & ~{width}'d{1 << bit}"
        yield f"{name} | {width}'d{1 << bit}"
