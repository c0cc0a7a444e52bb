"""A single-cycle RV32I core around the learned step function, in Amaranth.

The shell holds state and nothing else: pc, the registers, a memory port and an RVFI port. What an instruction
does, which registers it reads included, is the learned modules' business. Memory answers in the same cycle. A
trap writes nothing and continues at reset pc + 4, where a program puts a jump to its handler.

================ ===== ============================================================================
port             width meaning
================ ===== ============================================================================
clk, rst         1     rising edge; synchronous reset, active high
reset_pc         32    first pc, held constant (absent if the core was made with a fixed one)
enable           1     an instruction may retire in this cycle; 0 while fetch or memory keeps it
                       waiting
fetch_addr       32    out: address of the instruction
fetch_data       32    the instruction
mem_addr         32    out: word address
mem_rmask        4     out: bytes to read, 0 without an access
mem_wmask        4     out: bytes to write, 0 without an access
mem_wdata        32    out: data, in their lanes
mem_rdata        32    the word at mem_addr
``rvfi_*``             out: what retires in this cycle, as in the RISC-V Formal Interface
================ ===== ============================================================================
"""

from dataclasses import dataclass
from pathlib import Path

from amaranth.hdl import Cat, Const, Elaboratable, Instance, Module, Mux, ResetSignal, Signal
from amaranth.lib.memory import Memory

from bsdgen.artifacts import write_text
from bsdgen.emit.amaranth import elaborating, rtlil_to_verilog
from bsdgen.emit.parts import Part, digest_line, model_name, split_parts
from bsdgen.errors import InputError
from bsdgen.model import Model
from bsdgen.traces.schema import RVFI_SCHEMA, Schema

TRAP_OFFSET = 4  # a trap continues at reset pc + 4
_MACHINE_MODE = 3
_XLEN_32 = 1

RVFI_PORTS: tuple[tuple[str, int], ...] = (
    ("valid", 1),
    ("order", 64),
    ("insn", 32),
    ("trap", 1),
    ("halt", 1),
    ("intr", 1),
    ("mode", 2),
    ("ixl", 2),
    ("rs1_addr", 5),
    ("rs2_addr", 5),
    ("rs1_rdata", 32),
    ("rs2_rdata", 32),
    ("rd_addr", 5),
    ("rd_wdata", 32),
    ("pc_rdata", 32),
    ("pc_wdata", 32),
    ("mem_addr", 32),
    ("mem_rmask", 4),
    ("mem_wmask", 4),
    ("mem_rdata", 32),
    ("mem_wdata", 32),
)
"""Ports ``rvfi_<name>`` and their widths."""

# What must be known before a field exists: the loop that a single cycle must not have.
_LATE = {"rs1_rdata": ("rs1_addr",), "rs2_rdata": ("rs2_addr",), "mem_rdata": ("mem_addr", "mem_rmask")}


@dataclass(frozen=True, eq=False)
class LearnedModule:
    """A module of the emitted Verilog: its name and the part that it holds."""

    module: str
    part: Part


def is_step_function(schema: Schema) -> bool:
    """Whether a model of this schema can be the logic of a core.

    >>> is_step_function(RVFI_SCHEMA), is_step_function(Schema(RVFI_SCHEMA.fields[1:]))
    (True, False)
    """
    return _ports(schema) == _ports(RVFI_SCHEMA)


def _ports(schema: Schema) -> dict[str, tuple[int, str]]:
    return {field.name: (field.width, field.role) for field in schema.fields}


def learned_modules(model: Model, name: str) -> list[LearnedModule]:
    """Modules that a core instantiates.

    Parameters
    ----------
    name : prefix of the modules' names.

    Raises
    ------
    InputError
        The model is no RV32I step function in RVFI's names, or a part depends on what it decides.
    """
    if not is_step_function(model.schema):
        want, have = _ports(RVFI_SCHEMA), _ports(model.schema)
        wrong = [key for key in {**want, **have} if want.get(key) != have.get(key)]
        raise InputError(
            f"model {name}: its fields are not those of an RV32I step function (missing, extra or of another "
            f"width: {', '.join(wrong[:5])}); a core needs a model learned from RVFI rows"
        )
    parts = split_parts(model)
    known = {field.name for field in model.schema.inputs} - set(_LATE)
    waiting = list(parts)
    while waiting:
        known |= {late for late, needed in _LATE.items() if known.issuperset(needed)}
        ready = [part for part in waiting if known.issuperset(field.name for field in part.inputs)]
        if not ready:
            part = waiting[0]
            late = [field.name for field in part.inputs if field.name not in known]
            raise InputError(
                f"model {name}: part {part.name!r} reads {', '.join(late)} and decides what those are read "
                "from, a combinational loop; learn the model with the parts of the RVFI schema"
            )
        known |= {field.name for part in ready for field in part.outputs}
        waiting = [part for part in waiting if part not in ready]
    return [LearnedModule(f"{name}_{part.name}", part) for part in parts]


def _bytes(mask: Signal) -> Cat:
    """A mask of bytes as a mask of bits."""
    return Cat(mask[byte].replicate(8) for byte in range(4))


class SingleCycleCore(Elaboratable):
    """The shell; ports as in the module docstring.

    Parameters
    ----------
    modules : the learned modules.
    reset_pc : first pc; None makes it a port, so that one netlist serves programs with different entries.
    """

    def __init__(self, modules: list[LearnedModule], reset_pc: int | None = None) -> None:
        self.modules = modules
        self.fixed_reset_pc = reset_pc
        self.reset_pc = Signal(32)
        self.enable = Signal()
        self.fetch_addr = Signal(32)
        self.fetch_data = Signal(32)
        self.mem_addr = Signal(32)
        self.mem_rmask = Signal(4)
        self.mem_wmask = Signal(4)
        self.mem_wdata = Signal(32)
        self.mem_rdata = Signal(32)
        self.rvfi = {name: Signal(width, name=f"rvfi_{name}") for name, width in RVFI_PORTS}

    def ports(self) -> list[Signal]:
        """All ports but clk and rst."""
        strap = [self.reset_pc] if self.fixed_reset_pc is None else []
        bus = [self.mem_addr, self.mem_rmask, self.mem_wmask, self.mem_wdata, self.mem_rdata]
        return [*strap, self.enable, self.fetch_addr, self.fetch_data, *bus, *self.rvfi.values()]

    def elaborate(self, platform: object) -> Module:
        """Build the shell."""
        m = Module()
        field = {item.name: Signal(item.width, name=f"step_{item.name}") for item in RVFI_SCHEMA.fields}
        for learned in self.modules:
            pins = {f"i_{item.name}": field[item.name] for item in learned.part.inputs}
            pins |= {f"o_{item.name}": field[item.name] for item in learned.part.outputs}
            setattr(m.submodules, learned.part.name, Instance(learned.module, **pins))
        retire = Signal()
        m.d.comb += retire.eq(self.enable & ~ResetSignal())
        next_pc = self._pc(m, field, retire)
        self._registers(m, field, retire)
        m.d.comb += [
            field["insn"].eq(self.fetch_data),
            self.mem_addr.eq(field["mem_addr"]),
            self.mem_rmask.eq(Mux(retire, field["mem_rmask"], 0)),
            self.mem_wmask.eq(Mux(retire, field["mem_wmask"], 0)),
            self.mem_wdata.eq(field["mem_wdata"]),
            field["mem_rdata"].eq(self.mem_rdata),
        ]
        self._rvfi(m, field, retire, next_pc)
        return m

    def _pc(self, m: Module, field: dict[str, Signal], retire: Signal) -> Signal:
        reset_pc = self.reset_pc if self.fixed_reset_pc is None else Const(self.fixed_reset_pc, 32)
        pc = Signal(32, reset_less=True)
        next_pc = Signal(32)
        m.d.comb += [
            next_pc.eq(Mux(field["trap"], (reset_pc + TRAP_OFFSET)[:32], field["pc_wdata"])),
            field["pc_rdata"].eq(pc),
            self.fetch_addr.eq(pc),
        ]
        with m.If(ResetSignal()):
            m.d.sync += pc.eq(reset_pc)
        with m.Elif(retire):
            m.d.sync += pc.eq(next_pc)
        return next_pc

    @staticmethod
    def _registers(m: Module, field: dict[str, Signal], retire: Signal) -> None:
        """31 words; x0 has one too, which is never written and so stays 0."""
        m.submodules.registers = registers = Memory(shape=32, depth=32, init=[])
        for name in ("rs1", "rs2"):
            port = registers.read_port(domain="comb")
            m.d.comb += [port.addr.eq(field[f"{name}_addr"]), field[f"{name}_rdata"].eq(port.data)]
        write = registers.write_port()
        m.d.comb += [
            write.addr.eq(field["rd_addr"]),
            write.data.eq(field["rd_wdata"]),
            write.en.eq(retire & field["rd_addr"].any()),
        ]

    def _rvfi(self, m: Module, field: dict[str, Signal], retire: Signal, next_pc: Signal) -> None:
        """Everything is 0 that means nothing, as RVFI has it."""
        order = Signal(64)
        trapped = Signal()
        with m.If(retire):
            m.d.sync += [order.eq((order + 1)[:64]), trapped.eq(field["trap"])]
        shown = {name: field[name] for name in ("insn", "pc_rdata", "trap")}
        shown |= {name: field[name] for name in ("rs1_addr", "rs2_addr", "rs1_rdata", "rs2_rdata", "rd_addr")}
        shown |= {name: field[name] for name in ("mem_rmask", "mem_wmask")}
        shown |= {
            "valid": retire,
            "order": order,
            "halt": Const(0, 1),
            "intr": trapped,
            "mode": Const(_MACHINE_MODE, 2),
            "ixl": Const(_XLEN_32, 2),
            "rd_wdata": Mux(field["rd_addr"].any(), field["rd_wdata"], 0),
            "pc_wdata": next_pc,
            "mem_addr": Mux((field["mem_rmask"] | field["mem_wmask"]).any(), field["mem_addr"], 0),
            "mem_rdata": field["mem_rdata"] & _bytes(field["mem_rmask"]),
            "mem_wdata": field["mem_wdata"] & _bytes(field["mem_wmask"]),
        }
        m.d.comb += [self.rvfi[name].eq(value) for name, value in shown.items()]


def core_text(model: Model, name: str, reset_pc: int | None = None) -> str:
    """Verilog of the core; it instantiates the modules of ``<name>_step.v``.

    Raises
    ------
    InputError
        The model cannot be the step function of a core, see `learned_modules`, or `reset_pc` is no address of
        an instruction.
    ToolError
        Yosys is missing or fails.
    """
    from amaranth.back import rtlil

    if reset_pc is not None and not (0 <= reset_pc < 2**32 and reset_pc % 4 == 0):
        raise InputError(f"reset_pc must be a multiple of 4 below 2**32, not {reset_pc:#x}")
    modules = learned_modules(model, name)
    with elaborating():
        core = SingleCycleCore(modules, reset_pc)
        text = rtlil.convert(core, ports=core.ports(), name=f"{name}_core", emit_src=False)
    return rtlil_to_verilog(
        text,
        f"{name}_core: single-cycle RV32I core around the learned modules of {name}_step.v.\n"
        "Elaborated from bsdgen's Amaranth shell (bsdgen/core/single.py), which holds state only.\n"
        f"{digest_line(model)}",
    )


def write_core(model: Model, folder: Path, reset_pc: int | None = None) -> Path:
    """Write ``verilog/<name>_core.v`` under the model's folder; parameters and errors as in `core_text`."""
    name = model_name(folder)
    path = folder / "verilog" / f"{name}_core.v"
    write_text(path, core_text(model, name, reset_pc))
    return path
