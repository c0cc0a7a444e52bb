"""Random runs of a shell's netlist, its ports watched by a machine that knows nothing of phases."""

from pathlib import Path

import numpy as np

from bsdgen.bits import from_bool, pack_fields, to_bool, unpack_fields
from bsdgen.circuit.netlist import read_state_netlist
from bsdgen.isa.program import load_program
from bsdgen.isa.step import step_packed
from bsdgen.traces.schema import RVFI_SCHEMA

RESET_PC = 0x80000000
PROGRAM = Path(__file__).parents[2] / "sim" / "programs" / "random-1.elf"
REQUEST = ("bus_valid", "bus_instr", "bus_addr", "bus_rmask", "bus_wmask")
IN, OUT = RVFI_SCHEMA.inputs, RVFI_SCHEMA.outputs


def lanes_of(mask: int) -> int:
    return sum(0xFF << 8 * byte for byte in range(4) if mask >> byte & 1)


class Watched:
    """Independent runs side by side; any breach of the protocol is an AssertionError."""

    def __init__(self, folder: Path, shell: str, lanes: int, seed: int) -> None:
        files = [folder / "verilog" / f"{folder.name}_{kind}.v" for kind in (shell, "step")]
        self.net = read_state_netlist(files, f"{folder.name}_{shell}")
        self.shell, self.lanes = shell, lanes
        self.rng = np.random.default_rng(seed)
        code = load_program(PROGRAM).segments[0].data
        self.words = np.frombuffer(code[: len(code) & ~3], "<u4")
        n_state = len(self.net.initial)
        self.state = self.rng.random((lanes, n_state)) < 0.5
        for bit, first in enumerate(self.net.initial):
            if first is not None:
                self.state[:, bit] = first
        self.retired = self.resets = self.reset_in_transfer = self.traps = self.accesses = 0
        self.machines = [Machine() for _ in range(lanes)]
        self.first = True

    def run(self, cycles: int, always_ready: bool = False) -> None:
        for _ in range(cycles):
            n = self.lanes
            rst = np.full(n, True) if self.first else self.rng.random(n) < (0 if always_ready else 0.04)
            self.first = False
            ready = np.full(n, True) if always_ready else self.rng.random(n) < self.rng.choice([0.2, 0.9])
            word = self.rng.integers(0, 2**32, n, np.uint64).astype(np.uint32)
            code = self.rng.choice(self.words, n)
            word = np.where(self.rng.random(n) < 0.97, code, word)
            given = {"rst": rst, "ready": ready, "rdata": word, "reset_pc": np.full(n, RESET_PC, np.uint32)}
            if self.shell == "wishbone":
                failed = ready & (self.rng.random(n) < 0.1)
                given |= {"wb_err": failed, "wb_ack": ready & ~failed | failed & (self.rng.random(n) < 0.5)}
                given["wb_dat_r"] = word
                given["rdata"] = np.where(failed, 0, word)
            else:
                given |= {"bus_ready": ready, "bus_rdata": word}
            self._watch(given, self._cycle(given))

    def _cycle(self, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        columns = []
        for name in self.net.inputs:
            base, _, bit = name.rstrip("]").partition("[")
            if base in given:
                columns.append(given[base] >> int(bit) & 1 if bit else given[base])
            else:  # undefined values, the clock
                columns.append(self.rng.random(self.lanes) < 0.5)
        rows = np.column_stack([np.array(columns).T.astype(bool), self.state])
        made = to_bool(self.net.aig.evaluate(from_bool(rows)), self.net.aig.n_outputs)
        self.state = made[:, len(self.net.outputs) :]
        shown: dict[str, np.ndarray] = {}
        for at, name in enumerate(self.net.outputs):
            base, _, bit = name.rstrip("]").partition("[")
            value = made[:, at].astype(np.uint64) << np.uint64(bit or 0)
            shown[base] = shown.get(base, np.uint64(0)) | value
        return shown

    def _watch(self, given: dict[str, np.ndarray], shown: dict[str, np.ndarray]) -> None:
        retiring = []
        for lane, machine in enumerate(self.machines):
            ports = {name: int(values[lane]) for name, values in shown.items()}
            if self.shell == "wishbone":
                ports |= as_bus(ports, machine)
            rst, ready, rdata = (int(given[name][lane]) for name in ("rst", "ready", "rdata"))
            self.resets += rst
            self.reset_in_transfer += bool(rst and machine.waiting)
            if machine.cycle(ports, rst, ready, rdata):
                retiring.append((machine, ports, rdata))
        if not retiring:
            return
        columns = [[ports[f"rvfi_{field.name}"] for _, ports, _ in retiring] for field in IN]
        for at, field in enumerate(IN):
            if field.name.endswith("_rdata") and field.name.startswith("rs"):
                number = f"rvfi_{field.name[:3]}_addr"
                columns[at] = [machine.registers[ports[number]] for machine, ports, _ in retiring]
            if field.name == "mem_rdata":
                columns[at] = [rdata for *_, rdata in retiring]
        out, care = step_packed(pack_fields(np.array(columns, np.uint64), [field.width for field in IN]))
        values, cares = (unpack_fields(item, [field.width for field in OUT]) for item in (out, care))
        for at, (machine, ports, rdata) in enumerate(retiring):
            said = {f.name: (int(v[at]), int(c[at])) for f, v, c in zip(OUT, values, cares, strict=True)}
            machine.retire(ports, said, rdata)
            self.traps += said["trap"][0]
            self.accesses += bool(said["mem_rmask"][0] | said["mem_wmask"][0])
        self.retired += len(retiring)


def as_bus(ports: dict[str, int], machine: "Machine") -> dict[str, int]:
    """Ports of Wishbone as those of the bus; a fetch is what comes where the machine is owed a word."""
    assert ports["wb_cyc"] == ports["wb_stb"]
    valid, sel, store = ports["wb_stb"], ports["wb_sel"], ports["wb_we"]
    fetch = int(not ports["rvfi_valid"] and machine.word is None) if not store else 0
    if ports["rvfi_valid"]:
        fetch = int(not (ports["rvfi_mem_rmask"] | ports["rvfi_mem_wmask"]))
    return {
        "bus_valid": valid,
        "bus_instr": fetch,
        "bus_addr": ports["wb_adr"] << 2,
        "bus_rmask": 0 if store or not valid else sel,
        "bus_wmask": sel if store and valid else 0,
        "bus_wdata": ports["wb_dat_w"],
    }


class Machine:
    """What must be seen at the ports of one run."""

    def __init__(self) -> None:
        self.registers = [0] * 32
        self.pc = self.order = self.intr = 0
        self.word: tuple[int, int] | None = None  # fetched and not retired: address and word
        self.waiting: dict[str, int] | None = None
        self.access: dict[str, int] | None = None
        self.after_reset = True  # or in the first cycle at all

    def cycle(self, ports: dict[str, int], rst: int, ready: int, rdata: int) -> bool:
        """Watch the bus for a cycle; whether an instruction retires."""
        if rst:
            assert not ports["bus_valid"] and not ports["bus_wmask"] and not ports["rvfi_valid"]
            self.pc, self.order, self.intr, self.word, self.waiting = RESET_PC, 0, 0, None, None
            self.after_reset = True
            return False
        assert not (self.after_reset and ports["bus_valid"])
        self.after_reset = False
        asked = {name: ports[name] for name in REQUEST}
        asked["bus_wdata"] = ports["bus_wdata"] & lanes_of(ports["bus_wmask"])
        valid, fetch = ports["bus_valid"], ports["bus_valid"] and ports["bus_instr"]
        if not valid:
            assert not ports["bus_rmask"] and not ports["bus_wmask"]
        if self.waiting is not None:
            assert asked == self.waiting, (asked, self.waiting)
        self.waiting = asked if valid and not ready else None
        self.access = asked if valid and ready and not fetch else None
        self.fetches = (ports["bus_addr"], rdata) if fetch and ready else None
        if self.access:
            assert ports["rvfi_valid"]  # what is done is shown in the same cycle
        if fetch:
            assert ports["bus_rmask"] == 15 and not ports["bus_wmask"] and ports["bus_addr"] % 4 == 0
        if not ports["rvfi_valid"]:
            if self.fetches:
                assert self.word is None and self.fetches[0] == self.pc
                self.word = self.fetches
            return False
        return True

    def retire(self, ports: dict[str, int], said: dict[str, tuple[int, int]], rdata: int) -> None:
        """Hold what retires to the machine, and do it here."""
        assert self.word == (ports["rvfi_pc_rdata"], ports["rvfi_insn"]) and self.word[0] == self.pc
        assert ports["rvfi_order"] == self.order and ports["rvfi_intr"] == self.intr
        for name, (value, care) in said.items():
            if name != "pc_wdata":
                assert (ports[f"rvfi_{name}"] ^ value) & care == 0, name
        for name in ("rs1", "rs2"):
            # Where nothing is read the number may be any, but the value is that of its register.
            assert ports[f"rvfi_{name}_rdata"] == self.registers[ports[f"rvfi_{name}_addr"]]
        trap = said["trap"][0]
        following = RESET_PC + 4 if trap else said["pc_wdata"][0]
        assert ports["rvfi_pc_wdata"] == following
        rmask, wmask = said["mem_rmask"][0], said["mem_wmask"][0]
        if rmask | wmask:
            wdata = said["mem_wdata"][0] & lanes_of(wmask)
            wanted = (1, 0, said["mem_addr"][0], rmask, wmask, wdata)
            assert self.access is not None and tuple(self.access.values()) == wanted
            assert ports["rvfi_mem_rdata"] == rdata & lanes_of(rmask)
        else:
            assert self.access is None
        if said["rd_addr"][0]:
            self.registers[said["rd_addr"][0]] = said["rd_wdata"][0]
        self.pc, self.order, self.intr = following, self.order + 1, trap
        if self.fetches:
            assert self.fetches[0] == following
        self.word = self.fetches
