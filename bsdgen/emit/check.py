"""An emitted file, read back by Yosys or ABC, is the diagram."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bsdgen.circuit.aig import AigBuilder, aig_from_bsd, copy_into
from bsdgen.circuit.aiger import NamedAig, read_aiger
from bsdgen.circuit.equivalence import ENGINES, Engine, Equivalence, prove_equivalent
from bsdgen.circuit.netlist import order_by_schema, read_commands, read_netlist
from bsdgen.circuit.rehash import rehash
from bsdgen.circuit.tools import run_abc, run_yosys
from bsdgen.emit.pla import labels
from bsdgen.errors import InputError, ToolError
from bsdgen.model import Model

_UNDEFINED = re.compile(r"^\.(?!names \$undef$).*\$undef\b", re.MULTILINE)
_ABC_READERS = {".blif": "read_blif", ".aig": "read_aiger", ".pla": "read_pla"}


def check_netlist(
    model: Model, files: Sequence[Path], top: str, engines: tuple[Engine, ...] = ENGINES
) -> Equivalence:
    """Prove that `files` are the model's function, or find where they differ.

    Parameters
    ----------
    files : Verilog or RTLIL (read by Yosys), or one BLIF or AIGER file (read by ABC).
    top : name of the module; BLIF and AIGER have one only.

    Raises
    ------
    InputError
        A file is missing, has state or other ports than the model's fields.
    ToolError
        Yosys, ABC or an engine is missing or fails.
    """
    if not model.bsd.n_outputs:
        return Equivalence(True, {})  # nothing to prove, and neither Yosys nor ABC takes such a netlist
    if files and files[0].suffix in _ABC_READERS:
        (net,) = read_by_abc(files[:1])
    else:
        net = _read_gates(files, top)
    # Both by one shape of each multiplexer: what is the same gate for gate is one graph then, whatever its
    # size, and takes the engines no search.
    read = rehash(order_by_schema(net, model.schema))
    return prove_equivalent(rehash(aig_from_bsd(model.bsd)), read, engines)


def _read_gates(files: Sequence[Path], top: str) -> NamedAig:
    """Verilog or RTLIL that holds gates alone, as emitters write it; else as `read_netlist` does.

    Yosys as a front end only, ABC for the rest: at 20,000 nodes 2 s instead of 5.5.
    """
    if not all(file.is_file() for file in files):
        return read_netlist(files, top)  # which says what is missing
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        blif = Path(name) / "net.blif"
        # Yosys and ABC take what is undefined for 0, ABC also what has no driver.
        passes = ["simplemap", "check -assert", "write_blif net.blif"]
        try:
            run_yosys([*read_commands(files, top), *passes], cwd=Path(name))
            if _UNDEFINED.search(blif.read_text(encoding="utf-8")):
                raise InputError(f"{files[0]}: holds undefined bits (x); write it again with `bsdgen emit`")
            return read_by_abc([blif])[0]
        except ToolError:
            return read_netlist(files, top)


def check_covers(
    model: Model, files: Mapping[Path, int], engines: tuple[Engine, ...] = ENGINES
) -> Equivalence:
    """Prove that PLA files, each of one output (its position), are the model's function there.

    Raises
    ------
    InputError
        A file has other inputs than the model, or not the output that it should have.
    ToolError
        ABC or an engine is missing or fails.
    """
    schema = model.schema
    builder = AigBuilder(schema.n_inputs)
    inputs, outputs = labels(schema)
    position = {name: i for i, name in enumerate(inputs)}
    made = []
    for net, output in zip(read_by_abc(list(files)), files.values(), strict=True):
        if net.outputs != (outputs[output],) or not set(net.inputs) <= set(position):
            raise InputError(
                f"PLA of {', '.join(net.outputs)}: its names are not those of the schema; expected output "
                f"{outputs[output]}"
            )
        made += copy_into(builder, net.aig, [2 * (1 + position[name]) for name in net.inputs])
    return prove_equivalent(aig_from_bsd(model.bsd).cone(list(files.values())), builder.build(made), engines)


def read_by_abc(files: Sequence[Path]) -> list[NamedAig]:
    """Files in a format that ABC reads, as graphs with the names that ABC found, all by one call of ABC.

    Raises
    ------
    InputError
        A file is missing.
    ToolError
        ABC is missing or refuses a file.
    """
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        work = Path(name)
        steps: list[str] = []
        for at, file in enumerate(files):
            if not file.is_file():
                raise InputError(f"{file}: is missing; write it with `bsdgen emit`")
            # ABC takes blanks and semicolons in a path for its own, so it sees a name that has none.
            (work / f"in{at}{file.suffix}").write_bytes(file.read_bytes())
            steps += [f"{_ABC_READERS[file.suffix]} in{at}{file.suffix}", "strash"]
            steps.append(f"write_aiger -s out{at}.aig")
        script = work / "run.abc"
        script.write_text("\n".join(steps) + "\n", encoding="utf-8")
        run_abc(["source run.abc"], cwd=work)
        return [read_aiger(work / f"out{at}.aig") for at in range(len(files))]
