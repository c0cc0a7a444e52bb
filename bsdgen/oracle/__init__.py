"""Oracles: batches of packed inputs in, batches of packed outputs and care masks out.

`bsdgen.learn` may import this package, so it re-exports the protocol alone; the kinds of oracle, which know
fields and instruction sets, are imported from their own modules.
"""

from bsdgen.oracle.protocol import Oracle

__all__ = ["Oracle"]
