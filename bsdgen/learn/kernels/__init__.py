"""bsdgen.learn.kernels."""
