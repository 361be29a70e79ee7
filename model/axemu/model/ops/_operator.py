"""What an operator of the program is: its rules and its two evaluations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument
from axemu.model.ops._float import Int8Array
from axemu.model.program._program import Attribute, Node, Tensor

Numerics = Literal["metis", "exact"]
NUMERICS: tuple[Numerics, ...] = get_args(Numerics)
"""Names of the numerics: `metis` (the default) and `exact`."""

Shape = tuple[int, int, int]

MAX_DIMENSION = 1 << 24
MAX_SCALE = float(2**30)
MIN_SCALE = float(2**-30)
MAX_ZERO_POINT = 1 << 15
MAX_CONSTANT = float(2**40)
"""Bounds under which no float32 step of any operator can overflow; every checked program keeps them."""


@dataclass(frozen=True, slots=True)
class Ints:
    """An attribute of `length` integers within [minimum, maximum]; no default means it must be given."""

    length: int
    minimum: int
    maximum: int = MAX_DIMENSION
    default: tuple[int, ...] | None = None

    def problem(self, value: Attribute) -> str | None:
        """Say what is wrong with `value`, or None."""
        wanted = f"{self.length} integers within {self.minimum}..{self.maximum}"
        if not isinstance(value, tuple) or len(value) != self.length or not all(map(_is_int, value)):
            return f"is {value!r}, expected {wanted}"
        if not all(self.minimum <= item <= self.maximum for item in value):
            return f"is {value!r}, expected {wanted}"
        return None


@dataclass(frozen=True, slots=True)
class Int:
    """An integer attribute within [minimum, maximum]."""

    minimum: int
    maximum: int
    default: int | None = None

    def problem(self, value: Attribute) -> str | None:
        """Say what is wrong with `value`, or None."""
        if not _is_int(value) or not self.minimum <= cast("int", value) <= self.maximum:
            return f"is {value!r}, expected an integer within {self.minimum}..{self.maximum}"
        return None


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean attribute."""

    default: bool | None = None

    def problem(self, value: Attribute) -> str | None:
        """Say what is wrong with `value`, or None."""
        return None if isinstance(value, bool) else f"is {value!r}, expected true or false"


@dataclass(frozen=True, slots=True)
class Text:
    """A text attribute that only describes."""

    default: str | None = None

    def problem(self, value: Attribute) -> str | None:
        """Say what is wrong with `value`, or None."""
        good = isinstance(value, str) and len(value) <= 256
        return None if good else f"is {value!r}, expected a text of at most 256 characters"


AttributeRule = Ints | Int | Flag | Text

CLAMP: Mapping[str, AttributeRule] = {"qmin": Int(-128, 127, -128), "qmax": Int(-128, 127, 127)}
"""The saturation bounds of operators that requantise."""
SCALES: Mapping[str, AttributeRule] = {"round_scales": Flag(default=True)}
"""Whether `metis` rounds the scales of what is read to 11 bits. Programs of the vendor's compiler do not."""


@dataclass(frozen=True, slots=True)
class Call:
    """One evaluation of a node: its tensors and the values of inputs and constants."""

    node: Node
    inputs: tuple[Tensor, ...]
    output: Tensor
    values: tuple[Int8Array, ...]
    constants: Mapping[str, npt.NDArray[Any]]


class Operator(ABC):
    """An operator: rules for its attributes, constants and shapes, its value in both numerics, and its traits.

    Traits are what other rooms ask instead of keeping lists of names. `clamps` and `has_weights` follow from attributes
    and constants; the rest is said by each operator.
    """

    name: ClassVar[str]
    arity: ClassVar[tuple[int, int]] = (1, 1)
    attributes: ClassVar[Mapping[str, AttributeRule]] = {}
    constants: ClassVar[Mapping[str, str]] = {}
    moves_values: ClassVar[bool] = False
    """Whether the output holds real values of the inputs and, at most, padding."""
    same_scale: ClassVar[bool] = False
    """Whether inputs and output must share scale and zero point; only operators that move values do."""
    is_view: ClassVar[bool] = False
    """Whether the chip reads the output where its input, or the stored program, lies: nobody writes it."""
    is_pointwise: ClassVar[bool] = False
    """Whether an output value depends on the value at its own position of each input alone (and on its channel)."""
    takes_epilogue: ClassVar[bool] = False
    """Whether the output comes in finished ranges of pixels, on which pointwise operators can run at once."""
    passes_gain: ClassVar[bool] = False
    """Whether a positive factor on a channel of the input is the same factor on that channel of the output."""
    absorbs_gain: ClassVar[bool] = False
    """Whether constants can put a factor on each channel of the output for nothing."""

    @property
    def clamps(self) -> bool:
        """Whether the result can be clamped for nothing (ReLU, ReLU6, Clip)."""
        return CLAMP.keys() <= self.attributes.keys()

    @property
    def has_weights(self) -> bool:
        """Whether constants hold weights, one filter per output channel."""
        return "weight" in self.constants

    def value(self, node: Node, name: str) -> Any:
        """Return attribute `name` of a node with valid attributes, or its default."""
        return node.attributes.get(name, self.attributes[name].default)

    @abstractmethod
    def infer_shape(self, node: Node, inputs: Sequence[Shape], declared: Shape | None = None) -> Shape:
        """Return the output shape (H, W, C).

        Args:
            node: the node, with valid attributes.
            inputs: shapes of the inputs.
            declared: the shape the program declares for the output; it supplies the dimensions that attributes and
                inputs leave open (output channels of `conv`, the target of `reshape`, the size of a resize).

        Raises:
            InvalidArgument: inputs or declared shape do not fit; names the node.
        """

    def constant_shapes(
        self,
        node: Node,  # noqa: ARG002
        inputs: Sequence[Shape],  # noqa: ARG002
        output: Shape,  # noqa: ARG002
    ) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """Return for each constant role the shapes that are allowed."""
        return {}

    def check_constants(
        self,
        node: Node,  # noqa: ARG002
        inputs: Sequence[Shape],  # noqa: ARG002
        constants: Mapping[str, npt.NDArray[Any]],  # noqa: ARG002
    ) -> list[str]:
        """Return what is wrong with the values of the constants, beyond dtype, shape and magnitude."""
        return []

    @abstractmethod
    def exact(self, call: Call) -> Int8Array:
        """Return the output (H, W, C) in `exact` numerics."""

    def metis(self, call: Call) -> Int8Array:
        """Return the output (H, W, C) in `metis` numerics; the same where no arithmetic happens."""
        return self.exact(call)

    def check(
        self,
        node: Node,
        inputs: Sequence[Tensor],
        output: Tensor,
        constants: Mapping[str, npt.NDArray[Any]] | None,
    ) -> list[str]:
        """Return every problem of a node, each naming the node and what is wrong; empty if there is none.

        Args:
            node: the node.
            inputs: the tensors it reads.
            output: the tensor it writes.
            constants: role to value; None for a structure-only program, whose values are not looked at.
        """
        low, high = self.arity
        problems: list[str] = []
        if not low <= len(inputs) <= high:
            wanted = str(low) if low == high else f"{low} to {high}"
            problems.append(f"has {len(inputs)} inputs, expected {wanted}")
        problems += self._attribute_problems(node)
        problems += self._scale_problems(inputs, output)
        if not problems:
            problems += self._shape_problems(node, inputs, output, constants)
        return [f"node {node.name!r} ({node.op}): {problem}" for problem in problems]

    def _attribute_problems(self, node: Node) -> list[str]:
        unknown = sorted(set(node.attributes) - set(self.attributes))
        problems = [f"attribute {name!r} is unknown, expected {sorted(self.attributes)}" for name in unknown]
        for name, rule in self.attributes.items():
            if name not in node.attributes:
                if rule.default is None:
                    problems.append(f"attribute {name!r} is missing")
                continue
            problem = rule.problem(node.attributes[name])
            if problem is not None:
                problems.append(f"attribute {name!r} {problem}")
        if not problems and "qmin" in self.attributes and self.value(node, "qmin") > self.value(node, "qmax"):
            problems.append("attribute 'qmin' is above 'qmax'")
        return problems

    def _scale_problems(self, inputs: Sequence[Tensor], output: Tensor) -> list[str]:
        if not self.same_scale:
            return []
        quantisation = (np.float32(output.scale), output.zero_point)
        return [
            f"input {tensor.name!r} has scale {tensor.scale!r} and zero point {tensor.zero_point}, its output"
            f" {output.name!r} has {output.scale!r} and {output.zero_point}: expected the same (requantize first)"
            for tensor in inputs
            if (np.float32(tensor.scale), tensor.zero_point) != quantisation
        ]

    def _shape_problems(
        self,
        node: Node,
        inputs: Sequence[Tensor],
        output: Tensor,
        constants: Mapping[str, npt.NDArray[Any]] | None,
    ) -> list[str]:
        shapes = [tensor.shape for tensor in inputs]
        try:
            inferred = self.infer_shape(node, shapes, output.shape)
        except InvalidArgument as error:
            return [str(error)]
        if inferred != output.shape:
            return [f"output {output.name!r} has shape {output.shape}, expected {inferred}"]
        if constants is None:
            return []
        problems = []
        allowed = self.constant_shapes(node, shapes, output.shape)
        for role in sorted(set(self.constants) | set(constants)):
            if role not in self.constants:
                problems.append(f"constant {role!r} is unknown, expected {sorted(self.constants)}")
            elif role not in constants:
                problems.append(f"constant {role!r} is missing")
            else:
                problems += _array_problems(role, constants[role], self.constants[role], allowed[role])
        return problems or self.check_constants(node, shapes, constants)


def _array_problems(
    role: str, value: npt.NDArray[Any], dtype: str, shapes: tuple[tuple[int, ...], ...]
) -> list[str]:
    problems = []
    if value.dtype != np.dtype(dtype):
        problems.append(f"constant {role!r} has dtype {value.dtype}, expected {dtype}")
    if value.shape not in shapes:
        wanted = " or ".join(map(str, shapes))
        problems.append(f"constant {role!r} has shape {value.shape}, expected {wanted}")
    if not problems and value.dtype.kind == "f" and value.size:
        # Not "max > bound": a NaN must be refused too.
        largest = np.abs(value).max()
        if not largest <= MAX_CONSTANT:
            problems.append(
                f"constant {role!r} holds {largest}, expected finite values up to {MAX_CONSTANT:g}"
            )
    return problems


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
