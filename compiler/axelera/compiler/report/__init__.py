"""What happened to each operator, and what it costs."""

from axelera.compiler.report._compiled import compiled_report
from axelera.compiler.report._html import add_times, write_html
from axelera.compiler.report._measure import decibels, measure_operators, measure_outputs

__all__ = ["add_times", "compiled_report", "decibels", "measure_operators", "measure_outputs", "write_html"]
