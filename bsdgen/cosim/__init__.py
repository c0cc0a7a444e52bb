"""The emitted core in Verilator under cocotb, in lock-step with the reference model."""
