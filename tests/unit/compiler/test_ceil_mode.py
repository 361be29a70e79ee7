"""Pools whose last window hangs over the edge, or would begin behind it, in every opset."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator
from tests._sizes import sample
from tests.unit.compiler._networks import Array, Net, data, run_float, run_quantised, sqnr

from axelera import compiler
from axelera.compiler import CompilerConfig, UnsupportedModelError
from axelera.compiler.frontend._ceil import windows

pytestmark = pytest.mark.slow

OPSETS = (11, 13, 17, 19, 21, 22)


def pools(size: tuple[int, int], opset: int, *kinds: dict[str, Any]) -> onnx.ModelProto:
    """A convolution and pools behind each other; a last convolution needs the right shape."""
    net = Net((1, 3, *size), opset)
    x = net.conv("x", 3, 8, 1)
    for kind in kinds:
        x = net.add(kind["op"], x, **{name: value for name, value in kind.items() if name != "op"})
    return net.model(net.conv(x, 8, 4, 1))


def compare(model: onnx.ModelProto, size: tuple[int, int]) -> None:
    frames = data((1, 3, *size), 4)
    quantised = compiler.quantize(model, iter(frames), CompilerConfig())
    (expected,) = run_float(model, frames[0])
    for numerics in ("metis", "exact"):
        (actual,) = run_quantised(quantised, frames[0], numerics=numerics)  # type: ignore[arg-type]
        assert actual.shape == expected.shape
        assert sqnr(expected, actual) > 26.0


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("opset", [11, 17, 21, 22])
@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "size"), [(1, 2, 0, 12), (2, 2, 1, 9), (2, 3, 1, 5), (3, 2, 0, 6)]
)
def test_the_last_window_begins_inside_the_map(
    op: str, opset: int, kernel: int, stride: int, pad: int, size: int
) -> None:
    kind: dict[str, Any] = {
        "op": op, "kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4, "ceil_mode": 1,
    }  # fmt: skip
    if op == "AveragePool":
        kind["count_include_pad"] = 1
    compare(pools((size, size), opset, kind), (size, size))


@st.composite
def pool(draw: st.DrawFn) -> dict[str, Any]:
    op = draw(st.sampled_from(["MaxPool", "AveragePool"]))
    kernel = [draw(st.integers(1, 4)) for _ in range(2)]
    pads = [draw(st.integers(0, extent // 2)) for extent in kernel]
    kind = {
        "op": op,
        "kernel_shape": kernel,
        "strides": [draw(st.integers(1, 3)) for _ in range(2)],
        "pads": pads * 2,
        "ceil_mode": draw(st.integers(0, 1)),
    }
    if op == "AveragePool":
        kind["count_include_pad"] = draw(st.integers(0, 1))
    elif draw(st.booleans()):
        kind["dilations"] = [draw(st.integers(1, 2)) for _ in range(2)]
    return kind


@settings(max_examples=sample(12, 1500), deadline=None)
@given(
    st.tuples(st.integers(9, 16), st.integers(9, 16)),
    st.sampled_from(OPSETS),
    st.lists(pool(), min_size=1, max_size=2),
)
def test_pools_are_those_of_onnx_runtime_or_refused_for_a_rule(
    size: tuple[int, int], opset: int, kinds: list[dict[str, Any]]
) -> None:
    model = pools(size, opset, *kinds)
    try:
        compiler.structure_program(model)
    except UnsupportedModelError as error:
        assert {violation.operator for violation in error.violations} == {"AveragePool"}  # noqa: PT017
        return
    except compiler.ModelError as error:
        assert "larger inputs" in str(error)  # noqa: PT017
        return
    compare(model, size)


def test_windows_are_counted_as_onnx_runtime_and_the_reference_count_them() -> None:
    for kernel, stride, pad, size in itertools.product((1, 2, 3), (1, 2, 3), (0, 1), range(5, 8)):
        if 2 * pad > kernel:
            continue
        net = Net((1, 1, size, size), 22)
        attributes = {
            "kernel_shape": [kernel] * 2,
            "strides": [stride] * 2,
            "pads": [pad] * 4,
            "ceil_mode": 1,
        }
        model = net.model(net.add("AveragePool", "x", **attributes))
        frame: Array = np.ones((1, 1, size, size), np.float32)
        count = windows(size, kernel, stride, pad, pad)
        assert run_float(model, frame)[0].shape[2:] == (count, count)
        assert ReferenceEvaluator(model).run(None, {"x": frame})[0].shape[2:] == (count, count)


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER", "VALID"])
def test_padding_that_is_worked_out_goes_with_ceil_mode(mode: str) -> None:
    for op, kernel in (("MaxPool", 3), ("AveragePool", 2)):
        kind = {"op": op, "kernel_shape": [kernel] * 2, "strides": [2, 2], "ceil_mode": 1, "auto_pad": mode}
        if mode != "VALID" and op == "AveragePool":
            kind["count_include_pad"] = 1
        compare(pools((8, 8), 17, kind), (8, 8))


def test_padding_of_a_dilated_pool_has_to_be_written_out() -> None:
    kind = {"op": "MaxPool", "kernel_shape": [2, 2], "dilations": [2, 2], "auto_pad": "SAME_UPPER"}
    with pytest.raises(UnsupportedModelError, match="write the pads out"):
        compiler.structure_program(pools((8, 8), 17, kind))
