import re

import numpy as np
import pytest
from tiny_elf import BASE, TOHOST, store_to_tohost, tiny_elf, words

from bsdgen.errors import InputError
from bsdgen.isa.elf import Image, build_elf
from bsdgen.isa.program import load_program

CODE = words(*store_to_tohost(1))


def _write(tmp_path, content):
    path = tmp_path / "program.elf"
    path.write_bytes(content)
    return path


def test_a_program_has_entry_segments_and_symbols(tmp_path):
    program = load_program(_write(tmp_path, tiny_elf(CODE, symbols={"_start": BASE, "tohost": TOHOST})))
    assert (program.entry, program.tohost) == (BASE, TOHOST)
    assert program.symbols == {"_start": BASE, "tohost": TOHOST}
    (segment,) = program.segments
    assert (segment.address, segment.data) == (BASE, CODE + bytes(0x200))


@pytest.mark.parametrize(
    "change,said",
    [
        ({"machine": 40}, "EM_ARM"),
        ({"machine": 62}, "EM_X86_64"),
        ({"kind": 1}, "ET_REL"),
        ({"kind": 3}, "ET_DYN"),
        ({"flags": 1}, "compressed"),
        ({"entry": BASE + 2}, "multiple of 4"),
        ({"type": 4}, "no loadable segment"),
        ({"in_file": 1 << 20, "in_memory": 1 << 20}, "truncated"),
        ({"in_memory": 4}, "do not fit"),
        ({"address": 0xFFFFFFF0}, "do not fit"),
        ({"in_memory": 1 << 30}, "span"),
    ],
)
def test_an_unfit_program_is_refused_by_name(tmp_path, change, said):
    path = _write(tmp_path, tiny_elf(CODE, **change))
    with pytest.raises(InputError, match=re.escape(str(path)) + ".*" + said):
        load_program(path)


@pytest.mark.parametrize(("second", "apart"), [(BASE + 4, False), (BASE + 5, False), (BASE + 8, True)])
def test_segments_that_overlap_are_refused(tmp_path, second, apart):
    """Whichever came last would win, and not everywhere the same one."""
    images = [Image(".data", second, bytes(8), False), Image(".text", BASE, words(1, 2), True)]
    path = _write(tmp_path, build_elf(BASE, images, {"tohost": second}))
    if apart:
        assert len(load_program(path).segments) == 2
        return
    with pytest.raises(InputError, match=rf"at {BASE:#x} \(to {BASE + 8:#x}\) and {second:#x} overlap"):
        load_program(path)


def test_64_bit_and_big_endian_programs_are_refused(tmp_path):
    good = tiny_elf(CODE)
    for position, value in ((4, 2), (5, 2)):
        path = _write(tmp_path, good[:position] + bytes([value]) + good[position + 1 :])
        with pytest.raises(InputError, match=str(path)):
            load_program(path)


@pytest.mark.parametrize("content", [b"", b"\x7fEL", b"#!/bin/sh\n", b"\x7fELF", b"PAR1" * 40])
def test_what_is_no_elf_is_refused(tmp_path, content):
    path = _write(tmp_path, content)
    with pytest.raises(InputError, match=r"no ELF file|damaged or truncated"):
        load_program(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "nothing.elf", tmp_path):
        with pytest.raises(InputError, match=r"cannot be read"):
            load_program(path)


@pytest.mark.parametrize(
    "symbols,said", [({}, "no symbol 'tohost'"), ({"tohost": TOHOST + 2}, "multiple of 4")]
)
def test_a_program_without_a_proper_tohost_says_so_when_asked(tmp_path, symbols, said):
    program = load_program(_write(tmp_path, tiny_elf(CODE, symbols=symbols)))
    with pytest.raises(InputError, match=said):
        _ = program.tohost


def test_truncations_and_bit_flips_end_in_a_program_or_an_input_error(tmp_path):
    good = tiny_elf(CODE)
    rng = np.random.default_rng(0)
    damaged = [good[:length] for length in range(0, len(good), 4)]
    for _ in range(500):
        copy = bytearray(good)
        for bit in rng.integers(0, 8 * len(good), rng.integers(1, 4)):
            copy[bit // 8] ^= 1 << bit % 8
        damaged.append(bytes(copy))
    refused = 0
    for content in damaged:
        try:
            program = load_program(_write(tmp_path, content))
        except InputError:
            refused += 1
        else:
            assert program.entry % 4 == 0 and program.segments
    assert len(damaged) // 5 < refused < len(damaged)
