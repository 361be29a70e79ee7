"""The network between ONNX and the integer program: chip operators on (H, W, C) tensors, with float parameters.

It has the operators, names and shapes of the program that will be emitted, and says for each tensor where its numbers
can be observed in the float network and with which other tensors it must share scale and zero point. It holds no
quantisation parameters: without them it becomes a structure-only program, with them an executable one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy.typing as npt

from axelera.compiler.lowering._rescaling import Rescaling
from axemu.model import ops
from axemu.model.program import Attribute

Shape = tuple[int, int, int]


@dataclass(slots=True)
class Activation:
    """One tensor of one frame.

    `value` names the value of the float network that it is (None for tensors that exist only on the chip), `observe` the
    one that shows its range; `low` and `high` are what a fused ReLU or Clip leaves of it, in real numbers. `rescaling` says
    how its channels differ from `value` after balancing.
    """

    name: str
    shape: Shape
    observe: str | None = None
    value: str | None = None
    low: float | None = None
    high: float | None = None
    rescaling: Rescaling | None = None


@dataclass(slots=True)
class LoweredOperator:
    """One node-to-be.

    `parameters` are float arrays (weight [O,kh,kw,I/group], bias [O], ...), `source` the ONNX nodes it stands for.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Attribute] = field(default_factory=dict)
    parameters: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    function: ops.PointwiseFunction | None = None
    source: tuple[str, ...] = ()

    @property
    def kind(self) -> ops.Operator:
        """The specification of the operator: its rules and traits."""
        return ops.OPERATORS[self.op]


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output of the chip's part: the float value, its logical NCHW shape and the padding around it.

    `tensor` is the padded tensor of the network; `padding` holds (before, after) for N, H, W and C.
    """

    value: str
    tensor: str
    shape: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class LoweredNetwork:
    """A lowered network: tensors by name, operators in topological order, ports, and the value each tensor shows."""

    name: str
    activations: dict[str, Activation]
    operators: list[LoweredOperator]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def copy(self) -> LoweredNetwork:
        """Return a network of its own, to be changed by a pass; arrays, which nobody writes to, are shared."""
        return LoweredNetwork(
            self.name,
            {name: replace(activation) for name, activation in self.activations.items()},
            [replace(operator, attributes=dict(operator.attributes)) for operator in self.operators],
            self.inputs,
            self.outputs,
        )

    def producer(self) -> dict[str, LoweredOperator]:
        """Return the operator that writes each tensor."""
        return {operator.output: operator for operator in self.operators}

    def free_name(self, name: str) -> str:
        """Return `name`, or a numbered form of it that no tensor and no operator has."""
        taken = {*self.activations, *(operator.name for operator in self.operators)}
        candidate, number = name, 1
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        return candidate

    def groups(self) -> dict[str, str]:
        """Map each tensor to the representative of those that share its scale and zero point."""
        parent = {name: name for name in self.activations}

        def find(name: str) -> str:
            while parent[name] != name:
                parent[name] = parent[parent[name]]
                name = parent[name]
            return name

        for operator in self.operators:
            if operator.kind.same_scale:
                for source in operator.inputs:
                    parent[find(operator.output)] = find(source)
        return {name: find(name) for name in parent}
