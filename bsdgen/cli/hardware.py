"""``bsdgen hardware``: what is known of a model as hardware, in one table."""

from bsdgen.cli.console import Output, table
from bsdgen.cli.options import ModelFolder
from bsdgen.errors import InputError


def hardware(out: Output, model: ModelFolder) -> None:
    """Print one table of what `bsdgen optimise`, `synth` and `soc build` found of a model.

    ANDs and levels of the step function; lookup tables (on a board: logic cells of the whole system); area,
    critical path and clock as standard cells; the clock that the board's part allows.
    """
    from bsdgen.artifacts import locked
    from bsdgen.model import Model
    from bsdgen.synth.summary import HEADER, hardware_cells, known_hardware, legend

    out.held.enter_context(locked(model, shared=True))
    known = known_hardware(Model.load(model), model)
    if known.others:
        raise InputError(known.others[0])
    rows = known.rows
    if len(rows) < 2:  # the diagram's own size is always known
        raise InputError(
            f"{model}: nothing is known of it as hardware; run `bsdgen emit`, `optimise`, `synth` "
            "or `soc build` on it"
        )
    out.result({"rows": rows}, "\n".join([table(HEADER, hardware_cells(rows)), *legend(known)]))
