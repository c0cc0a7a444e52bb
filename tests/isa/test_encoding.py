import numpy as np
from random_steps import random_words

from bsdgen.isa.encoding import ENCODINGS, ILLEGAL, INSTRUCTIONS, decode
from bsdgen.isa.step import classify


def test_there_are_forty_instructions():
    assert len(INSTRUCTIONS) == len(set(INSTRUCTIONS)) == 40


def test_no_word_is_two_instructions():
    for one in ENCODINGS:
        for other in ENCODINGS:
            if one is not other:
                both = one.mask & other.mask
                assert one.match & both != other.match & both, (one.name, other.name)


def test_decode_is_the_search_through_the_table():
    words = random_words(np.random.default_rng(1), 200_000, legal=0.6, flipped=0.3)
    expected = np.full(words.shape, ILLEGAL, np.int8)
    for index, encoding in enumerate(ENCODINGS):
        expected[words & np.uint32(encoding.mask) == np.uint32(encoding.match)] = index
    assert (classify(words) == expected).all()
    assert len(np.unique(expected)) == 41


def test_scalar_decode_is_the_same_in_python_and_compiled():
    for word in random_words(np.random.default_rng(2), 2000).tolist():
        assert decode(word) == decode.py_func(word) == classify(np.array([word], np.uint32))[0]


def test_words_around_the_exact_encodings_are_illegal():
    for exact in (0x00000073, 0x00100073):
        words = np.array([exact] + [exact ^ (1 << bit) for bit in range(32)], np.uint32)
        legal = classify(words) >= 0
        assert legal[0]
        # Flipping bit 20 makes the one the other, 4 makes a BEQ, 6 an ADD.
        assert legal[1:].tolist() == [bit in (4, 6, 20) for bit in range(32)]


def test_shift_amounts_of_64_bit_machines_are_illegal():
    slli, srli, srai = 0x02001013, 0x02005013, 0x42005013
    assert (classify(np.array([slli, srli, srai], np.uint32)) == ILLEGAL).all()


def test_every_field_of_fence_but_opcode_and_funct3_is_ignored():
    rng = np.random.default_rng(3)
    words = (rng.integers(0, 1 << 32, 1000, dtype=np.uint32) & ~np.uint32(0x707F)) | np.uint32(0x0F)
    assert (classify(words) == INSTRUCTIONS.index("fence")).all()
    assert (classify(words | np.uint32(0x1000)) == ILLEGAL).all()


def test_an_empty_array_classifies_to_an_empty_array():
    assert classify(np.zeros(0, np.uint32)).shape == (0,)
