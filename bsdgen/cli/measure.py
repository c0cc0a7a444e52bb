"""``bsdgen measure``: a model against its oracle on fresh vectors."""

from typing import Annotated

import typer

from bsdgen.cli.console import Output
from bsdgen.cli.options import Jobs, ModelFolder, OracleText, Seed, use_jobs
from bsdgen.errors import CheckFailed, UsageError


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

    Writes measure.json into the model's folder. Ends with exit code 1 when a vector differs in a cared bit.
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
    with out.progress("measuring") as progress:
        result = compare(
            loaded, resolve_oracle(text, loaded.schema), vectors=vectors, seed=seed, progress=progress
        )
    facts = {"oracle": text, "model_sha256": digest, **result.as_dict()}
    write_json(model / "measure.json", facts)
    out.result(facts, measurement_text(result))
    if result.errors:
        raise CheckFailed(
            f"{model}: {result.errors:,} of {result.vectors:,} vectors differ from {text}; "
            f"the first of each class stands in {model / 'measure.json'}"
        )
