"""A model's report: one page, one JSON document, one text."""

from bsdgen.report.page import write_report
from bsdgen.report.text import summary_text

__all__ = ["summary_text", "write_report"]
