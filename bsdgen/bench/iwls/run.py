"""The benchmark: every example learned twice, without and with the library of word functions, and scored."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from bsdgen.artifacts import read_json, write_json
from bsdgen.bench.bars import Bar
from bsdgen.bench.iwls.rows import Example, Rows, accuracy, find_examples, n_right, read_example
from bsdgen.bench.iwls.search import IDEAS, Candidate, Search
from bsdgen.bench.iwls.words import consistent
from bsdgen.errors import InputError, UsageError

MOST_ANDS = 5000
ASKED = 0.92
ASKED_CPU_H = 3.0
EXAMPLES = tuple(f"{i:02d}" for i in range(90))
"""Examples that count; 90 to 99, pictures of things, are left out."""


class Learned(msgspec.Struct, frozen=True):
    """A circuit and what it scored.

    Attributes
    ----------
    method : how it was found.
    ands : AND nodes.
    known : accuracy on the rows that choices looked at; optimistic.
    right : test rows on which the circuit is right.
    """

    method: str
    ands: int
    known: float
    right: int


class IwlsRow(msgspec.Struct, frozen=True):
    """One example.

    Attributes
    ----------
    plain, words : the result without and with the library of word functions.
    cpu_s, words_cpu_s : CPU time of learning, and what the library adds to it.
    """

    name: str
    n_inputs: int
    n_test: int
    plain: Learned
    words: Learned
    cpu_s: float
    words_cpu_s: float


class IwlsResult(msgspec.Struct, frozen=True):
    """All examples."""

    rows: list[IwlsRow]
    time_limit_s: float

    @property
    def cpu_s(self) -> float:
        """CPU time of learning, both ways."""
        return sum(row.cpu_s + row.words_cpu_s for row in self.rows)

    def mean(self, words: bool) -> tuple[float, float]:
        """Mean test accuracy over examples, and half its 95 % interval, of the draw of test rows alone."""
        parts = [((row.words if words else row.plain).right / row.n_test, row.n_test) for row in self.rows]
        spread = math.sqrt(sum(p * (1 - p) / n for p, n in parts)) / len(parts)
        return sum(p for p, _ in parts) / len(parts), 1.96 * spread

    @property
    def bars(self) -> list[Bar]:
        """What was asked, where all examples were run."""
        whole = {row.name for row in self.rows} >= set(EXAMPLES)
        bars = []
        for words, text in ((False, "without word functions"), (True, "with word functions")):
            mean, half = self.mean(words)
            reached = f"{100 * mean:.2f} % ± {100 * half:.2f}" + ("" if whole else f" of {len(self.rows)}")
            bars.append(
                Bar(f"mean test accuracy, {text}", f"> {100 * ASKED:g} %", reached, whole and mean > ASKED)
            )
        hours = self.cpu_s / 3600
        bars.append(
            Bar(
                "learning in all",
                f"≤ {ASKED_CPU_H:g} CPU hours",
                f"{hours:.2f}",
                whole and hours <= ASKED_CPU_H,
            )
        )
        most = max(max(row.plain.ands, row.words.ands) for row in self.rows)
        bars.append(Bar("largest circuit", f"≤ {MOST_ANDS:,} ANDs", f"{most:,}", most <= MOST_ANDS))
        return bars


def chosen_examples(only: str | None, there: Sequence[str]) -> list[str]:
    """Names of the examples to run.

    Raises
    ------
    UsageError
        One is not there.
    """
    if only is None:
        return [name for name in there if name in EXAMPLES]
    names = [word.strip().zfill(2) for word in only.split(",")]
    for name in names:
        if name not in there:
            raise UsageError(f"--only {only}: there is no example {name!r}; there are {', '.join(there)}")
    return names


def chosen_ideas(leave_out: str | None) -> list[str]:
    """Ideas to leave out.

    Raises
    ------
    UsageError
        There is no such idea.
    """
    ideas = [] if leave_out is None else leave_out.split(",")
    for idea in ideas:
        if idea not in IDEAS:
            raise UsageError(f"--leave-out {leave_out}: there is no {idea!r}; there are {', '.join(IDEAS)}")
    return ideas


def learn_words(known: Rows, most_ands: int = MOST_ANDS) -> Candidate | None:
    """The best circuit of a word function that contradicts no row; None if there is none that fits."""
    best: Candidate | None = None
    for hypothesis in consistent(known.inputs, known.labels):
        for shape in hypothesis.shapes():
            if hypothesis.least_ands(shape) > most_ands:
                continue
            aig = hypothesis.circuit(known.n_inputs, shape)
            if aig.n_ands > most_ands:
                continue
            score = accuracy(aig, known)
            if best is None or (score, -aig.n_ands) > (best.held, -best.aig.n_ands):
                best = Candidate(hypothesis.name + (f", shortened {shape}" if shape else ""), aig, score)
            if score == 1:
                break
    return best


def run_example(example: Example, *, time_limit_s: float, seed: int, without: Sequence[str] = ()) -> IwlsRow:
    """Learn one example from its known rows, then score on its test rows."""
    begun = time.process_time()
    rng = np.random.default_rng([seed, *example.name.encode()])
    search = Search(example.known, most_ands=MOST_ANDS, seconds=time_limit_s, rng=rng, without=without)
    plain = search.run()
    between = time.process_time()
    words = learn_words(example.known)
    if words is None or words.held < plain.held:
        words = plain
    done = time.process_time()
    return IwlsRow(
        name=example.name,
        n_inputs=example.known.n_inputs,
        n_test=len(example.test),
        plain=_scored(plain, example.test),
        words=_scored(words, example.test),
        cpu_s=between - begun,
        words_cpu_s=done - between,
    )


def _scored(candidate: Candidate, test: Rows) -> Learned:
    return Learned(candidate.method, candidate.aig.n_ands, candidate.held, n_right(candidate.aig, test))


class _Partial(msgspec.Struct, frozen=True):
    """What a run that was stopped has done."""

    time_limit_s: float
    seed: int
    without: list[str]
    rows: list[IwlsRow]


def run_iwls(
    folder: Path,
    *,
    only: str | None = None,
    time_limit_s: float = 25.0,
    seed: int = 0,
    without: Sequence[str] = (),
    partial: Path | None = None,
    resume: bool = False,
    on_row: Callable[[int, int, IwlsRow], None] = lambda done, n, row: None,
) -> IwlsResult:
    """Learn and score examples one by one.

    Parameters
    ----------
    folder : with the examples' PLA files, anywhere below it.
    only : some examples, by number.
    time_limit_s : CPU time after which no new forest is begun, by example.
    without : ideas to leave out.
    partial : file that keeps what is done.
    resume : go on with what is in it.
    on_row : called after each example with the number done, the number of all, and the row.

    Raises
    ------
    InputError
        Files are missing or damaged, or `partial` is of a run with other options.
    UsageError
        `only` names an example that is not there.
    """
    files = find_examples(folder)
    names = chosen_examples(only, list(files))
    done = _resumed(partial, time_limit_s, seed, without) if resume and partial is not None else {}
    rows = []
    for name in names:
        row = done.get(name)
        if row is None:
            example = read_example(name, files[name])
            row = run_example(example, time_limit_s=time_limit_s, seed=seed, without=without)
        rows.append(row)
        if partial is not None:
            write_json(partial, _Partial(time_limit_s, seed, list(without), rows))
        on_row(len(rows), len(names), row)
    return IwlsResult(rows, time_limit_s)


def _resumed(partial: Path, time_limit_s: float, seed: int, without: Sequence[str]) -> dict[str, IwlsRow]:
    if not partial.is_file():
        return {}
    try:
        saved = msgspec.convert(read_json(partial), type=_Partial)
    except msgspec.MsgspecError as error:
        raise InputError(
            f"{partial}: is no unfinished run ({error}); remove it, or run without --resume"
        ) from error
    if (saved.time_limit_s, saved.seed, saved.without) != (time_limit_s, seed, list(without)):
        raise InputError(
            f"{partial}: is of a run with --time-limit {saved.time_limit_s:g} --seed {saved.seed}; give the "
            "same options, or run without --resume"
        )
    return {row.name: row for row in saved.rows}
