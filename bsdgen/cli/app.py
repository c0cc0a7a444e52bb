"""The command line: ``bsdgen COMMAND``.

Commands import what they need when they run, so that ``--help`` answers at once.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from bsdgen import __version__
from bsdgen.cli.bench import app as bench_app
from bsdgen.cli.convert import convert
from bsdgen.cli.cosim import cosim
from bsdgen.cli.coverage import coverage
from bsdgen.cli.doctor import doctor
from bsdgen.cli.emit import emit
from bsdgen.cli.hardware import hardware
from bsdgen.cli.inspect import inspect
from bsdgen.cli.learn import learn
from bsdgen.cli.measure import measure
from bsdgen.cli.mutate import mutate
from bsdgen.cli.optimise import optimise
from bsdgen.cli.options import command
from bsdgen.cli.prove import prove
from bsdgen.cli.record import record
from bsdgen.cli.report import report
from bsdgen.cli.riscof import riscof
from bsdgen.cli.soc import app as soc_app
from bsdgen.cli.synth import synth
from bsdgen.cli.verify import verify

EXIT_CODES = (
    "Exit codes: 0 ok, 1 a check failed, 2 usage, 3 bad input, 4 tool missing or too old, "
    "5 budget reached, 130 interrupted."
)

app = typer.Typer(
    name="bsdgen",
    help="Learn a CPU's logic as a Boolean circuit from recorded traces, and hand back checked hardware.",
    epilog=EXIT_CODES,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "record": (record, "bsdgen record sim/programs/*.elf -o traces/"),
    "convert": (convert, "bsdgen convert spike.log --elf sort.elf -o traces/sort.parquet"),
    "learn": (learn, "bsdgen learn traces/ -o rtl_out/rv32i"),
    "emit": (emit, "bsdgen emit rtl_out/rv32i --format verilog --format amaranth"),
    "optimise": (optimise, "bsdgen optimise rtl_out/rv32i --goal delay"),
    "synth": (synth, "bsdgen synth rtl_out/rv32i --compare picorv32.v:picorv32"),
    "hardware": (hardware, "bsdgen hardware rtl_out/rv32i"),
    "cosim": (cosim, "bsdgen cosim rtl_out/rv32i sim/programs/sort.elf"),
    "riscof": (riscof, "bsdgen riscof rtl_out/rv32i --suite riscv-arch-test/"),
    "measure": (measure, "bsdgen measure rtl_out/rv32i --vectors 10000000"),
    "coverage": (coverage, "bsdgen coverage rtl_out/rv32i traces/ sim/programs/*.elf"),
    "prove": (prove, "bsdgen prove rtl_out/rv32i"),
    "verify": (verify, "bsdgen verify rtl_out/rv32i"),
    "mutate": (mutate, "bsdgen mutate rtl_out/rv32i -n 1000 --seed 0"),
    "inspect": (inspect, "bsdgen inspect rtl_out/rv32i --contexts"),
    "report": (report, "bsdgen report rtl_out/rv32i"),
    "doctor": (doctor, "bsdgen doctor"),
}
"""Each command's function and the example that its help shows."""

for _name, (_body, _example) in COMMANDS.items():
    app.command(_name, epilog=f"Example: {_example}")(command(_body))
app.add_typer(soc_app, name="soc")
app.add_typer(bench_app, name="bench")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"bsdgen {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Learn a CPU's logic as a Boolean circuit from recorded traces, and hand back checked hardware."""


@contextmanager
def _terminable() -> Iterator[None]:
    """Have SIGTERM do what Ctrl-C does, unless the program around this one has its own way with it."""
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )
    if ours:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : words after ``bsdgen``; those of the process when absent.

    Returns
    -------
    The exit code, see `bsdgen.errors`.
    """
    try:
        with _terminable():
            app(list(arguments) if arguments is not None else None, prog_name="bsdgen")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    return 0
