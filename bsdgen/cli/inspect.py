"""``bsdgen inspect``: what a model consists of, and on what evidence."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bsdgen.cli.console import Output
from bsdgen.cli.options import ModelFolder, OracleText, Seed
from bsdgen.errors import CheckFailed, UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bsdgen.inspect import Inspection
    from bsdgen.oracle.checked import CheckedOracle


def inspect(
    out: Output,
    model: ModelFolder,
    *,
    contexts: Annotated[
        bool, typer.Option("--contexts", help="The control tree: what is split on, what each leaf needs.")
    ] = False,
    shared: Annotated[
        bool,
        typer.Option("--shared", help="Parts that many outputs share, and functions that are guards."),
    ] = False,
    operands: Annotated[
        bool, typer.Option("--operands", help="Multiplexers that choose between input bits, word by word.")
    ] = False,
    units: Annotated[
        bool,
        typer.Option(
            "--units",
            help="Functions that several contexts share: where, and what stands for their operands.",
        ),
    ] = False,
    unsupported: Annotated[
        bool,
        typer.Option(
            "--unsupported",
            help="Of a model learned from rows alone: claims that go beyond the rows, by output and context.",
        ),
    ] = False,
    distance: Annotated[
        bool, typer.Option("--distance", help="Closest and most distant outputs by Boolean distance.")
    ] = False,
    node: Annotated[
        int | None,
        typer.Option("--node", metavar="N", help="One node: cube, guard, evidence, equation, users."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", metavar="NAME", help="One output, NAME or NAME[bit]: cone and equation."),
    ] = None,
    recheck: Annotated[
        int | None,
        typer.Option(
            "--recheck",
            metavar="N",
            min=1,
            help="Ask the oracle about every claim again, on N fresh rows each.",
        ),
    ] = None,
    seed: Seed = 0,
    oracle: OracleText = None,
    svg: Annotated[
        Path | None,
        typer.Option("--svg", metavar="FILE", help="Draw the top of the --node or --output bit into FILE."),
    ] = None,
) -> None:
    """Show what is inside a model: its contexts, units, shared functions, operands, and any node's evidence.

    Without an option, an overview with the ledger of speculations by kind and status. --recheck ends with
    exit code 1 when a row refutes a claim; the model stays as it is.
    """
    from bsdgen.cli import inspect_views as views
    from bsdgen.inspect import Inspection, nodes, overview, pairs
    from bsdgen.inspect import contexts as of_contexts
    from bsdgen.inspect import operands as of_operands
    from bsdgen.inspect import shared as of_shared
    from bsdgen.inspect import units as of_units
    from bsdgen.inspect import unsupported as of_unsupported
    from bsdgen.inspect.again import asked_again
    from bsdgen.model import Model

    if svg is not None and node is None and output is None:
        raise UsageError("--svg draws a --node or an --output; give one of them")
    of = Inspection(Model.load(model))
    facts: dict[str, Any] = {}
    parts: list[RenderableType] = []
    if contexts:
        facts["contexts"] = of_contexts.contexts(of)
        parts += views.contexts_view(facts["contexts"])
    if shared:
        facts["shared"], facts["guards"] = of_shared.shared(of), of_shared.described_guards(of)
        parts += views.shared_view(facts["shared"], facts["guards"])
    if operands:
        facts["operands"] = of_operands.operands(of)
        parts += views.operands_view(facts["operands"])
    if units:
        facts["units"] = of_units.units(of)
        parts += views.units_view(facts["units"])
    if unsupported:
        facts["unsupported"] = of_unsupported.unsupported(of)
        parts += views.unsupported_view(facts["unsupported"])
    if distance:
        facts["distance"] = pairs.distance(of)
        parts += views.distance_view(facts["distance"])
    if node is not None:
        facts["node"] = nodes.node(of, node)
        parts += views.node_view(facts["node"])
    if output is not None:
        facts["output"] = nodes.output(of, output)
        parts += views.output_view(facts["output"])
    if recheck is not None:
        with out.progress("asking again"):
            facts["recheck"] = asked_again(of, _oracle(of, oracle, model), recheck, seed)
        parts += views.recheck_view(facts["recheck"])
    if svg is not None:
        _draw(of, node, output, svg)
    if not facts:
        facts["overview"] = overview.overview(of)
        parts = views.overview_view(facts["overview"], str(model))
    out.result({"model": str(model), **facts}, views.rendered(parts))
    if recheck is not None and facts["recheck"]["n_refuted"]:
        raise CheckFailed(f"{model}: {facts['recheck']['n_refuted']:,} claims of its ledger are refuted")


def _oracle(of: "Inspection", text: str | None, folder: Path) -> "CheckedOracle":
    """Build the oracle that the model names, or the one that was given, behind its checks."""
    from bsdgen.oracle.checked import CheckedOracle
    from bsdgen.oracle.resolve import resolve_oracle

    of.needed_ledger()
    name = text if text is not None else str(of.model.info.get("oracle", ""))
    if not name:
        raise UsageError(f"{folder}: the model names no oracle; give one with --oracle")
    schema = of.model.schema
    return CheckedOracle(resolve_oracle(name, schema), output_names=schema.output_names())


def _draw(of: "Inspection", node: int | None, output: str | None, path: Path) -> None:
    """Draw the first decisions of a node or of an output bit."""
    from bsdgen.artifacts import write_text
    from bsdgen.inspect.nodes import find_output
    from bsdgen.report.drawing import draw_node
    from bsdgen.report.style import standalone

    if node is None:
        assert output is not None
        positions = find_output(of, output)
        if len(positions) > 1:
            raise UsageError(f"--svg draws one bit, {output!r} has {len(positions)}; give one as {output}[0]")
        node, title = int(of.bsd.roots[positions[0]]) >> 1, output
        if node < of.first:
            raise UsageError(
                f"--svg: {output} is {of.names.literal(2 * node)} itself, there is nothing to draw"
            )
    else:
        title = f"f{node}"
    write_text(path, standalone(draw_node(of.model, node, title)))
