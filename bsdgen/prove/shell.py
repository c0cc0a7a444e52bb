"""A shell with a bus as a function from state and inputs to next state and ports.

It has state that the specification does not have: the operands, read from the registers as the word arrives.
The invariant of the induction says what they hold: in EXECUTE, where the word reads rs1, the register that it
names, else the one that the shell shows in rvfi_rs1_addr, and so for rs2. That is put in for them (anything
may stand there where the invariant says nothing), so that every state in which it holds is met; that it holds
in the next state is an output that is proved with the others. All other flip-flops are one to one the
specification's state.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bsdgen.bits import from_bool, to_bool
from bsdgen.circuit.aig import Aig, AigBuilder, copy_into
from bsdgen.circuit.netlist import StateNetlist, read_state_netlist
from bsdgen.core.shells import emit_command
from bsdgen.prove.core import UNDEFINED, NoCore, differences, named_register, pc_begins_wrong
from bsdgen.spec.bus import (
    BUS_STATE,
    EXECUTE,
    HELD,
    LATER,
    NATIVE,
    OPERANDS,
    START,
    WISHBONE,
    Bus,
    bus_schema,
    operand_graph,
    operand_schema,
)
from bsdgen.spec.cells import Cube
from bsdgen.spec.machine import DIFFERENCES, NEXT, REGISTERS
from bsdgen.spec.step import Base
from bsdgen.traces.schema import Field, Schema, bit_names

BUSES: dict[str, Bus] = {"fpga": NATIVE, "wishbone": WISHBONE}
"""Shells that can be proved here, and their buses."""

_CLOCK = "clk"
_INNER = "core."  # the multi-cycle core inside of another shell
_ALIASES = {
    "phase": ("phase",),
    "insn": ("rvfi_insn", "insn"),
    "pc": ("rvfi_pc_rdata", "pc"),
    "order": ("rvfi_order", "order"),
    "intr": ("rvfi_intr", "trapped"),
    **{name: (f"rvfi_{name}", f"step_{name}") for name in OPERANDS},
}
_STATE = (*BUS_STATE, *((name, 32) for name in OPERANDS))


def read_shell(files: Sequence[Path], top: str) -> StateNetlist:
    """Read an emitted shell; see `bsdgen.circuit.netlist.read_state_netlist`."""
    return read_state_netlist(files, top)


def _again(top: str) -> str:
    """What to do about a shell: its name ends that of its module."""
    return f"write it again with `{emit_command('MODEL', top.rpartition('_')[2])}`"


def _bits(name: str, width: int) -> list[str]:
    return bit_names((Field(name, width, "in"),))


def state_bits(net: StateNetlist, top: str) -> list[str]:
    """Name of each state bit; all of them are there once, but for x0, which may be missing.

    Raises
    ------
    NoCore
        A flip-flop is no state of such a shell, one is missing, or two are the same.
    """
    names: dict[tuple[str, int], str] = {}
    for name, width in _STATE:
        aliases = _ALIASES.get(name, (f"registers[{name.removeprefix('x')}]",))
        for bit, own in enumerate(_bits(name, width)):
            names |= {(alias, bit): own for alias in aliases}
    found: list[str] = []
    for held in net.aliases:
        known = {names.get((name.removeprefix(_INNER), bit), "") for name, bit in held} - {""}
        if len(known) != 1:
            shown = ", ".join(sorted(f"{name}[{bit}]" for name, bit in held)[:3])
            raise NoCore(
                f"{top}: the flip-flop {shown} is none of phase, insn, operands, pc, 32 registers, order and "
                "intr; only shells written by `bsdgen emit` can be proved, or one with the same state"
            )
        found += known
    counts = Counter(found)
    for name, width in _STATE:
        for own in _bits(name, width):
            if counts[own] != 1 and (counts[own] or name != "x0"):
                raise NoCore(f"{top}: has {counts[own]} flip-flops for {own}, expected one; {_again(top)}")
    return found


_OPERAND_BITS = [own for name in OPERANDS for own in _bits(name, 32)]


class _Copies:
    """Copies of a netlist, one a cycle, in one graph.

    Parameters
    ----------
    net, state : the netlist and the names of its state bits.
    schema : whose inputs are the graph's first ones.
    n_free : further inputs: values that nothing says anything of.
    """

    def __init__(self, net: StateNetlist, top: str, state: list[str], schema: Schema, n_free: int) -> None:
        self.net, self.top, self.state = net, top, state
        names = schema.input_names()
        self.position = {name: 2 * (1 + at) for at, name in enumerate(names)}
        self.builder = AigBuilder(len(names) + n_free)
        self.free = iter(range(2 * (1 + len(names)), 2 * (1 + len(names) + n_free), 2))

    def executes(self, state: Mapping[str, int]) -> int:
        """Literal of the phase EXECUTE."""
        literal = 1
        for bit, name in enumerate(_bits("phase", 2)):
            literal = self.builder.and_(literal, state[name] ^ (not EXECUTE >> bit & 1))
        return literal

    def numbers(self, state: dict[str, int], when: str = "") -> dict[str, int]:
        """Literals of rvfi_rs1_addr and rvfi_rs2_addr with operands of 0: what operands are said to be.

        Whether the shell shows them so whatever the operands are is proved of its ports.
        """
        shown = self.cycle(state | dict.fromkeys(_OPERAND_BITS, 0), when)
        return {
            f"rvfi_{at}_addr[{bit}]": shown.get(f"rvfi_{at}_addr[{bit}]", 0)
            for at in ("rs1", "rs2")
            for bit in range(5)
        }

    def cycle(self, before: dict[str, int], when: str = "") -> dict[str, int]:
        """Literals of ports and next state, by name.

        Parameters
        ----------
        before : literals of the state.
        when : what the names of the cycle's inputs start with.
        """
        literals = []
        for name in self.net.inputs:
            given = name if name.startswith("reset_pc[") else when + name
            if name in ("", _CLOCK):
                literals.append(next(self.free))
            elif given in self.position and name not in before:
                literals.append(self.position[given])
            else:
                raise NoCore(
                    f"{self.top}: has an input {name}, expected clk, rst, reset_pc and the answers of a bus; "
                    f"{_again(self.top)}"
                )
        literals += [before[name] for name in self.state]
        made = copy_into(self.builder, self.net.aig, literals)
        n = len(self.net.outputs)
        after = {NEXT + name: literal for name, literal in zip(self.state, made[n:], strict=True)}
        for name in _bits("x0", 32):  # a shell without a word for x0 keeps it 0
            after.setdefault(NEXT + name, 0)
        return dict(zip(self.net.outputs, made[:n], strict=True)) | after


def shell_function(
    net: StateNetlist, top: str, bus: Bus, base: Base = "rv32i", classes: tuple[str, ...] | None = None
) -> tuple[Aig, Schema]:
    """The shell over `bus_schema`, with further inputs for what is undefined.

    Raises
    ------
    NoCore
        It has other ports, or other state than `state_bits` expects.
    """
    state, schema = state_bits(net, top), bus_schema(bus)
    n_undefined = 2 * sum(name in ("", _CLOCK) for name in net.inputs)
    n_free = 2 * n_undefined + 32 * len(OPERANDS)
    copies = _Copies(net, top, state, schema, n_free)
    before = {own: copies.position[own] for name, width in BUS_STATE for own in _bits(name, width)}
    before |= _operands(copies, copies.numbers(before), base, classes)
    now = copies.cycle(before)
    after = {name: now[NEXT + name] for name in before}
    later = copies.cycle(after, LATER)
    outputs = now | {HELD + name: literal for name, literal in later.items()}
    outputs |= differences(copies.builder, now, before, now.get("rvfi_valid", 0))
    kept = copies.numbers(after, LATER) | {f"rvfi_{name}": after[name] for name in _OPERAND_BITS}
    differs = differences(copies.builder, kept, after, copies.executes(after))
    outputs |= {NEXT + name: literal for name, literal in differs.items()}
    outputs["retires"] = copies.builder.or_(now.get("rvfi_valid", 0), later.get("rvfi_valid", 0))
    missing = [name for name in schema.output_names() if name not in outputs]
    if missing:
        raise NoCore(f"{top}: lacks {', '.join(missing[:5])}; {_again(top)}")
    more = [Field(f"{UNDEFINED}{i}", 1, "in") for i in range(n_free)]
    wider = Schema((*schema.inputs, *more, *schema.outputs))
    return copies.builder.build([outputs[name] for name in schema.output_names()]), wider


def _operands(
    copies: _Copies, numbers: dict[str, int], base: Base, classes: tuple[str, ...] | None
) -> dict[str, int]:
    """Literals of the operands in any state in which the invariant holds."""
    builder, given = copies.builder, [copies.position[name] for name in operand_schema().input_names()]
    made = dict(
        zip(
            operand_schema().output_names(),
            copy_into(builder, operand_graph(base, classes), given),
            strict=True,
        )
    )
    executes = copies.executes(copies.position)
    literals = {}
    for name in OPERANDS:
        at = name.removesuffix("_rdata")
        address = [numbers[f"rvfi_{at}_addr[{bit}]"] for bit in range(5)]
        shown = named_register(builder, address, copies.position)
        for own, held in zip(_bits(name, 32), shown, strict=True):
            known = builder.ite(made[f"reads_{at}"], made[own], held)
            literals[own] = builder.ite(executes, known, next(copies.free))
    return literals


def shell_rows(schema: Schema, bus: Bus) -> dict[str, tuple[int, ...]]:
    """Rows of the table: positions of outputs, by name."""
    fields: dict[str, tuple[int, ...]] = {}
    at = 0
    for field in schema.outputs:
        fields[field.name] = tuple(range(at, at + field.width))
        at += field.width

    def joint(names: Sequence[str]) -> tuple[int, ...]:
        return tuple(at for name in names for at in fields[name])

    rows = {f"next {name}": fields[NEXT + name] for name in ("phase", "insn", "pc", "x0")}
    rows["next x1-x31"] = joint([NEXT + name for name in REGISTERS[1:]])
    rows["next order, intr"] = joint([f"{NEXT}order", f"{NEXT}intr"])
    rows["next operands"] = joint([NEXT + name for name in (*OPERANDS, *DIFFERENCES)])
    rows |= {name: fields[name] for name, _ in bus.asks}
    rows["rvfi_*"] = joint([name for name in fields if name.startswith("rvfi_")])
    rows["rvfi registers"] = joint(DIFFERENCES)
    rows["request held"] = joint([HELD + name for name, _ in bus.asks])
    rows["retires"] = fields["retires"]
    return rows


def built_in_reset_pc(net: StateNetlist, top: str, learned: Aig, schema: Schema) -> tuple[int | None, Cube]:
    """The first pc of a shell that has it built in, and its cube of inputs; None if it is the port.

    Raises
    ------
    NoCore
        No instruction can stand there.
    """
    if any(name.startswith("reset_pc[") for name in net.inputs):
        return None, ()
    names = schema.input_names()
    row = np.zeros((1, learned.n_inputs), np.bool_)
    row[0, names.index("rst")] = True
    shown = to_bool(learned.evaluate(from_bool(row)), learned.n_outputs)[0]
    first = schema.output_names().index(f"{NEXT}pc[0]")
    bits = [bool(shown[first + bit]) for bit in range(32)]
    at = names.index("reset_pc[0]")
    value = sum(1 << bit for bit in range(32) if bits[bit])
    if value % 4:
        raise NoCore(
            f"{top}: has the first pc {value:#010x} built in, expected a multiple of 4, where an instruction "
            f"can stand; {_again(top)}"
        )
    return value, tuple((at + bit, set_) for bit, set_ in enumerate(bits))


def shell_begins_wrong(net: StateNetlist, top: str, reset_pc: int | None) -> str:
    """What is wrong with the state at power-up, where the induction begins; "" for nothing.

    Parameters
    ----------
    reset_pc : the first pc, where it is built in.
    """
    first = dict(zip(state_bits(net, top), net.initial, strict=True))
    if any(first.get(name, False) is not False for name in _bits("x0", 32)):
        return "its word for x0 does not start as 0"
    if any(first[name] is not bool(START >> bit & 1) for bit, name in enumerate(_bits("phase", 2))):
        return "it does not start with a cycle without a request"
    return pc_begins_wrong([first[name] for name in _bits("pc", 32)], reset_pc)
