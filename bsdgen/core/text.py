"""Verilog of a shell, through Amaranth and Yosys."""

from typing import Protocol

from amaranth.hdl import Module, Signal

from bsdgen.emit.amaranth import elaborating, rtlil_to_verilog
from bsdgen.emit.parts import digest_line
from bsdgen.model import Model


class Shell(Protocol):
    """What can be written: a module with ports."""

    def ports(self) -> list[Signal]:
        """All ports but clk and rst."""
        ...

    def elaborate(self, platform: object) -> Module:
        """Build the shell."""
        ...


def shell_text(shell: Shell, top: str, says: str, model: Model) -> str:
    """Elaborate a shell.

    Parameters
    ----------
    top : name of its module.
    says : what it is, lines for the comment in front.
    model : what its learned modules are of.

    Raises
    ------
    ToolError
        Yosys is missing or fails.
    """
    from amaranth.back import rtlil

    with elaborating():
        text = rtlil.convert(shell, ports=shell.ports(), name=top, emit_src=False)
    return rtlil_to_verilog(text, f"{top}: {says}\n{digest_line(model)}")
