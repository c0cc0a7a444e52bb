"""Errors and the exit codes they map to.

Every error that a user can cause is a `BsdgenError`; its message says what was wrong, the value, what was
expected and what to do. The command line catches `BsdgenError` alone.

======  =====================================
code    meaning
======  =====================================
0       ok
1       a check failed (`CheckFailed`)
2       usage (`UsageError`)
3       bad input (`InputError`)
4       tool missing or too old (`ToolError`)
5       budget reached (`BudgetReached`)
130     interrupted
======  =====================================
"""

from typing import ClassVar


class BsdgenError(Exception):
    """Root of all errors that bsdgen raises on purpose."""

    exit_code: ClassVar[int] = 1


class CheckFailed(BsdgenError):
    """A check ran to its end and found a difference."""

    exit_code = 1


class UsageError(BsdgenError):
    """Options or arguments that make no sense together."""

    exit_code = 2


class InputError(BsdgenError):
    """A file, a folder or a value that cannot be used."""

    exit_code = 3


class EndlessError(InputError):
    """A program that has not ended within the step limit."""


class UnsuitableError(InputError):
    """A format cannot hold this model; others can."""


class BusyError(InputError):
    """A place that another run is writing into."""


class OracleError(InputError):
    """An oracle that raises, returns the wrong shape or type, or contradicts itself."""


class OracleContradiction(OracleError):
    """An oracle that gave two answers to one question: nothing that it said before can be used."""


class ToolError(BsdgenError):
    """An outside tool that is missing, too old or fails."""

    exit_code = 4


class ToolTimeout(ToolError):
    """An outside tool that did not end, or gave no answer, within the time that it was given."""


class ToolRefusal(ToolError):
    """An outside tool that works and that refuses what it was given."""


class CommandFailed(ToolError):
    """A command of an outside tool that failed, and would fail again."""


class BudgetReached(BsdgenError):
    """A stated budget (time, memory, nodes) was used up before the work was done."""

    exit_code = 5
