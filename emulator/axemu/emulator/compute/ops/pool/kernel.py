"""The kernels of pools."""

from __future__ import annotations

from collections.abc import Iterator

from axemu.emulator.compute.micro import Isa, Source, sources

from .arguments import AVG_POOL, MAX_POOL
from .kernel_average import make_avg_pool
from .kernel_max import make_max_pool


def kernels(isa: Isa) -> Iterator[Source]:
    """Yield the kernels of a path."""
    del isa
    yield from sources(AVG_POOL, make_avg_pool)
    yield from sources(MAX_POOL, make_max_pool)
