"""`max_pool`."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import Data
from axemu.model.program import Node

from ._window import lower_pool
from .arguments import MAX_POOL

_UNUSED = Data(np.zeros(1, np.int32))


def assemble(assembler: Assembler, node: Node) -> None:
    """Append the pool."""
    lower_pool(assembler, node, MAX_POOL(), _UNUSED, _UNUSED, None)
