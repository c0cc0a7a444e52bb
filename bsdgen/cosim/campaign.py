"""Constrained-random programs by the thousand: each made from its seed, failing ones reduced.

Programs are those of `bsdgen.isa.generate` for our own reference, which is all that runs them. Failures that
look alike (same instruction, same field) are one finding; the first seed of each finding is reduced.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bsdgen.artifacts import atomic_path, write_text
from bsdgen.cosim.bench import MAX_STALL, check_stall
from bsdgen.cosim.harness import Answer, HarnessPool, Job
from bsdgen.cosim.listing import retired_lines
from bsdgen.cosim.reduction import Words, assembly, reduce_words, words_of
from bsdgen.cosim.run import LAST, difference, job_of
from bsdgen.cosim.scoreboard import differing_fields
from bsdgen.cosim.simulator import KINDS, ShellName, simulator_of
from bsdgen.isa.encoding import INSTRUCTIONS, decode
from bsdgen.isa.generate import as_program, generate_images

SIZE = 200  # words of code; about 1,300 instructions retire
MAX_FINDINGS = 5  # that are reduced: a broken adder fails in every second instruction
_MAX_STEPS = 1_000_000
_SPREAD = 0x9E3779B1  # odd; a seed with few ones holds the core late


@dataclass(frozen=True)
class Finding:
    """One way to fail.

    Attributes
    ----------
    seed : the first program that fails so.
    seeds : how many do.
    instruction, field : where they fail: mnemonic, and RVFI field or "".
    detail : the first one's mismatch.
    stall, resets : the seeds of cycles in which its core was held, and at which it was reset, or 0.
    last : what retired before it.
    words : words of code that the reduced program has, or -1 if it was not reduced.
    source, elf : the reduced program's files, or "".
    """

    seed: int
    seeds: int
    instruction: str
    field: str
    detail: str
    stall: int
    last: tuple[str, ...]
    words: int = -1
    source: str = ""
    elf: str = ""
    resets: int = 0


@dataclass(frozen=True)
class Campaign:
    """What came of it.

    Attributes
    ----------
    programs, seed, size : programs were made from `seed` and those that follow it.
    stall, shell, resets : see `run_campaign`.
    retired : instructions that agreed with the reference.
    failed : seeds of programs that do not pass.
    findings : see there; most frequent first.
    """

    programs: int
    seed: int
    size: int
    stall: int | None
    retired: int
    failed: tuple[int, ...]
    findings: tuple[Finding, ...] = field(default=())
    shell: ShellName = "single"
    resets: int = 0


def stall_of(seed: int, stall: int | None) -> int:
    """The seed of held cycles of a random program, 0 for none.

    >>> [hex(stall_of(seed, None)) for seed in (0, 1, 2, 2**32 + 3)], stall_of(2, 5)
    (['0x0', '0x9e3779b1', '0x0', '0xdaa66d13'], 5)
    """
    if stall is not None:
        return stall
    return seed * _SPREAD & MAX_STALL if seed % 2 else 0


def resets_of(seed: int, resets: int) -> int:
    """The seed of the resets of a random program, 0 for none.

    >>> [hex(resets_of(seed, 7)) for seed in (0, 1)], resets_of(1, 0)
    (['0x7', '0x9e3779b7'], 0)
    """
    return resets and ((seed * _SPREAD & MAX_STALL) ^ resets or resets)


def _kind(answer: Answer) -> tuple[str, str] | None:
    """Instruction and field of a failure, None if there is none."""
    succeeds = answer["tohost"] == 1 or answer["resets"] > 0  # as in `cosimulate`
    if answer["done"] and not answer["wrong"] and succeeds:
        return None
    if answer["expected"] is None:
        return "", ""
    number = int(decode(int(answer["expected"][3])))
    instruction = INSTRUCTIONS[number] if number >= 0 else "illegal"
    if not answer["wrong"]:
        return instruction, ""
    seen, wanted, care = (np.array(answer[name], np.uint32) for name in ("seen", "expected", "care"))
    return instruction, differing_fields(seen, wanted, care)[0]


@dataclass(frozen=True, eq=False)
class _Reducer:
    """Asks the harnesses about candidates."""

    pool: HarnessPool
    work: Path
    kind: tuple[str, str]
    finding: Finding
    max_steps: int

    def fails(self, candidates: list[Words]) -> list[bool]:
        """Which programs fail in the same way, and would pass on the reference."""

        def jobs() -> Iterator[Job]:
            for number, words in enumerate(candidates):
                program = as_program(words.images(), "candidate")
                held = {"stall": self.finding.stall, "resets": self.finding.resets}
                yield job_of(program, self.work, f"c{number}", max_steps=self.max_steps, **held)

        failed = [False] * len(candidates)
        for number, answer in self.pool.run(jobs()):
            (self.work / f"c{number}.hex").unlink()
            failed[number] = _kind(answer) == self.kind and answer["reference_tohost"] == 1
        return failed


@dataclass(frozen=True)
class _Origin:
    """Where programs come from and go to; see `run_campaign`."""

    model: Path
    campaign: Campaign
    out: Path


def reproduce(finding: Finding, elf: Path | str, campaign: Campaign) -> tuple[str, str]:
    """Arguments of `bsdgen cosim` that run a reduced program, and those that make and run the whole one."""
    shell = "" if campaign.shell == "single" else f" --shell {campaign.shell}"
    held = f" --stall {finding.stall}" if finding.stall else ""
    held += f" --resets {finding.resets}" if finding.resets else ""
    always = "" if campaign.stall is None else f" --stall {campaign.stall}"
    always += f" --resets {campaign.resets}" if campaign.resets else ""
    whole = f"--random 1 --seed {finding.seed} --size {campaign.size}{always}{shell}"
    return f"{elf}{held}{shell}", whole


def _save(finding: Finding, words: Words, original: bytes, origin: _Origin) -> Finding:
    """Write the whole and the reduced program; returns the finding with its files."""
    base = origin.out / f"seed-{finding.seed}"
    source, elf = base.with_suffix(".min.S"), base.with_suffix(".min.elf")
    elf_again, again = reproduce(finding, elf, origin.campaign)
    comment = [
        f"Reduced from random program {finding.seed}; words of code that are left: {words.n_code}.",
        f"Mismatch of the whole program: {finding.detail}",
        f"Reproduce: bsdgen cosim {origin.model} {elf_again}",
        f"The whole program: bsdgen cosim {origin.model} {again}",
    ]
    for path, contents in ((base.with_suffix(".elf"), original), (elf, words.elf())):
        with atomic_path(path) as temporary:
            temporary.write_bytes(contents)
    write_text(source, assembly(words, comment))
    return replace(finding, words=words.n_code, source=str(source), elf=str(elf))


def _findings(failures: dict[int, Answer], stall: int | None, resets: int) -> list[Finding]:
    """Failures by kind, the most frequent first."""
    by_kind: dict[tuple[str, str], list[int]] = {}
    for seed in sorted(failures):
        by_kind.setdefault(_kind(failures[seed]) or ("", ""), []).append(seed)
    found = []
    for (instruction, name), seeds in by_kind.items():
        answer = failures[seeds[0]]
        detail = difference(answer)[1] or "the core and the reference do not end the program as passed"
        lines = tuple(retired_lines(answer["last"]))
        held = stall_of(seeds[0], stall)
        again = resets_of(seeds[0], resets)
        found.append(Finding(seeds[0], len(seeds), instruction, name, detail, held, lines, resets=again))
    return sorted(found, key=lambda finding: (-finding.seeds, finding.seed))


def run_campaign(
    model: Path,
    programs: int,
    *,
    seed: int = 0,
    size: int = SIZE,
    jobs: int = 2,
    stall: int | None = None,
    shell: ShellName = "single",
    resets: int = 0,
    last: int = LAST,
    out: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    found: Callable[[Campaign], None] | None = None,
) -> Campaign:
    """Run random programs on the core of the model in folder `model`, in lock-step with the reference model.

    Parameters
    ----------
    programs : how many; their seeds are `seed`, `seed` + 1 and so on.
    size : words of code of each, see `bsdgen.isa.generate.generate_elf`.
    jobs, last : see `bsdgen.cosim.run.cosimulate`.
    stall : seed of the cycles in which each core is held, 0 for none; None: every second program, that of an
        odd seed, is held by its own seed.
    shell : the core to run, see `bsdgen.cosim.run.cosimulate`.
    resets : 0, or what the seeds of the cycles at which each core is reset are made of.
    out : folder for failing programs, whole and reduced; None reduces none.
    progress : called with (programs done, programs).
    found : called with what came of it before anything is reduced; when an error or an interrupt ends the
        run, with what there is if something failed (`Campaign.retired` and `programs` are of those done).

    Raises
    ------
    InputError, ToolError
        See `bsdgen.cosim.simulator.simulator_of`.
    UsageError
        A seed, stall, resets or size is out of its range.
    """
    check_stall(stall or 0, resets)
    generate_images(seed, size, own=True)  # refuses what it cannot make before anything is built
    if progress:
        progress(0, programs)
    simulator = simulator_of(model, KINDS[shell][0], shell=shell)
    retired, done, failures = 0, 0, dict[int, Answer]()

    def campaign() -> Campaign:
        failed, kinds = tuple(sorted(failures)), tuple(_findings(failures, stall, resets))
        return Campaign(done, seed, size, stall, retired, failed, kinds, shell, resets)

    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        work = Path(name)
        with HarnessPool(simulator, work, jobs) as pool:

            def made() -> Iterator[Job]:
                for number in range(programs):
                    of = seed + number
                    program = as_program(generate_images(of, size, own=True), f"seed {of}")
                    held = {"stall": stall_of(of, stall), "resets": resets_of(of, resets)}
                    yield job_of(program, work, f"p{number}", max_steps=_MAX_STEPS, last=last, **held)

            try:
                for number, answer in pool.run(made()):
                    (work / f"p{number}.hex").unlink()
                    retired, done = retired + int(answer["retired"]), done + 1
                    if _kind(answer) is not None:
                        failures[seed + number] = answer
                    if progress:
                        progress(done, programs)
            finally:
                if found and (done == programs or failures):
                    found(campaign())
            result = campaign()
            if out is None:
                return result
            findings, origin = list(result.findings), _Origin(model, result, out)
            for place, finding in enumerate(findings[:MAX_FINDINGS]):
                findings[place] = _reduce(finding, failures[finding.seed], pool, work, origin)
    return replace(result, findings=tuple(findings))


def _reduce(finding: Finding, answer: Answer, pool: HarnessPool, work: Path, origin: _Origin) -> Finding:
    kind = _kind(answer)
    assert kind is not None
    words = words_of(generate_images(finding.seed, origin.campaign.size, own=True))
    # Every pass and its loops; a candidate that goes round in circles is given up soon.
    max_steps = 16 * len(words.code) + 2_000
    reducer = _Reducer(pool, work, kind, finding, max_steps)
    if not reducer.fails([words])[0]:
        return finding  # such as a core that ends a program before the reference does
    return _save(finding, reduce_words(words, reducer.fails), words.elf(), origin)
