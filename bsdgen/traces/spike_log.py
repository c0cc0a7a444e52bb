"""Rows from a log that Spike (the RISC-V ISA simulator) writes with ``-l --log-commits``.

Such a log has a line for every instruction that retires::

    core   0: 3 0x80000128 (0x00b52023) mem 0x80002000 0x00000007

with the privilege, pc, instruction word, and what it wrote; loads have their address, stores address and
data. Instructions that trap do not retire; of those ``-l`` tells by lines such as ::

    core   0: exception trap_load_address_misaligned, epc 0x80000150

What the log does not say is rebuilt by replay: source registers from earlier writes, loaded words from the
program's memory and earlier stores, `pc_wdata` from the line that follows. Spike's word is taken for all that
it does say (`rd_wdata`, addresses, stored data, which way a branch went, what traps), so that the rows are an
opinion of their own. Bits that neither says are not cared.

Rows begin at the program's entry (what the boot ROM does before only sets registers) and end with the store
to `tohost`. CSR instructions, FENCE.I, MRET and SRET, which Spike has and RV32I has not, make no row when
they retire; they are counted. Any other word that retires there and is none of RV32I's is an error: Spike
says that it is an instruction. Spike's trap vector is wherever the program put mtvec; as `pc_wdata` is not
cared on a trap, this does not show.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from bsdgen.errors import InputError
from bsdgen.isa.encoding import ENCODINGS, ILLEGAL, decode
from bsdgen.isa.machine import Memory
from bsdgen.isa.program import Program
from bsdgen.traces.schema import RVFI_SCHEMA
from bsdgen.traces.spike_events import WRITE_AGAIN, Event, read_events, reject

_M32 = 0xFFFFFFFF
_LOAD, _STORE = 0x03, 0x23

_OUTPUTS = tuple(field.name for field in RVFI_SCHEMA.outputs)
COLUMNS: tuple[str, ...] = (
    *(field.name for field in RVFI_SCHEMA.inputs),
    *_OUTPUTS,
    *(f"{name}_care" for name in _OUTPUTS),
)
"""Names of a row's values: inputs, outputs, care masks of the outputs."""


@dataclass(frozen=True, eq=False)
class SpikeRows:
    """A log as rows.

    Attributes
    ----------
    columns : uint32, shape (n,), by name of `COLUMNS`.
    left_out : how many instructions retired that are no RV32I and make no row.
    """

    columns: dict[str, NDArray[np.uint32]]
    left_out: int


def _is_left_out(insn: int) -> bool:
    """Whether a word is of Zicsr or Zifencei, or MRET or SRET.

    >>> _is_left_out(0x30529073), _is_left_out(0x0000100F), _is_left_out(0x02C58533)  # csrw, fence.i, mul
    (True, True, False)
    """
    if insn in (0x30200073, 0x10200073):  # MRET, SRET
        return True
    opcode, funct3 = insn & 0x7F, insn >> 12 & 7
    return (opcode == 0x73 and funct3 in (1, 2, 3, 5, 6, 7)) or (opcode == 0x0F and funct3 == 1)


def _sign(value: int, bits: int) -> int:
    return (value ^ 1 << (bits - 1)) - (1 << (bits - 1))


def _successors(insn: int, pc: int, rs1: int) -> tuple[int, ...]:
    """Where an instruction that retires may go on."""
    follow = pc + 4 & _M32
    match insn & 0x7F:
        case 0x6F:  # JAL
            high = (insn >> 31) << 20 | (insn >> 12 & 0xFF) << 12
            distance = high | (insn >> 20 & 1) << 11 | (insn >> 21 & 0x3FF) << 1
            return (pc + _sign(distance, 21) & _M32,)
        case 0x67:  # JALR
            return (rs1 + _sign(insn >> 20, 12) & 0xFFFFFFFE,)
        case 0x63:  # branches
            high = (insn >> 31) << 12 | (insn >> 7 & 1) << 11
            distance = high | (insn >> 25 & 0x3F) << 5 | (insn >> 8 & 15) << 1
            return (follow, pc + _sign(distance, 13) & _M32)
    return (follow,)


class _Replay:
    """Registers and memory, changed by one event after the other."""

    def __init__(self, log: Path, program: Program) -> None:
        self.log = log
        self.program = program
        self.memory = Memory(program)
        self.end = self.memory.base + 4 * len(self.memory.words)
        self.regs = [0] * 32

    def reject(self, event: Event, what: str) -> NoReturn:
        reject(self.log, event.line, f"{what} (pc {event.pc:#010x})")

    def in_program(self, pc: int) -> bool:
        return any(segment.address <= pc < segment.end for segment in self.program.segments)

    def fetch(self, event: Event) -> int:
        """The program's word at the event's pc, which must be the log's."""
        insn = self.memory.read(event.pc)
        if event.pc & 3 or not self.in_program(event.pc):
            self.reject(
                event, f"the address lies outside of {self.program.path}: the log is of another program"
            )
        if not event.trap and insn != event.insn:
            self.reject(
                event,
                f"the instruction is {event.insn:#010x}, expected {insn:#010x} as in {self.program.path}: "
                "the log is of another program",
            )
        return insn

    def row(self, event: Event, follower: Event | None) -> tuple[int, ...] | None:
        """One row in the order of `COLUMNS`; None if the instruction makes none.

        `follower` is what happens next, None at the end of the log.
        """
        insn = self.fetch(event)
        index = int(decode(insn))
        rs1_addr, rs2_addr = insn >> 15 & 31, insn >> 20 & 31
        inputs = (insn, event.pc, self.regs[rs1_addr], self.regs[rs2_addr])
        reads_rs1 = index != ILLEGAL and ENCODINGS[index].reads_rs1
        reads_rs2 = index != ILLEGAL and ENCODINGS[index].reads_rs2
        rs_care = (31 * reads_rs1, 31 * reads_rs2)
        if event.trap:
            outputs = (rs1_addr, rs2_addr, 0, 0, 0, 0, 0, 0, 0, 1)
            return *inputs, 0, *outputs, *rs_care, 31, 0, 0, 0, 15, 15, 0, 1
        if index == ILLEGAL:
            if not _is_left_out(insn):
                self.reject(
                    event,
                    f"{insn:#010x} retires, which is no instruction of RV32I, of Zicsr or of Zifencei: Spike "
                    "ran with another --isa, or disagrees about what is legal",
                )
            self.write_register(event)
            return None
        follow = self.follow(event, insn, inputs[2], follower)
        expected_rd = insn >> 7 & 31 if ENCODINGS[index].writes_rd else 0
        rd = max(event.rd, 0)
        if rd != expected_rd:
            self.reject(
                event, f"writes {f'x{rd}' if rd else 'no register'}, expected x{expected_rd}: damaged"
            )
        mem_rdata, mem_addr, rmask, wmask, wdata = self.access(event, insn)
        self.write_register(event)
        lanes = sum(0xFF << 8 * lane for lane in range(4) if wmask >> lane & 1)
        outputs = (rs1_addr, rs2_addr, rd, event.value if rd else 0, follow, mem_addr, rmask, wmask, wdata, 0)
        care = (
            *(*rs_care, 31, _M32 if rd else 0, 0 if follower is None else _M32),
            *(_M32 if rmask | wmask else 0, 15, 15, lanes, 1),
        )
        return *inputs, mem_rdata, *outputs, *care

    def follow(self, event: Event, insn: int, rs1: int, follower: Event | None) -> int:
        """The address of what happens next."""
        if follower is None:
            return 0
        successors = _successors(insn, event.pc, rs1)
        if follower.pc not in successors:
            expected = " or ".join(f"{successor:#010x}" for successor in successors)
            reject(
                self.log,
                follower.line,
                f"goes on at {follower.pc:#010x} after {event.pc:#010x} (line {event.line}), expected "
                f"{expected}: lines are missing or damaged, or the log was written without -l",
            )
        return follower.pc

    def write_register(self, event: Event) -> None:
        if event.rd > 31:
            self.reject(event, f"writes x{event.rd}, expected x0 to x31: damaged")
        if event.rd > 0:
            self.regs[event.rd] = event.value

    def access(self, event: Event, insn: int) -> tuple[int, int, int, int, int]:
        """Load or store: (mem_rdata, mem_addr, mem_rmask, mem_wmask, mem_wdata), all 0 if neither."""
        opcode = insn & 0x7F
        if opcode not in (_LOAD, _STORE):
            if event.address >= 0:
                self.reject(event, "an instruction that is no load or store accesses memory: damaged")
            return 0, 0, 0, 0, 0
        size = 1 << (insn >> 12 & 3)
        address = event.address
        if address < 0 or len(event.data) != (0 if opcode == _LOAD else 2 * size):
            self.reject(
                event,
                f"expected 'mem' with {'an address' if opcode == _LOAD else f'an address and {size} bytes'}, "
                f"found {event.data or 'nothing'!r} after the address: damaged",
            )
        if address & (size - 1):
            self.reject(
                event,
                f"accesses {size} bytes at {address:#010x}, which is not aligned, without a trap: run Spike "
                "without Zicclsm or --misaligned",
            )
        if not self.memory.base <= address < self.end:
            self.reject(
                event,
                f"accesses {address:#010x}, expected an address from {self.memory.base:#010x} to "
                f"{self.end - 1:#010x}: only what the program has in its RAM can be replayed",
            )
        mask, shift = ((1 << size) - 1) << (address & 3), 8 * (address & 3)
        if opcode == _STORE:
            data = int(event.data, 16) << shift
            self.memory.write(address, mask, data)
            return 0, address & ~3, 0, mask, data
        word = self.memory.read(address)
        held = word >> shift & ((1 << 8 * size) - 1)
        if event.rd > 0 and event.value & ((1 << 8 * size) - 1) != held:
            self.reject(
                event,
                f"loads {event.value:#010x} where memory has {held:#x}: the log is of another program than "
                f"{self.program.path}, or lines are missing",
            )
        return word, address & ~3, mask, 0, 0


def _from_entry(replay: _Replay, events: Iterator[Event]) -> Event:
    """Run what comes before the program, and give the program's first event."""
    for event in events:
        if event.pc == replay.program.entry:
            return event
        if replay.in_program(event.pc):
            replay.reject(event, f"the log starts inside of the program, not at {replay.program.entry:#010x}")
        replay.write_register(event)
    raise InputError(
        f"{replay.log}: has no instruction at the program's entry, {replay.program.entry:#010x}: it is empty "
        f"or of another program than {replay.program.path}; {WRITE_AGAIN}"
    )


def read_spike_log(log: Path, program: Program) -> dict[str, NDArray[np.uint32]]:
    """The rows of a log; see `read_spike_rows`."""
    return read_spike_rows(log, program).columns


def read_spike_rows(log: Path, program: Program) -> SpikeRows:
    """Read a commit log and rebuild what it leaves out.

    Parameters
    ----------
    log : what Spike wrote with ``-l --log-commits``.
    program : what ran.

    Returns
    -------
    Columns and the number of instructions that are none of them
        Every field of `RVFI_SCHEMA` and a care mask ``<output>_care`` for every output, in order of
        retirement. `mem_rdata` is 0 in rows that load nothing.

    Raises
    ------
    InputError
        The log cannot be read, is no log, is damaged, is of a 64-bit machine or of another program, has an
        instruction that is none of RV32I, Zicsr and Zifencei, or ends before the program does; or the program
        has no `tohost`.

    Notes
    -----
    About 30,000 rows a second.
    """
    log = Path(log)
    tohost = program.tohost
    replay = _Replay(log, program)
    events = read_events(log)
    event = _from_entry(replay, events)
    rows: list[tuple[int, ...]] = []
    left_out = 0
    ended = False
    while not ended:
        follower = next(events, None)
        row = replay.row(event, follower)
        if row is None:
            left_out += 1
        else:
            rows.append(row)
        ended = event.address == tohost and len(event.data) == 8
        if follower is None and not ended:
            raise InputError(
                f"{log}: ends at line {event.line} (pc {event.pc:#010x}) before the program stores to "
                f"'tohost' ({tohost:#010x}), so it is cut off; {WRITE_AGAIN}"
            )
        if follower is not None:
            event = follower
    table = np.array(rows, np.uint32).reshape(-1, len(COLUMNS)).T
    return SpikeRows(dict(zip(COLUMNS, np.ascontiguousarray(table), strict=True)), left_out)
