"""Building a `LoweredNetwork` while walking the ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import onnx_ir as ir

from axelera.compiler.frontend import Fusion, known_shape, node_label
from axelera.compiler.lowering._cannot_lower import CannotLower
from axelera.compiler.lowering._network import Activation, LoweredOperator, Shape
from axemu.model.ops import OPERATORS, PointwiseFunction
from axemu.model.program import Attribute


@dataclass(frozen=True, slots=True)
class Spatial:
    """A value that is one tensor (H, W, C)."""

    tensor: str


@dataclass(frozen=True, slots=True)
class Flattened:
    """A value (1, C*H*W) that is the row-major NCHW flattening of a tensor."""

    tensor: str


@dataclass(frozen=True, slots=True)
class Heads:
    """A value (1, heads, D, N) of an attention block: one tensor (H, W, D) per head, N = H*W.

    `transposed` says that ONNX sees it as (1, heads, N, D).
    """

    tensors: tuple[str, ...]
    transposed: bool = False


View = Spatial | Flattened | Heads


def spatial_shape(shape: tuple[int, ...]) -> Shape:
    """Return (H, W, C) of an ONNX shape (N, C), (N, C, L) or (N, C, H, W)."""
    if len(shape) == 4:
        return shape[2], shape[3], shape[1]
    if len(shape) == 3:
        return 1, shape[2], shape[1]
    if len(shape) == 2:
        return 1, 1, shape[1]
    return 1, 1, shape[0] if shape else 1


class Builder:
    """The network so far and what each ONNX value has become."""

    def __init__(self, fusions: Mapping[ir.Value, Fusion]) -> None:
        self.fusions = fusions
        self.activations: dict[str, Activation] = {}
        self.operators: list[LoweredOperator] = []
        self.views: dict[ir.Value, View] = {}
        self._names: set[str] = set()
        self._read: set[str] = set()
        self._writer: dict[str, LoweredOperator] = {}

    def fresh(self, name: str) -> str:
        """Return `name`, or a numbered form of it that is not taken yet."""
        candidate, number = name, 1
        while candidate in self._names:
            number += 1
            candidate = f"{name}_{number}"
        self._names.add(candidate)
        return candidate

    def activation(self, name: str, shape: Shape, observe: str | None, value: str | None) -> str:
        """Add a tensor and return its final name."""
        final = self.fresh(name)
        self.activations[final] = Activation(final, shape, observe, value)
        return final

    def shape(self, tensor: str) -> Shape:
        """Return (H, W, C) of a tensor."""
        return self.activations[tensor].shape

    def add(
        self,
        op: str,
        inputs: tuple[str, ...],
        shape: Shape,
        node: ir.Node,
        *,
        value: ir.Value | None = None,
        suffix: str = "",
        attributes: Mapping[str, Attribute] | None = None,
        parameters: Mapping[str, npt.NDArray[Any]] | None = None,
        function: PointwiseFunction | None = None,
        observe: str | None = None,
    ) -> str:
        """Append an operator and return the tensor it writes.

        `value` is the ONNX value that the tensor is; its numbers are then observed there unless the operator only moves
        them. Otherwise the tensor is an inner one, named after the node with `suffix`.
        """
        label = node_label(node)
        name = self.fresh(f"{label}{suffix}")
        watched = (
            value.name if value is not None and (not OPERATORS[op].same_scale or op == "concat") else observe
        )
        shown = None if value is None else str(value.name)
        output = self.activation(shown or f"{name}:0", shape, watched, shown)
        operator = LoweredOperator(
            op, name, inputs, output, dict(attributes or {}), parameters or {}, function, (label,)
        )
        self.operators.append(operator)
        self._read.update(inputs)
        self._writer[output] = operator
        return output

    def spatial(self, value: ir.Value | None) -> str:
        """Return the tensor behind an ONNX value that must be an ordinary map."""
        view = self.views.get(value) if value is not None else None
        if isinstance(view, Spatial):
            return view.tensor
        if isinstance(view, Flattened) and self.shape(view.tensor)[:2] == (1, 1):
            return view.tensor
        name = None if value is None else value.name
        raise CannotLower(f"value {name!r} is not a map of height, width and channels at this point")

    def result(self, node: ir.Node, tensor: str) -> None:
        """Say that the only output of `node` is `tensor`."""
        self.views[node.outputs[0]] = Spatial(tensor)

    def output_shape(self, node: ir.Node) -> Shape:
        """Return (H, W, C) of the first output of `node`."""
        return spatial_shape(known_shape(node.outputs[0]))

    def sole_producer(self, tensor: str, value: ir.Value) -> LoweredOperator | None:
        """Return the operator that writes `tensor` when nobody but one reader of `value` sees it, for fusing into it."""
        if len(value.uses()) != 1 or value.is_graph_output() or tensor in self._read:
            return None
        writer = self._writer.get(tensor)
        if writer is None or not writer.kind.clamps or self.activations[tensor].observe != value.name:
            return None
        return writer
