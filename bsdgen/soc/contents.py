"""Whether a design that was placed and routed holds the program: the block RAM of what the packer reads.

Synthesis and routing are free to cut a memory into blocks and to order its bits inside them, and each release
of the tools may do it another way. How many of the bits are one stays the same.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bsdgen.errors import ToolError

_SECTION = {"ice40": re.compile(r"\.ram_data \d+ \d+"), "ecp5": re.compile(r"\.bram_init \d+")}
SUFFIX = {"ice40": ".asc", "ecp5": ".config"}
"""Of the file between nextpnr and the packer."""


def check_contents(file: Path, family: Literal["ecp5", "ice40"], words: NDArray[np.uint32]) -> int:
    """How many bits of memory are one: as many as of the words.

    Parameters
    ----------
    file : what nextpnr made.
    words : that memory should hold. All other block RAM of the design is zero at power-up.

    Raises
    ------
    ToolError
        They are not as many.

    Notes
    -----
    ``.asc`` and ``.config`` have a section for each block, a line that names it and lines of hexadecimal
    digits up to an empty one.
    """
    want = int(np.bitwise_count(words).sum())
    found = sum(digits.bit_count() for digits in _numbers(file, family))
    if found != want:
        raise ToolError(
            f"{file}: its block RAM has {found:,} bits that are one, expected the program's {want:,}; "
            "nothing is packed, as another program would run. These releases of Yosys and nextpnr are not "
            "known to bsdgen: install those of `pip install 'bsdgen[fpga]'`"
        )
    return want


def _numbers(file: Path, family: Literal["ecp5", "ice40"]) -> Iterator[int]:
    inside = False
    with file.open(encoding="ascii") as lines:
        for line in lines:
            if line.startswith("."):
                inside = _SECTION[family].match(line) is not None
            elif not line.strip():
                inside = False
            elif inside:
                yield from (int(word, 16) for word in line.split())
