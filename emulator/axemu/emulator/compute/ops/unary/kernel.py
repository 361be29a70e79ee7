"""The kernels of operators of one tensor."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from axemu.emulator.compute.micro import Isa, Source, sources

from .arguments import AFFINE, LUT, LUT_BY_CHANNEL
from .kernel_affine import make_affine
from .kernel_table import make_lut, make_lut_by_channel


def kernels(isa: Isa) -> Iterator[Source]:
    """Yield the kernels of a path."""
    yield from sources(AFFINE, partial(make_affine, isa))
    yield from sources(LUT, lambda: make_lut(isa))
    yield from sources(LUT_BY_CHANNEL, make_lut_by_channel)
