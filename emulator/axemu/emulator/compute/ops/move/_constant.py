"""`constant`: a buffer that is filled when an instance is made."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._assembler import Assembler
from axemu.model.program import Node


def assemble(assembler: Assembler, node: Node) -> None:
    """Give the tensor's buffer its contents."""
    view = assembler.view(node.output)
    buffer = view.buffer
    contents = np.full((buffer.rows, buffer.columns, buffer.pixel), buffer.fill, np.uint8)
    rows, columns, channels = view.shape
    top, left = buffer.halo[:2]
    stored = assembler.constants(node)["value"].view(np.uint8) ^ np.uint8(0x80)
    contents[top : top + rows, left : left + columns, :channels] = stored
    buffer.contents = contents.reshape(-1)
