"""Traces: fields, files, rows."""

from bsdgen.traces.schema import RVFI_SCHEMA, Field, Schema, load_schema
from bsdgen.traces.store import Traces, read_traces, write_traces

__all__ = ["RVFI_SCHEMA", "Field", "Schema", "Traces", "load_schema", "read_traces", "write_traces"]
