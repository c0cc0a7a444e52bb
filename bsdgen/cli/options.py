"""Options that all commands share, and the one place that turns errors into exit codes."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from bsdgen.cli.console import Output
from bsdgen.errors import BsdgenError

ModelFolder = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Folder of a learned model, e.g. rtl_out/rv32i.")
]
OracleText = Annotated[
    str | None,
    typer.Option(
        "--oracle",
        metavar="KIND:NAME",
        help="Who is asked: simulator:rv32i, or module:function for a Python callable.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of everything random.")]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", metavar="N", min=1, help="Threads to use (default: all cores).")
]

_JSON = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
_QUIET = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors and --json results only.")]
_VERBOSE = Annotated[bool, typer.Option("--verbose", "-v", help="Print details on stderr.")]
_SHARED = [
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
    for name, annotation in (("json", _JSON), ("quiet", _QUIET), ("verbose", _VERBOSE))
]


def command(body: Callable[..., None]) -> Callable[..., None]:
    """Turn ``body(out, ...)`` into a command with the shared options.

    `body` gets an `Output` as its first argument instead of ``--json``, ``--quiet`` and ``--verbose``. An
    error of bsdgen's own or of the operating system becomes a message and its exit code, Ctrl-C
    or SIGTERM the exit code 130; anything else is a bug and keeps its traceback.
    """

    @functools.wraps(body)
    def run(*, json: bool, quiet: bool, verbose: bool, **arguments: Any) -> None:
        out = Output(json=json, quiet=quiet, verbose=verbose)
        try:
            with out.held:
                body(out, **arguments)
        except BsdgenError as error:
            out.failed(error)
            raise typer.Exit(error.exit_code) from None
        except OSError as error:
            from bsdgen.artifacts import disk_error

            told = disk_error(error)
            out.failed(told)
            raise typer.Exit(told.exit_code) from None
        except KeyboardInterrupt:
            out.interrupted()
            raise typer.Exit(130) from None

    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in list(inspect.signature(body).parameters.values())[1:]
    ]
    parameters = [*own, *_SHARED]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def use_jobs(jobs: int | None) -> None:
    """Limit the threads of compiled kernels to `jobs` (at most the cores that there are)."""
    if jobs is not None:
        import numba

        numba.set_num_threads(min(jobs, numba.get_num_threads()))
