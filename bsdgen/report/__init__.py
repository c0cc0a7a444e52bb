"""bsdgen.report."""
