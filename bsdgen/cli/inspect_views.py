"""How ``bsdgen inspect`` shows what `bsdgen.inspect` found: tables and trees for a terminal."""

import io
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

_NAMED = 4  # outputs of one context that are named
_WIDTH = 118  # columns where the output is no terminal
_STATUS_STYLE = {"confirmed": "green", "proved": "bold green", "refuted": "bold red", "speculated": "yellow"}


def rendered(parts: Sequence[RenderableType]) -> str:
    """Lay out; in colour if stdout is a terminal that shows it."""
    terminal = sys.stdout.isatty()
    buffer = io.StringIO()
    console = Console(
        file=buffer, force_terminal=terminal, width=None if terminal else _WIDTH, highlight=False, emoji=False
    )
    for number, part in enumerate(parts):
        if number:
            console.print()
        console.print(part)
    return "\n".join(line.rstrip() for line in buffer.getvalue().rstrip().splitlines())


def _table(title: str, columns: Sequence[str], *, left: Sequence[int] = (0,)) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim"
    )
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number in left else "right", overflow="fold")
    return table


def overview_view(facts: dict[str, Any], name: str) -> list[RenderableType]:
    """Show the overview."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    words = {
        role: ", ".join(f"{field['name']}:{field['width']}" for field in facts[role])
        for role in ("inputs", "outputs")
    }
    grid.add_row("oracle", facts["oracle"] or "not named")
    grid.add_row("inputs", f"{facts['n_inputs']:,} bits: {words['inputs']}")
    grid.add_row("outputs", f"{facts['n_outputs']:,} bits: {words['outputs']}")
    grid.add_row(
        "nodes",
        f"{facts['nodes']:,}; {facts['shared_nodes']:,} are used more than once, "
        f"{facts['nodes_of_several_outputs']:,} serve several outputs  (--shared)",
    )
    grid.add_row(
        "guards",
        f"{facts['guard_functions']:,} nodes are guards of {facts['nodes_with_function_guard']:,} others  "
        "(--shared)",
    )
    grid.add_row("operands", f"{facts['operand_multiplexers']:,} multiplexers of input bits  (--operands)")
    grid.add_row("units", _units_line(facts))
    leaves = facts["contexts"]
    grid.add_row(
        "contexts", f"{leaves:,}  (--contexts)" if leaves is not None else "not saved with the model"
    )
    parts: list[RenderableType] = [Text(name, style="bold"), grid]
    if facts["ledger"] is None:
        parts.append(
            Text("Learned by an earlier bsdgen: the model has no ledger of its speculations.", "yellow")
        )
    else:
        parts.append(ledger_view(facts["ledger"]))
    if facts["check"] is not None:
        check = facts["check"]
        parts.append(
            Text(
                f"The last check of learning: {check['errors']:,} of {check['n']:,} rows wrong; 95 % upper "
                f"bound of the error rate, for rows drawn that way: {check['upper']:.1e}."
            )
        )
    return parts


def _units_line(facts: dict[str, Any]) -> str:
    before = facts["nodes_before_sharing"]
    shared = "" if before is None else f"; {before:,} nodes before sharing"
    if not facts["units"]:
        return f"none{shared}"
    return f"{facts['units']:,}, used in {facts['unit_uses']:,} contexts{shared}  (--units)"


def ledger_view(summary: dict[str, Any], title: str = "What was speculated") -> Table:
    """Show a ledger's summary."""
    states = ("speculated", "confirmed", "refuted", "proved", "given_up")
    heads = [state.replace("_", " ") for state in states]
    table = _table(title, ["claim", "records", *heads, "fresh rows, least", "median"])
    for kind, counts in summary["kinds"].items():
        cells = [
            Text(f"{counts[state]:,}", _STATUS_STYLE.get(state, "") if counts[state] else "dim")
            for state in states
        ]
        more = f" (+{counts['unlisted']:,})" if counts["unlisted"] else ""
        table.add_row(
            kind,
            f"{counts['records']:,}{more}",
            *cells,
            f"{counts['least_fresh']:,}",
            f"{counts['median_fresh']:,}",
        )
    return table


def contexts_view(contexts: list[dict[str, Any]]) -> list[RenderableType]:
    """Show the control tree without the halves that need no node."""
    branches: dict[int, Tree] = {}
    for context in contexts:
        outline = context["outline"]
        if outline is None:
            continue
        label = _context_label(context, outline["path"] or "all rows")
        if outline["under"] is None:
            branches[context["context"]] = Tree(label, guide_style="dim")
        else:
            branches[context["context"]] = branches[outline["under"]].add(label)
    note = Text(
        "A leaf has the number of nodes that serve it, and of those that no other leaf uses; its outputs; "
        "the leaf that it shares most nodes with. Halves where every output is constant, an input or "
        "meaningless are left out; --json has them.",
        style="dim",
    )
    return [Text("Contexts", style="bold"), Group(branches[0], Text(), note)]


def _context_label(context: dict[str, Any], path: str) -> Text:
    label = Text()
    label.append(path, style="bold cyan")
    label.append(f"  #{context['context']}", style="dim")
    if context["split_on"] is not None:
        label.append(f"  {context['nodes']:,} nodes, split on ")
        label.append(context["split_on"], style="bold magenta" if context["function_guard"] else "bold")
        return label
    label.append(f"  {context['nodes']:,} nodes ")
    label.append(f"({context['own']:,} own)", style="green")
    label.append(f"  {context['functions']}")
    if context["nearest"]:
        nearest = context["nearest"]
        label.append(f"  shares {nearest['shared']:,} with #{nearest['context']}", style="dim")
    return label


def shared_view(parts: list[dict[str, Any]], guards: list[dict[str, Any]]) -> list[RenderableType]:
    """Show shared functions and function guards."""
    table = _table(
        "Shared parts, those that save most first",
        ["node", "nodes", "outputs", "alike", "serves", "depends on"],
        left=(0, 4, 5),
    )
    for part in parts:
        what = part["equation"] or part["support"]
        table.add_row(
            f"f{part['node']}",
            f"{part['nodes']:,}",
            f"{part['n_outputs']:,}",
            f"{part['alike']:,}",
            part["outputs"],
            f"= {what}" if part["equation"] else what,
        )
    tested = _table("Functions that are guards", ["node", "tested by", "nodes", "depends on"], left=(0, 3))
    for guard in guards:
        what = f"= {guard['equation']}" if guard["equation"] else guard["support"]
        where = f"  (splits #{', #'.join(map(str, guard['splits']))})" if guard["splits"] else ""
        tested.add_row(f"f{guard['node']}", f"{guard['tested_by']:,}", f"{guard['nodes']:,}", what + where)
    views: list[RenderableType] = [table if parts else Text("No node serves several outputs.")]
    views.append(tested if guards else Text("Every guard is an input bit."))
    return views


def operands_view(groups: list[dict[str, Any]]) -> list[RenderableType]:
    """Show groups of operand multiplexers."""
    if not groups:
        return [Text("No node only chooses between input bits.")]
    views: list[RenderableType] = [Text("Operand multiplexers", style="bold")]
    for group in groups:
        count, fan = group["count"], (group["least"], group["most"])
        ways = f"{fan[0]}" if fan[0] == fan[1] else f"{fan[0]} to {fan[1]}"
        line = Text(f"{count:,} multiplexer{'s' * (count != 1)}", style="bold cyan")
        line.append(f" of {ways} input bits: ", style="default not bold")
        line.append(group["pattern"] or group["chooses"], style="default not bold")
        tested = [group["by"], *(f"f{index}" for index in group["by_functions"])]
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim")
        grid.add_column(overflow="fold")
        if group["pattern"]:
            grid.add_row("bits", group["chooses"])
        grid.add_row("chosen by", " ".join(text for text in tested if text))
        grid.add_row("for", group["outputs"])
        grid.add_row("nodes", _some([f"f{index}" for index in group["nodes"]], 8))
        views.append(Group(line, Padding(grid, (0, 0, 0, 2))))
    return views


def units_view(units: list[dict[str, Any]]) -> list[RenderableType]:
    """Show units: their uses, and by word what stands for their operands."""
    if not units:
        return [Text("No functions are shared with operands of their own.")]
    views: list[RenderableType] = []
    for unit in units:
        head = Text(f"Unit {unit['unit']}", style="bold cyan")
        head.append(
            f"  {unit['n_functions']:,} functions of {unit['n_operands']:,} operand bits, "
            f"{unit['nodes']:,} nodes, used in {len(unit['uses']):,} contexts",
            style="default not bold",
        )
        uses = _table("", ["use", "makes", "where"], left=(1, 2))
        for use in unit["uses"]:
            uses.add_row(str(use["use"]), use["outputs"], Text(use["where"], "bold" if use["base"] else ""))
        words = _table("", ["operand", "is", "in use"], left=(0, 1, 2))
        for operand in unit["operands"]:
            for number, choice in enumerate(operand["choices"]):
                name = "" if number else operand["word"]
                words.add_row(name, choice["is"], " ".join(map(str, choice["uses"])))
        parts = [Padding(table, (0, 0, 0, 2)) for table in (uses, words)]
        views.append(Group(head, *parts))
    note = "Use 1 is the context that a unit comes from. {a, b} puts words together, the highest bits first; "
    return [*views, Text(note + "3{a} is a three times; - is not needed there.", style="dim")]


def _some(texts: Sequence[str], n: int) -> str:
    return " ".join(texts[:n]) + (f" … ({len(texts):,})" if len(texts) > n else "")


def unsupported_view(groups: list[dict[str, Any]]) -> list[RenderableType]:
    """Show what goes beyond the rows."""
    if not groups:
        return [Text("every claim rests on rows that would have refuted it")]
    table = _table(
        "claims that go beyond the rows", ["outputs", "rows", "unseen", "why", "context"], left=(0, 3, 4)
    )
    for group in groups:
        shown = ", ".join(group["outputs"][:_NAMED])
        more = len(group["outputs"]) - _NAMED
        table.add_row(
            shown + (f" and {more} more" if more > 0 else ""),
            f"{group['rows']:,}",
            f"{group['unseen']:,} of {group['cells']:,}",
            group["why"],
            group["context"],
        )
    return [table]


def distance_view(facts: dict[str, Any]) -> list[RenderableType]:
    """Show what outputs share."""
    wanted = [at for at, size in enumerate(facts["cones"]) if size]
    matrix = _table("Nodes that output fields share", ["", *(facts["fields"][at] for at in wanted)])
    for i in wanted:
        cells = [Text(f"{facts['shared'][i][j]:,}", "bold" if i == j else "") for j in wanted]
        matrix.add_row(facts["fields"][i], *cells)
    views: list[RenderableType] = [matrix]
    for title, key in (("Closest pairs", "closest"), ("Most distant pairs", "farthest")):
        table = _table(title, ["first", "second", "nodes", "nodes", "shared", "of the smaller"], left=(0, 1))
        for pair in facts[key]:
            table.add_row(
                pair["first"],
                pair["second"],
                f"{pair['first_nodes']:,}",
                f"{pair['second_nodes']:,}",
                f"{pair['shared']:,}",
                f"{pair['overlap']:.0%}",
            )
        views.append(table if facts[key] else Text(f"{title}: none with cones of some size."))
    return views


def node_view(facts: dict[str, Any]) -> list[RenderableType]:
    """Show one node."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("is", f"{facts['guard']} ? {facts['high']} : {facts['low']}")
    if facts["equation"]:
        grid.add_row("equation", facts["equation"])
    if facts["truth_table"]:
        grid.add_row("truth table", facts["truth_table"])
    for item in facts["stands_for"]:
        sign = "complement of " if item["complement"] else ""
        grid.add_row("stands for", f"{sign}{item['output']}  where  {item['cube']}")
    grid.add_row("cone", f"{facts['cone']:,} nodes, {facts['n_support']:,} inputs: {facts['support']}")
    for role in ("guard", "high", "low"):
        users = facts[f"{role}_of"]
        if users["count"]:
            listed = " ".join(f"f{index}" for index in users["nodes"])
            more = f" … ({users['count']:,})" if users["count"] > len(users["nodes"]) else ""
            grid.add_row(f"{role} of", listed + more)
    if facts["root_of"]:
        grid.add_row("root of", facts["root_of"])
    if facts["outputs"]:
        grid.add_row("serves", facts["outputs"])
    views: list[RenderableType] = [Group(Text(f"f{facts['node']}", style="bold"), grid)]
    if facts["evidence"]:
        views.append(records_view(facts["evidence"], "Evidence"))
    return views


def records_view(records: list[dict[str, Any]], title: str) -> Table:
    """Show records of the ledger."""
    table = _table(title, ["claim", "status", "bank", "fresh", "output", "is", "where"], left=(0, 1, 4, 5, 6))
    for record in records:
        more = f"  (and {record['more']:,} more)" if record["more"] else ""
        table.add_row(
            record["kind"],
            Text(record["status"], _STATUS_STYLE[record["status"]]),
            f"{record['bank_rows']:,}",
            f"{record['fresh_rows']:,}",
            record["output"],
            record["is"] or "–",
            record["cube"] + more,
        )
    return table


def recheck_view(facts: dict[str, Any]) -> list[RenderableType]:
    """Show what asking again found."""
    title = f"After {facts['rows']:,} more rows, {facts['rows_a_claim']:,} a claim (seed {facts['seed']})"
    views: list[RenderableType] = [ledger_view(facts["ledger"], title)]
    if facts["n_without_node"]:
        note = "claims were not asked about: no node of the diagram is their function any more."
        views.append(Text(f"{facts['n_without_node']:,} {note}", style="dim"))
    if not facts["n_refuted"]:
        return [*views, Text("No claim was refuted.", "green")]
    views.append(records_view(facts["refuted"], f"Refuted: {facts['n_refuted']:,}"))
    first = facts["refuted"][0]
    row = " ".join(f"{name}={value}" for name, value in first["witness"].items())
    return [*views, Text(f"The first is refuted by {row}", "red")]


def output_view(facts: dict[str, Any]) -> list[RenderableType]:
    """Show one output."""
    head = Text(facts["output"], style="bold")
    head.append(f"  {facts['cone']:,} nodes  depends on {facts['support'] or 'nothing'}", style="not bold")
    table = _table("", ["bit", "is", "nodes", "inputs", "equation"], left=(0, 1, 4))
    for bit in facts["bits"]:
        equation = bit["equation"] or ""
        table.add_row(bit["name"], bit["is"], f"{bit['cone']:,}", f"{bit['n_support']:,}", equation)
    views: list[RenderableType] = [Group(head, table)]
    return views + (node_view(facts["node"]) if facts["node"] else [])
