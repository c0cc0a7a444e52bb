"""Writers of the learned logic, one file a format."""

from bsdgen.emit.write import FORMATS, emit

__all__ = ["FORMATS", "emit"]
