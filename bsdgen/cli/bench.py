"""``bsdgen bench``: figures of the learner beside others', each a command, and the page of all."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bsdgen.cli import bench_runs
from bsdgen.cli.bench_emission import emission
from bsdgen.cli.bench_iwls import iwls
from bsdgen.cli.bench_rows import rows
from bsdgen.cli.console import Output
from bsdgen.cli.options import command
from bsdgen.errors import CheckFailed

_FOLDER = Path("docs/bench")
_PAGE = Path("docs/benchmarks.md")

ResultFolder = Annotated[
    Path, typer.Argument(metavar="[FOLDER]", help="Results as JSON, one file a benchmark.")
]
Page = Annotated[Path, typer.Option("--page", metavar="FILE", help="The page to write.")]


def page(
    out: Output,
    folder: ResultFolder = _FOLDER,
    *,
    file: Page = _PAGE,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 if the page is not current.")
    ] = False,
) -> None:
    """Write the page of all benchmarks, and its pictures, from the results that are there."""
    from bsdgen.bench.page import stale, write_page

    if check:
        old = [str(path) for path in stale(folder, file)]
        out.result({"stale": old}, f"{file}: is current" if not old else "")
        if old:
            raise CheckFailed(f"{', '.join(old)}: not what {folder} says; run `bsdgen bench page`")
        return
    written = [str(path) for path in write_page(folder, file)]
    out.result({"written": written}, "\n".join(written))


def everything(
    out: Output,
    traces: bench_runs.TracesToRead = None,
    *,
    folder: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the results are kept.")
    ] = _FOLDER,
    file: Page = _PAGE,
    resume: Annotated[
        bool, typer.Option("--resume", help="Leave out benchmarks whose result is there already.")
    ] = False,
) -> None:
    """Run every benchmark, each in a process of its own, and write the page.

    Takes about an hour on two cores. A benchmark that ends with an error does not stop the others; the exit
    code is 1 then.
    """
    from bsdgen.bench.page import write_page

    failed = []
    for name in _in_order():
        if resume and (folder / f"{name}.json").is_file():
            out.note(f"{name}: is there already")
            continue
        words = [sys.executable, "-m", "bsdgen", "bench", name, "-o", str(folder), *_extra(name)]
        if name in _NEED_TRACES:
            words += [str(path) for path in traces or []]
        out.note(f"bsdgen {' '.join(words[3:])}")
        done = subprocess.run(words, stdout=subprocess.DEVNULL, check=False)
        if done.returncode == 130:
            raise KeyboardInterrupt
        if done.returncode:
            failed.append(f"{name} (exit code {done.returncode})")
        write_page(folder, file)
    out.result({"page": str(file), "failed": failed}, str(file))
    if failed:
        raise CheckFailed(f"not all went well: {', '.join(failed)}; what there is stands in {file}")


_NEED_TRACES = {"blind", "subsets", "ablations", "bdd"}


def _in_order() -> list[str]:
    """Benchmarks that `all` runs, cheap ones first."""
    return ["demo", "emit", "rows", "scaling", "subsets", "blind", "bdd", "ablations"]


def _extra(name: str) -> list[str]:
    """Options beyond the defaults that the page wants."""
    return ["--seeds", "2", "--plain-seeds", "3"] if name == "blind" else []


BENCHMARKS: dict[str, tuple[Callable[..., None], str]] = {
    "demo": (bench_runs.demo, "bsdgen bench demo --only 7,15"),
    "blind": (bench_runs.blind, "bsdgen bench blind traces/ --seed 1 --plain-seeds 3"),
    "subsets": (bench_runs.subsets, "bsdgen bench subsets traces/ --only rv32e,branch"),
    "scaling": (bench_runs.scaling, "bsdgen bench scaling --kinds add --widths 8,16,32"),
    "rows": (rows, "bsdgen bench rows --sizes 1000,10000 --machines none"),
    "ablations": (bench_runs.ablations, "bsdgen bench ablations --no-step --only whole,no-merging"),
    "bdd": (bench_runs.bdd, "bsdgen bench bdd --no-step --only 1,7"),
    "emit": (emission, "bsdgen bench emit --nodes 20000"),
    "iwls": (iwls, "bsdgen bench iwls ~/iwls2020 --only 00,74 --time-limit 10"),
    "all": (everything, "bsdgen bench all traces/"),
    "page": (page, "bsdgen bench page"),
}
"""Each benchmark's function and the example that its help shows."""

app = typer.Typer(
    help="Learn known functions, prove the results, and report what it cost beside what others need.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _name, (_body, _example) in BENCHMARKS.items():
    app.command(_name, epilog=f"Example: {_example}")(command(_body))
