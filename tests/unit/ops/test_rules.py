"""Each rule of an operator is a message that names the node and what was wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from axemu.driver import InvalidArgument
from axemu.model.ops import OPERATORS
from axemu.model.program import Node, Tensor

KERNEL = {"kernel": (3, 3)}


def problems(
    op: str,
    attributes: dict[str, Any],
    inputs: list[tuple[int, int, int]],
    output: tuple[int, int, int],
    constants: dict[str, Any] | None = None,
) -> str:
    tensors = [Tensor(f"x{index}", shape) for index, shape in enumerate(inputs)]
    node = Node(op, "the_node", tuple(t.name for t in tensors), "y", attributes)
    found = OPERATORS[op].check(node, tensors, Tensor("y", output), constants)
    assert all(problem.startswith(f"node 'the_node' ({op}): ") for problem in found)
    return "\n".join(found)


IMAGE = (8, 8, 4)


@pytest.mark.parametrize(
    ("op", "attributes", "inputs", "output", "words"),
    [
        ("conv", {}, [IMAGE], (6, 6, 4), ["'kernel' is missing"]),
        ("conv", {"kernel": (3, 0)}, [IMAGE], (6, 6, 4), ["'kernel' is (3, 0)", "2 integers within 1.."]),
        ("conv", {"kernel": [3, 3]}, [IMAGE], (6, 6, 4), ["'kernel' is [3, 3]"]),
        ("conv", {"kernel": (3, True)}, [IMAGE], (6, 6, 4), ["'kernel'"]),
        ("conv", {**KERNEL, "colour": 1}, [IMAGE], (6, 6, 4), ["'colour' is unknown"]),
        ("conv", {**KERNEL, "pads": (1, 1)}, [IMAGE], (6, 6, 4), ["'pads' is (1, 1)", "4 integers"]),
        ("conv", {**KERNEL, "group": 3}, [IMAGE], (6, 6, 6), ["'group' is 3", "4 and 6 channels"]),
        ("conv", {**KERNEL, "qmin": 5, "qmax": 4}, [IMAGE], (6, 6, 4), ["'qmin' is above 'qmax'"]),
        ("conv", {**KERNEL, "qmax": 128}, [IMAGE], (6, 6, 4), ["'qmax' is 128", "-128..127"]),
        ("conv", KERNEL, [IMAGE], (8, 8, 4), ["output 'y' has shape (8, 8, 4), expected (6, 6, 4)"]),
        ("conv", KERNEL, [(2, 8, 4)], (1, 6, 4), ["window of 3x3", "padded input of 2x8"]),
        ("conv", KERNEL, [(3, 3, 14564)], (1, 1, 8), ["131076 products", "at most 131071"]),
        ("conv", KERNEL, [IMAGE, IMAGE], (6, 6, 4), ["has 2 inputs, expected 1"]),
        ("conv_transpose", {**KERNEL, "pads": (5, 5, 5, 5)}, [(2, 2, 4)], (1, 1, 4), ["'pads'", "no output"]),
        ("max_pool", {"kernel": (9, 9)}, [IMAGE], (1, 1, 4), ["window of 9x9"]),
        (
            "avg_pool",
            {"kernel": (1, 1), "pads": (1, 0, 0, 0)},
            [IMAGE],
            (9, 8, 4),
            ["'pads'", "padding only"],
        ),
        ("avg_pool", {**KERNEL, "count_include_pad": 1}, [IMAGE], (6, 6, 4), ["'count_include_pad' is 1"]),
        ("avg_pool", {"kernel": (4096, 4096)}, [(4096, 4096, 1)], (1, 1, 1), ["'kernel'", "exceeds"]),
        ("add", {}, [IMAGE, (8, 1, 4)], IMAGE, ["second operand has shape (8, 1, 4)", "(1, 1, 4)"]),
        ("concat", {"axis": 3}, [IMAGE], IMAGE, ["'axis' is 3", "0..2"]),
        ("concat", {"axis": 2}, [IMAGE, (8, 7, 4)], IMAGE, ["do not join along 'axis' 2"]),
        (
            "slice",
            {"starts": (0, 7, 0), "sizes": (8, 2, 4)},
            [IMAGE],
            (8, 2, 4),
            ["reach past", "8 along axis 1"],
        ),
        ("pad", {"before": (0, 0, 0), "after": (0, 0, -1), "value": 0}, [IMAGE], IMAGE, ["'after'"]),
        ("pad", {"before": (0, 0, 0), "after": (0, 0, 0), "value": 200}, [IMAGE], IMAGE, ["'value' is 200"]),
        ("reshape", {}, [IMAGE], (8, 8, 5), ["cannot become (8, 8, 5)"]),
        ("transpose", {"perm": (0, 1, 1)}, [IMAGE], IMAGE, ["'perm' is (0, 1, 1)"]),
        ("matmul", {}, [(1, 5, 6), (1, 5, 6)], (1, 5, 6), ["has 6 columns, the second 5 rows"]),
        ("lut", {"function": 7}, [IMAGE], IMAGE, ["'function' is 7", "a text"]),
        ("softmax", {"axis": 1}, [IMAGE], IMAGE, ["'axis' is unknown"]),
    ],
)
def test_a_broken_rule_is_named(op: str, attributes: Any, inputs: Any, output: Any, words: list[str]) -> None:
    text = problems(op, attributes, inputs, output)
    for word in words:
        assert word in text


def test_several_broken_attributes_are_reported_together() -> None:
    text = problems("conv", {"kernel": (0, 0), "strides": (0, 1), "colour": 1}, [IMAGE], (6, 6, 4))
    assert all(word in text for word in ("'kernel'", "'strides'", "'colour'"))


I32, F32 = np.int32, np.float32
RESIZE = {"index_h": np.zeros((2, 2), I32), "weight_h": np.ones((2, 2), F32)}
RESIZE |= {"index_w": np.zeros((3, 2), I32), "weight_w": np.ones((3, 2), F32)}
NAN = np.array([1, 2, 3, np.nan], F32)


@pytest.mark.parametrize(
    ("op", "output", "constants", "words"),
    [
        ("lut", IMAGE, {}, ["constant 'table' is missing"]),
        ("lut", IMAGE, {"table": np.zeros(256, np.uint8)}, ["'table' has dtype uint8, expected int8"]),
        ("lut", IMAGE, {"table": np.zeros(255, np.int8)}, ["'table' has shape (255,)", "(256,) or (4, 256)"]),
        (
            "lut",
            IMAGE,
            {"table": np.zeros(256, np.int8), "more": np.zeros(1)},
            ["constant 'more' is unknown"],
        ),
        (
            "affine",
            IMAGE,
            {"multiplier": NAN, "addend": np.zeros(4, F32)},
            ["'multiplier' holds nan", "finite"],
        ),
        (
            "affine",
            IMAGE,
            {"multiplier": np.full(4, 1e30, F32), "addend": np.zeros(4, F32)},
            ["'multiplier'"],
        ),
        (
            "resize_nearest",
            (2, 3, 4),
            {"index_h": np.array([0, 8], I32), "index_w": np.zeros(3, I32)},
            ["'index_h' holds 8, expected 0..7"],
        ),
        (
            "resize_nearest",
            (2, 3, 4),
            {"index_h": np.zeros(2, I32), "index_w": np.array([0, -1, 9], I32)},
            ["'index_w' holds -1"],
        ),
        ("resize_linear", (2, 3, 4), RESIZE | {"index_w": np.full((3, 2), 8, I32)}, ["'index_w' holds 8"]),
        (
            "resize_linear",
            (2, 3, 4),
            RESIZE | {"weight_h": np.full((2, 2), 1.5, F32)},
            ["'weight_h' leaves 0..1"],
        ),
        ("softmax", IMAGE, {"exp_table": np.zeros(256, I32)}, ["'exp_table' must start with"]),
    ],
)
def test_a_bad_constant_is_named(op: str, output: Any, constants: Any, words: list[str]) -> None:
    text = problems(op, {}, [IMAGE], output, constants)
    for word in words:
        assert word in text


@pytest.mark.parametrize(
    "op", ["max_pool", "concat", "slice", "pad", "reshape", "transpose", "resize_nearest"]
)
def test_moving_bytes_needs_one_scale(op: str) -> None:
    node = Node(op, "n", ("x",), "y", {"kernel": (1, 1)} if op == "max_pool" else {})
    found = OPERATORS[op].check(node, [Tensor("x", IMAGE, 0.5, 3)], Tensor("y", IMAGE, 0.5, 4), None)
    assert "zero point 3" in "\n".join(found)
    assert "requantize first" in "\n".join(found)


@pytest.mark.parametrize("op", ["constant", "reshape", "resize_nearest", "resize_linear"])
def test_a_shape_that_only_the_program_knows_must_be_declared(op: str) -> None:
    with pytest.raises(InvalidArgument, match="must be declared"):
        OPERATORS[op].infer_shape(Node(op, "n", (), "y"), [IMAGE])


@pytest.mark.parametrize(
    ("op", "attributes", "shapes", "expected"),
    [
        ("conv", {"kernel": (3, 3), "strides": (2, 2), "pads": (1, 1, 1, 1)}, [(9, 8, 4)], (5, 4, 4)),
        ("conv_transpose", {"kernel": (4, 4), "strides": (2, 2), "pads": (1, 1, 1, 1)}, [IMAGE], (16, 16, 4)),
        ("max_pool", {"kernel": (2, 2), "strides": (2, 2)}, [(9, 8, 4)], (4, 4, 4)),
        ("concat", {"axis": 1}, [IMAGE, (8, 3, 4)], (8, 11, 4)),
        ("transpose", {"perm": (2, 0, 1)}, [(5, 6, 7)], (7, 5, 6)),
        ("matmul", {"transpose_b": True}, [(2, 3, 5), (1, 7, 5)], (2, 3, 7)),
        ("pad", {"before": (1, 0, 0), "after": (0, 2, 60), "value": 0}, [IMAGE], (9, 10, 64)),
    ],
)
def test_shapes_are_inferred(op: str, attributes: Any, shapes: Any, expected: Any) -> None:
    node = Node(op, "n", tuple(map(str, range(len(shapes)))), "y", attributes)
    assert OPERATORS[op].infer_shape(node, shapes) == expected
