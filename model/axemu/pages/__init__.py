"""Pages to look at: one look for all reports, each a file that refers to nothing outside itself."""

from axemu.pages._chart import Chart, Row, numeric
from axemu.pages._graph import Box, Drawing, lay_out, short
from axemu.pages._write import write_page

__all__ = ["Box", "Chart", "Drawing", "Row", "lay_out", "numeric", "short", "write_page"]
