"""Lines of a Spike log as events: what retired, what trapped.

Every line must be one that Spike writes with ``-l --log-commits``; any other is an `InputError` with its
number.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from bsdgen.errors import InputError

_LONGEST_LINE = 1000
WRITE_AGAIN = (
    "write the log with `spike --isa=rv32i -m0x80000000:0x100000 -l --log-commits --log=FILE PROGRAM`, "
    "with the memory at the program's address"
)

_LINE = re.compile(r"core +(\d+): (.*)")
_COMMIT = re.compile(
    r"[0-3] 0x([0-9a-f]+) \(0x([0-9a-f]+)\)"
    r"(?: +x([0-9]+) +0x([0-9a-f]+))?"
    r"(?: +c[0-9]+_\w+ +0x[0-9a-f]+)*"
    r"(?: +mem 0x([0-9a-f]+)(?: 0x([0-9a-f]+))?)?"
)
_EXCEPTION = re.compile(r"exception (\w+), epc 0x([0-9a-f]+)")
_FETCHED = re.compile(r"0x([0-9a-f]+) \(0x([0-9a-f]+)\) \S.*")
_OTHER = re.compile(r">>>> .*|Executed [0-9a-f]+ times| +tval 0x[0-9a-f]+")

_TRAPS = frozenset(
    {
        "trap_illegal_instruction",
        "trap_breakpoint",
        "trap_user_ecall",
        "trap_supervisor_ecall",
        "trap_machine_ecall",
        "trap_instruction_address_misaligned",
        "trap_load_address_misaligned",
        "trap_store_address_misaligned",
    }
)
"""Traps that the step function has; others (access faults, interrupts) come from around it."""


@dataclass(frozen=True, slots=True)
class Event:
    """An instruction that retired or trapped.

    Attributes
    ----------
    line : number of the line that says so, from 1.
    pc : its address.
    insn : its word as the log has it; on a trap -1.
    rd, value : register that was written and what with; `rd` is -1 if none was.
    address : of the first byte loaded or stored, or -1.
    data : hexadecimal digits of what was stored, "" if nothing was.
    trap : whether it trapped.
    """

    line: int
    pc: int
    insn: int = -1
    rd: int = -1
    value: int = 0
    address: int = -1
    data: str = ""
    trap: bool = False


def reject(log: Path, line: int, what: str) -> NoReturn:
    """Raise an `InputError` about a line."""
    raise InputError(f"{log}, line {line}: {what}; {WRITE_AGAIN}")


def _lines(log: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines without their ends."""
    try:
        with log.open("rb") as file:
            number = 0
            while raw := file.readline(_LONGEST_LINE):
                number += 1
                if not raw.endswith(b"\n"):
                    what = "is no line of a Spike log" if len(raw) == _LONGEST_LINE else "is cut off"
                    reject(log, number, f"{raw[:60]!r} {what}, expected a line that ends by a line feed")
                try:
                    yield number, raw.decode("ascii").rstrip()
                except UnicodeDecodeError:
                    reject(log, number, f"{raw[:60]!r} is no text, expected a line of a Spike log")
    except OSError as error:
        raise InputError(f"{log}: cannot be read ({error.strerror}); {WRITE_AGAIN}") from error


def _word(log: Path, line: int, digits: str) -> int:
    """A word of 8 hexadecimal digits."""
    if len(digits) == 16:
        reject(log, line, f"0x{digits} has 64 bits, expected 32: this is the log of a 64-bit machine")
    if len(digits) == 4:
        reject(log, line, f"0x{digits} is a compressed instruction, expected RV32I only")
    if len(digits) != 8:
        reject(log, line, f"0x{digits} has {len(digits)} digits, expected 8")
    return int(digits, 16)


def _event(log: Path, line: int, text: str) -> Event | None:
    """The event in a line's text behind ``core 0:``, None for a line that only comments."""
    if match := _COMMIT.fullmatch(text):
        pc, insn, rd, value, address, data = match.groups(default="")
        return Event(
            line,
            _word(log, line, pc),
            _word(log, line, insn),
            int(rd) if rd else -1,
            _word(log, line, value) if rd else 0,
            _word(log, line, address) if address else -1,
            data,
        )
    if match := _EXCEPTION.fullmatch(text):
        name, epc = match.groups()
        if name not in _TRAPS:
            reject(
                log,
                line,
                f"{name} at 0x{epc} is a trap that the step function has not, expected one of "
                f"{', '.join(sorted(_TRAPS))}: the program leaves its memory, or Spike ran with devices",
            )
        return Event(line, _word(log, line, epc), trap=True)
    if match := _FETCHED.fullmatch(text):
        _word(log, line, match[1])
        return None
    if _OTHER.fullmatch(text):
        return None
    reject(log, line, f"{text[:60]!r} is no line of a Spike log, or a damaged one")


def read_events(log: Path) -> Iterator[Event]:
    """Events of a log, one after the other as it is read.

    Raises
    ------
    InputError
        The file cannot be read, or a line is none of a Spike log of one 32-bit core.
    """
    for line, text in _lines(log):
        match = _LINE.fullmatch(text)
        if match is None:
            reject(log, line, f"{text[:60]!r} is no line of a Spike log, expected 'core   0: ...'")
        if int(match[1]) != 0:
            reject(log, line, f"is of core {match[1]}, expected core 0 alone: run one core")
        event = _event(log, line, match[2])
        if event is not None:
            yield event
