"""``bsdgen learn --alone`` and ``--questions``: recorded rows first, questions second or none at all."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bsdgen.errors import BudgetReached, CheckFailed, InputError, UsageError

if TYPE_CHECKING:
    from bsdgen.learn import Event, LearnConfig
    from bsdgen.learn.evidence import Unsupported
    from bsdgen.model import Model
    from bsdgen.oracle.protocol import Oracle
    from bsdgen.traces.schema import Schema
    from bsdgen.traces.store import Traces

_LEAST_ROWS = 64
_SHOWN = 6  # output bits that are wrong on held-out rows and named


def learn_rows(
    rows: "Traces | None",
    config: "LearnConfig",
    hold_out: float,
    on_event: "Callable[[Event], None]",
    oracle: "Oracle | None" = None,
    questions: int = 0,
) -> "Model":
    """Learn a model from rows, alone or with questions where they leave doubt.

    Parameters
    ----------
    rows : distinct rows.
    config : seed and budgets; the time limit is shared by evidence and diagram. Without one, the diagram gets
        twice the time that the evidence took, and a minute.
    hold_out : share of the rows that is kept from learning, for an honest estimate.
    oracle, questions : who is asked, and how many rows at most; None: nobody.

    Raises
    ------
    UsageError
        There are no rows.
    InputError
        Rows contradict each other, or are too few.
    """
    from bsdgen.learn import BsdLearner, Event
    from bsdgen.learn.evidence import counted, evidence_of
    from bsdgen.model import Model

    if rows is None:
        raise UsageError("--alone and --questions learn from recorded rows: give TRACES")
    if rows.n_contradictions:
        raise InputError(
            f"{rows.n_contradictions:,} recorded rows contradict others with the same inputs, so they are "
            "not of one function of the inputs; record them again, or leave out the files that disagree"
        )
    schema = rows.schema
    train, held = _divided(rows, hold_out, config.seed)
    evidence = evidence_of(
        train.inputs,
        train.outputs,
        train.care,
        schema.n_inputs,
        schema.n_outputs,
        config,
        on_event,
        oracle,
        questions,
    )
    asked = evidence.asked
    left = config.time_limit_s - evidence.wall_s if config.time_limit_s else 60.0 + 2.0 * evidence.wall_s
    learner = BsdLearner(replace(config, time_limit_s=max(1.0, left)))
    try:
        learner.fit(evidence.hypothesis, train.inputs, on_event, hints=evidence.hypothesis.hints())
        bsd, arrays, summary = learner.bsd_, dict(learner.ledger_), dict(learner.ledger_summary_)
    except BudgetReached as reached:  # then what the rows say is handed out as it is
        on_event(
            Event(
                "warning", 0, 0, 0, f"{reached}; what the rows say is handed out without being made smaller"
            )
        )
        bsd, arrays, summary = evidence.hypothesis.values, {}, {}
    stats = asdict(learner.stats_)
    wrong_train = _wrong(bsd.evaluate(train.inputs), train)
    wrong = _wrong(bsd.evaluate(held.inputs), held)
    if arrays:
        arrays, counts = counted(arrays, (train.inputs, train.care), (held.inputs, held.care, wrong))
        summary |= counts
    summary |= {"fresh_rows_checked": held.n_rows, "fresh_rows_wrong": int(wrong.any(axis=1).sum())}
    by_output = _by_output(wrong, schema.n_outputs)
    stats |= {
        "wall_s": stats["wall_s"] + evidence.wall_s,
        "cpu_s": stats["cpu_s"] + evidence.cpu_s,
        "oracle_queries": 0 if asked is None else asked.n_questions,
        "n_nodes": bsd.n_nodes,
        "n_checked": held.n_rows,
        "n_wrong": int(wrong.any(axis=1).sum()),
        "wrong_by_output": by_output if any(by_output) else (),
        "finished": not (evidence.n_open or wrong.any() or wrong_train.any())
        and (asked is None or asked.finished),
    }
    info = {
        "oracle": rows.oracle,
        "config": asdict(config),
        "learn": stats,
        "speculation": summary,
        "evidence": {
            "rows": train.n_rows,
            "asked": None if asked is None else asdict(asked),
            "held_out": held.n_rows,
            "held_out_wrong": int(wrong.any(axis=1).sum()),
            "rows_wrong": int(wrong_train.any(axis=1).sum()),
            "contexts": evidence.n_contexts,
            "not_explained": evidence.n_open,
            "questions": 0 if asked is None else asked.n_questions,
            "cpu_s": evidence.cpu_s,
            "unsupported": [_named(claim, schema) for claim in evidence.unsupported],
        },
    }
    return Model(bsd, schema, info, arrays)


def _divided(rows: "Traces", hold_out: float, seed: int) -> "tuple[Traces, Traces]":
    n = rows.inputs.shape[0]
    n_held = round(hold_out * n)
    if n - n_held < _LEAST_ROWS:
        raise InputError(
            f"{n:,} distinct rows, {n_held:,} of them held out: too few to learn from, at least "
            f"{_LEAST_ROWS} are needed; record more"
        )
    held = np.zeros(n, np.bool_)
    held[np.random.default_rng([seed, 2]).permutation(n)[:n_held]] = True
    return rows.only(~held), rows.only(held)


def _wrong(said: "np.ndarray[Any, np.dtype[np.uint64]]", rows: "Traces") -> "np.ndarray[Any, Any]":
    return (said ^ rows.outputs) & rows.care


def _by_output(wrong: "np.ndarray[Any, Any]", n_outputs: int) -> tuple[int, ...]:
    from bsdgen.bits import to_bool

    return tuple(to_bool(wrong, n_outputs).sum(axis=0).tolist())


def _named(claim: "Unsupported", schema: "Schema") -> dict[str, Any]:
    inputs = schema.input_names()
    context = " ".join(f"{inputs[v]}={value}" if v >= 0 else f"(function)={value}" for v, value in claim.path)
    return {
        "context": context or "everywhere",
        "output": schema.output_names()[claim.output],
        "inputs": [inputs[v] for v in claim.features],
        "rows": claim.n_rows,
        "cells": claim.cells,
        "unseen": claim.unseen,
        "reason": claim.reason,
    }


def verdict(model: "Model", target: Path) -> str:
    """What the held-out rows say, in a line or two."""
    from bsdgen.bounds import upper_bound

    facts = model.info["evidence"]
    n, wrong = facts["held_out"], facts["held_out_wrong"]
    text = (
        f"{facts['rows']:,} rows, {facts['questions']:,} questions; {wrong:,} of {n:,} held-out rows wrong "
        f"(95 % < {upper_bound(wrong, n):.1e}); {len(facts['unsupported']):,} claims go beyond the rows: "
        f"bsdgen inspect {target} --unsupported"
    )
    if facts["not_explained"]:
        text += f"\n{facts['not_explained']:,} of {facts['contexts']:,} contexts are not explained in full"
    return text


def judge(model: "Model") -> None:
    """End with exit code 1 where held-out rows are wrong or something is not explained.

    Raises
    ------
    CheckFailed
    """
    facts, stats = model.info["evidence"], model.info["learn"]
    if stats["finished"]:
        return
    names = model.schema.output_names()
    bad = sorted(
        (name for name, n in zip(names, stats["wrong_by_output"], strict=False) if n), key=names.index
    )
    shown = ", ".join(bad[:_SHOWN]) + (f" and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else "")
    what = [f"{facts['held_out_wrong']:,} of {facts['held_out']:,} held-out rows are wrong"] if bad else []
    if facts["asked"] is not None and not facts["asked"]["finished"]:
        last = facts["asked"]
        what.append(
            f"doubt is left after {facts['questions']:,} questions ({last['n_wrong']:,} of the last "
            f"{last['n_checked']:,} fresh rows were wrong; --questions)"
        )
    if facts["rows_wrong"]:
        what.append(f"{facts['rows_wrong']:,} rows learned from are not explained")
    raise CheckFailed(
        f"{'; '.join(what) or 'not everything is explained'}{f' (in {shown})' if shown else ''}. The model "
        "is saved; record more rows of such situations, or let an oracle be asked (--questions)"
    )
