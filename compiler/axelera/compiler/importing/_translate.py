"""From the operations of a TorchScript program to the nodes of a program.

The vendor's reference arithmetic works on float tensors that hold integers. A quantiser ends each layer, so nodes are made there:
what the quantised value stands for says which operator it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

import numpy as np

from axelera.compiler.importing._arguments import Arguments
from axelera.compiler.importing._builder import Builder
from axelera.compiler.importing._constants import by_channel, int8_weights, scale_and_zero_point
from axelera.compiler.importing._ports import Port
from axelera.compiler.importing._refusal import Source
from axelera.compiler.importing._values import (
    NO_PADS,
    Averaged,
    Convolved,
    Dequantised,
    Input,
    Integers,
    Joined,
    Meaning,
    Pads,
    Sums,
    Weights,
)
from axelera.compiler.importing._values import Padded as Border
from axemu.model.torchscript import Graph, Operation, Value

QTOOLS = "ops.qtools_cpp_ext."
_CONV_STEPS = (("float", "f18"), ("float", "f18", "add", "f18"))
_POOL_STEPS = (("float", "f18", "mul", "f18"),)


class Translator:
    """Walks the operations once; `builder` holds the nodes made so far."""

    def __init__(self, graph: Graph, source: Source, builder: Builder, ports: Mapping[int, Port]) -> None:
        self._graph, self._source, self._builder = graph, source, builder
        self._ports = ports
        """The port of each quantiser of an input, by number of its result."""
        self._values: dict[int, Meaning] = {
            value.number: Input(index) for index, value in enumerate(graph.inputs)
        }

    def run(self) -> tuple[str, ...]:
        """Translate everything and return the tensors that are the program's outputs.

        Raises:
            IncompatibleDevice: an operator, or a way of using one, is not known; names all operators that are not.
            InvalidArgument: constants contradict each other.
        """
        self._refuse_unknown()
        for operation in self._graph.operations:
            handle = _HANDLERS[operation.name]
            self._values[operation.result.number] = handle(self, Arguments(operation, self._source))
        outputs = []
        for value in self._graph.outputs:
            meaning = self._values[value.number]
            if not isinstance(meaning, Dequantised):
                raise self._source.unknown("", "an output of the program is no dequantised tensor")
            outputs.append(meaning.name)
        return tuple(outputs)

    def _refuse_unknown(self) -> None:
        unknown: dict[str, str] = {}
        for operation in self._graph.operations:
            if operation.name not in _HANDLERS:
                unknown.setdefault(operation.name, operation.module)
        if unknown:
            named = ", ".join(
                f"{name[:80]} (in module {module[:80]!r})" for name, module in list(unknown.items())[:10]
            )
            more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
            raise self._source.unknown("", f"the program uses {named}{more}")

    def _meaning(self, arguments: Arguments, place: int) -> Meaning:
        value = arguments.at(place)
        if not isinstance(value, Value) or value.number not in self._values:
            raise arguments.unknown(f"has argument {place} that is no computed tensor")
        return self._values[value.number]

    def _integers(self, arguments: Arguments, place: int) -> Border:
        """Return an int8 operand, with a border of no width if it has none."""
        match self._meaning(arguments, place):
            case Integers(name):
                return Border(name, NO_PADS, 0.0)
            case Border() as padded:
                return padded
        raise arguments.unknown(f"reads values at argument {place} that are not quantised")

    def _sums(self, arguments: Arguments, step: str) -> Sums:
        arguments.count(1, 2)
        value = self._meaning(arguments, 0)
        if not isinstance(value, Sums):
            raise arguments.unknown("reads something that is no sum of a convolution or pool")
        return replace(value, steps=(*value.steps, step))

    def quantize(self, arguments: Arguments) -> Meaning:
        """End a layer."""
        arguments.count(4, 4)
        arguments.expect(3, True)
        operation = arguments.operation
        scale, zero = scale_and_zero_point(self._source, operation.module, arguments.at(1), arguments.at(2))
        value = self._meaning(arguments, 0)
        if isinstance(value, Input):
            return Integers(self._ports[operation.result.number].tensor)
        if isinstance(value, Convolved | Averaged | Dequantised | Joined):
            return Integers(self._builder.quantised(value, scale, zero, operation.module))
        raise arguments.unknown("reads something that has no real value")

    def dequantize(self, arguments: Arguments) -> Meaning:
        """Return the real values of a tensor, whose own scale and zero point the call must name."""
        arguments.count(4, 4)
        arguments.expect(3, True)
        module = arguments.operation.module
        scale, zero = scale_and_zero_point(self._source, module, arguments.at(1), arguments.at(2))
        value = self._meaning(arguments, 0)
        if not isinstance(value, Integers):
            raise arguments.unknown("reads something that is not quantised")
        tensor = self._builder.tensors[value.name]
        if (tensor.scale, tensor.zero_point) != (scale, zero):
            raise self._source.wrong(
                module,
                f"dequantises {value.name!r} with {scale} and {zero}; it was quantised with {tensor.scale} and {tensor.zero_point}",
            )
        return Dequantised(value.name)

    def fake_dequantize(self, arguments: Arguments) -> Meaning:
        """Return the real values of sums."""
        arguments.count(4, 4)
        arguments.expect(3, True)
        module = arguments.operation.module
        value = self._meaning(arguments, 0)
        if not isinstance(value, Sums):
            raise arguments.unknown("reads something that is no sum of a convolution or pool")
        scale = by_channel(self._source, module, "the scale", arguments.at(1))
        offset = by_channel(self._source, module, "the offset", arguments.at(2))
        pools = value.weights is None
        if value.steps not in (_POOL_STEPS if pools else _CONV_STEPS):
            raise arguments.unknown(f"comes after the steps {' '.join(value.steps) or 'none'}")
        return Averaged(value, scale, offset) if pools else Convolved(value, scale, offset)

    def cast_int8(self, arguments: Arguments) -> Meaning:
        """Return weights."""
        arguments.count(1, 1)
        return Weights(int8_weights(self._source, arguments.operation.module, arguments.at(0)))

    def cast_float32(self, arguments: Arguments) -> Meaning:
        """Turn sums into float32."""
        return self._sums(arguments, "float")

    def round_float18(self, arguments: Arguments) -> Meaning:
        """Keep 11 significant bits."""
        value = self._meaning(arguments, 0)
        if isinstance(value, Joined) and not value.rounded:
            return replace(value, rounded=True)
        return self._sums(arguments, "f18")

    def add_by_constant(self, arguments: Arguments) -> Meaning:
        """Add a bias to sums."""
        return self._with_constant(arguments, "add", "the bias")

    def mul_by_constant(self, arguments: Arguments) -> Meaning:
        """Multiply sums of a pool with the share of one value."""
        return self._with_constant(arguments, "mul", "the factor")

    def _with_constant(self, arguments: Arguments, step: str, what: str) -> Meaning:
        sums = self._sums(arguments, step)
        arguments.count(2, 2)
        if sums.constant is not None:
            raise arguments.unknown("follows another constant")
        return replace(
            sums, constant=by_channel(self._source, arguments.operation.module, what, arguments.at(1))
        )

    def pad(self, arguments: Arguments) -> Meaning:
        """Put a border around a tensor."""
        arguments.count(4, 4)
        arguments.expect(2, "constant")
        left, right, top, bottom = arguments.integers(1, 4)
        value = arguments.at(3)
        if not isinstance(value, int | float) or not np.isfinite(value):
            raise arguments.unknown("has a border that is no number")
        inner = self._integers(arguments, 0)
        if inner.pads != NO_PADS:
            raise arguments.unknown("puts a border around another")
        return Border(inner.name, (top, left, bottom, right), float(value))

    def convolution(self, arguments: Arguments) -> Meaning:
        """Sum products with weights."""
        arguments.count(13, 13)
        padded = self._integers(arguments, 0)
        weights = self._meaning(arguments, 1)
        if not isinstance(weights, Weights):
            raise arguments.unknown("has weights that are no stored tensor of int8")
        arguments.expect(2, None)
        strides, dilations = arguments.integers(3, 2, 1), arguments.integers(5, 2, 1)
        arguments.expect(4, (0, 0))
        arguments.expect(6, False)
        arguments.expect(7, (0, 0))
        group = arguments.at(8)
        if type(group) is not int or not 1 <= group <= 1 << 15:
            raise arguments.unknown("has groups that are no positive number")
        window = {
            "kernel": weights.values.shape[2:],
            "strides": strides,
            "dilations": dilations,
            "pads": self._filled(arguments, padded),
        }
        return Sums(padded.name, weights.values, window, group, arguments.operation.module)

    def avg_pool(self, arguments: Arguments) -> Meaning:
        """Sum a window: the divisor is 1, the factor comes later."""
        arguments.count(7, 7)
        padded = self._integers(arguments, 0)
        kernel, strides = arguments.integers(1, 2, 1), arguments.integers(2, 2, 1)
        for place, wanted in ((3, (0, 0)), (4, False), (5, True), (6, 1)):
            arguments.expect(place, wanted)
        window = {"kernel": kernel, "strides": strides, "pads": self._filled(arguments, padded)}
        return Sums(padded.name, None, window, 1, arguments.operation.module)

    def _filled(self, arguments: Arguments, padded: Border) -> Pads:
        """Return the pads, whose value must be the zero point; one that no int8 holds only a buffer of the host may have."""
        zero = self._builder.tensors[padded.name].zero_point
        if padded.pads == NO_PADS:
            return NO_PADS
        inputs = {port.tensor for port in self._ports.values()}
        if padded.value != zero or not (-128 <= zero <= 127 or padded.name in inputs):
            raise arguments.unknown(f"has a border of {padded.value:g} around values with zero point {zero}")
        if not -128 <= zero <= 127:
            self._builder.wide_borders.add(padded.name)
        return padded.pads

    def max_pool(self, arguments: Arguments) -> Meaning:
        """Take the largest value of a window."""
        arguments.count(5, 6)
        padded = self._integers(arguments, 0)
        kernel, strides = arguments.integers(1, 2, 1), arguments.integers(2, 2, 1)
        arguments.expect(3, (0, 0))
        dilations = arguments.integers(4, 2, 1)
        if len(arguments.operation.arguments) == 6:
            arguments.expect(5, False)
        if padded.pads != NO_PADS and padded.value != -128:
            raise arguments.unknown(f"has a border of {padded.value:g}, expected -128")
        attributes = {"kernel": kernel, "strides": strides, "dilations": dilations, "pads": padded.pads}
        return Integers(self._builder.max_pool(padded.name, attributes, arguments.operation.module))

    def cat(self, arguments: Arguments) -> Meaning:
        """Join tensors of one scale along channels, rows or columns."""
        arguments.count(2, 2)
        parts, axis = arguments.at(0), arguments.at(1)
        axes = {1: 2, 2: 0, 3: 1, -3: 2, -2: 0, -1: 1}
        if type(axis) is not int or axis not in axes:
            raise arguments.unknown("joins along an axis that is none of channels, rows and columns")
        if not isinstance(parts, tuple) or not parts:
            raise arguments.unknown("joins no list of tensors")
        names = []
        for part in parts:
            value = self._values.get(part.number) if isinstance(part, Value) else None
            if not isinstance(value, Integers):
                raise arguments.unknown("joins values that are not quantised")
            names.append(value.name)
        return Integers(self._builder.concat(tuple(names), axes[axis], arguments.operation.module))

    def join(self, arguments: Arguments) -> Meaning:
        """Add or subtract real values."""
        arguments.count(2, 2)
        sides = [self._meaning(arguments, place) for place in (0, 1)]
        if not all(isinstance(side, Convolved | Dequantised) for side in sides):
            raise arguments.unknown(
                "combines something else than results of convolutions and dequantised tensors"
            )
        left, right = cast("list[Convolved | Dequantised]", sides)
        op = arguments.operation.name.removeprefix("torch.")
        return Joined(op, left, right, arguments.operation.module)

    def alias(self, arguments: Arguments) -> Meaning:
        """Return the same under another name."""
        arguments.count(1, 1)
        return self._meaning(arguments, 0)


Handler = Callable[[Translator, Arguments], Meaning]
_HANDLERS: Mapping[str, Handler] = {
    f"{QTOOLS}quantize": Translator.quantize,
    f"{QTOOLS}dequantize": Translator.dequantize,
    f"{QTOOLS}fake_dequantize": Translator.fake_dequantize,
    f"{QTOOLS}fake_cast_int8": Translator.cast_int8,
    f"{QTOOLS}fake_cast_float32": Translator.cast_float32,
    f"{QTOOLS}round_float18": Translator.round_float18,
    f"{QTOOLS}add_by_constant": Translator.add_by_constant,
    f"{QTOOLS}mul_by_constant": Translator.mul_by_constant,
    "torch.pad": Translator.pad,
    "torch._convolution": Translator.convolution,
    "torch.avg_pool2d": Translator.avg_pool,
    "torch.max_pool2d": Translator.max_pool,
    "torch.cat": Translator.cat,
    "torch.add": Translator.join,
    "torch.sub": Translator.join,
    "torch.alias": Translator.alias,
}


def quantisers(graph: Graph) -> list[tuple[int, Operation]]:
    """Return the quantisers of the graph's inputs, in order, each with the number of the input it reads."""
    inputs = {value.number: index for index, value in enumerate(graph.inputs)}
    return [
        (inputs[operation.arguments[0].number], operation)
        for operation in graph.operations
        if operation.name == f"{QTOOLS}quantize"
        and operation.arguments
        and isinstance(operation.arguments[0], Value)
        and operation.arguments[0].number in inputs
    ]
