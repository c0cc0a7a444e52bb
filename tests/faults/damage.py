"""What happens to files: strategies for damaged bytes and for documents of the wrong shape."""

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

# What breaks parsers: limits of integers, signs, wrong encodings, nesting, terminators.
TOKENS = (
    *(
        b"\0",
        b"\n",
        b"\r\n",
        b"\xff",
        b"\xfe\xff",
        b"\xc3\x28",
        b"\xef\xbb\xbf",
        b"[" * 2000,
        b'{"a":' * 2000,
    ),
    *(b"-1", b"0", b"4294967296", b"18446744073709551616", b"9" * 30, b"9" * 5000, b"1e999", b"NaN", b"null"),
    *(b"\xff" * 4, b"\x80" * 11, b"\0" * 64, b'"', b"'", b"#", b"c\n", b"i0 ", b"\xe2\x88\x9e"),
)
_LEAVES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    2**64,
    2**70,
    -1.5,
    1e308,
    "",
    "x",
    "\0",
    [],
    [None],
    {},
)


@st.composite
def flipped(draw: st.DrawFn, data: bytes) -> bytes:
    """One bit is another."""
    bit = draw(st.integers(0, 8 * len(data) - 1))
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """One to four of: a bit flipped, cut off, a piece lost, doubled or replaced; sometimes anything."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.binary(max_size=200))
    out = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(out)))
        end = min(len(out), at + draw(st.integers(1, 40)))
        match draw(st.integers(0, 6)):
            case 0 | 1 if at < len(out):
                out[at] ^= 1 << draw(st.integers(0, 7))
            case 2:
                del out[at:]
            case 3:
                del out[at:end]
            case 4:
                out[at:at] = out[at:end]
            case 5:
                out[at:end] = draw(st.sampled_from(TOKENS))
            case 6:
                out[at:end] = draw(st.binary(max_size=8))
    return bytes(out)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found, left = [], [(value, path)]
    while left:
        item, at = left.pop()
        found.append(at)
        if isinstance(item, dict):
            left += [(child, (*at, key)) for key, child in item.items()]
        elif isinstance(item, list):
            left += [(child, (*at, number)) for number, child in enumerate(item)]
    return found


@st.composite
def misshapen(draw: st.DrawFn, data: bytes) -> bytes:
    """A JSON document with one to three of its values replaced, removed or renamed; without its seal."""
    value = json.loads(data)
    value.pop("sha256", None)
    for _ in range(draw(st.integers(1, 3))):
        places = _places(value)
        path = places[draw(st.integers(0, len(places) - 1))]
        if not path:
            return json.dumps(draw(st.sampled_from(_LEAVES))).encode()
        inside = value
        for key in path[:-1]:
            inside = inside[key]
        match draw(st.integers(0, 3)):
            case 0:
                del inside[path[-1]]
            case 1 if isinstance(inside, dict):
                inside[draw(st.sampled_from(["", "x", "add", "none"]))] = inside.pop(path[-1])
            case _:
                inside[path[-1]] = deepcopy(draw(st.sampled_from(_LEAVES)))  # what follows may change it
    return json.dumps(value).encode()
