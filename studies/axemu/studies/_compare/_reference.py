"""The side that is compared with: its values, brought to the shape, channels and scale of the program's tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument
from axemu.model.program import Program, Tensor
from axemu.studies._compare._measure import Codes
from axemu.studies._compare._sides import Frame, OnnxSide, ProgramSide, RecordingSide, Value, planes


class Reference:
    """Values of the other side by tensor of the examined program."""

    exact = True
    """Whether equal integers are to be expected."""

    def value_name(self, tensor: str) -> str | None:
        """Return what a tensor is called there; None where it is not there."""
        raise NotImplementedError

    def aligned(self, tensor: str) -> str:  # noqa: ARG002
        """Say what is done to a value before it is compared."""
        return ""

    def frame(self, frame: Frame, index: int) -> Mapping[str, Value]:
        """Return the values of a frame by tensor."""
        raise NotImplementedError


class OfProgram(Reference):
    """Another program, or another way to execute one: tensors of the same name are the same."""

    def __init__(self, side: ProgramSide, program: Program) -> None:
        self._side = side
        other = side.program.tensors
        self._names = {
            name
            for name, tensor in program.tensors.items()
            if name in other and other[name].shape == tensor.shape
        }
        if not self._names & {node.output for node in program.nodes}:
            raise InvalidArgument(
                f"{side.name} and the other side have no tensor of the same name and shape: they are programs of "
                "different networks, or of compilers that name tensors otherwise; compare each with the float network"
            )

    def value_name(self, tensor: str) -> str | None:
        """Return the same name."""
        return tensor if tensor in self._names else None

    def frame(self, frame: Frame, index: int) -> Mapping[str, Value]:  # noqa: ARG002
        """Run the other program."""
        found = self._side.run(self._side.buffers(frame))
        tensors = self._side.program.tensors
        return {
            name: Value.of_codes(found[name], tensors[name].scale, tensors[name].zero_point)
            for name in found
            if name in self._names
        }


class OfOnnx(Reference):
    """A float network, whose values tensors stand for, or a QDQ network with values of the same names."""

    def __init__(self, side: OnnxSide, examined: ProgramSide) -> None:
        self._side = side
        self.exact = False
        self._tensors = examined.program.tensors
        known = side.values
        self._shown = {name: shown for name, shown in examined.shows.items() if shown.value in known}
        self._names = {name: shown.value for name, shown in self._shown.items()}
        inputs = dict(zip(examined.program.inputs, (i.name for i in side.model.graph.input), strict=False))
        if side.quantised:
            self._names |= {name: name for name in self._tensors if name in known and name not in inputs}
        else:
            self._names |= {
                n: n for n in self._tensors if n in known and n not in inputs and n not in examined.shows
            }
        if not self._names:
            raise InvalidArgument(
                f"{side.name} has no value that a tensor of {examined.name} is known to stand for; compile the network with this "
                "SDK (report.json then says which), or give the QDQ network that the program was written as"
            )

    def value_name(self, tensor: str) -> str | None:
        """Return the value of the network."""
        return self._names.get(tensor)

    def aligned(self, tensor: str) -> str:
        """Say that channels go last, and which of them are scaled."""
        shown = self._shown.get(tensor)
        changed = shown is not None and shown.gain is not None and not np.allclose(shown.gain, 1.0)
        return "NCHW to NHWC" + (", channels balanced as when compiled" if changed else "")

    def frame(self, frame: Frame, index: int) -> Mapping[str, Value]:  # noqa: ARG002
        """Run the network."""
        found = self._side.run(frame, sorted(set(self._names.values())))
        return {
            tensor: self._value(self._tensors[tensor], found[value])
            for tensor, value in self._names.items()
            if found[value].size == self._tensors[tensor].size
        }

    def _value(self, tensor: Tensor, found: npt.NDArray[Any]) -> Value:
        shown = self._shown.get(tensor.name)
        real = planes(found, tensor.shape)
        return Value(lambda: np.ascontiguousarray(real if shown is None else shown.apply(real)))


class OfRecording(Reference):
    """A recording: inputs and outputs by position, without padding."""

    def __init__(self, side: RecordingSide, examined: ProgramSide) -> None:
        recording = side.recording
        program = examined.program
        self._values = {}
        self._paddings = dict.fromkeys((*program.inputs, *program.outputs), "")
        for names, recorded, infos in (
            (program.inputs, recording.inputs, examined.model.inputs if examined.model else ()),
            (program.outputs, recording.outputs, examined.model.outputs if examined.model else ()),
        ):
            if len(names) != len(recorded):
                raise InvalidArgument(
                    f"{side.name}: has {len(recorded)} tensors where {examined.name} has {len(names)}: of another model"
                )
            for index, (name, (other, tensor)) in enumerate(zip(names, recorded.items(), strict=True)):
                padding = infos[index].padding if infos else []
                pairs = [(0, 0), *(padding[1:] or [(0, 0)] * 3)]
                zero = program.tensors[name].zero_point
                padded = np.pad(tensor.values, pairs, constant_values=min(127, max(-128, zero)))
                if padded.shape[1:] != program.tensors[name].shape:
                    raise InvalidArgument(
                        f"{side.name}: tensor {other!r} is {tensor.values.shape[1:]}, which with padding is no "
                        f"{program.tensors[name].shape} as {name!r} of {examined.name}"
                    )
                self._values[name] = (other, padded, tensor.scale, tensor.zero_point)
                self._paddings[name] = "padding added" if any(sum(pair) for pair in pairs) else ""

    def value_name(self, tensor: str) -> str | None:
        """Return the recorded tensor."""
        return self._values[tensor][0] if tensor in self._values else None

    def aligned(self, tensor: str) -> str:
        """Say where padding was put around a value."""
        return self._paddings.get(tensor, "")

    def frame(self, frame: Frame, index: int) -> Mapping[str, Value]:  # noqa: ARG002
        """Return what was recorded."""
        return {
            name: Value.of_codes(values[index], scale, zero)
            for name, (_, values, scale, zero) in self._values.items()
        }


def same_codes(value: Value, tensor: Tensor) -> Codes | None:
    """Return a value's codes if it has the scale and zero point of a tensor."""
    if value.codes is None:
        return None
    equal = (np.float32(value.scale), value.zero_point) == (np.float32(tensor.scale), tensor.zero_point)
    return value.codes if equal else None
