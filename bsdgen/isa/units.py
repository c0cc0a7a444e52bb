"""Units of random programs: short word sequences that are entered at their first word only.

Branches and jumps go to starts of units, so whatever is skipped, a unit that needs a register (an address,
the place to go on after a trap) loads it itself, and no register has to be reserved.

What is random is constrained so that things meet: operands are often border values, copies of each other, or
copies with one bit flipped; immediates are often at the borders; addresses hit one data area at every offset;
words that are no RV32I instruction are often one or two bits away from one.

CSR instructions name only registers that no machine has or that are read-only, so that they trap on every
machine. SYSTEM and MISC-MEM words that other machines carry out (MRET, WFI, FENCE.I) are in programs for our
own reference only, and so are branches that are sure to be taken to a misaligned target.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from bsdgen.isa.assembler import encode, load_constant
from bsdgen.isa.encoding import ENCODINGS, decode

_M32 = 0xFFFFFFFF
_BY_NAME = {encoding.name: encoding for encoding in ENCODINGS}
_BORDER_WORDS = (
    0, 1, 2, 3, 4, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFC, 0x80000000, 0x80000001, 0x7FFFFFFF, 0x7FFFFFFE,
    0x0000FFFF, 0x00010000, 0xFFFF0000, 0x00007FFF, 0x00008000, 0xFFFF8000, 0x7F, 0x80, 0xFF, 0xFFFFFF80,
    0x7FF, 0x800, 0xFFFFF800, 0xFFFFF7FF, 0x55555555, 0xAAAAAAAA, 31, 32, 33, 0x00FF00FF,
)  # fmt: skip
_BORDER_IMMEDIATES = (
    0, 1, -1, 2, -2, 3, 4, -4, 7, 8, -8, 31, 32, -32, 64, 127, 128, -128, -129, 255, 256, -256, 512, 1023,
    1024, -1024, -1025, 1365, -1366, 2046, 2047, -2047, -2048,
)  # fmt: skip
_ABSENT_CSRS = (
    0x000,
    0x005,
    0x0FF,
    0x123,
    0x400,
    0x555,
    0x6FF,
    0x7FF,
    0x800,
    0x9AB,
    0xBFF,
    0xF11,
    0xF13,
    0xFFF,
)
_PRIVILEGED = (0x00200073, 0x10200073, 0x30200073, 0x10500073, 0x12000073)
"""URET, SRET, MRET, WFI, SFENCE.VMA."""
_FENCE_I = 0x0000100F
_LOAD, _STORE, _MISC_MEM, _SYSTEM = 0x03, 0x23, 0x0F, 0x73
_T = TypeVar("_T")


class Dice:
    """Random choices that stay the same in every version of NumPy.

    NumPy promises the raw stream of a bit generator, but not what `Generator` makes of it.
    """

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def word(self) -> int:
        """A uniform word of 32 bits."""
        return int(self._bits.random_raw()) >> 32

    def below(self, n: int) -> int:
        """A number from 0 to n - 1 (the bias of at most n / 2**32 does not matter here)."""
        return self.word() * n >> 32

    def one_in(self, n: int) -> bool:
        """True once in n times."""
        return self.below(n) == 0

    def pick(self, things: Sequence[_T]) -> _T:
        """One of them."""
        return things[self.below(len(things))]

    def shuffled(self, things: Sequence[_T]) -> list[_T]:
        """All of them in random order (Fisher and Yates)."""
        order = list(things)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order


@dataclass
class Unit:
    """Words that are entered at the first one.

    Attributes
    ----------
    words : instruction words; the one at `patch` waits for its target.
    patch : index of the word that goes to a later unit, or -1.
    base : index of the word that the distance counts from.
    skip : how many units later the target is.
    make : from the distance in bytes to the word.
    """

    words: list[int]
    patch: int = -1
    base: int = 0
    skip: int = 1
    make: Callable[[int], int] = field(default=lambda _: 0, repr=False)


class UnitMaker:
    """Makes random units.

    Parameters
    ----------
    dice : where all choices come from.
    data, data_bytes : the area that loads and stores may touch.
    own : whether only our own reference runs the units, see the module's docstring.

    Attributes
    ----------
    skips : whether branches and jumps may leave out other units.
    """

    def __init__(self, dice: Dice, data: int, data_bytes: int, *, own: bool = False) -> None:
        self.own = own
        self.dice = dice
        self.data = data
        self.data_bytes = data_bytes
        self.skips = False

    # -- operands ------------------------------------------------------------------------------------------

    def register(self, *, no: tuple[int, ...] = ()) -> int:
        """Any register but those in `no`."""
        while True:
            register = self.dice.below(32)
            if register not in no:
                return register

    def pair(self) -> tuple[int, int]:
        """Two source registers, now and then the same one."""
        first = self.register()
        return first, first if self.dice.one_in(6) else self.register()

    def immediate(self) -> int:
        """A signed 12-bit immediate, half of the time one at a border."""
        if self.dice.one_in(2):
            return self.dice.pick(_BORDER_IMMEDIATES)
        return self.dice.below(4096) - 2048

    def value(self) -> int:
        """A word, mostly one at a border."""
        if self.dice.one_in(3):
            return self.dice.word()
        value = self.dice.pick(_BORDER_WORDS)
        return value ^ 1 << self.dice.below(32) if self.dice.one_in(4) else value

    def related(self, *, equal: bool = False) -> tuple[list[int], int, int]:
        """Words after which two registers are often equal, neighbours or one bit apart, and the registers.

        With `equal` they are equal more than half of the time.
        """
        a = self.register(no=(0,))
        b = self.register(no=(0, a))
        kind = self.dice.below(3 if equal and self.dice.one_in(2) else 8)
        words = []
        if self.dice.one_in(3):
            words = load_constant(a, self.value())
        if kind < 5:
            words.append(encode("addi", b, a, imm=(0, 0, 0, 1, -1)[kind]))
        elif kind == 5:
            words.append(encode("xori", b, a, imm=self.dice.pick((-1, 1, 2, 4, 0x400, -2048))))
        elif kind == 6:
            words += [encode("lui", b, imm=1 << self.dice.below(20)), encode("xor", b, b, a)]
        else:
            words = []  # as they are
        return (words, a, b) if self.dice.one_in(2) else (words, b, a)

    def _going_on(self, words: list[int], base: int, make: Callable[[int], int]) -> Unit:
        """A unit that ends by a branch or jump to a later unit."""
        # The filler makes the target differ from the next word even where no unit is left out.
        filler = encode(
            self.dice.pick(("xor", "add", "sltu")), self.register(), self.register(), self.register()
        )
        skip = 1 + self.dice.below(5) if self.skips else 1
        return Unit([*words, 0, filler], patch=len(words), base=base, skip=skip, make=make)

    # -- units that do not trap ----------------------------------------------------------------------------

    def arithmetic(self, name: str) -> Unit:
        """OP, OP-IMM, LUI or AUIPC; often on operands that meet."""
        encoding = _BY_NAME[name]
        rd, (rs1, rs2), imm = self.register(), self.pair(), self.immediate()
        if encoding.format == "R":
            words: list[int] = []
            if self.dice.one_in(3):
                words, rs1, rs2 = self.related()
            return Unit([*words, encode(name, rd, rs1, rs2)])
        if encoding.format == "U":
            return Unit([encode(name, rd, imm=self.value() >> 12)])
        if encoding.format == "I" and self.dice.one_in(3):
            # The register at the immediate or next to it.
            rs1 = self.register(no=(0,))
            near = max(-2048, min(2047, imm + self.dice.pick((0, 0, 1, -1))))
            return Unit([encode("addi", rs1, 0, imm=near), encode(name, rd, rs1, imm=imm)])
        return Unit([encode(name, rd, rs1, rs2, imm if encoding.format == "I" else self.dice.below(32))])

    def constant(self) -> Unit:
        """A word for a register, from the program or from the data area."""
        register = self.register(no=(0,))
        if self.dice.one_in(2):
            return Unit(load_constant(register, self.value()))
        words = load_constant(register, self.data + 4 * self.dice.below(self.data_bytes // 4))
        return Unit([*words, encode("lw", register, register)])

    def fence(self) -> Unit:
        """FENCE, half of the time with all its unused fields random."""
        word = encode("fence", imm=0xFF) if self.dice.one_in(2) else self.dice.word() & 0xFFFF8F80 | _MISC_MEM
        return Unit([word])

    def access(self, name: str, *, aligned: bool) -> Unit:
        """A load or a store in the data area."""
        size = {"b": 1, "h": 2, "w": 4}[name[1]]
        offset = self.dice.below(self.data_bytes - 4)
        offset &= -size
        if not aligned:
            offset |= 1 + self.dice.below(size - 1)
        imm = self.immediate()
        base = self.register(no=(0, 31))
        words = load_constant(base, (self.data + offset - imm) & _M32)
        # Stored is sometimes the address itself; a load may overwrite its base.
        register = base if self.dice.one_in(8) else self.register()
        words.append(encode(name, register, base, register, imm))
        return Unit(words) if aligned else self.trapping(words)

    def branch(self, name: str) -> Unit:
        """A forward branch, mostly on operands that meet."""
        equal = name in ("beq", "bne")
        words, rs1, rs2 = self.related(equal=equal) if self.dice.below(4) else ([], *self.pair())
        return self._going_on(words, len(words), lambda d: encode(name, rs1=rs1, rs2=rs2, imm=d))

    def jump(self) -> Unit:
        """A forward JAL."""
        rd = self.register()
        return self._going_on([], 0, lambda d: encode("jal", rd, imm=d))

    def indirect_jump(self) -> Unit:
        """JALR; bit 0 of the sum may be set and is cleared."""
        rd, base, odd = self.register(), self.register(no=(0,)), self.dice.below(2)
        shift = self.dice.pick((0, 0, 4, -8, 1000, -1000))
        words = [encode("auipc", base), encode("addi", base, base, imm=shift)]
        return self._going_on(words, 0, lambda d: encode("jalr", rd, base, imm=d + odd - shift))

    def back(self) -> Unit:
        """Forward over a jump, back to it with a negative distance, and out: both directions in one unit."""
        link = self.register()
        backwards = (
            encode("jal", link, imm=-4)
            if self.dice.one_in(2)
            else encode(self.dice.pick(("beq", "bge", "bgeu")), rs1=link, rs2=link, imm=-4)
        )
        return Unit([encode("jal", link, imm=8), encode("jal", self.register(), imm=8), backwards])

    def loop(self) -> Unit:
        """A counted loop around a few words of arithmetic."""
        counter = self.register(no=(0,))
        body: list[int] = []
        names = [e.name for e in ENCODINGS if e.format in ("R", "I", "shift") and e.match & 0x5F == 0x13]
        for _ in range(1 + self.dice.below(4)):
            rs1, rs2 = self.pair()
            body.append(
                encode(self.dice.pick(names), self.register(no=(counter,)), rs1, rs2, self.immediate())
            )
        body.append(encode("addi", counter, counter, imm=-1))
        closing = encode(self.dice.pick(("bne", "blt")), rs1=0, rs2=counter, imm=-4 * len(body))
        return Unit([encode("addi", counter, 0, imm=1 + self.dice.below(4)), *body, closing])

    # -- units that trap -----------------------------------------------------------------------------------

    def trapping(self, words: list[int]) -> Unit:
        """Load x31 with the address behind `words`, then run them."""
        behind = 4 * (len(words) + 2)
        return Unit([encode("auipc", 31), encode("addi", 31, 31, imm=behind), *words])

    def misaligned_jump(self, name: str) -> Unit:
        """A target that is no multiple of 4: JAL, JALR, or a branch that traps only if it is taken."""
        distance = (self.dice.below(1024) - 512) * 4 + 2
        if name == "jal":
            return self.trapping([encode(name, self.register(), imm=distance)])
        if name == "jalr":
            base, imm = self.register(no=(0, 31)), self.immediate()
            address = self.data + 4 * self.dice.below(16) + self.dice.pick((2, 3)) - imm
            return self.trapping(
                [*load_constant(base, address & _M32), encode(name, self.register(), base, imm=imm)]
            )
        words, rs1, rs2 = self.related()
        if any(word >> 7 & 31 == 31 for word in words):
            words, rs1, rs2 = [], *self.pair()
        return self.trapping([*words, encode(name, rs1=rs1, rs2=rs2, imm=distance)])

    def taken_misaligned(self, name: str) -> Unit:
        """A branch that is taken to a target that is no multiple of 4."""
        a = self.register(no=(0, 31))
        b = self.register(no=(0, 31, a))
        first, second = self.value(), self.value()
        if self.dice.one_in(2) or name == "beq":
            second = first
        if first == second and name in ("bne", "blt", "bltu"):
            second ^= 1 << self.dice.below(32)
        flip = 1 << 31 if name in ("blt", "bge") else 0  # signed order as that of unsigned words
        low, high = sorted((first, second), key=lambda word: word ^ flip)
        first, second = (low, high) if name.startswith("blt") else (high, low)
        distance = (self.dice.below(1024) - 512) * 4 + 2
        words = [*load_constant(a, first), *load_constant(b, second)]
        return self.trapping([*words, encode(name, rs1=a, rs2=b, imm=distance)])

    def system(self, funct3: int) -> Unit:
        """A SYSTEM word with this funct3 (0 or 4) that is neither ECALL nor EBREAK."""
        while True:
            word = self.dice.pick(_PRIVILEGED) if self.dice.one_in(2) else self.dice.word()
            if self.dice.one_in(3):  # ECALL and EBREAK with registers
                word = self.dice.below(2) << 20 | self.dice.word() & self.dice.pick((0xF80, 0xF8000, 0xF8F80))
            word = word & ~0x707F | funct3 << 12 | _SYSTEM
            if decode(word) < 0:
                return self.trapping([word])

    def fence_i(self) -> Unit:
        """FENCE.I, or another word of MISC-MEM that is none of RV32I."""
        word = self.dice.word() & ~0x707F | (1 + self.dice.below(7)) << 12 | _MISC_MEM
        return self.trapping([_FENCE_I if self.dice.one_in(2) else word])

    def environment(self, name: str) -> Unit:
        """ECALL or EBREAK."""
        return self.trapping([encode(name)])

    def csr(self) -> Unit:
        """A CSR instruction that no machine accepts."""
        word = self.dice.pick(_ABSENT_CSRS) << 20 | (self.dice.word() & 0xFFF80) | 0x8000
        return self.trapping([word & ~0x7000 | self.dice.pick((1, 2, 3, 5, 6, 7)) << 12 | _SYSTEM])

    def illegal(self) -> Unit:
        """A word that is no RV32I instruction."""
        while True:
            if self.dice.one_in(3):
                word = self.dice.word()
            else:
                encoding = self.dice.pick(ENCODINGS)
                word = encoding.match | self.dice.word() & ~encoding.mask
                for _ in range(1 + self.dice.below(2)):
                    # A bit of the opcode, funct3 or funct7, or (of ECALL and its like) any.
                    word ^= 1 << self.dice.pick([bit for bit in range(32) if encoding.mask >> bit & 1])
            # Other SYSTEM words and FENCE.I mean something to machines with CSRs or instruction caches.
            if decode(word) < 0 and word & 0x7F not in (_SYSTEM, _MISC_MEM):
                return self.trapping([word])

    # -- the whole -----------------------------------------------------------------------------------------

    def round(self) -> list[Unit]:
        """One unit of every kind, in random order."""
        makers: list[Callable[[], Unit]] = []
        for encoding in ENCODINGS:
            name, opcode = encoding.name, encoding.match & 0x7F
            if encoding.format == "exact":
                makers.append(lambda name=name: self.environment(name))  # type: ignore[misc]
            elif encoding.format == "fence":
                makers.append(self.fence)
            elif opcode in (_LOAD, _STORE):
                makers.append(lambda name=name: self.access(name, aligned=True))  # type: ignore[misc]
                if not name.startswith(("lb", "sb")):
                    makers.append(lambda name=name: self.access(name, aligned=False))  # type: ignore[misc]
            elif encoding.format == "B":
                makers += [
                    lambda name=name: self.branch(name),  # type: ignore[misc]
                    lambda name=name: self.misaligned_jump(name),  # type: ignore[misc]
                ]
            elif name in ("jal", "jalr"):
                makers += [
                    self.jump if name == "jal" else self.indirect_jump,
                    lambda name=name: self.misaligned_jump(name),  # type: ignore[misc]
                ]
            else:
                makers.append(lambda name=name: self.arithmetic(name))  # type: ignore[misc]
        makers += [*[self.constant] * 6, *[self.illegal] * 3, self.csr, self.back, self.loop]
        if self.own:
            makers += [self.fence_i, lambda: self.system(0), lambda: self.system(4)]
            branches = [encoding.name for encoding in ENCODINGS if encoding.format == "B"]
            makers += [lambda name=name: self.taken_misaligned(name) for name in branches]  # type: ignore[misc]
        return [make() for make in self.dice.shuffled(makers)]
