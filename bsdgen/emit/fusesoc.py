"""A FuseSoC core description (CAPI=2) of the learned logic, beside a copy of its Verilog.

FuseSoC refuses files outside the folder of the ``.core`` file (deprecated in 2.4), so the folder holds all
that it names and can be put under any cores root as it is.
"""

import json
import re

from bsdgen import __version__
from bsdgen.emit.parts import digest_line, source_lines
from bsdgen.model import Model


def _text(value: str) -> str:
    """A YAML string: JSON's double-quoted strings are YAML's."""
    return json.dumps(value, ensure_ascii=False)


def vlnv(name: str) -> str:
    """Vendor, library, name and version of the core.

    >>> vlnv("adder").rpartition(":")[0]
    'bsdgen:learned:adder'
    """
    version = re.match(r"\d+\.\d+(\.\d+)?", __version__)
    return f"bsdgen:learned:{name}:{version[0] if version else '0'}"


def fusesoc_text(model: Model, name: str, *, core: bool = False) -> str:
    """The whole ``.core`` file.

    Parameters
    ----------
    name : prefix of the modules' names.
    core : whether ``rtl/<name>_core.v`` is there too: it gets a file set and a target of its own.
    """
    described = f"Logic learned by bsdgen from examples: {model.schema.n_inputs} bits in, "
    described += f"{model.schema.n_outputs} bits out, combinational"
    lines = ["CAPI=2:", *(f"# {line}" for line in (*source_lines(model), digest_line(model)))]
    lines += ["# Written by `bsdgen emit`. Do not edit.", "", f"name: {_text(vlnv(name))}"]
    lines += [f"description: {_text(described)}", "", "filesets:"]
    lines += _fileset("rtl", [f"rtl/{name}_step.v"])
    lines += _fileset("core", [f"rtl/{name}_core.v"]) if core else []
    lines += ["", "targets:", *_target("default", ["rtl"], f"{name}_step")]
    lines += _target("core", ["rtl", "core"], f"{name}_core") if core else []
    return "\n".join([*lines, ""])


def _fileset(title: str, files: list[str]) -> list[str]:
    return [
        f"  {title}:",
        "    files:",
        *(f"      - {_text(file)}" for file in files),
        '    file_type: "verilogSource-2005"',
    ]


def _target(title: str, filesets: list[str], top: str) -> list[str]:
    named = ", ".join(_text(item) for item in filesets)
    return [f"  {title}:", f"    filesets: [{named}]", f"    toplevel: {_text(top)}"]
