"""bsdgen.oracle."""
