"""Pages of explanations and of reports."""

from axemu.studies._pages._explain import write_explanation
from axemu.studies._pages._memory import memory_rows
from axemu.studies._pages._report import write_report

__all__ = ["memory_rows", "write_explanation", "write_report"]
