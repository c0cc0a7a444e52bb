"""Questions to the oracle: signatures and sensitivities of functions inside cubes.

A function is (output bit, cube): one output of the oracle with some inputs fixed. Everything the learner
knows of a function comes through this module, in large batches, and is counted here.
"""

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words
from bsdgen.learn.kernels import rows as kernel
from bsdgen.oracle.protocol import Oracle, Selective

I64 = NDArray[np.int64]
_BATCH_ROWS = 1 << 16  # rows a call of the oracle: enough to amortise, small enough for the cache
_BATCH_BYTES = 1 << 27  # of its answers: with thousands of outputs a row is long


class Queries:
    """Counts and batches what is asked of an oracle."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.n_inputs = oracle.n_inputs
        self.n_outputs = oracle.n_outputs
        self.w_in = n_words(oracle.n_inputs)
        self.w_out = n_words(oracle.n_outputs)
        self.n_queries = 0
        self.batch_rows = max(64, min(_BATCH_ROWS, _BATCH_BYTES // (8 * max(self.w_in, 2 * self.w_out, 1))))

    def ask(self, inputs: U64) -> tuple[U64, U64]:
        """Outputs and care masks of packed rows, in batches."""
        self.n_queries += inputs.shape[0]
        if inputs.shape[0] <= self.batch_rows:
            return self.oracle.query(inputs)
        outputs = np.empty((inputs.shape[0], self.w_out), np.uint64)
        care = np.empty_like(outputs)
        for first in range(0, inputs.shape[0], self.batch_rows):
            part = slice(first, first + self.batch_rows)
            outputs[part], care[part] = self.oracle.query(inputs[part])
        return outputs, care

    def _one_output(self, inputs: U64, k: int, outputs: I64) -> U64:
        """One output for each `k` rows, as planes (f, k / 64)."""
        if isinstance(self.oracle, Selective):
            self.n_queries += inputs.shape[0]
            return self.oracle.query_outputs(inputs, k, outputs)
        planes = np.empty((outputs.shape[0], k // 64), np.uint64)
        said, _ = self.ask(inputs)
        kernel.gather(said, k, outputs, planes)
        return planes

    def signatures(self, bank: U64, output: I64, mask: U64, value: U64) -> U64:
        """Signatures over `bank` of functions (output bit, cube): shape (f, k / 64).

        bank (k, w); output (f,); mask, value (f, w).
        """
        k = bank.shape[0]
        planes = np.empty((output.shape[0], k // 64), np.uint64)
        step = max(1, min(output.shape[0], self.batch_rows // k))
        buffer = np.empty((step * k, self.w_in), np.uint64)
        for first in range(0, output.shape[0], step):
            part = slice(first, min(first + step, output.shape[0]))
            n = part.stop - part.start
            kernel.force(bank, mask[part], value[part], buffer)
            planes[part] = self._one_output(buffer[: n * k], k, output[part])
        return planes

    def sensitivities(self, rows: U64, output: I64, mask: U64, value: U64, owner: I64, variable: I64) -> U64:
        """Function values with one variable flipped.

        rows (f, k, w): each function's own rows; output (f,), mask and value (f, w); owner and variable (j,):
        job j flips ``variable[j]`` (-1: none) in function ``owner[j]``. Returns planes (j, k / 64).
        """
        k = rows.shape[1]
        planes = np.empty((owner.shape[0], k // 64), np.uint64)
        step = max(1, min(owner.shape[0], self.batch_rows // k))
        buffer = np.empty((step * k, self.w_in), np.uint64)
        for first in range(0, owner.shape[0], step):
            part = slice(first, min(first + step, owner.shape[0]))
            n = part.stop - part.start
            kernel.force_and_flip(rows, mask, value, owner[part], variable[part], buffer)
            planes[part] = self._one_output(buffer[: n * k], k, output[owner[part]])
        return planes

    def all_outputs(self, rows: U64, mask: U64, value: U64) -> tuple[U64, U64]:
        """Values and care of all outputs inside one cube, as planes (n_outputs, k / 64) each."""
        forced = (rows & ~mask) | value
        outputs, care = self.ask(forced)
        return self.planes(outputs, self.n_outputs), self.planes(care, self.n_outputs)

    def planes(self, rows: U64, n_bits: int) -> U64:
        """Transpose packed rows (k, w) into planes (n_bits, k / 64)."""
        planes = np.zeros((n_bits, rows.shape[0] // 64), np.uint64)
        kernel.planes_of(np.ascontiguousarray(rows), n_bits, planes)
        return planes

    def all_differences(self, rows: U64, mask: U64, value: U64, variables: I64) -> U64:
        """Boolean differences of all outputs: packed (v, k, w_out), cared for or not."""
        k = rows.shape[0]
        owner = np.zeros(1 + variables.shape[0], np.int64)
        flips = np.concatenate([np.array([-1], np.int64), variables])
        out = np.empty((variables.shape[0], k, self.w_out), np.uint64)
        cube_mask, cube_value = mask[None], value[None]
        step = min(flips.shape[0], max(2, self.batch_rows // k))
        buffer = np.empty((step * k, self.w_in), np.uint64)
        base: U64 | None = None
        base_care: U64 | None = None
        for first in range(0, flips.shape[0], step):
            part = slice(first, min(first + step, flips.shape[0]))
            n = part.stop - part.start
            kernel.force_and_flip(rows[None], cube_mask, cube_value, owner[part], flips[part], buffer)
            outputs, care = self.ask(buffer[: n * k])
            outputs, care = outputs.reshape(n, k, -1), care.reshape(n, k, -1)
            if base is None or base_care is None:
                base, base_care = outputs[0], care[0]
                out[: part.stop - 1] = outputs[1:] ^ base
            else:
                out[part.start - 1 : part.stop - 1] = outputs ^ base
        return out
