"""Critical path and power of a netlist of cells: by OpenSTA, and a rough power without it."""

import re
import shutil
import subprocess
from pathlib import Path

import msgspec

from bsdgen.errors import ToolError
from bsdgen.synth.liberty import Liberty
from bsdgen.synth.mapping import Mapped

ACTIVITY = 0.1  # changes of a net in a clock cycle: the same for all nets, nothing is propagated
INSTALL = "apt-get install opensta"
_TIMEOUT_S = 600


class Power(msgspec.Struct, frozen=True):
    """Power at a clock.

    Attributes
    ----------
    how : who says so: ``OpenSTA``, or ``estimate`` from the library's tables.
    total_mw, leakage_mw : of all cells; of that, what flows when nothing changes.
    """

    how: str
    total_mw: float
    leakage_mw: float


class CriticalPath(msgspec.Struct, frozen=True):
    """The critical path: its length, setup of a flip-flop at its end included; where it begins and ends."""

    ns: float
    begins: str
    ends: str


def find_sta() -> str | None:
    """OpenSTA on the PATH."""
    return shutil.which("sta")


def time_netlist(
    mapped: Mapped, liberty: Liberty, clock_mhz: float, work: Path
) -> tuple[CriticalPath | None, Power]:
    """Ask OpenSTA.

    Parameters
    ----------
    clock_mhz : clock at which power is told.
    work : where its script goes.

    Returns
    -------
    The critical path (None if nothing leads anywhere), and power.

    Raises
    ------
    ToolError
        OpenSTA is missing, does not end in time, or refuses the netlist.
    """
    program = find_sta()
    if program is None:
        raise ToolError(f"OpenSTA is missing: there is no `sta` on the PATH; {INSTALL}")
    period = 1000 / clock_mhz
    script = work / "time.tcl"
    script.write_text(_script(mapped, liberty, period), encoding="utf-8")
    try:
        done = subprocess.run(
            [program, "-no_splash", "-exit", str(script)],
            cwd=work, timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        )  # fmt: skip
    except OSError as error:
        raise ToolError(f"OpenSTA cannot be started ({error}); {INSTALL}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"OpenSTA did not end within {_TIMEOUT_S} s on {mapped.top}") from error
    number = r"(-?[\d.]+(?:e[+-]?\d+)?)"
    power = re.search(rf"^Total\s+{number}\s+{number}\s+{number}\s+{number}", done.stdout, re.MULTILINE)
    if done.returncode != 0 or power is None:
        said = re.search(r"^Error:? .*$", done.stdout, re.MULTILINE)
        raise ToolError(
            f"OpenSTA failed on {mapped.top}: {said.group(0) if said else done.stdout.strip()[-300:]!r}; "
            "leave its figures out with --no-sta"
        )
    found = re.search(rf"^(\S+) \([^)]*\)\s+(\S+) \([^)]*\)\s+{number}\s*$", done.stdout, re.MULTILINE)
    path = CriticalPath(round(period - float(found[3]), 4), found[1], found[2]) if found else None
    return path, Power("OpenSTA", 1e3 * float(power[4]), 1e3 * float(power[3]))


def _script(mapped: Mapped, liberty: Liberty, period: float) -> str:
    ports = [f"[get_ports {{{name}}}]" for name in mapped.clocks]
    clocks = [f"create_clock -name clock{at} -period {period} {port}" for at, port in enumerate(ports)] or [
        f"create_clock -name clock0 -period {period}"
    ]
    names = " ".join(f"{{{name}}}" for name in mapped.clocks)
    lines = [
        f"read_liberty {{{liberty.path.resolve()}}}",
        f"read_verilog {{{mapped.netlist.name}}}",
        f"link_design {mapped.top}",
        *clocks,
        f"set_power_activity -global -activity {ACTIVITY} -duty 0.5",
        "set data {}",
        f"set clocks {{{names}}}",
        "foreach port [all_inputs] {",
        "  if {[lsearch -exact $clocks [get_property $port full_name]] < 0} { lappend data $port }",
        "}",
        "set_input_delay 0 -clock clock0 $data",
        "set_output_delay 0 -clock clock0 [all_outputs]",
        "report_checks -path_delay max -format summary -digits 6",
        "report_power -digits 6",
    ]
    return "\n".join(lines) + "\n"


def estimate_power(mapped: Mapped, liberty: Liberty, clock_mhz: float) -> Power:
    """Power from the library alone.

    Leakage of all cells; and the mean energy inside a cell, `ACTIVITY` times a cycle at gates, twice at
    flip-flops, whose clock rises and falls. Charging of the pins that follow is left out.
    """
    leakage = dynamic = 0.0
    for name, count in mapped.cells.items():
        cell = liberty.cells[name]
        leakage += count * cell.leakage_w
        dynamic += count * cell.energy_j * (2 if cell.clock else ACTIVITY) * clock_mhz * 1e6
    return Power("estimate", 1e3 * (leakage + dynamic), 1e3 * leakage)
