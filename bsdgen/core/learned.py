"""The learned modules that every shell instantiates, and what a model needs so that they make a core."""

from collections.abc import Mapping
from dataclasses import dataclass

from amaranth.hdl import Instance, Module, Signal

from bsdgen.emit.parts import Part, split_parts
from bsdgen.errors import InputError
from bsdgen.model import Model
from bsdgen.traces.schema import RVFI_SCHEMA, Schema

# What must be known before a field exists: the loop that a single cycle must not have.
_LATE = {"rs1_rdata": ("rs1_addr",), "rs2_rdata": ("rs2_addr",), "mem_rdata": ("mem_addr", "mem_rmask")}
_PARTS = frozenset(field.part for field in RVFI_SCHEMA.outputs)


@dataclass(frozen=True, eq=False)
class LearnedModule:
    """A module of the emitted Verilog: its name and the part that it holds."""

    module: str
    part: Part

    def decides(self, *names: str) -> bool:
        """Whether one of these fields comes from it."""
        return any(field.name in names for field in self.part.outputs)


def is_step_function(schema: Schema) -> bool:
    """Whether a model of this schema can be the logic of a core.

    >>> is_step_function(RVFI_SCHEMA), is_step_function(Schema(RVFI_SCHEMA.fields[1:]))
    (True, False)
    """
    return _ports(schema) == _ports(RVFI_SCHEMA)


def _ports(schema: Schema) -> dict[str, tuple[int, str]]:
    return {field.name: (field.width, field.role) for field in schema.fields}


def learned_modules(model: Model, name: str) -> list[LearnedModule]:
    """Modules that a core instantiates.

    Parameters
    ----------
    name : prefix of the modules' names.

    Raises
    ------
    InputError
        The model is no RV32I step function in RVFI's names, or a part depends on what it decides.
    """
    if not is_step_function(model.schema):
        want, have = _ports(RVFI_SCHEMA), _ports(model.schema)
        wrong = [key for key in {**want, **have} if want.get(key) != have.get(key)]
        raise InputError(
            f"model {name}: its fields are not those of an RV32I step function (missing, extra or of another "
            f"width: {', '.join(wrong[:5])}); a core needs a model learned from RVFI rows"
        )
    parts = split_parts(model)
    known = {field.name for field in model.schema.inputs} - set(_LATE)
    waiting = list(parts)
    while waiting:
        known |= {late for late, needed in _LATE.items() if known.issuperset(needed)}
        ready = [part for part in waiting if known.issuperset(field.name for field in part.inputs)]
        if not ready:
            part = waiting[0]
            late = [field.name for field in part.inputs if field.name not in known]
            raise InputError(
                f"model {name}: part {part.name!r} reads {', '.join(late)} and decides what those are read "
                "from, a combinational loop; learn the model with the parts of the RVFI schema"
            )
        known |= {field.name for part in ready for field in part.outputs}
        waiting = [part for part in waiting if part not in ready]
    return [LearnedModule(f"{name}_{part.name}", part) for part in parts]


def step_signals() -> dict[str, Signal]:
    """A signal for each field of the step function."""
    return {item.name: Signal(item.width, name=f"step_{item.name}") for item in RVFI_SCHEMA.fields}


def instantiate(m: Module, learned: LearnedModule, field: Mapping[str, Signal]) -> None:
    """Add a learned module, its ports tied to the signals of its fields."""
    pins = {f"i_{item.name}": field[item.name] for item in learned.part.inputs}
    pins |= {f"o_{item.name}": field[item.name] for item in learned.part.outputs}
    name = learned.part.name
    # Of the shell's own names, pc and registers among them, a proof finds the state by.
    setattr(m.submodules, name if name in _PARTS else f"learned_{name}", Instance(learned.module, **pins))
