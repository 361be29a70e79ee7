"""What can be compared: programs, float and QDQ networks, recordings. Each gives its tensors as (height, width, channels)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx

from axelera.compiler.pipeline import cleaned, loaded
from axelera.compiler.quantisation import SegmentedSession, run_session, session
from axemu.driver import InvalidArgument, TensorInfo
from axemu.driver.bounded import JSON_FILE, in_words, parse_json, read_bounded
from axemu.emulator import compute
from axemu.host import HostPart, depad
from axemu.model import CompiledModel, imported_program, load_compiled_model
from axemu.model.ops import Numerics
from axemu.model.program import PROGRAM_JSON, Program, Tensor, read_program
from axemu.studies._compare._measure import Codes, Real
from axemu.studies._recording import Recording, read_recording

Engine = Literal["core", "specification"]
Frame = Sequence[npt.NDArray[np.float32]]
"""Float inputs of a network, NCHW, in its order."""


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor of one frame: real (H, W, C); `codes` where it is int8, with scale and zero point."""

    real: Callable[[], Real]
    codes: Codes | None = None
    scale: float = 0.0
    zero_point: int = 0

    @classmethod
    def of_codes(cls, codes: Codes, scale: float, zero_point: int) -> Value:
        """Return a value that is int8."""
        return cls(
            lambda: (codes.astype(np.float32) - zero_point) * np.float32(scale), codes, scale, zero_point
        )


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Which value of a float network a tensor is: tensor = clip(value, low, high) * gain + shift by channel."""

    value: str
    gain: npt.NDArray[np.float32] | None = None
    shift: npt.NDArray[np.float32] | None = None
    low: float = -np.inf
    high: float = np.inf

    def apply(self, value: Real) -> Real:
        """Return the tensor for a value (H, W, C)."""
        if self.gain is None or self.shift is None:
            return value
        result: Real = np.clip(value, np.float32(self.low), np.float32(self.high)) * self.gain + self.shift
        return result


@dataclass(frozen=True, slots=True, eq=False)
class ProgramSide:
    """A program, executed by the compute core or by the specification, in one of the numerics.

    Attributes:
        name: what reports call it.
        program: its integers.
        engine: who executes it.
        numerics: how.
        shows: which value of the float network a tensor is, where that is known (from report.json).
        model: the compiled model around it, which says how inputs become buffers; without one they are quantised only.
    """

    name: str
    program: Program
    engine: Engine = "core"
    numerics: Numerics = "metis"
    shows: Mapping[str, Shown] = field(default_factory=dict)
    model: CompiledModel | None = None

    def buffers(self, frame: Frame) -> dict[str, Codes]:
        """Return the program's inputs for float inputs of the network."""
        tensors = [self.program.tensors[name] for name in self.program.inputs]
        if self.model is not None:
            given = HostPart(_Described(self.model), self.model.directory).inputs(*frame)
            return {t.name: value.reshape(t.shape) for t, value in zip(tensors, given, strict=True)}
        if len(frame) != len(tensors):
            raise InvalidArgument(f"{self.name}: takes {len(tensors)} inputs, {len(frame)} given")
        return {t.name: codes_of(planes(value, t.shape), t) for t, value in zip(tensors, frame, strict=True)}

    def input_shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of the network's inputs, NCHW."""
        if self.model is not None:
            return HostPart(_Described(self.model), self.model.directory).input_shapes
        shapes = (self.program.tensors[name].shape for name in self.program.inputs)
        return [(1, channels, height, width) for height, width, channels in shapes]

    def run(self, buffers: Mapping[str, Codes]) -> dict[str, Codes]:
        """Return every tensor."""
        return execute(self.program, buffers, self.engine, self.numerics, list(self.program.tensors))

    def outputs(self, values: Mapping[str, Codes]) -> list[Codes]:
        """Return the outputs without padding."""
        found = [values[name] for name in self.program.outputs]
        if self.model is None:
            return found
        return [depad(value, _one(info))[0] for value, info in zip(found, self.model.outputs, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class OnnxSide:
    """A float network, or one in the QDQ form, in ONNX Runtime."""

    name: str
    model: onnx.ModelProto
    quantised: bool

    @property
    def values(self) -> frozenset[str]:
        """Names of what nodes compute, and of inputs."""
        graph = self.model.graph
        return frozenset(
            {name for node in graph.node for name in node.output} | {i.name for i in graph.input}
        )

    def run(self, frame: Frame, wanted: Collection[str]) -> dict[str, npt.NDArray[Any]]:
        """Return values by name, in the network's own shapes."""
        constants = {tensor.name for tensor in self.model.graph.initializer}
        names = [value.name for value in self.model.graph.input if value.name not in constants]
        feeds = {name: np.asarray(value, np.float32) for name, value in zip(names, frame, strict=True)}
        found = {name: value for name, value in feeds.items() if name in wanted}
        rest = [name for name in wanted if name not in feeds]
        if not self.quantised:
            return found | dict(SegmentedSession(self.model, rest, self.name).run(feeds))
        tapped = onnx.ModelProto()
        tapped.CopyFrom(self.model)
        del tapped.graph.output[:]
        tapped.graph.output.extend(onnx.ValueInfoProto(name=name) for name in rest)
        runner = session(tapped, self.name, as_written=True)
        return found | dict(zip(rest, run_session(runner, rest, feeds, self.name), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class RecordingSide:
    """What a board was given and gave."""

    name: str
    recording: Recording


Side = ProgramSide | OnnxSide | RecordingSide


def read_side(text: str) -> Side:
    """Return what a text names.

    A compiled model (directory, model.json or .axm), of this compiler or the vendor's, is executed by the compute core in
    `metis`; in front of it may stand `core:`, `spec:`, `core-exact:` or `spec-exact:`. A file .axrec is a recording, any other an ONNX
    network, in float or in the QDQ form.

    Raises:
        AxeleraError: there is nothing, or it is damaged.
    """
    prefix, colon, rest = text.partition(":")
    engines: dict[str, tuple[Engine, Numerics]] = {
        "core": ("core", "metis"),
        "spec": ("specification", "metis"),
        "core-exact": ("core", "exact"),
        "spec-exact": ("specification", "exact"),
    }
    if colon and prefix in engines:
        return program_side(Path(rest), *engines[prefix], name=text)
    path = Path(text)
    if path.suffix == ".axrec":
        return RecordingSide(text, read_recording(path))
    if path.suffix == ".onnx":
        return onnx_side(path, text)
    return program_side(path, name=text)


def program_side(
    path: Path, engine: Engine = "core", numerics: Numerics = "metis", name: str = ""
) -> ProgramSide:
    """Return a compiled model as a side.

    Raises:
        AxeleraError: it cannot be read.
    """
    model = load_compiled_model(path)
    ours = (model.directory / PROGRAM_JSON).is_file()
    program = read_program(model.directory) if ours else imported_program(model.directory)
    return ProgramSide(name or str(path), program, engine, numerics, _shown(model.directory, program), model)


def onnx_side(model: onnx.ModelProto | Path, name: str = "") -> OnnxSide:
    """Return a network as a side: a float one simplified as the compiler does, one in the QDQ form as it is.

    Raises:
        CompilerError: it cannot be read.
    """
    name = name or str(model if isinstance(model, Path) else model.graph.name)
    proto = loaded(model, name)
    if any(node.op_type == "QuantizeLinear" for node in proto.graph.node):
        return OnnxSide(name, proto, quantised=True)
    import onnx_ir as ir  # noqa: PLC0415  only for float networks

    return OnnxSide(name, ir.to_proto(cleaned(proto, name)), quantised=False)


def execute(
    program: Program, buffers: Mapping[str, Codes], engine: Engine, numerics: Numerics, wanted: Sequence[str]
) -> dict[str, Codes]:
    """Run one frame and return the tensors wanted, (H, W, C)."""
    path = "reference" if engine == "specification" else "auto"
    runner = compute.load(program, numerics, path, taps=list(wanted)).instance()
    outputs = [np.empty(program.batch * program.tensors[name].size, np.int8) for name in program.outputs]
    runner.run([_batch(buffers[name], program.batch) for name in program.inputs], outputs)
    return {name: runner.taps[name][0].copy() for name in wanted}


def _batch(value: Codes, batch: int) -> Codes:
    return np.tile(value.reshape(-1), batch)


def planes(value: npt.NDArray[Any], shape: tuple[int, int, int]) -> Real:
    """Return a value of a float network, one frame of any rank, as (H, W, C)."""
    height, width, channels = shape
    if value.size != height * width * channels:
        raise InvalidArgument(
            f"a value of shape {value.shape} does not fit a tensor {shape} (height, width, channels)"
        )
    return np.asarray(value, np.float32).reshape(channels, height, width).transpose(1, 2, 0)


def codes_of(real: Real, tensor: Tensor) -> Codes:
    """Return real values as a tensor has them."""
    steps = np.rint(real / np.float32(tensor.scale) + np.float32(tensor.zero_point))
    codes: Codes = np.clip(steps, -128, 127).astype(np.int8)
    return codes


class _Described:
    """A compiled model with the face that the host's part asks for."""

    def __init__(self, model: CompiledModel) -> None:
        self._model = model
        self.preamble_graph = model.preamble_graph
        self.postamble_graph = ""

    def inputs(self) -> list[TensorInfo]:
        """Return the inputs, for one frame."""
        return [_one(info) for info in self._model.inputs]

    def outputs(self) -> list[TensorInfo]:
        """Return the outputs, for one frame."""
        return [_one(info) for info in self._model.outputs]


def _one(info: TensorInfo) -> TensorInfo:
    return TensorInfo((1, *info.shape[1:]), info.dtype, info.name, info.padding, info.scale, info.zero_point)


def _shown(directory: Path, program: Program) -> dict[str, Shown]:
    """Return what report.json says of the float values that tensors are; nothing where there is none."""
    path = directory / "report.json"
    if not path.is_file():
        return {}
    try:
        content: Any = parse_json(read_bounded(path, JSON_FILE), JSON_FILE)
        found = {str(e["tensor"]): _entry(e) for e in content["operators"] if e.get("value")}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidArgument(f"{path}: damaged: {in_words(error)}; compile the model again") from error
    for name, shown in found.items():
        channels = program.tensors[name].shape[2] if name in program.tensors else 0
        if any(by is not None and by.shape != (channels,) for by in (shown.gain, shown.shift)):
            raise InvalidArgument(
                f"{path}: what it says of the channels of tensor {name!r} does not fit the program, which has {channels}; "
                "compile the model again"
            )
    return found


def _entry(entry: Any) -> Shown:
    change = entry.get("rescaling")
    if change is None:
        return Shown(str(entry["value"]))
    gain, shift = (np.array(change[key], np.float32) for key in ("gain", "shift"))
    low, high = (
        float(change[k]) if change[k] is not None else end for k, end in (("low", -np.inf), ("high", np.inf))
    )
    return Shown(str(entry["value"]), gain, shift, low, high)
