"""Every operator with arithmetic against exact fractions, element by element, in both numerics."""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests._sizes import sample
from tests.conformance import _numerics_scalar as scalar
from tests.conformance._numerics import Array, evaluate, output_size, random_int8, single
from tests.conformance._numerics_scalar import Quant

from axemu.model.ops import conv_constants, softmax_constants
from axemu.model.program import Tensor

CASES = settings(max_examples=sample(25, 400))
ZERO_POINTS = st.one_of(st.sampled_from([-300, -130, -128, 0, 127, 128, 300]), st.integers(-128, 127))
SCALES = st.floats(2.0**-9, 2.0, width=32)
SEEDS = st.integers(0, 2**32 - 1)
BOUNDS = st.one_of(
    st.just((-128, 127)),
    st.tuples(st.integers(-128, 127), st.integers(-128, 127)).map(lambda p: (min(p), max(p))),
)
NUMERICS = pytest.mark.parametrize("numerics", ["metis", "exact"])


def tensors(data: st.DataObject, *shapes: tuple[int, int, int]) -> list[Tensor]:
    """Tensors a, b, …, the last one called y.

    Half the time the input scale is half the output scale and no power of two: results are then often exactly halfway,
    where dividing and multiplying with the reciprocal give different integers.
    """
    names = [*"ab"[: len(shapes) - 1], "y"]
    odd = data.draw(st.sampled_from([None, 7, 15, 61, 63]))
    scales = [data.draw(SCALES) for _ in shapes]
    zero_points = [data.draw(ZERO_POINTS) for _ in shapes]
    if odd is not None:
        scales = [odd / 128, data.draw(st.sampled_from([1.0, odd / 128])), odd / 64]
        scales = scales if len(shapes) == 3 else [scales[0], scales[2]]
        zero_points = [0] * len(shapes)
    return [Tensor(*of) for of in zip(names, shapes, scales, zero_points, strict=True)]


def geometry(
    data: st.DataObject, transposed: bool
) -> tuple[dict[str, Any], tuple[int, int], tuple[int, int]]:
    kernel, strides, dilations, size = (
        data.draw(st.tuples(*[st.integers(1, top)] * 2)) for top in (3, 3, 2, 4)
    )
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = data.draw(st.tuples(*(st.integers(0, extent[axis % 2]) for axis in range(4))))
    attributes = {"kernel": kernel, "strides": strides, "dilations": dilations, "pads": pads}
    if transposed:
        extra = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
        attributes["output_padding"] = extra
        out = [(size[a] - 1) * strides[a] + extent[a] - pads[a] - pads[a + 2] + extra[a] for a in (0, 1)]
    else:
        out = [
            output_size(size[a], pads[a], pads[a + 2], kernel[a], strides[a], dilations[a]) for a in (0, 1)
        ]
    assume(min(out) >= 1)
    return attributes, size, (out[0], out[1])


@NUMERICS
@pytest.mark.parametrize("op", ["conv", "conv_add", "conv_transpose"])
@CASES
@given(data=st.data(), seed=SEEDS, bounds=BOUNDS)
def test_convolutions(
    op: str, numerics: str, data: st.DataObject, seed: int, bounds: tuple[int, int]
) -> None:
    rng = np.random.default_rng(seed)
    attributes, size, out = geometry(data, transposed=op == "conv_transpose")
    group, depth, per_group = data.draw(st.tuples(*[st.integers(1, 3)] * 3))
    outputs = group * per_group
    x, other, y = tensors(data, (*size, group * depth), (*out, outputs), (*out, outputs))
    attributes |= {"group": group, "qmin": bounds[0], "qmax": bounds[1]}
    weight = random_int8(rng, (outputs, *attributes["kernel"], depth), -127)
    weight_scale = (rng.uniform(0.2, 3, outputs) * y.scale / x.scale / 100).astype(np.float32)
    bias = rng.normal(0, y.scale * 30, outputs).astype(np.float32)
    values = random_int8(rng, x.shape)
    constants = conv_constants(weight, weight_scale, bias, x.scale, x.zero_point, y.scale)
    added = random_int8(rng, y.shape)
    both = op == "conv_add"
    program = single(op, [x, other] if both else [x], y, attributes, constants)
    result = evaluate(program, [values, added] if both else [values], numerics)
    pairs = scalar.transposed_pairs if op == "conv_transpose" else scalar.conv_pairs
    qx, qb, qy = Quant.of(x), Quant.of(other), Quant.of(y, *bounds)
    for place in np.ndindex(y.shape):
        o = place[2]
        met = pairs(values, weight, place, attributes, qx.fill)
        channel = [int(w) for w in weight[o].ravel()]
        of = (numerics, met, channel, float(weight_scale[o]), float(bias[o]), qx, qy)
        if both:
            expected = scalar.conv_add_element(scalar.conv_value(*of), numerics, int(added[place]), qb, qy)
        else:
            expected = scalar.conv_element(*of)
        assert result[place] == expected


@NUMERICS
@CASES
@given(data=st.data(), seed=SEEDS, include=st.booleans())
def test_average_pool(numerics: str, data: st.DataObject, seed: int, include: bool) -> None:
    attributes, size, out = geometry(data, transposed=False)
    attributes["count_include_pad"] = include
    x, y = tensors(data, (*size, 2), (*out, 2))
    values = random_int8(np.random.default_rng(seed), x.shape)
    qx, qy = Quant.of(x), Quant.of(y)
    ones = np.ones((1, *attributes["kernel"], 1), np.int8)
    one_group = {**attributes, "group": 1}
    gap = qx.fill if include else None
    windows: dict[tuple[int, ...], list[int]] = {}
    for h, w, c in np.ndindex(y.shape):
        met = scalar.conv_pairs(values[:, :, c : c + 1], ones, (h, w, 0), one_group, gap)  # type: ignore[arg-type]
        windows[h, w, c] = [q for _, q in met if q is not None]
    assume(all(windows.values()))
    result = evaluate(single("avg_pool", [x], y, attributes), [values], numerics)
    for place, window in windows.items():
        assert result[place] == scalar.average(numerics, window, qx, qy)


@NUMERICS
@pytest.mark.parametrize("op", ["add", "sub", "mul"])
@CASES
@given(data=st.data(), seed=SEEDS, bounds=BOUNDS, whole=st.booleans())
def test_elementwise(
    op: str, numerics: str, data: st.DataObject, seed: int, bounds: tuple[int, int], whole: bool
) -> None:
    shape = (2, 3, 4)
    a, b, y = tensors(
        data, shape, data.draw(st.sampled_from([shape, (1, 1, 4), (1, 1, 1), (2, 3, 1)])), shape
    )
    rng = np.random.default_rng(seed)
    left, right = random_int8(rng, shape), random_int8(rng, b.shape)
    attributes = {"qmin": bounds[0], "qmax": bounds[1], "round_scales": not whole}
    result = evaluate(single(op, [a, b], y, attributes), [left, right], numerics)
    spread = np.broadcast_to(right, shape)
    quants = Quant.of(a, whole=whole), Quant.of(b, whole=whole), Quant.of(y, *bounds)
    for place in np.ndindex(shape):
        expected = scalar.elementwise(
            numerics, getattr(operator, op), int(left[place]), int(spread[place]), *quants
        )
        assert result[place] == expected


EVERY = np.arange(-128, 128).astype(np.int8).reshape(1, 256, 1)


@NUMERICS
@CASES
@given(
    data=st.data(), multiplier=st.floats(-4, 4, width=32), addend=st.floats(-90, 90, width=32), bounds=BOUNDS
)
def test_affine(
    numerics: str, data: st.DataObject, multiplier: float, addend: float, bounds: tuple[int, int]
) -> None:
    assume(all(v == 0 or abs(v) > 2.0**-60 for v in (multiplier, addend)))
    x, y = tensors(data, EVERY.shape, EVERY.shape)
    constants = {"multiplier": np.array([multiplier], np.float32), "addend": np.array([addend], np.float32)}
    attributes = {"qmin": bounds[0], "qmax": bounds[1]}
    result = evaluate(single("affine", [x], y, attributes, constants), [EVERY], numerics)
    qx, qy = Quant.of(x), Quant.of(y, *bounds)
    expected = [scalar.affine(numerics, q, multiplier, addend, qx, qy) for q in range(-128, 128)]
    assert result.ravel().tolist() == expected


@NUMERICS
@CASES
@given(data=st.data(), whole=st.booleans())
def test_requantize(numerics: str, data: st.DataObject, whole: bool) -> None:
    x, y = tensors(data, EVERY.shape, EVERY.shape)
    result = evaluate(single("requantize", [x], y, {"round_scales": not whole}), [EVERY], numerics)
    qx = Quant.of(x, whole=whole)
    expected = [scalar.requantize(numerics, q, qx, Quant.of(y)) for q in range(-128, 128)]
    assert result.ravel().tolist() == expected


@NUMERICS
@CASES
@given(data=st.data(), seed=SEEDS, transposed=st.booleans(), depth=st.sampled_from([1, 5, 40]))
def test_matmul(numerics: str, data: st.DataObject, seed: int, transposed: bool, depth: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, y = tensors(data, (2, 2, depth), (1, 3, depth) if transposed else (1, depth, 3), (2, 2, 3))
    left, right = random_int8(rng, a.shape), random_int8(rng, b.shape)
    result = evaluate(single("matmul", [a, b], y, {"transpose_b": transposed}), [left, right], numerics)
    columns = right[0] if transposed else right[0].T
    for h, w, n in np.ndindex(y.shape):
        pairs = list(zip(left[h, w].tolist(), columns[n].tolist(), strict=True))
        assert result[h, w, n] == scalar.matmul(numerics, pairs, Quant.of(a), Quant.of(b), Quant.of(y))


@NUMERICS
@CASES
@given(data=st.data(), seed=SEEDS, channels=st.sampled_from([1, 2, 17, 90]))
def test_softmax(numerics: str, data: st.DataObject, seed: int, channels: int) -> None:
    x, y = tensors(data, (1, 2, channels), (1, 2, channels))
    values = random_int8(np.random.default_rng(seed), x.shape)
    constants = softmax_constants(x.scale)
    # A scale that spreads the shares of the first pixel over the range, so fine that the eleven bits show.
    terms = constants["exp_table"][int(values[0, 0].max()) - values[0, 0].astype(int)]
    share = data.draw(
        st.sampled_from(sorted({float(term) / float(terms.sum()) for term in terms if term > 1 << 16}))
    )
    y = Tensor("y", y.shape, float(np.float32(share / data.draw(st.floats(150, 254)))), -128)
    result = evaluate(single("softmax", [x], y, {}, constants), [values], numerics)
    table = constants["exp_table"].tolist()
    for w in range(2):
        assert result[0, w].tolist() == scalar.softmax(numerics, values[0, w].tolist(), table, Quant.of(y))


@NUMERICS
@CASES
@given(data=st.data(), seed=SEEDS)
def test_linear_resize(numerics: str, data: st.DataObject, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = tensors(data, (3, 4, 2), (5, 6, 2))
    weights = [rng.random(size).astype(np.float32) for size in (5, 6)]
    constants: dict[str, Array] = {
        "index_h": rng.integers(0, 3, (5, 2)).astype(np.int32),
        "weight_h": np.stack([np.float32(1) - weights[0], weights[0]], axis=1),
        "index_w": rng.integers(0, 4, (6, 2)).astype(np.int32),
        "weight_w": np.stack([np.float32(1) - weights[1], weights[1]], axis=1),
    }
    values = random_int8(rng, x.shape)
    result = evaluate(single("resize_linear", [x], y, {}, constants), [values], numerics)
    for h, w, c in np.ndindex(y.shape):
        corners = [[int(values[i, j, c]) for j in constants["index_w"][w]] for i in constants["index_h"][h]]
        rows, columns = constants["weight_h"][h].tolist(), constants["weight_w"][w].tolist()
        expected = scalar.bilinear(numerics, corners, rows, columns, Quant.of(x), Quant.of(y))
        assert result[h, w, c] == expected


def test_the_fractions_round_like_float32() -> None:
    """The oracle's own rounding, against a division numpy does."""
    rng = np.random.default_rng(1)
    for a, b in rng.integers(1, 2**31, (sample(300, 10000), 2)):
        assert scalar.f32(Fraction(int(a), int(b))) == Fraction(
            float(np.float32(np.float64(a) / np.float64(b)))
        )
