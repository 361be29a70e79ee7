"""The kernels of convolutions."""

from __future__ import annotations

from collections.abc import Iterator

from axemu.emulator.compute.micro import Isa, Requantise, Source, sources

from .arguments import CONV_ADD, DEPTHWISE, HALF_DEPTHWISE, MATRIX, PAIRS, PIXELS
from .kernel_add import make_conv_add
from .kernel_depthwise import make_depthwise
from .kernel_matrix import make_matrix_conv
from .kernel_pixels import make_conv, make_pair_conv


def kernels(isa: Isa) -> Iterator[Source]:
    """Yield the kernels of a path."""
    if isa.spec.paired:
        yield from sources(
            PAIRS, lambda numerics, vectors: make_pair_conv(isa, Requantise(numerics), vectors)
        )
    else:
        yield from sources(PIXELS, lambda numerics, vectors: make_conv(isa, Requantise(numerics), vectors))
    if isa.spec.matrix:
        yield from sources(
            MATRIX, lambda numerics, vectors: make_matrix_conv(isa, Requantise(numerics), vectors)
        )
    yield from sources(DEPTHWISE, lambda numerics: make_depthwise(isa, numerics))
    if isa.lanes == 16:
        yield from sources(HALF_DEPTHWISE, lambda numerics: make_depthwise(isa.halved(), numerics))
    yield from sources(CONV_ADD, make_conv_add)
