"""bsdgen.circuit."""
