"""``bsdgen measure``: a model against its oracle on fresh vectors."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bsdgen.cli.console import Output
from bsdgen.cli.options import Jobs, ModelFolder, OracleText, Seed, use_jobs
from bsdgen.errors import CheckFailed, UsageError

if TYPE_CHECKING:
    from bsdgen.model import Model


def measure(
    out: Output,
    model: ModelFolder,
    *,
    vectors: Annotated[
        int,
        typer.Option(
            "--vectors", "-n", metavar="N", min=1, help="How many fresh input vectors to compare on."
        ),
    ] = 10_000_000,
    seed: Seed = 0,
    oracle: OracleText = None,
    jobs: Jobs = None,
) -> None:
    """Compare a model with its oracle on fresh vectors, drawn from other distributions than in learning.

    Writes measure.json into the model's folder. Ends with exit code 1 when a vector differs in a cared bit,
    or when Verilog was emitted and is not proved equal to the model.
    """
    from bsdgen.artifacts import sha256, write_json
    from bsdgen.measure import measure as compare
    from bsdgen.measure import measurement_text
    from bsdgen.model import Model
    from bsdgen.oracle.resolve import resolve_oracle

    use_jobs(jobs)
    loaded = Model.load(model)
    digest = sha256(model / "model.npz")
    text = oracle if oracle is not None else str(loaded.info.get("oracle", ""))
    if not text:
        raise UsageError(f"{model}: the model names no oracle; give one with --oracle")
    finished = bool(loaded.info.get("learn", {}).get("finished", True))
    if not finished:
        out.note(f"{model}: is not finished, a budget was reached while it was learned")
    with out.progress("measuring") as progress:
        result = compare(
            loaded, resolve_oracle(text, loaded.schema), vectors=vectors, seed=seed, progress=progress
        )
    facts = {"oracle": text, "model_sha256": digest, "finished": finished, **result.as_dict()}
    wrong_bit = _netlist_differs(loaded, model, out)
    if wrong_bit is not None:
        facts["netlist_equal"] = not wrong_bit
    write_json(model / "measure.json", facts)
    out.result(facts, measurement_text(result))
    if result.errors:
        raise CheckFailed(
            f"{model}: {result.errors:,} of {result.vectors:,} vectors differ from {text}; "
            f"the first of each class stands in {model / 'measure.json'}"
        )
    if wrong_bit:
        raise CheckFailed(
            f"{model}: the emitted Verilog is not the model: it differs in {wrong_bit}; "
            f"write it again with `bsdgen emit {model}`"
        )


def _netlist_differs(loaded: "Model", folder: Path, out: Output) -> str | None:
    """Prove the emitted Verilog, if there is any, equal to the model that was measured.

    Returns None without Verilog, "" if both engines prove it, otherwise an output bit that differs and where.
    """
    from bsdgen.bits import unpack_fields
    from bsdgen.emit.check import check_netlist
    from bsdgen.emit.parts import model_name

    name = model_name(folder)
    netlist = folder / "verilog" / f"{name}_step.v"
    if not netlist.is_file():
        return None
    with out.progress("proving the emitted Verilog equal to the model"):
        answer = check_netlist(loaded, [netlist], f"{name}_step")
    if answer.equal:
        return ""
    if answer.inputs is None or answer.output is None:
        return "an output"
    inputs = loaded.schema.inputs
    values = unpack_fields(answer.inputs[None], [field.width for field in inputs])[:, 0]
    where = ", ".join(f"{field.name}=0x{int(value):x}" for field, value in zip(inputs, values, strict=True))
    return f"{loaded.schema.output_names()[answer.output]} at {where}"
