"""bsdgen: learn a CPU's logic as a Boolean circuit from recorded traces."""

__version__ = "0.1.0"
