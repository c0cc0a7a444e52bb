"""Mutation: single faults in what was made of a model, and which checks catch them."""
