"""A vector for each operator, and for what an operator does at its edges; `testvectors/` holds their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from axemu.model.ops import FUNCTIONS, conv_constants, lut_table, softmax_constants
from axemu.model.program import Tensor
from axemu.testing.vectors._case import Case, Dice, Shape


def convolutions() -> Iterator[Case]:
    """Dense, strided, dilated, grouped, depthwise, fully connected, first layer; zero points at both ends."""
    table: list[tuple[str, Shape, int, dict[str, Any], int, int]] = [
        ("conv_1x1", (5, 7, 64), 70, {"kernel": (1, 1)}, -128, -128),
        ("conv_3x3_pads", (9, 8, 33), 17, {"kernel": (3, 3), "pads": (1, 1, 1, 1)}, -3, -128),
        (
            "conv_asymmetric",
            (8, 9, 5),
            6,
            {"kernel": (2, 4), "pads": (0, 3, 1, 2), "strides": (2, 1)},
            127,
            127,
        ),
        (
            "conv_dilated",
            (12, 11, 8),
            9,
            {"kernel": (3, 3), "dilations": (2, 3), "pads": (2, 3, 2, 3)},
            11,
            0,
        ),
        ("conv_grouped", (6, 6, 24), 36, {"kernel": (3, 3), "pads": (1, 1, 1, 1), "group": 4}, 0, -20),
        ("conv_depthwise", (9, 9, 35), 35, {"kernel": (3, 3), "pads": (1, 1, 1, 1), "group": 35}, -128, -128),
        (
            "conv_depthwise_5x5_s2",
            (11, 12, 64),
            64,
            {"kernel": (5, 5), "pads": (2, 2, 1, 2), "strides": (2, 2), "group": 64},
            5,
            -9,
        ),
        ("conv_multiplier_2", (5, 5, 6), 12, {"kernel": (3, 3), "group": 6}, 40, -1),
        ("conv_first_layer", (23, 32, 4), 16, {"kernel": (7, 7), "strides": (2, 2)}, -130, -128),
        ("conv_clamped", (6, 6, 16), 16, {"kernel": (1, 1), "qmin": -100, "qmax": 55}, -60, -100),
        ("conv_fully_connected", (1, 1, 1000), 40, {"kernel": (1, 1)}, -128, 3),
        ("conv_deep", (3, 3, 512), 20, {"kernel": (3, 3)}, -128, -128),
        (
            "conv_transpose",
            (4, 5, 12),
            7,
            {"kernel": (4, 4), "strides": (2, 2), "pads": (1, 1, 1, 1)},
            -17,
            -128,
        ),
        (
            "conv_transpose_odd",
            (3, 4, 6),
            8,
            {"kernel": (3, 2), "strides": (2, 3), "pads": (0, 1, 1, 0), "output_padding": (1, 0), "group": 2},
            127,
            20,
        ),
    ]
    for seed, (name, shape, outputs, attributes, in_zero, out_zero) in enumerate(table):
        dice = Dice(seed)
        op = "conv_transpose" if name.startswith("conv_transpose") else "conv"
        depth = shape[2] // attributes.get("group", 1)
        weight = dice.int8((outputs, *attributes["kernel"], depth), -127)
        x = Tensor("x", shape, 0.0235, in_zero)
        terms = attributes["kernel"][0] * attributes["kernel"][1] * depth
        y = Tensor("y", output_shape(op, shape, outputs, attributes), 0.003 * terms**0.5, out_zero)
        scales, bias = dice.reals(outputs, 0.0004, 0.0016), dice.reals(outputs, -2.0, 2.0)
        constants = conv_constants(weight, scales, bias, x.scale, x.zero_point, y.scale)
        yield Case(name, op, (x,), y, attributes, constants, (dice.int8(shape),))
    # Accumulators beyond 2**24 on either side; a far-off zero point brings the rounding to 11 bits into sight.
    weight = np.full((1, 1, 1, 2048), 127, np.int8)
    values = np.full((1, 60, 2048), 127, np.int8)
    values[0, :, 0] = Dice(500).int8((60,))
    values[0, :, 1:200] = Dice(501).int8((60, 1), 60)
    for name, sign in (("conv_beyond_24_bits", 1), ("conv_beyond_24_bits_negative", -1)):
        x, y = Tensor("x", values.shape, 0.01, 0), Tensor("y", (1, 60, 1), 0.5, -sign * 6450)
        constants = conv_constants(sign * weight, [0.01], [0.3], x.scale, 0, y.scale)
        yield Case(name, "conv", (x,), y, {"kernel": (1, 1)}, constants, (values,))


def output_shape(op: str, shape: Shape, outputs: int, attributes: Mapping[str, Any]) -> Shape:
    """Return the output shape of a convolution."""
    size = []
    for axis in (0, 1):
        kernel = (attributes["kernel"][axis] - 1) * attributes.get("dilations", (1, 1))[axis] + 1
        stride = attributes.get("strides", (1, 1))[axis]
        pads = attributes.get("pads", (0, 0, 0, 0))
        both = pads[axis] + pads[axis + 2]
        if op == "conv":
            size.append((shape[axis] + both - kernel) // stride + 1)
        else:
            extra = attributes.get("output_padding", (0, 0))[axis]
            size.append((shape[axis] - 1) * stride + kernel - both + extra)
    return size[0], size[1], outputs


def arithmetic() -> Iterator[Case]:
    """Pools, element-wise operators, tables, matmul, softmax, resizes."""
    dice = Dice(1000)
    shape = (7, 9, 21)
    x, y = Tensor("x", shape, 0.031, -7), Tensor("y", shape, 0.044, 12)
    window = {"kernel": (3, 3), "strides": (2, 2), "pads": (1, 1, 1, 1)}
    small: Shape = (4, 5, 21)
    same = Tensor("y", small, 0.031, -7)
    values = dice.int8(shape)
    yield Case("max_pool", "max_pool", (x,), same, window, {}, (values,))
    mean = Tensor("y", small, 0.0098, -3)
    yield Case("avg_pool", "avg_pool", (x,), mean, window, {}, (values,))
    yield Case(
        "avg_pool_padded", "avg_pool", (x,), mean, {**window, "count_include_pad": True}, {}, (values,)
    )
    top = Tensor("y", (1, 1, 21), 0.004, -11)
    yield Case("avg_pool_global", "avg_pool", (x,), top, {"kernel": (7, 9)}, {}, (values,))
    for op in ("add", "sub", "mul"):
        for suffix, other in (
            ("", shape),
            ("_channel", (1, 1, 21)),
            ("_scalar", (1, 1, 1)),
            ("_map", (7, 9, 1)),
        ):
            a, b = Tensor("a", shape, 0.031, -7), Tensor("b", other, 0.0177, 33)
            result = Tensor("y", shape, 0.037, -90 if op == "mul" else 2)
            bounds = {"qmin": -90} if op == "mul" else {}
            yield Case(op + suffix, op, (a, b), result, bounds, {}, (dice.int8(shape), dice.int8(other)))
    # The scales of a tie: results halfway between two integers.
    a, b, y7 = Tensor("a", shape, 7 / 128), Tensor("b", shape, 7 / 128), Tensor("y", shape, 7 / 64)
    yield Case("add_ties", "add", (a, b), y7, {}, {}, (dice.int8(shape), dice.int8(shape)))
    affine = {"multiplier": dice.reals(21, -2.0, 2.0), "addend": dice.reals(21, -3.0, 3.0)}
    yield Case("affine", "affine", (x,), y, {"qmin": -120, "qmax": 100}, affine, (values,))
    every = np.arange(-128, 128).astype(np.int8).reshape(1, 256, 1)
    wide = Tensor("x", every.shape, 7 / 128, 0), Tensor("y", every.shape, 7 / 64, 0)
    yield Case("requantize_ties", "requantize", wide[:1], wide[1], {}, {}, (every,))
    yield Case("requantize", "requantize", (x,), y, {}, {}, (values,))
    yield Case("constant", "constant", (), Tensor("y", shape), {}, {"value": values}, ())
    source = Tensor("x", every.shape, 0.05, -10)
    for name, function in sorted(FUNCTIONS.items()):
        if name == "log":
            continue
        target = Tensor("y", every.shape, 0.031, -70)
        table = lut_table(function, source.scale, source.zero_point, target.scale, target.zero_point)
        yield Case(f"lut_{name}", "lut", (source,), target, {"function": name}, {"table": table}, (every,))
    yield Case("lut_by_channel", "lut", (x,), y, {}, {"table": dice.int8((21, 256))}, (values,))
    for transposed, second in ((False, (1, 40, 11)), (True, (1, 11, 40))):
        a, b = Tensor("a", (3, 4, 40), 0.02, -5), Tensor("b", second, 0.03, 17)
        result = Tensor("y", (3, 4, 11), 0.2, -2)
        operands = (dice.int8(a.shape), dice.int8(b.shape))
        name = "matmul_transposed" if transposed else "matmul"
        yield Case(name, "matmul", (a, b), result, {"transpose_b": transposed}, {}, operands)
    logits, shares = Tensor("x", (3, 4, 50), 0.017, 4), Tensor("y", (3, 4, 50), 0.0007, -128)
    yield Case(
        "softmax", "softmax", (logits,), shares, {}, softmax_constants(0.017), (dice.int8(logits.shape),)
    )
    thirds = {
        "index_h": np.array([[0, 1], [1, 2], [2, 2], [0, 6]], np.int32),
        "weight_h": np.array([[2 / 3, 1 / 3], [1 / 3, 2 / 3], [1, 0], [0.5, 0.5]], np.float32),
        "index_w": np.array([[0, 0], [3, 4], [8, 7]], np.int32),
        "weight_w": np.array([[1, 0], [5 / 6, 1 / 6], [0.25, 0.75]], np.float32),
    }
    yield Case(
        "resize_linear", "resize_linear", (x,), Tensor("y", (4, 3, 21), 0.02, 3), {}, thirds, (values,)
    )


def movement() -> Iterator[Case]:
    """Operators that move bytes."""
    dice = Dice(2000)
    shape = (4, 6, 10)
    x = Tensor("x", shape)
    values = (dice.int8(shape),)
    table: list[tuple[str, Shape, dict[str, Any]]] = [
        ("slice", (2, 3, 4), {"starts": (1, 0, 2), "sizes": (2, 3, 4), "steps": (2, 2, 1)}),
        ("pad", (5, 9, 64), {"before": (1, 2, 0), "after": (0, 1, 54), "value": -7}),
        ("reshape", (1, 24, 10), {}),
        ("transpose", (10, 4, 6), {"perm": (2, 0, 1)}),
    ]
    for op, result, attributes in table:
        yield Case(op, op, (x,), Tensor("y", result), attributes, {}, values)
    nearest = {"index_h": np.array([0, 0, 1, 3], np.int32), "index_w": np.array([5, 2, 2], np.int32)}
    yield Case("resize_nearest", "resize_nearest", (x,), Tensor("y", (4, 3, 10)), {}, nearest, values)
    for axis in (0, 1, 2):
        sizes = [[4, 6, 10], [4, 6, 10]]
        sizes[1][axis] = 3
        first, second = (Tensor(name, (s[0], s[1], s[2])) for name, s in zip("ab", sizes, strict=True))
        total = [*shape]
        total[axis] += 3
        result = (total[0], total[1], total[2])
        operands = (dice.int8(first.shape), dice.int8(second.shape))
        yield Case(
            f"concat_{axis}", "concat", (first, second), Tensor("y", result), {"axis": axis}, {}, operands
        )


def vendor_arithmetic() -> Iterator[Case]:
    """What programs of the vendor's compiler do otherwise: a sum before rounding to int8, and scales as they are."""
    dice = Dice(3000)
    table: list[tuple[str, Shape, int, dict[str, Any]]] = [
        ("conv_add", (7, 6, 24), 20, {"kernel": (3, 3), "pads": (1, 1, 1, 1), "qmin": -90}),
        ("conv_add_grouped", (8, 9, 12), 18, {"kernel": (2, 3), "strides": (2, 1), "group": 3}),
    ]
    for name, shape, outputs, attributes in table:
        depth = shape[2] // attributes.get("group", 1)
        weight = dice.int8((outputs, *attributes["kernel"], depth), -127)
        result = output_shape("conv", shape, outputs, attributes)
        x, other = Tensor("x", shape, 0.0235, -9), Tensor("other", result, 0.0411, 14)
        y = Tensor("y", result, 0.09, -28)
        scales, bias = dice.reals(outputs, 0.0004, 0.0016), dice.reals(outputs, -2.0, 2.0)
        constants = conv_constants(weight, scales, bias, x.scale, x.zero_point, y.scale)
        values = (dice.int8(shape), dice.int8(result))
        yield Case(name, "conv_add", (x, other), y, attributes, constants, values)
    shape = (7, 9, 21)
    a, b, y = Tensor("a", shape, 0.031, -7), Tensor("b", shape, 0.0177, 33), Tensor("y", shape, 0.037, 2)
    whole = {"round_scales": False}
    operands = (dice.int8(shape), dice.int8(shape))
    for op in ("add", "sub"):
        yield Case(f"{op}_whole_scales", op, (a, b), y, whole, {}, operands)
    yield Case("requantize_whole_scales", "requantize", (a,), y, whole, {}, operands[:1])


def operator_cases() -> Iterator[Case]:
    """Every vector."""
    yield from convolutions()
    yield from arithmetic()
    yield from movement()
    yield from vendor_arithmetic()
