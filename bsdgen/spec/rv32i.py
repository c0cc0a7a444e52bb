"""RV32I, one instruction at a time.

Source: The RISC-V Instruction Set Manual, Volume I, chapter "RV32I Base Integer Instruction Set"; the name
before each group is that of its section. An instruction is a function from what it finds (`Before`) to what
it leaves (`After`), with its row of the listing above it. Each has its own sum, comparison and shift (the
branches alone share where they lead to once it is decided), and nothing is shared with the simulator.

What the manual leaves to the environment is settled as the project's shell has it: loads and stores that are
not aligned to their size raise an exception (no support for misaligned accesses), and there is no C
extension, so an instruction address must be a multiple of 4 (IALIGN = 32): a jump or *taken* branch to any
other raises the exception itself and writes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bsdgen.spec.encoding import Encoding, parse

OPCODES: dict[str, int] = {
    "lui": 0b01_101_11,
    "auipc": 0b00_101_11,
    "jal": 0b11_011_11,
    "jalr": 0b11_001_11,
    "branch": 0b11_000_11,
    "load": 0b00_000_11,
    "store": 0b01_000_11,
    "op-imm": 0b00_100_11,
    "op": 0b01_100_11,
    "misc-mem": 0b00_011_11,
    "system": 0b11_100_11,
}
"""``insn[6:0]`` by major opcode (table "RISC-V base opcode map, inst[1:0]=11": column, row, 11)."""


@dataclass(frozen=True)
class Before:
    """What an instruction finds: values of Amaranth.

    Attributes
    ----------
    pc, rs1, rs2 : its address and the source registers, 32 bits each.
    immediate : sign-extended as its format says; None if it has none.
    shamt : shift amount, 5 bits; None if it has none.
    memory : function from an address to the 32-bit word of memory that holds it.
    """

    pc: Any
    rs1: Any
    rs2: Any
    immediate: Any
    shamt: Any
    memory: Callable[[Any], Any]


@dataclass(frozen=True)
class After:
    """What an instruction leaves; what it does not mention stays as it was.

    Attributes
    ----------
    rd : value for the destination register.
    pc : next pc; None: the next word, pc + 4.
    exception : 1 where it raises an exception instead of all else.
    address, size : of the memory access, in bytes.
    store : what is stored, 8 * size bits; None: the access is a load.
    """

    rd: Any = None
    pc: Any = None
    exception: Any = 0
    address: Any = None
    size: int = 0
    store: Any = None


Meaning = Callable[[Before], After]


@dataclass(frozen=True)
class Instruction:
    """Name, encoding, meaning, and which registers are named because they matter."""

    name: str
    encoding: Encoding
    meaning: Meaning

    @property
    def reads_rs1(self) -> bool:
        """Whether it reads the register that rs1 names."""
        return "rs1" in self.encoding.fields

    @property
    def reads_rs2(self) -> bool:
        """Whether it reads the register that rs2 names."""
        return "rs2" in self.encoding.fields

    @property
    def writes_rd(self) -> bool:
        """Whether it writes the register that rd names."""
        return "rd" in self.encoding.fields


INSTRUCTIONS: list[Instruction] = []
"""All of RV32I, in the order of the listing."""


def _row(row: str) -> Callable[[Meaning], Meaning]:
    """Enter a function as the meaning of the instruction of this row; its name is the instruction's."""

    def enter(meaning: Meaning) -> Meaning:
        INSTRUCTIONS.append(Instruction(meaning.__name__.strip("_").lower(), parse(row), meaning))
        return meaning

    return enter


# Integer Register-Immediate Instructions: the two with an upper immediate.


@_row("imm[31:12] rd 0110111")
def LUI(x: Before) -> After:
    """The immediate into rd, its low 12 bits zero."""
    return After(rd=x.immediate)


@_row("imm[31:12] rd 0010111")
def AUIPC(x: Before) -> After:
    """The immediate, low 12 bits zero, added to the address of the AUIPC."""
    return After(rd=x.pc + x.immediate)


# Unconditional Jumps.


@_row("imm[20|10:1|11|19:12] rd 1101111")
def JAL(x: Before) -> After:
    """Jump to pc + offset; rd gets the address of the instruction that follows."""
    target = (x.pc + x.immediate)[:32]
    return After(rd=x.pc + 4, pc=target, exception=target[:2] != 0)


@_row("imm[11:0] rs1 000 rd 1100111")
def JALR(x: Before) -> After:
    """Jump to rs1 + offset with the least significant bit of the sum set to zero; rd as in JAL."""
    target = (x.rs1 + x.immediate)[:32] & 0xFFFFFFFE
    return After(rd=x.pc + 4, pc=target, exception=target[:2] != 0)


# Conditional Branches.


def _branch(x: Before, taken: Any) -> After:
    """To pc + offset if taken; only then can the target be misaligned."""
    from amaranth.hdl import Mux

    target = (x.pc + x.immediate)[:32]
    return After(pc=Mux(taken, target, (x.pc + 4)[:32]), exception=taken & (target[:2] != 0))


@_row("imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011")
def BEQ(x: Before) -> After:
    """Taken if the registers are equal."""
    return _branch(x, x.rs1 == x.rs2)


@_row("imm[12|10:5] rs2 rs1 001 imm[4:1|11] 1100011")
def BNE(x: Before) -> After:
    """Taken if the registers are unequal."""
    return _branch(x, x.rs1 != x.rs2)


@_row("imm[12|10:5] rs2 rs1 100 imm[4:1|11] 1100011")
def BLT(x: Before) -> After:
    """Taken if rs1 is less than rs2, signed."""
    return _branch(x, x.rs1.as_signed() < x.rs2.as_signed())


@_row("imm[12|10:5] rs2 rs1 101 imm[4:1|11] 1100011")
def BGE(x: Before) -> After:
    """Taken if rs1 is greater than or equal to rs2, signed."""
    return _branch(x, x.rs1.as_signed() >= x.rs2.as_signed())


@_row("imm[12|10:5] rs2 rs1 110 imm[4:1|11] 1100011")
def BLTU(x: Before) -> After:
    """Taken if rs1 is less than rs2, unsigned."""
    return _branch(x, x.rs1 < x.rs2)


@_row("imm[12|10:5] rs2 rs1 111 imm[4:1|11] 1100011")
def BGEU(x: Before) -> After:
    """Taken if rs1 is greater than or equal to rs2, unsigned."""
    return _branch(x, x.rs1 >= x.rs2)


# Load and Store Instructions. Memory is little-endian: byte n of a word is at its address + n.


@_row("imm[11:0] rs1 000 rd 0000011")
def LB(x: Before) -> After:
    """A byte, sign-extended."""
    address = (x.rs1 + x.immediate)[:32]
    byte = x.memory(address).word_select(address[:2], 8)
    return After(rd=byte.as_signed(), address=address, size=1)


@_row("imm[11:0] rs1 001 rd 0000011")
def LH(x: Before) -> After:
    """A half-word, sign-extended."""
    address = (x.rs1 + x.immediate)[:32]
    half = x.memory(address).word_select(address[1], 16)
    return After(rd=half.as_signed(), address=address, size=2, exception=address[0])


@_row("imm[11:0] rs1 010 rd 0000011")
def LW(x: Before) -> After:
    """A word."""
    address = (x.rs1 + x.immediate)[:32]
    return After(rd=x.memory(address), address=address, size=4, exception=address[:2].any())


@_row("imm[11:0] rs1 100 rd 0000011")
def LBU(x: Before) -> After:
    """A byte, zero-extended."""
    address = (x.rs1 + x.immediate)[:32]
    return After(rd=x.memory(address).word_select(address[:2], 8), address=address, size=1)


@_row("imm[11:0] rs1 101 rd 0000011")
def LHU(x: Before) -> After:
    """A half-word, zero-extended."""
    address = (x.rs1 + x.immediate)[:32]
    half = x.memory(address).word_select(address[1], 16)
    return After(rd=half, address=address, size=2, exception=address[0])


@_row("imm[11:5] rs2 rs1 000 imm[4:0] 0100011")
def SB(x: Before) -> After:
    """The low byte of rs2."""
    return After(address=(x.rs1 + x.immediate)[:32], size=1, store=x.rs2[:8])


@_row("imm[11:5] rs2 rs1 001 imm[4:0] 0100011")
def SH(x: Before) -> After:
    """The low half-word of rs2."""
    address = (x.rs1 + x.immediate)[:32]
    return After(address=address, size=2, store=x.rs2[:16], exception=address[0])


@_row("imm[11:5] rs2 rs1 010 imm[4:0] 0100011")
def SW(x: Before) -> After:
    """All of rs2."""
    address = (x.rs1 + x.immediate)[:32]
    return After(address=address, size=4, store=x.rs2, exception=address[:2].any())


# Integer Register-Immediate Instructions.


@_row("imm[11:0] rs1 000 rd 0010011")
def ADDI(x: Before) -> After:
    """Sum with the immediate; an overflow is ignored."""
    return After(rd=x.rs1 + x.immediate)


@_row("imm[11:0] rs1 010 rd 0010011")
def SLTI(x: Before) -> After:
    """1 if rs1 is less than the immediate, both signed, else 0."""
    return After(rd=x.rs1.as_signed() < x.immediate)


@_row("imm[11:0] rs1 011 rd 0010011")
def SLTIU(x: Before) -> After:
    """1 if rs1 is less than the immediate, which is sign-extended first and then taken as unsigned."""
    return After(rd=x.rs1 < _word(x.immediate))


@_row("imm[11:0] rs1 100 rd 0010011")
def XORI(x: Before) -> After:
    """Bitwise exclusive or with the immediate."""
    return After(rd=x.rs1 ^ _word(x.immediate))


@_row("imm[11:0] rs1 110 rd 0010011")
def ORI(x: Before) -> After:
    """Bitwise or with the immediate."""
    return After(rd=x.rs1 | _word(x.immediate))


@_row("imm[11:0] rs1 111 rd 0010011")
def ANDI(x: Before) -> After:
    """Bitwise and with the immediate."""
    return After(rd=x.rs1 & _word(x.immediate))


@_row("0000000 shamt rs1 001 rd 0010011")
def SLLI(x: Before) -> After:
    """Left by the shift amount, zeros from below."""
    return After(rd=x.rs1 << x.shamt)


@_row("0000000 shamt rs1 101 rd 0010011")
def SRLI(x: Before) -> After:
    """Right by the shift amount, zeros from above."""
    return After(rd=x.rs1 >> x.shamt)


@_row("0100000 shamt rs1 101 rd 0010011")
def SRAI(x: Before) -> After:
    """Right by the shift amount, copies of the sign from above."""
    return After(rd=x.rs1.as_signed() >> x.shamt)


# Integer Register-Register Operations.


@_row("0000000 rs2 rs1 000 rd 0110011")
def ADD(x: Before) -> After:
    """Sum; an overflow is ignored."""
    return After(rd=x.rs1 + x.rs2)


@_row("0100000 rs2 rs1 000 rd 0110011")
def SUB(x: Before) -> After:
    """Difference rs1 - rs2; an overflow is ignored."""
    return After(rd=x.rs1 - x.rs2)


@_row("0000000 rs2 rs1 001 rd 0110011")
def SLL(x: Before) -> After:
    """Left by the low 5 bits of rs2."""
    return After(rd=x.rs1 << x.rs2[:5])


@_row("0000000 rs2 rs1 010 rd 0110011")
def SLT(x: Before) -> After:
    """1 if rs1 is less than rs2, signed, else 0."""
    return After(rd=x.rs1.as_signed() < x.rs2.as_signed())


@_row("0000000 rs2 rs1 011 rd 0110011")
def SLTU(x: Before) -> After:
    """1 if rs1 is less than rs2, unsigned, else 0."""
    return After(rd=x.rs1 < x.rs2)


@_row("0000000 rs2 rs1 100 rd 0110011")
def XOR(x: Before) -> After:
    """Bitwise exclusive or."""
    return After(rd=x.rs1 ^ x.rs2)


@_row("0000000 rs2 rs1 101 rd 0110011")
def SRL(x: Before) -> After:
    """Right by the low 5 bits of rs2, zeros from above."""
    return After(rd=x.rs1 >> x.rs2[:5])


@_row("0100000 rs2 rs1 101 rd 0110011")
def SRA(x: Before) -> After:
    """Right by the low 5 bits of rs2, copies of the sign from above."""
    return After(rd=x.rs1.as_signed() >> x.rs2[:5])


@_row("0000000 rs2 rs1 110 rd 0110011")
def OR(x: Before) -> After:
    """Bitwise or."""
    return After(rd=x.rs1 | x.rs2)


@_row("0000000 rs2 rs1 111 rd 0110011")
def AND(x: Before) -> After:
    """Bitwise and."""
    return After(rd=x.rs1 & x.rs2)


# Memory Ordering Instructions: one hart that does everything in order has nothing to wait for. The fields
# that are reserved for finer-grain fences are ignored, as the manual asks.


@_row("fm pred succ reserved 000 reserved 0001111")
def FENCE(x: Before) -> After:
    """Nothing but the step to the next instruction; FENCE.TSO and PAUSE are encodings of it."""
    return After()


# Environment Call and Breakpoints: the environment is asked by a precise trap.


@_row("000000000000 00000 000 00000 1110011")
def ECALL(x: Before) -> After:
    """A request to the environment."""
    return After(exception=1)


@_row("000000000001 00000 000 00000 1110011")
def EBREAK(x: Before) -> After:
    """Back to a debugger."""
    return After(exception=1)


def _word(immediate: Any) -> Any:
    """A signed immediate as the 32-bit word that it is extended to."""
    from amaranth.hdl import Const

    return (immediate + Const(0, 32))[:32]


assert len(INSTRUCTIONS) == 40
