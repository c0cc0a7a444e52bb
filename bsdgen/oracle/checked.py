"""A guard around any oracle: what comes out is well-formed, deterministic, and counted."""

from collections.abc import Sequence

import numpy as np

from bsdgen.bits import U64, n_words, to_bool
from bsdgen.errors import BsdgenError, OracleContradiction, OracleError
from bsdgen.oracle.protocol import Oracle

_SAMPLE = 64  # rows asked again at a time
_WATCHED = 16  # rows of a question that are looked at for changes
_CALLS_BETWEEN = 256  # calls, or
_ROWS_BETWEEN = 1 << 16  # rows, after which earlier rows are asked again: one row in a thousand


class CheckedOracle:
    """Passes questions on and checks the answers.

    Shape and type of every answer are checked. Up to 64 rows of the first batch are asked a second time at
    once, in reverse order; later, every 256 calls or 2**16 rows, a sample of earlier rows is asked again,
    and so it is by `recheck`. An oracle that writes into its questions is refused; answers in memory that it
    uses again, or in that of the question, are copied.
    Whatever the inner oracle raises becomes an `OracleError`.

    Parameters
    ----------
    inner : the oracle.
    output_names : one name an output bit, for messages.
    seed : of the generator that picks the sample.

    Attributes
    ----------
    n_queries : rows asked by the user of this object; rows asked again are not counted.
    """

    def __init__(self, inner: Oracle, *, output_names: Sequence[str] | None = None, seed: int = 0) -> None:
        self.inner = inner
        self.output_names = output_names
        self.n_queries = 0
        self._rng = np.random.default_rng(seed)
        self._calls = 0
        self._rows_since = 0
        self._first: tuple[U64, U64, U64] | None = None
        self._sample: tuple[U64, U64, U64] | None = None
        self._reuses_memory = True  # until it is known that it does not
        self._given: tuple[U64, ...] = ()  # the first answers as they came, to see whether they share memory

    @property
    def n_inputs(self) -> int:
        """Input bits."""
        return self.inner.n_inputs

    @property
    def n_outputs(self) -> int:
        """Output bits."""
        return self.inner.n_outputs

    @property
    def name(self) -> str:
        """Text for messages."""
        return str(getattr(self.inner, "name", type(self.inner).__name__))

    def query(self, inputs: U64) -> tuple[U64, U64]:
        """Ask the inner oracle; see `bsdgen.oracle.protocol.Oracle.query`.

        Raises
        ------
        OracleError
            The inner oracle raises, gives the wrong type or shape, or contradicts an earlier answer.
        """
        outputs, care = self._ask(inputs)
        n = inputs.shape[0]
        self.n_queries += n
        if n:
            self._calls += 1
            self._rows_since += n
            if self._sample is None:
                self._first = self._sample = self._pick(inputs, outputs, care)
                first = self._given
                self._ask_again(self._sample)
                self._reuses_memory = any(
                    np.may_share_memory(one, other) for one, other in zip(first, self._given, strict=True)
                )
                self._given = ()
            elif self._calls % _CALLS_BETWEEN == 0 or self._rows_since >= _ROWS_BETWEEN:
                self._ask_again(self._sample)
                self._sample = self._pick(inputs, outputs, care)
                self._rows_since = 0
        return outputs, care

    def recheck(self) -> None:
        """Ask rows of the first batch and of the last sample again; for the end, when all answers were used.

        Raises
        ------
        OracleError
            An answer is not what it was.
        """
        for sample in (self._first, self._sample):
            if sample is not None:
                self._ask_again(sample)

    def check_rows(self, inputs: U64, outputs: U64, care: U64) -> int:
        """How many recorded rows the oracle contradicts (an output bit that both care for differs).

        Parameters
        ----------
        inputs, outputs, care : uint64, packed rows
        """
        return int(self._contradictions(inputs, outputs, care)[0].any(axis=1).sum())

    def check_recorded(self, inputs: U64, outputs: U64, care: U64) -> None:
        """Hold the oracle to recorded rows: as `check_rows`, but any contradiction is an error.

        Raises
        ------
        OracleError
            Names the first row and bit.
        """
        wrong, answer = self._contradictions(inputs, outputs, care)
        rows = wrong.any(axis=1)
        if rows.any():
            row = int(np.argmax(rows))
            what = self._describe(inputs, outputs, answer, wrong, row, "recorded", "oracle")
            raise OracleError(
                f"oracle {self.name}: contradicts {int(rows.sum())} of {rows.shape[0]} recorded rows; "
                f"first row {row}: {what}; give the oracle that these rows were recorded from, record "
                "them again, or learn what the oracle says with --allow-differing"
            )

    def _contradictions(self, inputs: U64, outputs: U64, care: U64) -> tuple[U64, U64]:
        """Contradicted bits, packed, and the oracle's own answer."""
        answer, answer_care = self._ask(np.ascontiguousarray(inputs))
        return (answer ^ outputs) & care & answer_care, answer

    def _ask(self, inputs: U64) -> tuple[U64, U64]:
        expected = (inputs.shape[0], n_words(self.n_outputs))
        some = slice(None, None, max(1, inputs.shape[0] // _WATCHED))
        before = inputs[some].copy()
        try:
            answer = self.inner.query(inputs)
        except BsdgenError:
            raise
        except (Exception, SystemExit) as error:
            raise OracleError(
                f"oracle {self.name}: raised {type(error).__name__}: {error}, asked {inputs.shape[0]} rows; "
                "it must answer every question"
            ) from error
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise OracleError(
                f"oracle {self.name}: returned {type(answer).__name__}, expected the tuple (outputs, care)"
            )
        if not np.array_equal(inputs[some], before):
            raise OracleError(
                f"oracle {self.name}: changed the array of questions that it was given; it must leave that "
                "as it is (work on a copy)"
            )
        outputs = self._well_formed("outputs", answer[0], expected)
        care = self._well_formed("care", answer[1], expected)
        if self._sample is None or self._given:
            self._given = (outputs, care)
        return self._own(outputs, inputs), self._own(care, inputs)

    def _own(self, answer: U64, inputs: U64) -> U64:
        """An answer that no later question changes."""
        return answer.copy() if self._reuses_memory or np.may_share_memory(answer, inputs) else answer

    def _well_formed(self, what: str, array: U64, expected: tuple[int, int]) -> U64:
        if not isinstance(array, np.ndarray) or array.dtype != np.uint64 or array.shape != expected:
            got = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
            raise OracleError(
                f"oracle {self.name}: {what} are {got}, expected uint64 {expected}: one packed row of "
                f"{self.n_outputs} bits for each row asked"
            )
        spare = self.n_outputs % 64
        if spare and bool((array[:, -1] >> np.uint64(spare)).any()):
            row = int(np.argmax(array[:, -1] >> np.uint64(spare) != 0))
            raise OracleError(
                f"oracle {self.name}: {what} have bits above the {self.n_outputs} outputs, first in row "
                f"{row} (last word {int(array[row, -1]):#x}); these must be 0"
            )
        return np.ascontiguousarray(array)

    def _pick(self, inputs: U64, outputs: U64, care: U64) -> tuple[U64, U64, U64]:
        """A sample of this batch, copied."""
        n = inputs.shape[0]
        rows = np.arange(n) if n <= _SAMPLE else np.sort(self._rng.choice(n, _SAMPLE, replace=False))
        return inputs[rows], outputs[rows], care[rows]

    def _ask_again(self, sample: tuple[U64, U64, U64]) -> None:
        """Ask a sample once more, backwards."""
        inputs, outputs, care = sample
        again, care_again = self._ask(np.ascontiguousarray(inputs[::-1]))
        wrong = ((again[::-1] ^ outputs) & care) | (care_again[::-1] ^ care)
        rows = wrong.any(axis=1)
        if rows.any():
            row = int(np.argmax(rows))
            values = self._describe(inputs, outputs, again[::-1], wrong, row, "first", "then")
            raise OracleContradiction(
                f"oracle {self.name}: is not deterministic, {int(rows.sum())} of {rows.shape[0]} rows asked "
                f"again got another answer: {values}; it must be a function of its inputs alone (no state, "
                "clock or unseeded randomness)"
            )

    def _describe(
        self, inputs: U64, before: U64, after: U64, wrong: U64, row: int, label_before: str, label_after: str
    ) -> str:
        bits = np.flatnonzero(to_bool(wrong[row : row + 1], self.n_outputs)[0])
        bit = int(bits[0])
        name = self.output_names[bit] if self.output_names else f"output bit {bit}"
        one = (int(before[row, bit // 64]) >> bit % 64) & 1
        other = (int(after[row, bit // 64]) >> bit % 64) & 1
        words = ", ".join(f"{int(word):#x}" for word in inputs[row])
        return f"{name} {label_before} {one}, {label_after} {other} for the packed inputs {words}"
