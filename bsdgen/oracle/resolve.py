"""From text to an oracle."""

import hashlib
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from bsdgen.errors import InputError
from bsdgen.isa.subsets import OPCODES
from bsdgen.oracle.function import FunctionOracle
from bsdgen.oracle.protocol import Oracle
from bsdgen.oracle.simulator import Base, SimulatorOracle
from bsdgen.traces.schema import RVFI_SCHEMA, Schema

_EXPECTED = (
    "expected 'simulator:rv32i', 'simulator:rv32e', either with opcode classes as in "
    "'simulator:rv32i+branch+load', or 'module:function'"
)
_BASES: dict[str, Base] = {"rv32i": "rv32i", "rv32e": "rv32e"}


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    """Look for modules in the current folder first, as `python -m` does."""
    here = os.getcwd()
    sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(here)


def _bits(schema: Schema) -> list[tuple[str, int, str]]:
    return [(field.name, field.width, field.role) for field in schema.inputs + schema.outputs]


def _module(text: str) -> ModuleType:
    module_name, _, _ = text.partition(":")
    try:
        with _current_folder_importable():
            return importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # whatever the user's module does when it is imported
        raise InputError(
            f"oracle {text!r}: module {module_name!r} cannot be imported ({type(error).__name__}: {error}); "
            f"it must be installed or stand in the current folder, {os.getcwd()}"
        ) from error


def _function(text: str, schema: Schema) -> FunctionOracle:
    module_name, _, function_name = text.partition(":")
    module = _module(text)
    function: object = module
    for part in function_name.split("."):
        function = getattr(function, part, None)
    if not callable(function):
        raise InputError(
            f"oracle {text!r}: module {module_name!r} has no callable {function_name!r}; give the name of a "
            "function that takes and returns one numpy array a field"
        )
    return FunctionOracle(function, schema)


def simulator_parts(text: str) -> tuple[Base, tuple[str, ...]]:
    """Instruction set and opcode classes (none: all) in the name of a simulator.

    Raises
    ------
    InputError
        There is no such instruction set or class.

    Examples
    --------
    >>> simulator_parts("simulator:rv32e+branch+load"), simulator_parts("simulator:rv32i")
    (('rv32e', ('branch', 'load')), ('rv32i', ()))
    """
    base, *classes = text.partition(":")[2].split("+")
    if base not in _BASES:
        raise InputError(f"oracle {text!r}: there is no simulator {base!r}; {_EXPECTED}")
    unknown = [word for word in classes if word not in OPCODES]
    if unknown:
        raise InputError(
            f"oracle {text!r}: there is no opcode class {unknown[0]!r}; there are {', '.join(OPCODES)}"
        )
    return _BASES[base], tuple(classes)


def source_digest(text: str) -> str | None:
    """SHA-256 of the source of the module that an oracle's name names; None for a simulator.

    What that module imports is not in it. A module without a source (compiled, or built in) has the digest of
    its own file, or None where it has no file.

    Raises
    ------
    InputError
        The module cannot be imported.
    """
    kind, _, _ = text.partition(":")
    if kind == "simulator":
        return None
    file = getattr(_module(text), "__file__", None)
    return None if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()


def resolve_oracle(text: str, schema: Schema) -> Oracle:
    """The oracle that `text` names.

    Parameters
    ----------
    text : ``simulator:rv32i`` or ``simulator:rv32e``, with opcode classes as in
        ``simulator:rv32i+branch+load`` if it is to care for these alone; or ``module:function`` (a module of
        the current folder or an installed one).
    schema : fields that it answers.

    Raises
    ------
    InputError
        No such oracle, or it does not answer these fields.

    Examples
    --------
    >>> type(resolve_oracle("simulator:rv32i", RVFI_SCHEMA)).__name__
    'SimulatorOracle'
    """
    kind, colon, name = text.partition(":")
    if not colon or not kind or not name:
        raise InputError(f"oracle {text!r}: is no oracle's name; {_EXPECTED}")
    if kind != "simulator":
        return _function(text, schema)
    base, classes = simulator_parts(text)
    if _bits(schema) != _bits(RVFI_SCHEMA):
        names = ", ".join(f"{field.name}:{field.width}" for field in schema.fields)
        raise InputError(
            f"oracle {text!r}: answers the RVFI fields of RV32I, the schema has {names}; use the traces or "
            "schema that belong to it, or another oracle"
        )
    return SimulatorOracle(base, classes or None)
