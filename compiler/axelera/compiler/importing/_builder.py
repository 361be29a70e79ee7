"""The program under construction: tensors, nodes and constants."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from axelera.compiler.importing._constants import conv_constants, weights_of
from axelera.compiler.importing._refusal import Source
from axelera.compiler.importing._values import Averaged, Convolved, Dequantised, Joined
from axemu.driver import InvalidArgument
from axemu.model.ops import OPERATORS, round_f18
from axemu.model.program import Attribute, Node, Tensor

Shape = tuple[int, int, int]
WHOLE_SCALES: Mapping[str, Attribute] = {"round_scales": False}
"""Dequantisers of the vendor's programs take scales as they are."""


class Builder:
    """Collects what a program is made of; names come from the modules of the TorchScript program."""

    def __init__(self, source: Source) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.constants: dict[str, npt.NDArray[Any]] = {}
        self.wide_borders: set[str] = set()
        """Tensors around which the program puts a border of a value that no int8 holds."""
        self._source = source
        self._names: set[str] = set()
        self._uses: dict[str, int] = {}

    def tensor(self, name: str, shape: Shape, scale: float, zero_point: int) -> str:
        """Add a tensor and return its name, made unique."""
        free = self._free(name)
        self.tensors[free] = Tensor(free, shape, scale, zero_point)
        return free

    def node(
        self,
        op: str,
        name: str,
        inputs: tuple[str, ...],
        quantisation: tuple[float, int],
        attributes: Mapping[str, Attribute],
        constants: Mapping[str, npt.NDArray[Any]] | None = None,
        declared: Shape | None = None,
    ) -> str:
        """Add a node with its output and return the output's name.

        Raises:
            InvalidArgument: shapes or attributes do not fit.
        """
        name = self._free(name)
        roles = {role: f"{name}.{role}" for role in constants or {}}
        node = Node(op, name, inputs, f"{name}:0", dict(attributes), roles)
        try:
            shapes = [self.tensors[one].shape for one in inputs]
            shape = OPERATORS[op].infer_shape(node, shapes, declared)
        except InvalidArgument as error:
            raise self._source.wrong(
                name, f"{op} of {[self.tensors[one].shape for one in inputs]}: {error}"
            ) from error
        self.tensors[node.output] = Tensor(node.output, shape, *quantisation)
        self.nodes.append(node)
        self.constants.update({roles[role]: value for role, value in (constants or {}).items()})
        return node.output

    def replace(self, node: Node, other: Node) -> None:
        """Put another node in the place of one."""
        self.nodes[self.nodes.index(node)] = other

    def quantised(
        self, value: Convolved | Averaged | Dequantised | Joined, scale: float, zero: int, module: str
    ) -> str:
        """Add the node that makes a real value an int8 tensor; return the tensor's name."""
        match value:
            case Convolved(sums):
                return self._conv("conv", value, (), (scale, zero), sums.module)
            case Averaged():
                return self._average(value, (scale, zero))
            case Dequantised(name):
                return self.node("requantize", module, (name,), (scale, zero), WHOLE_SCALES)
            case Joined():
                return self._join(value, (scale, zero))

    def max_pool(self, name: str, attributes: Mapping[str, Attribute], module: str) -> str:
        """Add a pool."""
        return self.node("max_pool", module, (name,), self._quantisation(name), attributes)

    def concat(self, names: tuple[str, ...], axis: int, module: str) -> str:
        """Add a concatenation of tensors of one scale and zero point."""
        if len({self._quantisation(name) for name in names}) > 1:
            raise self._source.unknown(module, "tensors of different scales are joined")
        return self.node("concat", module, names, self._quantisation(names[0]), {"axis": axis})

    def _quantisation(self, name: str) -> tuple[float, int]:
        tensor = self.tensors[name]
        return tensor.scale, tensor.zero_point

    def _conv(
        self,
        op: str,
        value: Convolved,
        others: tuple[str, ...],
        quantisation: tuple[float, int],
        name: str,
    ) -> str:
        sums = value.sums
        source = self.tensors[sums.source]
        weight = weights_of(sums)
        if weight.shape[1] * sums.group != source.shape[2]:
            raise self._source.wrong(
                sums.module,
                f"weights {weight.shape} in {sums.group} groups do not fit {source.shape[2]} channels",
            )
        constants = conv_constants(self._source, value, source, quantisation[0])
        attributes = {**sums.window, "group": sums.group}
        declared = (1, 1, weight.shape[0])
        return self.node(op, name, (sums.source, *others), quantisation, attributes, constants, declared)

    def _average(self, value: Averaged, quantisation: tuple[float, int]) -> str:
        sums = value.sums
        source = self.tensors[sums.source]
        share = round_f18(np.float32(1) / np.float32(math.prod(sums.window["kernel"])))
        wanted = {"factor": share, "scale": round_f18(source.scale), "offset": np.float32(source.zero_point)}
        for what, found in zip(wanted, (sums.constant, value.scale, value.offset), strict=True):
            if found is None or not (found == wanted[what]).all():
                raise self._source.wrong(sums.module, f"the {what} of a pool is not {wanted[what]}")
        attributes = {**sums.window, "count_include_pad": True}
        return self.node("avg_pool", sums.module, (sums.source,), quantisation, attributes)

    def _join(self, value: Joined, quantisation: tuple[float, int]) -> str:
        if not value.rounded:
            raise self._source.unknown(value.module, "a sum is quantised before it is rounded to 11 bits")
        match value.left, value.right:
            case Dequantised(left), Dequantised(right):
                names = (left, right)
                if value.op == "add" and math.prod(self.tensors[left].shape) < math.prod(
                    self.tensors[right].shape
                ):
                    names = (right, left)
                return self.node(value.op, value.module, names, quantisation, WHOLE_SCALES)
            case (Convolved() as convolved, Dequantised(other)) | (
                Dequantised(other),
                Convolved() as convolved,
            ) if value.op == "add":
                return self._conv("conv_add", convolved, (other,), quantisation, value.module)
        raise self._source.unknown(
            value.module, f"{value.op} of results of convolutions that are not quantised"
        )

    def _free(self, name: str) -> str:
        stem = name or "layer"
        free = stem
        while free in self._names:
            self._uses[stem] = self._uses.get(stem, 1) + 1
            free = f"{stem}#{self._uses[stem]}"
        self._names.add(free)
        return free
