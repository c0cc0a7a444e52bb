"""bsdgen.isa."""
