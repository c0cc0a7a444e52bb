"""The emitted core as a function from state and inputs to next state and ports.

State is found by the names of its nets: pc is what `fetch_addr` shows, a register is a word of the memory
`registers`. Each flip-flop must be one bit of the specification's state, and each bit one flip-flop (x0 may
have none at all). A wrong guess then cannot prove anything: states that correspond are shown to lead to
states that correspond and to show the same, and any one-to-one correspondence for which that holds will do.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bsdgen.bits import from_bool, to_bool
from bsdgen.circuit.aig import Aig, AigBuilder, copy_into
from bsdgen.circuit.netlist import StateNetlist, read_state_netlist
from bsdgen.errors import InputError
from bsdgen.spec.cells import Cell, Cube
from bsdgen.spec.graph import Specification
from bsdgen.spec.machine import DIFFERENCES, MACHINE_SCHEMA, NEXT, STATE
from bsdgen.traces.schema import Field, Schema

_ALIASES = {"pc": ("fetch_addr", "pc"), "order": ("rvfi_order", "order"), "intr": ("rvfi_intr", "trapped")}
_CLOCK = "clk"
UNDEFINED = "undefined"


def read_core(files: Sequence[Path], top: str) -> StateNetlist:
    """Read an emitted core; see `bsdgen.circuit.netlist.read_state_netlist`."""
    return read_state_netlist(files, top)


class NoCore(InputError):
    """A netlist whose ports or state are not those of a core, so that there is nothing to be proved of it."""


def _state_bits(net: StateNetlist, top: str) -> list[str]:
    """Name in `MACHINE_SCHEMA` of each state bit, all different."""
    names: dict[tuple[str, int], str] = {}
    for name, width in STATE:
        for bit in range(width):
            for alias in _ALIASES.get(name, (f"registers[{name.removeprefix('x')}]",)):
                names[alias, bit] = name if width == 1 else f"{name}[{bit}]"
    found = []
    for aliases in net.aliases:
        known = sorted({names[alias] for alias in aliases if alias in names})
        if len(known) != 1:
            shown = ", ".join(sorted(f"{name}[{bit}]" for name, bit in aliases)[:3])
            raise NoCore(
                f"{top}: the flip-flop {shown} is none of pc, 32 registers, order and intr; only cores "
                "written by `bsdgen emit` can be proved, or one with the same state"
            )
        found += known
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        own = [net.aliases[at] & names.keys() for at, name in enumerate(found) if name == twice[0]]
        nets = " and ".join(sorted({min(alias)[0] for alias in own}))
        raise NoCore(
            f"{top}: {twice[0]} has {len(own)} flip-flops ({nets}), expected one for each bit of pc, "
            "registers, order and intr; write the core again with `bsdgen emit`"
        )
    return found


def core_function(net: StateNetlist, top: str) -> tuple[Aig, Schema]:
    """The core over `MACHINE_SCHEMA`, with further inputs for what its Verilog leaves undefined.

    Raises
    ------
    NoCore
        It has other ports, or state that is not one to one that of the specification.
    """
    state = _state_bits(net, top)
    position = {name: i for i, name in enumerate(MACHINE_SCHEMA.input_names())}
    n, free = MACHINE_SCHEMA.n_inputs, 0
    held = frozenset(_bits_of_state())
    literals = []
    for at, name in enumerate((*net.inputs, *state)):
        # A port of a state's name would be the same input as the state.
        if name in position and (at >= len(net.inputs) or name not in held):
            literals.append(2 * (1 + position[name]))
        elif name in ("", _CLOCK):
            literals.append(2 * (1 + n + free))
            free += 1
        else:
            raise NoCore(f"{top}: has an input {name} that a core written by `bsdgen emit` does not have")
    builder = AigBuilder(n + free)
    made = copy_into(builder, net.aig, literals)
    ports = dict(zip(net.outputs, made[: len(net.outputs)], strict=True))
    outputs = {name: literal for name, literal in ports.items() if not name.startswith(NEXT)}
    outputs |= dict(zip([NEXT + name for name in state], made[len(net.outputs) :], strict=True))
    if not any(name.startswith("x0[") for name in state):  # a core without a word for x0 keeps it 0
        outputs |= {f"{NEXT}x0[{bit}]": 0 for bit in range(32)}
    given = {name: 2 * (1 + at) for name, at in position.items()}
    outputs |= differences(builder, ports, given, ports.get("rvfi_valid", 0))
    missing = [name for name in MACHINE_SCHEMA.output_names() if name not in outputs]
    if missing:
        raise NoCore(f"{top}: lacks {', '.join(missing[:5])}; write it again with `bsdgen emit`")
    more = [Field(f"{UNDEFINED}{i}", 1, "in") for i in range(free)]
    schema = Schema((*MACHINE_SCHEMA.inputs, *more, *MACHINE_SCHEMA.outputs))
    return builder.build([outputs[name] for name in MACHINE_SCHEMA.output_names()]), schema


def differences(
    builder: AigBuilder, ports: Mapping[str, int], registers: Mapping[str, int], where: int
) -> dict[str, int]:
    """Literals of `DIFFERENCES`: what the ports show of rs1 and rs2 against the registers of these numbers.

    Parameters
    ----------
    ports, registers : literals of the bits of ``rvfi_*`` and of ``x1`` to ``x31``, by name.
    where : literal of where they must be the same.
    """
    found = {}
    for name, at in zip(DIFFERENCES, ("rs1", "rs2"), strict=True):
        address = [ports.get(f"rvfi_{at}_addr[{bit}]", 0) for bit in range(5)]
        for bit, held in enumerate(named_register(builder, address, registers)):
            differs = builder.xor(ports.get(f"rvfi_{at}_rdata[{bit}]", 0), held)
            found[f"{name}[{bit}]"] = builder.and_(where, differs)
    return found


def named_register(
    builder: AigBuilder, address: Sequence[int], registers: Mapping[str, int]
) -> Iterator[int]:
    """Literals of the bits of the register with a number; x0 is 0."""
    for bit in range(32):
        words = [0, *(registers[f"x{number}[{bit}]"] for number in range(1, 32))]
        for literal in address:
            words = [builder.ite(literal, *pair) for pair in zip(words[1::2], words[::2], strict=True)]
        yield words[0]


def _bits_of_state() -> list[str]:
    """Names in `MACHINE_SCHEMA` of all state bits."""
    return [name if width == 1 else f"{name}[{bit}]" for name, width in STATE for bit in range(width)]


def fitted(specification: Specification, schema: Schema, fixed: Cube) -> Specification:
    """The machine's specification over more inputs, some inputs fixed."""

    def widened(aig: Aig) -> Aig:
        builder = AigBuilder(schema.n_inputs)
        return builder.build(copy_into(builder, aig, [2 * (1 + v) for v in range(aig.n_inputs)]))

    def narrowed(cell: Cell) -> Cell:
        return cell.within_cube(fixed)

    return replace(
        specification,
        schema=schema,
        values=widened(specification.values),
        care=widened(specification.care),
        cells=tuple(narrowed(cell) for cell in specification.cells),
        whole=narrowed(specification.whole),
    )


def fixed_reset_pc(net: StateNetlist, core: Aig, top: str) -> int | None:
    """The first pc of a core that has it built in; None: it is the port `reset_pc`.

    Raises
    ------
    NoCore
        No instruction can stand there.
    """
    if any(name.startswith("reset_pc[") for name in net.inputs):
        return None
    names = MACHINE_SCHEMA.input_names()
    row = np.zeros((1, core.n_inputs), np.bool_)
    row[0, names.index("rst")] = True
    shown = to_bool(core.evaluate(from_bool(row)), core.n_outputs)[0]
    first = MACHINE_SCHEMA.output_names().index(f"{NEXT}pc[0]")
    value = int(sum(1 << bit for bit in range(32) if shown[first + bit]))
    if value % 4:
        raise NoCore(
            f"{top}: has the first pc {value:#010x} built in, expected a multiple of 4, where an instruction "
            "can stand; write it again with `bsdgen emit`"
        )
    return value


def reset_cube(reset_pc: int) -> Cube:
    """The cube of `MACHINE_SCHEMA`'s inputs in which `reset_pc` has a value."""
    first = MACHINE_SCHEMA.input_names().index("reset_pc[0]")
    return tuple((first + bit, bool(reset_pc >> bit & 1)) for bit in range(32))


def state_registers(verilog: str) -> dict[str, str] | None:
    """Name of the register that holds each state of an emitted core, by the text of its Verilog.

    None if one of them is not declared there.
    """
    found = {f"x{number}": f"registers[{number}]" for number in range(32)}
    for name, aliases in _ALIASES.items():
        declared = [
            alias for alias in aliases if re.search(rf"^\s*reg\b[^;=]*\b{alias}\b", verilog, re.MULTILINE)
        ]
        if not declared:
            return None
        found[name] = declared[0]
    return found


def core_begins_wrong(net: StateNetlist, top: str, reset_pc: int | None) -> str:
    """What is wrong with the state at power-up, where the induction begins; "" for nothing.

    Parameters
    ----------
    reset_pc : the first pc, where it is built in.
    """
    first = dict(zip(_state_bits(net, top), net.initial, strict=True))
    if any(value is not False for name, value in first.items() if name.startswith("x0[")):
        return "its word for x0 does not start as 0"
    return pc_begins_wrong([first.get(f"pc[{bit}]") for bit in range(32)], reset_pc)


def pc_begins_wrong(initial: Sequence[bool | None], reset_pc: int | None) -> str:
    """What is wrong with pc at power-up: a first pc that is built in must be there; "" for nothing.

    A core whose first pc is a port is reset before it means anything.
    """
    if reset_pc is None or list(initial) == [bool(reset_pc >> bit & 1) for bit in range(32)]:
        return ""
    return f"its pc does not start as {reset_pc:#010x}, the first pc that is built in"
