"""The learned function as an and-inverter graph: construction, files, optimisation, equivalence."""

from bsdgen.circuit.aig import Aig, AigBuilder, aig_from_bsd, bsd_from_aig
from bsdgen.circuit.aiger import NamedAig, read_aiger, write_aiger
from bsdgen.circuit.equivalence import Equivalence, prove_equivalent
from bsdgen.circuit.optimise import optimise

__all__ = [
    "Aig",
    "AigBuilder",
    "Equivalence",
    "NamedAig",
    "aig_from_bsd",
    "bsd_from_aig",
    "optimise",
    "prove_equivalent",
    "read_aiger",
    "write_aiger",
]
