"""What whoever asks knows already of where to split."""

from typing import NamedTuple


class Hint(NamedTuple):
    """An input that a cube is split on.

    sure : whether it is split in any case; otherwise it stays whole if it is simple as it is.
    """

    variable: int
    sure: bool
