"""Compiled loops of the learner, each held to a plain-numpy twin by a test."""
