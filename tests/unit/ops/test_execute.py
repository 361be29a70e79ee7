"""Executing whole programs, and the operators that only move bytes."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from axemu.driver import InvalidArgument
from axemu.model.ops import execute, execute_taps, unary_table
from axemu.model.program import Node, Program, Tensor, validate

SHAPE = (4, 5, 6)
VALUES = np.arange(120).astype(np.int8).reshape(SHAPE)


def moved(op: str, attributes: dict[str, Any], result: tuple[int, int, int], **constants: Any) -> Any:
    node = Node(op, "n", ("x",), "y", attributes, {role: role for role in constants})
    tensors = {"x": Tensor("x", SHAPE), "y": Tensor("y", result)}
    program = Program("p", 1, tensors, (node,), ("x",), ("y",), constants)
    validate(program)
    outputs = [execute(program, {"x": VALUES}, numerics)["y"] for numerics in ("metis", "exact")]
    np.testing.assert_array_equal(*outputs)
    return outputs[0]


def test_slice_takes_every_nth_value() -> None:
    attributes = {"starts": (1, 0, 2), "sizes": (2, 3, 2), "steps": (2, 2, 3)}
    np.testing.assert_array_equal(moved("slice", attributes, (2, 3, 2)), VALUES[1::2, 0::2, 2::3])


def test_pad_surrounds_with_its_value() -> None:
    result = moved("pad", {"before": (1, 0, 2), "after": (0, 3, 0), "value": -9}, (5, 8, 8))
    np.testing.assert_array_equal(result[1:, :5, 2:], VALUES)
    assert (result == -9).sum() == (VALUES == -9).sum() + result.size - VALUES.size


def test_reshape_keeps_the_row_major_bytes() -> None:
    assert moved("reshape", {}, (1, 1, 120)).tobytes() == VALUES.tobytes()


def test_transpose_puts_input_axis_perm_i_at_i() -> None:
    result = moved("transpose", {"perm": (2, 0, 1)}, (6, 4, 5))
    assert result[5, 3, 1] == VALUES[3, 1, 5]


def test_resize_nearest_repeats_pixels() -> None:
    double = [np.repeat(np.arange(size, dtype=np.int32), 2) for size in SHAPE[:2]]
    result = moved("resize_nearest", {}, (8, 10, 6), index_h=double[0], index_w=double[1])
    np.testing.assert_array_equal(result, VALUES.repeat(2, 0).repeat(2, 1))


def test_lut_by_channel_uses_each_channels_table() -> None:
    table = np.stack([np.roll(np.arange(-128, 128), c) for c in range(6)]).astype(np.int8)
    result = moved("lut", {"function": "shift"}, SHAPE, table=table)
    np.testing.assert_array_equal(result[..., 2], VALUES[..., 2] - 2)


def test_constant_gives_its_value() -> None:
    node = Node("constant", "k", (), "k", {}, {"value": "v"})
    both = Node("concat", "c", ("x", "k"), "y", {"axis": 0})
    tensors = {"x": Tensor("x", SHAPE), "k": Tensor("k", (1, 5, 6)), "y": Tensor("y", (5, 5, 6))}
    stored = np.full((1, 5, 6), 3, np.int8)
    program = Program("p", 1, tensors, (node, both), ("x",), ("y",), {"v": stored})
    validate(program)
    np.testing.assert_array_equal(execute(program, {"x": VALUES})["y"], np.concatenate([VALUES, stored]))


def test_max_pool_never_picks_padding() -> None:
    node = Node("max_pool", "n", ("x",), "y", {"kernel": (2, 2), "pads": (1, 1, 0, 0), "strides": (2, 2)})
    tensors = {"x": Tensor("x", (3, 3, 1), 1.0, 127), "y": Tensor("y", (2, 2, 1), 1.0, 127)}
    program = Program("p", 1, tensors, (node,), ("x",), ("y",))
    values = np.array([[-128, -5, -6], [-7, -8, -9], [-1, -2, -3]], np.int8).reshape(3, 3, 1)
    assert execute(program, {"x": values})["y"].ravel().tolist() == [-128, -5, -1, -2]


def diamond() -> Program:
    """x doubled (x + x), then pooled; x itself is an output too."""
    tensors = {"x": Tensor("x", (2, 2, 1)), "d": Tensor("d", (2, 2, 1)), "y": Tensor("y", (1, 1, 1))}
    nodes = (Node("add", "double", ("x", "x"), "d"), Node("max_pool", "top", ("d",), "y", {"kernel": (2, 2)}))
    return Program("diamond", 1, tensors, nodes, ("x",), ("y", "x"))


def test_a_tensor_may_be_used_twice_and_an_input_may_be_an_output() -> None:
    outputs = execute(diamond(), {"x": np.array([1, 2, 3, 4], np.int8)})
    assert {name: value.ravel().tolist() for name, value in outputs.items()} == {"y": [8], "x": [1, 2, 3, 4]}


def test_taps_are_all_tensors() -> None:
    taps = execute_taps(diamond(), {"x": np.array([1, 2, 3, 4], np.int8)}, "exact")
    assert taps["d"].ravel().tolist() == [2, 4, 6, 8]
    assert set(taps) == {"x", "d", "y"}


def test_inputs_are_not_written_to() -> None:
    frame = np.array([1, 2, 3, 4], np.int8)
    outputs = execute(diamond(), {"x": frame})
    outputs["x"][:] = 0
    assert frame.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({}, "expected \\['x'\\]"),
        ({"x": np.zeros(4, np.uint8)}, "uint8"),
        ({"x": np.zeros(5, np.int8)}, "expected int8 \\(2, 2, 1\\)"),
        ({"x": np.zeros(4, np.int8), "z": np.zeros(4, np.int8)}, "'z'"),
    ],
)
def test_wrong_inputs_are_refused(frame: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        execute(diamond(), frame)


def test_unknown_numerics_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"'fast'.*metis, exact"):
        execute(diamond(), {"x": np.zeros(4, np.int8)}, "fast")  # type: ignore[arg-type]


def test_a_structure_only_program_is_not_executed() -> None:
    tensors = {"x": Tensor("x", (1, 1, 1)), "y": Tensor("y", (1, 1, 1))}
    node = Node("lut", "n", ("x",), "y", {}, {"table": "t"})
    with pytest.raises(InvalidArgument, match="carries no values"):
        execute(Program("p", 1, tensors, (node,), ("x",), ("y",)), {"x": np.zeros(1, np.int8)})


@pytest.mark.parametrize("numerics", ["metis", "exact"])
def test_the_table_of_a_unary_node_gives_what_the_node_gives(numerics: Any) -> None:
    rng = np.random.default_rng(5)
    x, y = Tensor("x", (9, 9, 3), 0.05, 4), Tensor("y", (9, 9, 3), 0.07, -8)
    constants = {role: rng.normal(0, 1, 3).astype(np.float32) for role in ("multiplier", "addend")}
    node = Node("affine", "n", ("x",), "y", {"qmin": -50}, {role: role for role in constants})
    program = Program("p", 1, {"x": x, "y": y}, (node,), ("x",), ("y",), constants)
    values = rng.integers(-128, 128, (9, 9, 3)).astype(np.int8)
    table = unary_table(node, x, y, constants, numerics)
    expected = table[np.arange(3), values.astype(int) + 128]
    np.testing.assert_array_equal(execute(program, {"x": values}, numerics)["y"], expected)


@pytest.mark.parametrize(
    "module",
    ["axemu.model.ops", "axemu.model.program", "axemu.model.program._files", "axemu.model.ops._conv"],
)
def test_each_module_can_be_imported_first_and_needs_numpy_only(module: str) -> None:
    heavy = {"onnx", "onnxruntime", "numba", "simpy", "pydantic"}
    code = f"import {module}, sys; sys.exit(' '.join(sorted({heavy!r} & set(sys.modules))) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
