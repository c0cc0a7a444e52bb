"""Delta debugging of a failing random program: the fewest words that still fail, as ELF and assembly.

Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002), on three things in turn:
words of code become NOPs (so that no distance changes), NOPs are dropped (with the distances of branches and
JAL mended), words of data become 0. No single one of what is left can go. A candidate counts only if it fails
like the program did, and if the reference model still ends it as passed: what remains is a test.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bsdgen.isa.assembler import encode
from bsdgen.isa.disassembly import disassemble
from bsdgen.isa.elf import Image, build_elf
from bsdgen.isa.encoding import ENCODINGS, decode
from bsdgen.isa.generate import END_WORDS, ENTRY, symbols_of

NOP = encode("addi")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Words:
    """A random program as words.

    Attributes
    ----------
    code : from the entry on; the last `END_WORDS` store 1 to tohost.
    data : from symbol `data` to `tohost` and `fromhost`.
    entry : address of the first word.
    """

    code: tuple[int, ...]
    data: tuple[int, ...]
    entry: int = ENTRY

    @property
    def symbols(self) -> dict[str, int]:
        """Addresses by name."""
        return symbols_of(self.entry)

    @property
    def n_code(self) -> int:
        """Words of code that are no NOP, without the end."""
        return sum(word != NOP for word in self.code[:-END_WORDS])

    def images(self) -> list[Image]:
        """As segments."""
        return [
            Image(".text", self.entry, struct.pack(f"<{len(self.code)}I", *self.code), executable=True),
            Image(
                ".data",
                self.symbols["data"],
                struct.pack(f"<{len(self.data)}I", *self.data),
                executable=False,
            ),
        ]

    def elf(self) -> bytes:
        """As an executable."""
        return build_elf(self.entry, self.images(), self.symbols)


def words_of(images: Sequence[Image]) -> Words:
    """The words of a program of `bsdgen.isa.generate`."""
    code, data = (struct.unpack(f"<{len(image.data) // 4}I", image.data) for image in images)
    return Words(code, data, images[0].address)


def minimise(items: Sequence[_T], fails: Callable[[list[tuple[_T, ...]]], list[bool]]) -> tuple[_T, ...]:
    """A subset that fails and does not if any one item is taken away.

    Parameters
    ----------
    items : with all of which it fails.
    fails : for each of several subsets (in the order of `items`) whether it fails.

    Examples
    --------
    >>> minimise(range(100), lambda subsets: [{7, 42} <= set(subset) for subset in subsets])
    (7, 42)
    """
    kept = tuple(items)
    size = len(kept)
    while size and kept:
        parts = [kept[start : start + size] for start in range(0, len(kept), size)]
        rests = [kept[:start] + kept[start + size :] for start in range(0, len(kept), size)]
        good = [part for part, failed in zip(parts, fails(rests), strict=True) if failed]
        while len(good) > 1:  # one by one they can go; together?
            gone = {item for part in good for item in part}
            if fails([tuple(item for item in kept if item not in gone)])[0]:
                break
            good = good[: len(good) // 2]
        gone = {item for part in good for item in part}
        kept = tuple(item for item in kept if item not in gone)
        if not good:
            size = 0 if size == 1 else (size + 1) // 2
        size = min(size, len(kept))
    return kept


def _target(index: int, word: int) -> int | None:
    """Index of the word that a branch or JAL goes to."""
    number = int(decode(word))
    if number < 0 or ENCODINGS[number].format not in ("B", "J"):
        return None
    text = disassemble(word)
    return index + int(text.rpartition(" <")[0].rpartition(" .")[2]) // 4


def _retarget(word: int, distance: int) -> int:
    encoding = ENCODINGS[int(decode(word))]
    return encode(encoding.name, word >> 7 & 31, word >> 15 & 31, word >> 20 & 31, distance)


def without(words: Words, dropped: set[int]) -> Words:
    """The program without some words of code; branches and JAL go where they went, or to what follows."""
    new, count = [], 0
    for index in range(len(words.code)):
        new.append(count)
        count += index not in dropped
    code = []
    for index, word in enumerate(words.code):
        if index in dropped:
            continue
        target = _target(index, word)
        moved = target is not None and 0 <= target < len(words.code)
        code.append(_retarget(word, 4 * (new[target] - new[index])) if moved and target is not None else word)
    return replace(words, code=tuple(code))


def reduce_words(words: Words, fails: Callable[[list[Words]], list[bool]]) -> Words:
    """The smallest program found that fails.

    Parameters
    ----------
    words : fails.
    fails : for each of several programs whether it fails in the way that is looked for.
    """
    body = range(len(words.code) - END_WORDS)

    def with_nops(kept: Sequence[int], of: Words) -> Words:
        keep = set(kept)
        end = len(of.code) - END_WORDS
        code = tuple(word if i in keep or i >= end else NOP for i, word in enumerate(of.code))
        return replace(of, code=code)

    original = words
    kept = minimise(body, lambda subsets: fails([with_nops(subset, original) for subset in subsets]))
    words = with_nops(kept, original)

    padded = words
    nops = [index for index in range(len(words.code) - END_WORDS) if index not in set(kept)]
    still = minimise(
        nops, lambda subsets: fails([without(padded, set(nops) - set(subset)) for subset in subsets])
    )
    words = without(padded, set(nops) - set(still))

    compact = words
    filled = [index for index, word in enumerate(words.data) if word]

    def with_zeros(subset: Sequence[int]) -> Words:
        keep = set(subset)
        return replace(compact, data=tuple(word if i in keep else 0 for i, word in enumerate(compact.data)))

    return with_zeros(minimise(filled, lambda subsets: fails([with_zeros(subset) for subset in subsets])))


def _line(word: int, address: int) -> str:
    text = disassemble(word, address)
    number = int(decode(word))
    if number < 0 or ENCODINGS[number].format == "fence":  # an assembler writes FENCE in one way only
        return f"\t.word {word:#010x}\t# {address:#010x}: {text}"
    return f"\t{text.partition(' <')[0]}\t# {address:#010x}: {word:08x}"


def assembly(words: Words, comment: Sequence[str]) -> str:
    """Source text that assembles to the same words.

    Parameters
    ----------
    comment : lines for its head.
    """
    entry, data, tohost = (words.symbols[name] for name in ("_start", "data", "tohost"))
    lines = [*(f"# {line}" for line in comment)]
    lines += [
        "# Assemble: riscv64-unknown-elf-gcc -march=rv32i -mabi=ilp32 -nostdlib -static \\",
        f"#   -Wl,--build-id=none,-n,-Ttext={entry:#x},-Tdata={data:#x} FILE.S -o FILE.elf",
        "\t.option norelax",
        "\t.text",
        "\t.globl _start",
        "_start:",
    ]
    for index, word in enumerate(words.code):
        if index == len(words.code) - END_WORDS:
            lines.append("# 1 to tohost: passed")
        lines.append(_line(word, entry + 4 * index))
    lines.append("\t.data")
    at_tohost = (tohost - data) // 4
    zeros = 0
    for index, word in enumerate(words.data):
        named = {at_tohost: "tohost", at_tohost + 2: "fromhost"}.get(index)
        if zeros and (named or word):
            lines.append(f"\t.zero {4 * zeros}")
            zeros = 0
        if named:
            lines += [f"\t.globl {named}", f"{named}:"]
        if word:
            lines.append(f"\t.word {word:#010x}\t# {data + 4 * index:#010x}")
        else:
            zeros += 1
    if zeros:
        lines.append(f"\t.zero {4 * zeros}")
    return "\n".join(lines) + "\n"
