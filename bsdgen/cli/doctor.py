"""``bsdgen doctor``: which tools are there."""

from dataclasses import asdict

from bsdgen.cli.console import Output, table
from bsdgen.errors import ToolError


def doctor(out: Output) -> None:
    """Show the tools that bsdgen uses, their versions, and what to install. Exit code 4 if one is missing."""
    from bsdgen.cli.tools import inspect_tools

    tools = inspect_tools()
    missing = [tool for tool in tools if tool.required and not tool.ok]
    rows = [
        [
            tool.name,
            "ok" if tool.ok else ("MISSING" if tool.required else "absent"),
            tool.found or "-",
            tool.needed or "any",
            tool.purpose if tool.ok else f"{tool.purpose}: {tool.hint}",
        ]
        for tool in tools
    ]
    facts = {"ok": not missing, "tools": [asdict(tool) for tool in tools]}
    out.result(facts, table(["tool", "state", "found", "needed", "for"], rows, left=5))
    if missing:
        raise ToolError(
            f"{len(missing)} needed: " + "; ".join(f"{tool.name}: {tool.hint}" for tool in missing)
        )
