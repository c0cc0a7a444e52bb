"""bsdgen.cli."""
