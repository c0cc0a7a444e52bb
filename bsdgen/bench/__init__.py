"""Benchmarks: each learns something, proves it, and reports what that cost beside what others need."""
