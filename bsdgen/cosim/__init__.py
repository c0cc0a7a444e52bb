"""The emitted core in Verilator, in lock-step with a reference: C++ harness, cocotb, random programs."""
