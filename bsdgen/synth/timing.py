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
    """The critical path.

    Attributes
    ----------
    ns : least clock period at which no path is too long, setup included; a path from one edge of the clock to
        the other, which has half a period, counts twice.
    begins, ends : of the path that needs it.
    """

    ns: float
    begins: str
    ends: str


class Timing(msgspec.Struct, frozen=True):
    """What OpenSTA says of a netlist.

    Attributes
    ----------
    path : None if nothing leads anywhere, or if it is not known.
    power : at the clock.
    note : why the path is not known.
    """

    path: CriticalPath | None
    power: Power
    note: str = ""


def find_sta() -> str | None:
    """OpenSTA on the PATH."""
    return shutil.which("sta")


def time_netlist(mapped: Mapped, liberty: Liberty, clock_mhz: float, work: Path) -> Timing:
    """Ask OpenSTA.

    Parameters
    ----------
    clock_mhz : clock at which power is told.
    work : where its script goes.

    Raises
    ------
    ToolError
        OpenSTA is missing, does not end in time, or refuses the netlist.
    """
    program = find_sta()
    if program is None:
        raise ToolError(f"OpenSTA is missing: there is no `sta` on the PATH; {INSTALL}")
    script = work / "time.tcl"
    script.write_text(_script(mapped, liberty, 1000 / clock_mhz), encoding="utf-8")
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
    told = Power("OpenSTA", 1e3 * float(power[4]), 1e3 * float(power[3]))
    unclocked = re.search(r"There (?:is|are) (\d+) unclocked", done.stdout, re.MULTILINE)
    if unclocked:
        return Timing(
            None,
            told,
            f"no clock reaches {unclocked[1]} flip-flops straight from a port or through a gate with a port "
            "that clocks others, so that no critical path is told and power is too low",
        )
    least = re.search(rf"^least period {number}$", done.stdout, re.MULTILINE)
    ends = re.findall(
        rf"^(\S+) \([^)]*\)\s+(\S+) \([^)]*\)\s+{number}\s*$", done.stdout, re.MULTILINE
    )  # a line for each clock
    if least is None or not ends:
        return Timing(None, told)
    begins, end, _ = min(ends, key=lambda line: float(line[2]))
    return Timing(CriticalPath(round(float(least[1]), 4), begins, end), told)


_LEAST_PERIOD = """
# Slack is a line in the period for each path, so that the least one of them bends downwards and a secant
# from the right ends at the least period; for whole periods its first step does.
proc least_period {period} {
  set slack [slack_at $period]
  if {abs($slack) > 1e20} { return }
  set next [expr {$period - $slack}]
  for {set turn 0} {$turn < 30} {incr turn} {
    set left [slack_at $next]
    if {abs($left) < 1e-6 || abs($next - $period) < 1e-9} { break }
    set slope [expr {($left - $slack) / ($next - $period)}]
    if {$slope <= 0} { error "slack does not grow with the period" }
    set period $next
    set slack $left
    set next [expr {$next - $left / $slope}]
  }
  puts "least period [format %.6f $next]"
}
"""


def _script(mapped: Mapped, liberty: Liberty, period: float) -> str:
    clocks = [
        f"create_clock -name clock{at} -period $period [get_ports {{{name}}}]"
        for at, name in enumerate(mapped.clocks)
    ] or ["create_clock -name clock0 -period $period"]
    names = " ".join(f"{{{name}}}" for name in mapped.clocks)
    lines = [
        f"read_liberty {{{liberty.path.resolve()}}}",
        f"read_verilog {{{mapped.netlist.name}}}",
        f"link_design {mapped.top}",
        "set_cmd_units -time ns -power W",  # else they are the library's
        "set sta_gated_clock_checks_enabled 0",  # an enable that comes late is no path of data
        "set data {}",
        f"set clocks {{{names}}}",
        "foreach port [all_inputs] {",
        "  if {[lsearch -exact $clocks [get_property $port full_name]] < 0} { lappend data $port }",
        "}",
        "proc slack_at {period} {",
        "  global data",
        *(f"  {line}" for line in clocks),
        "  set_input_delay 0 -clock clock0 $data",
        "  set_output_delay 0 -clock clock0 [all_outputs]",
        "  return [worst_slack]",
        "}",
        _LEAST_PERIOD,
        f"slack_at {period}",
        "set_false_path -to [all_registers -async_pins]",
        "check_setup -verbose -no_clock",
        f"least_period {period}",
        "report_checks -path_delay max -format summary -digits 6",
        f"slack_at {period}",
        f"set_power_activity -global -activity {ACTIVITY} -duty 0.5",
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
