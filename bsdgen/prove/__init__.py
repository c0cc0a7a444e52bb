"""Proofs of a model, from the diagram to the core, against a specification that was written apart from it."""

from bsdgen.prove.result import Proof, proof_text
from bsdgen.prove.run import prove_model, prove_step

__all__ = ["Proof", "proof_text", "prove_model", "prove_step"]
