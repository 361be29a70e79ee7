"""What happened to each operator, and what it costs."""

from axelera.compiler.report._compiled import compiled_report
from axelera.compiler.report._html import write_html

__all__ = ["compiled_report", "write_html"]
