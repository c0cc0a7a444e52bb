"""Bars: what was asked beforehand, and what was reached."""

import msgspec


class Bar(msgspec.Struct, frozen=True):
    """One bar: what was asked, what came out, whether that is enough."""

    text: str
    asked: str
    reached: str
    met: bool
