"""bsdgen.core."""
