"""Fields of a trace: names, widths and roles, stated once.

A schema is an ordered list of input fields and an ordered list of output fields. Bit order and packing are
those of `bsdgen.bits`. In TOML::

    [[field]]
    name = "a"
    width = 32
    role = "in"
"""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from bsdgen.errors import InputError

RESERVED_PARTS = ("step", "core", "fpga", "wishbone")
"""Modules ``<name>_...`` that are not parts: the one that joins them, and the cores around it."""


class Field(msgspec.Struct, frozen=True):
    """One named word of at most 64 bits.

    `part` names the module that an emitter puts an output into (inputs: unused). Parts let a shell use
    outputs that do not depend on late inputs before those inputs exist, without a combinational loop.
    """

    name: str
    width: int
    role: Literal["in", "out"]
    part: str = "result"


class Schema(msgspec.Struct, frozen=True):
    """Input and output fields, in packing order."""

    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        names = [field.name for field in self.fields]
        for field in self.fields:
            if not field.name.isidentifier():
                raise InputError(
                    f"field name must be an identifier, not {field.name!r}; rename it in the schema"
                )
            if not 1 <= field.width <= 64:
                raise InputError(
                    f"field {field.name!r}: width must be 1 to 64 bits, not {field.width}; split wider words"
                )
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise InputError(f"field names must differ, {', '.join(twice)} occur more than once")

    @property
    def inputs(self) -> tuple[Field, ...]:
        """Fields with role ``in``."""
        return tuple(field for field in self.fields if field.role == "in")

    @property
    def outputs(self) -> tuple[Field, ...]:
        """Fields with role ``out``."""
        return tuple(field for field in self.fields if field.role == "out")

    @property
    def n_inputs(self) -> int:
        """Input bits in all."""
        return sum(field.width for field in self.inputs)

    @property
    def n_outputs(self) -> int:
        """Output bits in all."""
        return sum(field.width for field in self.outputs)

    def input_names(self) -> list[str]:
        """One name a bit: ``field[bit]``."""
        return bit_names(self.inputs)

    def output_names(self) -> list[str]:
        """One name a bit: ``field[bit]``."""
        return bit_names(self.outputs)


def check_part(name: str) -> None:
    """Refuse a part that cannot name a module.

    Raises
    ------
    InputError
        It is no identifier in ASCII, or one of `RESERVED_PARTS`.
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or name in RESERVED_PARTS:
        raise InputError(
            f"schema: part {name!r} cannot name a module; use an identifier other than "
            f"{', '.join(RESERVED_PARTS[:-1])} and {RESERVED_PARTS[-1]}"
        )


def bit_names(fields: Sequence[Field]) -> list[str]:
    """Names of the bits of `fields` in packing order.

    >>> bit_names([Field("a", 2, "in"), Field("c", 1, "in")])
    ['a[0]', 'a[1]', 'c']
    """
    names: list[str] = []
    for field in fields:
        if field.width == 1:
            names.append(field.name)
        else:
            names += [f"{field.name}[{bit}]" for bit in range(field.width)]
    return names


def load_schema(path: Path) -> Schema:
    """Read a schema from TOML.

    Raises
    ------
    InputError
        The file is missing, is no TOML, breaks a rule of `Schema` or has a part that cannot name a module.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"schema {path}: cannot be read ({error.strerror}); give a TOML file with [[field]] tables"
        ) from error
    except (ValueError, RecursionError) as error:  # those of tomllib and of decoding are ValueErrors
        raise InputError(
            f"schema {path}: is no TOML ({error}); expected [[field]] tables with name, width and role"
        ) from error
    if not table.get("field"):
        raise InputError(
            f"schema {path}: has no [[field]] table; expected one a field, with name, width and role"
        )
    try:
        fields = msgspec.convert(table["field"], tuple[Field, ...])
    except msgspec.ValidationError as error:
        raise InputError(
            f"schema {path}: {error}; each [[field]] needs name, width and role ('in' or 'out')"
        ) from error
    try:
        for field in fields:
            check_part(field.part)
        return Schema(fields)
    except InputError as error:
        raise InputError(f"schema {path}: {error}") from error


RVFI_SCHEMA = Schema(
    (
        Field("insn", 32, "in"),
        Field("pc_rdata", 32, "in"),
        Field("rs1_rdata", 32, "in"),
        Field("rs2_rdata", 32, "in"),
        Field("mem_rdata", 32, "in"),
        Field("rs1_addr", 5, "out", "source"),
        Field("rs2_addr", 5, "out", "source"),
        Field("rd_addr", 5, "out", "result"),
        Field("rd_wdata", 32, "out", "result"),
        Field("pc_wdata", 32, "out", "result"),
        Field("mem_addr", 32, "out", "request"),
        Field("mem_rmask", 4, "out", "request"),
        Field("mem_wmask", 4, "out", "request"),
        Field("mem_wdata", 32, "out", "request"),
        Field("trap", 1, "out", "result"),
    )
)
"""The RV32I step function in RVFI's names. `source` outputs depend on `insn` alone, `request` outputs not on
`mem_rdata`."""
