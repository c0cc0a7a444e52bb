"""bsdgen.traces."""
