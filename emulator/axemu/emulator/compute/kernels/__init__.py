"""Every compiled kernel, by the name loading code asks for. Importing this needs Numba; only code generation does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from axemu.emulator.compute.micro import Isa, Requantise

from .affine import make_affine
from .avg_pool import make_avg_pool
from .conv import make_conv
from .copy import make_border, make_copy, make_reshape, make_resize_nearest
from .depthwise import make_depthwise
from .elementwise import make_elementwise
from .lut import make_lut, make_lut_by_channel
from .matmul import make_matmul
from .matrix import make_matrix_conv
from .max_pool import make_max_pool
from .program import make_over_pixels, make_run, make_serve, make_work
from .resize import make_resize_linear
from .softmax import make_softmax

NUMERICS = ("exact", "metis")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A Python function to compile, all of whose `arity` arguments are int64."""

    name: str
    function: Any
    arity: int = 3


def all_kernels(isa: Isa) -> Iterator[Kernel]:
    """Yield every kernel of a path."""
    for numerics in NUMERICS:
        for vectors in (1, 2, 3, 4):
            yield Kernel(f"conv_{numerics}_{vectors}", make_conv(isa, Requantise(numerics), vectors))
            if isa.spec.matrix:
                matrix = make_matrix_conv(isa, Requantise(numerics), vectors)
                yield Kernel(f"matrix_{numerics}_{vectors}", matrix)
        yield Kernel(f"depthwise_{numerics}", make_depthwise(isa, numerics))
        if isa.lanes == 16:
            yield Kernel(f"depthwise_half_{numerics}", make_depthwise(isa.halved(), numerics))
        for operation in ("add", "sub", "mul"):
            yield Kernel(f"{operation}_{numerics}", make_elementwise(isa, numerics, operation), 5)
        yield Kernel(f"affine_{numerics}", make_affine(numerics), 5)
        yield Kernel(f"avg_pool_{numerics}", make_avg_pool(numerics))
        yield Kernel(f"resize_linear_{numerics}", make_resize_linear(numerics))
        yield Kernel(f"matmul_{numerics}", make_matmul(numerics))
        yield Kernel(f"softmax_{numerics}", make_softmax(numerics))
    yield Kernel("max_pool", make_max_pool())
    yield Kernel("lut", make_lut(isa), 5)
    yield Kernel("lut_by_channel", make_lut_by_channel(), 5)
    yield Kernel("copy", make_copy())
    yield Kernel("border", make_border())
    yield Kernel("reshape", make_reshape())
    yield Kernel("resize_nearest", make_resize_nearest())
    yield Kernel("over_pixels", make_over_pixels())
    work = make_work()
    yield Kernel("work", work)
    yield Kernel("run", make_run(work))
    yield Kernel("serve", make_serve(work))
