"""bsdgen.cosim."""
