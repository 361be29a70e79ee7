"""Views at the border: whoever reads an output finds its values in the order of the network, whatever the chip stores."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests._sizes import sample
from tests.unit.compiler._networks import Array, Net, data, run_float, run_quantised, sqnr

from axelera import compiler
from axelera.compiler import AxeleraQuantizedModel, CompilerConfig

pytestmark = pytest.mark.slow

SHAPE = (1, 3, 6, 4)
Size = tuple[int, int]


def quantised(net: Net, *outputs: str) -> AxeleraQuantizedModel:
    return compiler.quantize(net.model(*outputs), iter(data(net.shape, 4)), CompilerConfig())  # type: ignore[arg-type]


def of_map(size: Size, channels: int, op: str, parameters: Sequence[int] | int) -> tuple[Net, str, str]:
    """A convolution with a view behind it; returns the network, the map and the view."""
    net = Net((1, 3, *size))
    x = net.conv("x", 3, channels, 1)
    if op == "Flatten":
        return net, x, net.add(op, x, axis=parameters)
    return net, x, net.add(op, x, net.constant(np.array(parameters, np.int64)))


VIEWS = [
    *(((6, 4), c, "Flatten", axis) for c in (5, 64) for axis in (-1, 0, 1, 2, 3, 4)),
    *(((6, 4), 8, "Reshape", shape) for shape in ([1, -1], [1, 8, 24], [8, 24], [192], [1, 4, 12, 4], [1, 8, 2, 3, 4])),
    *((size, 8, "Squeeze", axes) for size, axes in (((1, 4), [2]), ((4, 1), [3]), ((1, 1), [2, 3]), ((1, 1), [0, 2, 3]),
                                                    ((1, 1), [2]), ((1, 4), [0]), ((6, 4), [0]))),
    *((size, 1, "Squeeze", axes) for size, axes in (((1, 4), [1, 2]), ((6, 4), [1]), ((6, 4), [0, 1]))),
    ((6, 4), 8, "Unsqueeze", [0]),
    ((6, 4), 8, "Unsqueeze", [4]),
]  # fmt: skip


@pytest.mark.parametrize(("size", "channels", "op", "parameters"), VIEWS)
def test_a_view_of_an_output_holds_the_values_of_the_map(
    size: Size, channels: int, op: str, parameters: Sequence[int] | int
) -> None:
    net, x, view = of_map(size, channels, op, parameters)
    (frame,) = data(net.shape, 1, seed=9)  # type: ignore[arg-type]
    (expected,) = run_float(net.model(view), frame)
    actual = quantised(net, view)(frame)
    assert actual.shape == expected.shape
    assert np.array_equal(actual.reshape(-1), quantised(net, x)(frame).reshape(-1))


@st.composite
def reshapes(draw: st.DrawFn) -> tuple[Size, int, list[int]]:
    """Height and width, channels, and a shape that holds as many values."""
    size, channels = draw(st.tuples(st.integers(1, 5), st.integers(1, 5))), draw(st.integers(1, 70))
    rest, shape = size[0] * size[1] * channels, [1]
    for _ in range(draw(st.integers(0, 3))):
        shape.append(draw(st.sampled_from([d for d in range(1, rest + 1) if rest % d == 0])))
        rest //= shape[-1]
    return size, channels, [*shape, rest]


@settings(max_examples=sample(10, 300), deadline=None)
@given(reshapes())
def test_any_reshape_of_an_output_holds_the_values_of_the_map(case: tuple[Size, int, list[int]]) -> None:
    size, channels, shape = case
    net, x, view = of_map(size, channels, "Reshape", shape)
    (frame,) = data(net.shape, 1, seed=9)  # type: ignore[arg-type]
    actual = quantised(net, view)(frame)
    assert np.array_equal(actual.reshape(-1), quantised(net, x)(frame).reshape(-1))


def dense(net: Net, value: str, inputs: int) -> str:
    matrix = net.random.standard_normal((inputs, 10)).astype(np.float32) / np.sqrt(inputs)
    return net.add("Gemm", value, net.constant(matrix.astype(np.float32)))


@pytest.mark.parametrize("outputs", list(itertools.permutations(["map", "view", "dense"], 2)))
@pytest.mark.parametrize(("size", "channels"), [((6, 4), 8), ((1, 1), 8), ((1, 1), 64), ((4, 4), 64)])
def test_a_view_can_be_an_output_and_what_a_dense_layer_reads(
    size: Size, channels: int, outputs: tuple[str, ...]
) -> None:
    net, x, view = of_map(size, channels, "Flatten", 1)
    names = {"map": x, "view": view, "dense": dense(net, view, size[0] * size[1] * channels)}
    chosen = [names[output] for output in outputs]
    frames = data(net.shape, 4)  # type: ignore[arg-type]
    model = quantised(net, *chosen)
    for name, expected, actual in zip(
        chosen, run_float(net.model(*chosen), frames[0]), model(frames[0]), strict=True
    ):
        assert actual.shape == expected.shape
        assert sqnr(expected, actual) > 24.0, name


def test_the_manifest_says_nchw_of_the_map_and_the_postamble_makes_the_view(tmp_path: Path) -> None:
    net, _, view = of_map((6, 4), 5, "Flatten", 1)
    compiler.compile(quantised(net, view), CompilerConfig(), tmp_path / "model")
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
    assert manifest["output_shapes_original"] == [[1, 5, 6, 4]]
    assert manifest["output_shapes"] == [[1, 6, 4, 64]]
    assert (tmp_path / "model" / "postprocess_graph.onnx").is_file()


def test_the_view_of_one_pixel_needs_no_host(tmp_path: Path) -> None:
    net, _, view = of_map((1, 1), 5, "Flatten", 1)
    compiler.compile(quantised(net, view), CompilerConfig(), tmp_path / "model")
    assert not (tmp_path / "model" / "postprocess_graph.onnx").exists()


def whole(net: Net, value: str, extent: int) -> str:
    """A Slice that takes everything."""
    return net.add("Slice", value, *(net.constant(np.array([number])) for number in (0, extent, 2)))


@pytest.mark.parametrize("channels", [1, 3, 4, 5, 64])
def test_an_output_may_be_an_input_that_a_convolution_pads(channels: int) -> None:
    net = Net((1, channels, 8, 8))
    copy, conv = whole(net, "x", 8), net.conv("x", channels, 8, pads=[1, 1, 1, 1])
    (frame,) = data((1, channels, 8, 8), 1)
    for numerics in ("metis", "exact"):
        given, result = run_quantised(quantised(net, copy, conv), frame, numerics=numerics)  # type: ignore[arg-type]
        assert sqnr(frame, given) > 36.0
        assert sqnr(run_float(net.model(conv), frame)[0], result) > 24.0


@pytest.mark.parametrize("channels", [5, 64])
def test_two_outputs_may_be_one_tensor(channels: int, tmp_path: Path) -> None:
    net = Net(SHAPE)
    x = net.conv("x", 3, channels, 1)
    pooled = net.add("GlobalAveragePool", x)
    names = [x, whole(net, x, 6), pooled, net.add("Flatten", pooled), net.add("Identity", x)]
    model = quantised(net, *names)
    compiler.compile(model, CompilerConfig(), tmp_path / "model")
    (frame,) = data(SHAPE, 1)
    results: Sequence[Array] = model(frame)
    assert [result.shape for result in results] == [
        value.shape for value in run_float(net.model(*names), frame)
    ]
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[4])
    assert np.array_equal(results[2].reshape(-1), results[3].reshape(-1))
