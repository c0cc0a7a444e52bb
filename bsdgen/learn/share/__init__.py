"""Passes over the finished diagram that make it smaller by sharing more than equal functions.

1. Exclusive ors become guards (`exclusive`), and control variables that a leaf took for data are tested first
   again where that helps (`pull`).
2. Functions of different contexts that are equal up to a substitution of inputs become one *unit* whose
   operands are chosen by context (`match`, `units`, `search`): one adder for all instructions that add.
3. What an output is in each context is joined by the control tree or by shared select lines (`join`).

All of it is done on the diagram alone, without the oracle. The first and the third step keep every function
where it is cared for; that two functions match is seen on random rows, so that the result must be checked.
"""

from bsdgen.learn.share.share import Sharing, UnitRecord, share

__all__ = ["Sharing", "UnitRecord", "share"]
