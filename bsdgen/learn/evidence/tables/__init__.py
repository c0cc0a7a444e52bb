"""Explanations: tables over few features, how they are searched, and what they are worth."""
