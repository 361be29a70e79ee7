"""Vectors of operators that chips run as one, and of what networks repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from axemu.testing.vectors._draft import Activation, Draft
from axemu.testing.vectors._vector import Vector

FRAMES = 16
Build = Callable[[Draft], object]

_ACTIVATIONS: tuple[Activation, ...] = ("", "relu", "relu6")
_FUNCTIONS = (
    "silu", "hard_swish", "gelu", "mish", "sigmoid", "hard_sigmoid", "tanh", "leaky_relu", "elu", "softplus",
)  # fmt: skip


def patterns() -> Iterator[tuple[str, Callable[[], Vector]]]:
    """Yield the name of every vector of this kind, and what makes it."""
    for group in (_convolutions, _behind_convolutions, _sums, _joins, _blocks, _pools, _attention):
        for name, build in group():
            yield name, partial(_made, name, build)


def _made(name: str, build: Build) -> Vector:
    draft = Draft(name)
    build(draft)
    return draft.vector("pattern", FRAMES)


def _convolutions() -> Iterator[tuple[str, Build]]:
    """A clamp behind a convolution, over kernels, strides, groups and dilations."""
    for activation in _ACTIVATIONS:
        for kernel in (1, 3, 5):
            for stride in (1, 2):
                name = f"conv_{kernel}x{kernel}_s{stride}_{activation or 'linear'}"
                yield name, partial(_conv, kernel=kernel, stride=stride, activation=activation)
        for kernel, stride in ((3, 1), (3, 2), (5, 1), (5, 2)):
            name = f"depthwise_{kernel}x{kernel}_s{stride}_{activation or 'linear'}"
            yield name, partial(_conv, kernel=kernel, stride=stride, activation=activation, group=16)
        yield f"grouped_3x3_{activation or 'linear'}", partial(_conv, activation=activation, group=4)
        yield f"dilated_3x3_{activation or 'linear'}", partial(_conv, activation=activation, dilation=2)
        yield f"transpose_4x4_s2_{activation or 'linear'}", partial(_transpose, activation=activation)


def _conv(
    d: Draft, kernel: int = 3, stride: int = 1, activation: Activation = "", group: int = 1, dilation: int = 1
) -> None:
    outputs = 24 if group == 1 else 16
    x = d.input(12, 13, 16)
    d.conv(x, outputs, (kernel, kernel), stride, activation=activation, group=group, dilation=dilation)


def _transpose(d: Draft, activation: Activation) -> None:
    d.conv_transpose(d.input(7, 6, 12), 10, activation=activation)


def _behind_convolutions() -> Iterator[tuple[str, Build]]:
    """Operators on single values behind a convolution: epilogues of one, two and three."""
    for function in _FUNCTIONS:
        yield f"conv_{function}", partial(_tabled, function=function)
        yield f"depthwise_{function}", partial(_tabled, function=function, group=12)
    for function in ("sigmoid", "hard_sigmoid", "tanh"):
        yield f"conv_times_{function}", partial(_gated, function=function)
    yield "conv_affine", lambda d: d.affine(d.conv(d.input(9, 10, 12), 20))
    yield "conv_affine_relu", lambda d: d.affine(d.conv(d.input(9, 10, 12), 20), "relu")
    yield "conv_requantise", lambda d: d.requantise(d.conv(d.input(9, 10, 12), 20), 0.07, -31)
    yield "conv_silu_affine", lambda d: d.affine(d.lut(d.conv(d.input(9, 10, 12), 20), "silu"))
    yield (
        "conv_affine_silu_requantise",
        lambda d: d.requantise(d.lut(d.affine(d.conv(d.input(9, 10, 12), 20)), "silu"), 0.05, 7),
    )
    yield "conv_silu_add", lambda d: d.add(d.lut(d.conv(x := d.input(9, 10, 12), 12), "silu"), x)
    yield "conv_add_silu", lambda d: d.lut(d.add(d.conv(x := d.input(9, 10, 12), 12), x), "silu")
    yield (
        "conv_add_affine_tanh",
        lambda d: d.lut(d.affine(d.add(d.conv(x := d.input(9, 10, 12), 12), x)), "tanh"),
    )
    yield "transpose_silu", lambda d: d.lut(d.conv_transpose(d.input(6, 7, 8), 8), "silu")


def _tabled(d: Draft, function: str, group: int = 1) -> None:
    d.lut(d.conv(d.input(10, 11, 12), 12 if group > 1 else 20, group=group), function)


def _gated(d: Draft, function: str) -> None:
    y = d.conv(d.input(9, 10, 12), 16)
    d.mul(y, d.lut(y, function))


def _sums() -> Iterator[tuple[str, Build]]:
    """Residuals: a sum of two branches, with a clamp, before and after rounding."""
    for activation in _ACTIVATIONS:
        kind = activation or "linear"
        yield f"residual_{kind}", partial(_residual, activation=activation)
        yield f"residual_projected_{kind}", partial(_projected, activation=activation)
        yield f"sum_before_rounding_{kind}", partial(_unrounded, activation=activation)
    for op in ("add", "sub"):
        yield f"two_convolutions_{op}", partial(_two, op=op)
    yield "two_convolutions_mul", lambda d: d.mul(d.conv(x := d.input(9, 8, 12), 16), d.conv(x, 16, (1, 1)))
    yield "mul_by_channel", lambda d: d.mul(d.conv(x := d.input(9, 8, 12), 12), d.avg_pool(x))
    yield "conv_add_map", lambda d: d.add(d.conv(x := d.input(9, 8, 12), 12), d.conv(x, 1, (1, 1)))


def _residual(d: Draft, activation: Activation) -> None:
    x = d.input(10, 9, 16)
    d.add(d.conv(d.conv(x, 16, activation="relu"), 16), x, activation)


def _projected(d: Draft, activation: Activation) -> None:
    x = d.input(10, 9, 16)
    d.add(d.conv(x, 24, stride=2), d.conv(x, 24, (1, 1), 2), activation)


def _unrounded(d: Draft, activation: Activation) -> None:
    x = d.input(10, 9, 16)
    d.conv(x, 16, activation=activation, residual=x)


def _two(d: Draft, op: str) -> None:
    x = d.input(9, 8, 12)
    d.add(d.conv(x, 16), d.conv(x, 16, (1, 1)), op=op)


def _joins() -> Iterator[tuple[str, Build]]:
    """Concatenations, slices, resizes, and what moves values."""
    for parts in (2, 3, 4):
        yield f"concat_of_{parts}_convolutions", partial(_concat, parts=parts)
    for axis in (0, 1):
        yield f"concat_axis_{axis}", partial(_stack, axis=axis)
    yield "concat_then_conv", lambda d: d.conv(d.concat(x := d.input(9, 8, 12), d.conv(x, 12)), 16)
    yield "enlarge_concat", lambda d: d.concat(d.enlarge(d.conv(d.input(5, 6, 16), 8)), d.input(10, 12, 8))
    yield "enlarge_conv", lambda d: d.conv(d.enlarge(d.input(5, 6, 16)), 12)
    yield "interpolate_conv", lambda d: d.conv(d.interpolate(d.input(5, 6, 12)), 12)
    yield "conv_interpolate", lambda d: d.interpolate(d.conv(d.input(5, 6, 12), 12))
    yield "split_concat", lambda d: d.concat(*reversed(d.split(d.conv(d.input(8, 8, 12), 16), 4)))
    yield "pad_conv", lambda d: d.conv(d.pad(d.input(8, 7, 12), (2, 1, 0), (1, 2, 0)), 16, pads=(0, 0, 0, 0))
    yield "conv_pad_channels", lambda d: d.pad(d.conv(d.input(8, 7, 12), 20), (0, 0, 0), (0, 0, 44))
    yield "conv_crop", lambda d: d.slice(d.conv(d.input(9, 9, 12), 16), (1, 2, 0), (7, 6, 16))
    yield "space_to_depth_conv", _space_to_depth
    yield "shuffle_channels", _shuffle
    yield "transpose_rows", lambda d: d.conv(d.transpose(d.input(6, 9, 12), (1, 0, 2)), 16)
    yield (
        "flatten_dense",
        lambda d: d.conv(d.reshape(d.conv(d.input(4, 4, 8), 3), (1, 1, 48)), 12, (1, 1), levels=300),
    )


def _concat(d: Draft, parts: int) -> None:
    x = d.input(9, 8, 12)
    d.concat(*(d.conv(x, 8 + part, (1, 1) if part % 2 else (3, 3)) for part in range(parts)))


def _stack(d: Draft, axis: int) -> None:
    d.concat(d.conv(d.input(8, 9, 8), 12), d.conv(d.input(8, 9, 8), 12), axis=axis)


def _space_to_depth(d: Draft) -> None:
    x = d.input(16, 16, 3)
    corners = [d.slice(x, (i, j, 0), (8, 8, 3), (2, 2, 1)) for i in (0, 1) for j in (0, 1)]
    d.conv(d.concat(*corners), 16, activation="relu")


def _shuffle(d: Draft) -> None:
    y = d.conv(d.input(6, 5, 12), 16, group=4)
    parts = d.transpose(d.reshape(y, (30, 4, 4)), (0, 2, 1))
    d.conv(d.reshape(parts, (6, 5, 16)), 16, group=4)


def _blocks() -> Iterator[tuple[str, Build]]:
    """Blocks of well-known networks."""
    for function in ("relu6", "silu", "hard_swish"):
        yield f"inverted_residual_{function}", partial(_inverted, function=function)
        yield f"separable_{function}", partial(_separable, function=function)
    for function in ("sigmoid", "hard_sigmoid"):
        yield f"squeeze_excite_{function}", partial(_squeeze, function=function)
    for repeats in (1, 2):
        yield f"csp_{repeats}", partial(_csp, repeats=repeats)
    for activation in _ACTIVATIONS:
        yield f"bottleneck_{activation or 'linear'}", partial(_bottleneck, activation=activation)
    yield "spatial_pyramid", _pyramid
    yield "fire", _fire
    yield (
        "dense_layer",
        lambda d: d.concat(
            x := d.input(8, 8, 12), d.conv(d.conv(d.affine(x, "relu"), 16, (1, 1), activation="relu"), 8)
        ),
    )
    yield "distribution_head", _distribution
    yield (
        "asymmetric_kernels",
        lambda d: d.conv(
            d.conv(d.input(10, 10, 10), 12, (1, 7), activation="relu"), 12, (7, 1), activation="relu"
        ),
    )
    yield (
        "atrous",
        lambda d: d.concat(*(d.conv(x, 8, dilation=r) for x in (d.input(12, 12, 10),) for r in (1, 2, 3))),
    )


def _separable(d: Draft, function: str) -> None:
    y = d.lut(d.conv(d.input(10, 10, 12), 12, group=12), function)
    d.lut(d.conv(y, 20, (1, 1)), function)


def _inverted(d: Draft, function: str) -> None:
    x = d.input(10, 10, 10)
    inner = d.lut(d.conv(x, 30, (1, 1)), function)
    d.add(d.conv(d.lut(d.conv(inner, 30, group=30), function), 10, (1, 1)), x)


def _squeeze(d: Draft, function: str) -> None:
    y = d.conv(d.input(9, 9, 12), 16, activation="relu")
    squeezed = d.conv(d.avg_pool(y), 4, (1, 1), activation="relu", levels=300)
    d.mul(y, d.lut(d.conv(squeezed, 16, (1, 1), levels=300), function))


def _csp(d: Draft, repeats: int) -> None:
    parts = list(d.split(d.lut(d.conv(d.input(8, 8, 12), 16, (1, 1)), "silu"), 2))
    for _ in range(repeats):
        y = d.lut(d.conv(parts[-1], 8), "silu")
        parts.append(d.add(parts[-1], d.lut(d.conv(y, 8), "silu")))
    d.lut(d.conv(d.concat(*parts), 16, (1, 1)), "silu")


def _bottleneck(d: Draft, activation: Activation) -> None:
    x = d.input(9, 9, 16)
    y = d.conv(d.conv(x, 8, (1, 1), activation=activation), 8, activation=activation)
    d.add(d.conv(y, 16, (1, 1)), x, activation)


def _pyramid(d: Draft) -> None:
    parts = [d.lut(d.conv(d.input(9, 9, 12), 8, (1, 1)), "silu")]
    for _ in range(3):
        parts.append(d.max_pool(parts[-1], 5, 1, 2))
    d.conv(d.concat(*parts), 12, (1, 1))


def _fire(d: Draft) -> None:
    x = d.conv(d.input(10, 10, 12), 6, (1, 1), activation="relu")
    d.concat(d.conv(x, 10, (1, 1), activation="relu"), d.conv(x, 10, activation="relu"))


def _distribution(d: Draft) -> None:
    logits = d.conv(d.input(6, 6, 12), 64, (1, 1))
    d.conv(d.softmax(d.reshape(logits, (36, 4, 16))), 1, (1, 1), levels=20)


def _pools() -> Iterator[tuple[str, Build]]:
    """Pools behind convolutions and in front of what follows them."""
    yield "conv_max_pool", lambda d: d.max_pool(d.conv(d.input(12, 12, 8), 16, activation="relu"))
    yield "conv_max_pool_padded", lambda d: d.max_pool(d.conv(d.input(11, 12, 8), 16), 3, 2, 1)
    yield "max_pool_conv", lambda d: d.conv(d.max_pool(d.input(12, 12, 12)), 16)
    yield "conv_avg_pool", lambda d: d.avg_pool(d.conv(d.input(10, 11, 8), 16), 3, 2, 1)
    yield "conv_avg_pool_counted", lambda d: d.avg_pool(d.conv(d.input(10, 11, 8), 16), 3, 1, 1, counted=True)
    yield "avg_pool_affine", lambda d: d.affine(d.avg_pool(d.input(10, 11, 16), 2, 2))
    yield "avg_pool_silu", lambda d: d.lut(d.avg_pool(d.input(10, 11, 16), 2, 2), "silu")
    yield "max_pool_silu_affine", lambda d: d.affine(d.lut(d.max_pool(d.input(12, 12, 16)), "silu"))
    yield (
        "global_pool_dense",
        lambda d: d.conv(d.avg_pool(d.conv(d.input(8, 8, 8), 16)), 12, (1, 1), levels=300),
    )
    yield (
        "max_minus_average",
        lambda d: d.add(d.max_pool(x := d.input(12, 12, 12)), d.avg_pool(x, 2, 2), op="sub"),
    )


def _attention() -> Iterator[tuple[str, Build]]:
    """Matrix products and softmax."""
    for tokens, depth in ((4, 16), (7, 12), (9, 32)):
        yield f"attention_{tokens}x{depth}", partial(_attend, tokens=tokens, depth=depth)
    yield "matmul_softmax", lambda d: d.softmax(d.matmul(d.input(3, 4, 24), d.input(1, 24, 10)))
    yield "matmul_gelu", lambda d: d.lut(d.matmul(d.input(3, 4, 24), d.input(1, 24, 10)), "gelu")
    yield (
        "matmul_affine_add",
        lambda d: d.add(d.affine(d.matmul(x := d.input(3, 4, 24), d.input(1, 24, 24))), x),
    )
    yield "conv_softmax", lambda d: d.softmax(d.conv(d.input(8, 8, 12), 10, (1, 1)))


def _attend(d: Draft, tokens: int, depth: int) -> None:
    x = d.input(tokens, 4, depth)
    query, key, value = (d.conv(x, depth, (1, 1)) for _ in range(3))
    shares = d.softmax(d.matmul(query, key, transposed=True))
    d.add(d.conv(d.matmul(shares, value), depth, (1, 1)), x)
