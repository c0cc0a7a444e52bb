"""bsdgen.learn."""
