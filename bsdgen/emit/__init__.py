"""Writers of the learned logic, one file a format."""

from bsdgen.emit.options import EmitOptions
from bsdgen.emit.write import DEFAULT_FORMATS, FORMATS, emit

__all__ = ["DEFAULT_FORMATS", "FORMATS", "EmitOptions", "emit"]
