"""bsdgen.emit."""
