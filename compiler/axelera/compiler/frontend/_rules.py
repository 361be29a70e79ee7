"""The operator matrix: is an ONNX node something the chip runs, and if not, which rule does it break."""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from axelera.compiler._errors import ConfigurationError
from axelera.compiler._violation import Violation
from axelera.compiler.frontend._expression import evaluate, names_in
from axelera.compiler.frontend._ir import (
    attribute,
    constant_of,
    integers,
    is_constant,
    node_label,
    optional_input,
    shape_of,
    spatial_attributes,
)

MATRIX_OPSET = 17
MATRICES: Mapping[int, str] = MappingProxyType({MATRIX_OPSET: "operators.toml", 14: "operators-14.toml"})
_SMALL = 1 << 12
_CONTROL_FLOW = frozenset({"If", "Loop", "Scan"})


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition an operator must meet, and what to change when it doesn't."""

    rule: str
    help: str


@functools.cache
def operator_matrix(opset: int = MATRIX_OPSET) -> Mapping[str, tuple[Rule, ...]]:
    """Return the rules of every operator the chip runs; an empty tuple means any configuration.

    Args:
        opset: 17 for the table this compiler works by, 14 for the one of older compilers.

    Raises:
        ConfigurationError: there is no table for this opset.
    """
    if opset not in MATRICES:
        raise ConfigurationError(
            f"no operator matrix for opset {opset!r}; there are {', '.join(map(str, MATRICES))}"
        )
    return {
        name: tuple(Rule(**rule) for rule in entry.get("rules", ()))
        for name, entry in _table(opset).items()
        if not entry.get("inner", False)
    }


@functools.cache
def activations() -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """Return for each operator that is an activation its function in the registry and the attributes it takes."""
    return {
        name: (entry["function"], tuple(entry.get("parameters", ())))
        for name, entry in _table(MATRIX_OPSET).items()
        if "function" in entry
    }


def _table(opset: int) -> dict[str, Any]:
    text = resources.files("axelera.compiler.frontend").joinpath(MATRICES[opset]).read_text(encoding="utf-8")
    return tomllib.loads(text)


def check_node(node: ir.Node, attention: frozenset[ir.Node], opset: int = MATRIX_OPSET) -> list[Violation]:
    """Return the rules that `node` breaks.

    Args:
        node: a node with static shapes.
        attention: the nodes of attention blocks the chip can run.
        opset: see `operator_matrix`.
    """
    matrix = operator_matrix(opset)
    label = node_label(node)
    if node.domain not in ("", "ai.onnx") or node.op_type not in matrix:
        name = f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type
        return [
            Violation(
                label,
                name,
                {},
                "operator in the matrix",
                "export the network with fixed shapes and without branches and loops"
                if node.op_type in _CONTROL_FLOW
                else "replace the operator or move it to the end of the network, where the host runs it",
            )
        ]
    if any(
        shape_of(value) is None for value in (*node.inputs, *node.outputs) if value is not None and value.name
    ):
        return [Violation(label, node.op_type, {}, "shapes known", "export the network with fixed shapes")]
    names = {**_attributes(node), **_predicates(node, attention)}
    broken = []
    for rule in matrix[node.op_type]:
        if not _holds(rule.rule, names):
            seen = {
                name: names[name] for name in sorted(names_in(rule.rule)) if not callable(names.get(name))
            }
            for index, value in enumerate(node.inputs[:2]):
                if value is not None:
                    seen[f"input{index}"] = list(shape_of(value) or ())
            broken.append(Violation(label, node.op_type, seen, rule.rule, rule.help))
    return broken or (check_values(node) if opset == MATRIX_OPSET else [])


def check_values(node: ir.Node) -> list[Violation]:
    """Return what no operator of the chip can do, whatever the matrix says: it computes one real map at a time."""
    label = node_label(node)
    values = [
        value for value in (*node.inputs, *node.outputs[:1]) if value is not None and not is_constant(value)
    ]
    for value in values:
        shape = shape_of(value)
        if shape is not None and (not 2 <= len(shape) <= 4 or shape[0] != 1):
            seen = {"value": value.name, "shape": list(shape)}
            return [
                Violation(
                    label,
                    node.op_type,
                    seen,
                    "batch 1 and rank 2 to 4",
                    "give values the shape [1,C,H,W] or [1,C]",
                )
            ]
        if shape is not None and 0 in shape:
            seen = {"value": value.name, "shape": list(shape)}
            return [
                Violation(label, node.op_type, seen, "values not empty", "give the network larger inputs")
            ]
        if value.dtype not in (None, ir.DataType.FLOAT):
            seen = {"value": value.name, "type": value.dtype.name}
            return [
                Violation(label, node.op_type, seen, "values real", "compute with floating point numbers")
            ]
    for value in node.outputs[1:]:
        if node.op_type != "Split" and (value.uses() or value.is_graph_output()):
            return [
                Violation(
                    label, node.op_type, {"output": value.name}, "one output", _second_output(node.op_type)
                )
            ]
    return []


def _second_output(op: str) -> str:
    if op == "MaxPool":
        return "do without the indices of the maxima, the chip does not know them"
    return "use the first output of the operator alone"


def _holds(rule: str, names: Mapping[str, Any]) -> bool:
    try:
        return evaluate(rule, names)
    except (IndexError, TypeError, ZeroDivisionError):  # a missing input or attribute: the rule can't hold
        return False


def _attributes(node: ir.Node) -> dict[str, Any]:
    """Return attributes with defaults from the ONNX schema, and those that ONNX derives from shapes."""
    schema = onnx.defs.get_schema(node.op_type, max_inclusive_version=onnx.defs.onnx_opset_version())
    found: dict[str, Any] = {}
    for name, definition in schema.attributes.items():
        default = (
            onnx.helper.get_attribute_value(definition.default_value)
            if definition.default_value.name
            else None
        )
        found[name] = default.decode() if isinstance(default, bytes) else default
    found |= {name: attribute(node, name) for name in node.attributes}
    spatial = (
        max(len(shape_of(node.inputs[0]) or ()) - 2, 0) if node.inputs and node.inputs[0] is not None else 2
    )
    if node.op_type in ("Conv", "ConvTranspose", "MaxPool", "AveragePool"):
        if found.get("kernel_shape") is None and len(node.inputs) > 1 and node.inputs[1] is not None:
            found["kernel_shape"] = (shape_of(node.inputs[1]) or ())[2:]
        for name in ("strides", "dilations"):
            found[name] = found.get(name) or (1,) * spatial
        found["pads"] = found.get("pads") or (0,) * (2 * spatial)
        found.setdefault("output_shape", None)
    if node.op_type == "Transpose" and found.get("perm") is None:
        found["perm"] = tuple(reversed(range(spatial + 2)))
    return found


def _predicates(node: ir.Node, attention: frozenset[ir.Node]) -> dict[str, Callable[..., Any]]:
    def shape(index: int) -> tuple[int, ...]:
        value = optional_input(node, index)
        return (shape_of(value) or ()) if value is not None else ()

    def value(index: int) -> tuple[float, ...]:
        array = constant_of(optional_input(node, index))
        if array is None or array.size > _SMALL or not np.issubdtype(array.dtype, np.number):
            return ()
        return tuple(array.reshape(-1).tolist())

    def per_channel(index: int) -> bool:
        candidate, other = shape(index), shape(1 - index)
        if math.prod(candidate) == 1 and is_constant(optional_input(node, index)):
            return True
        aligned = (1,) * (len(other) - len(candidate)) + candidate
        return len(aligned) == len(other) >= 2 and aligned == (1, other[1], *(1,) * (len(other) - 2))

    def sliced() -> dict[int, int]:
        source = shape(0)
        starts, ends = integers(optional_input(node, 1)) or (), integers(optional_input(node, 2)) or ()
        axes = integers(optional_input(node, 3)) or tuple(range(len(starts)))
        steps = integers(optional_input(node, 4)) or (1,) * len(starts)
        return {
            axis % len(source): step
            for start, end, axis, step in zip(starts, ends, axes, steps, strict=False)
            if len(range(source[axis])[slice(start, end, step)]) != source[axis] or step != 1
        }

    def pad_of(axis: int) -> tuple[int, int]:
        amounts = integers(optional_input(node, 1)) or ()
        axes = integers(optional_input(node, 3)) or tuple(range(len(amounts) // 2))
        at = {a % max(len(shape(0)), 1): (amounts[i], amounts[i + len(axes)]) for i, a in enumerate(axes)}
        return at.get(axis, (0, 0))

    def overhangs() -> bool:
        window = spatial_attributes(node)
        kernel, result = attribute(node, "kernel_shape"), shape_of(node.outputs[0]) or ()
        return any(
            (result[2 + axis] - 1) * window["strides"][axis]
            + (kernel[axis] - 1) * window["dilations"][axis]
            + 1
            > shape(0)[2 + axis] + window["pads"][axis] + window["pads"][2 + axis]
            for axis in range(2)
        )

    users = node.outputs[0].consumers()
    return {
        "rank": lambda index: len(shape(index)),
        "shape": shape,
        "const": lambda index: is_constant(optional_input(node, index)),
        "given": lambda index: optional_input(node, index) is not None,
        "value": value,
        "result": lambda: shape_of(node.outputs[0]),
        "same_shape": lambda a, b: shape(a) == shape(b),
        "same_node": lambda a, b: node.inputs[a] is node.inputs[b],
        "per_channel": per_channel,
        "attention": lambda: node in attention,
        "before_gemm": lambda: bool(users) and all(user.op_type == "Gemm" for user in users),
        "at_end": lambda: not users,
        "first": lambda: all(v is None or v.is_graph_input() or is_constant(v) for v in node.inputs),
        "flattens": lambda: len(shape(0)) == 4 and shape_of(node.outputs[0]) == (1, math.prod(shape(0))),
        "square": lambda numbers: len(set(numbers)) <= 1,
        "same_ends": lambda pads: tuple(pads[: len(pads) // 2]) == tuple(pads[len(pads) // 2 :]),
        "near": lambda a, b: abs(a - b) <= 5e-6 * max(1.0, abs(b)),
        "identity": lambda rank: tuple(range(rank)),
        "sliced_axes": lambda: tuple(sorted(sliced())),
        "slice_steps": lambda: tuple(sliced().values()) or (1,),
        "pad_of": pad_of,
        "overhangs": overhangs,
        "len": len,
        "any": any,
        "min": min,
        "max": max,
    }
