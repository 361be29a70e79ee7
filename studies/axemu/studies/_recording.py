"""Recordings: what a board was given and what it gave, in one file that can be compared elsewhere."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument, TensorInfo, path_errors
from axemu.driver.bounded import JSON_FILE, open_without_waiting, parse_json
from axemu.host import depad, pad
from axemu.model import replacing

if TYPE_CHECKING:
    from axelera.runtime import Connection, Context

Int8Array = npt.NDArray[np.int8]
MAGIC = b"axemu recording 1\n"
_MAX_TENSORS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """A tensor as it was recorded: int8 (frames, H, W, C) without padding; real = (q - zero_point) * scale."""

    values: Int8Array
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What a model was given and what it gave.

    Attributes:
        model: the model's name.
        inputs: tensors in order.
        outputs: tensors in order; of a recording with taps also those within.
        about: what made it: driver, board, firmware, versions.
    """

    model: str
    inputs: Mapping[str, Recorded]
    outputs: Mapping[str, Recorded]
    about: Mapping[str, str] = field(default_factory=dict)


def write_recording(path: Path, recording: Recording) -> None:
    """Write a recording; the file appears whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    document = {
        "model": recording.model,
        "about": dict(recording.about),
        "inputs": [_row(name, tensor) for name, tensor in recording.inputs.items()],
        "outputs": [_row(name, tensor) for name, tensor in recording.outputs.items()],
    }
    with replacing(path) as temporary, temporary.open("wb") as stream:
        stream.write(MAGIC + json.dumps(document, separators=(",", ":")).encode() + b"\n")
        for tensor in (*recording.inputs.values(), *recording.outputs.values()):
            stream.write(np.ascontiguousarray(tensor.values).tobytes())


def read_recording(path: Path) -> Recording:
    """Read what `write_recording` wrote.

    Raises:
        InvalidArgument: the file is missing, damaged or no recording; names it.
    """
    with path_errors(InvalidArgument, path), open(path, "rb", opener=open_without_waiting) as stream:
        try:
            return _read(stream)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise InvalidArgument(f"{path}: no recording, or a damaged one: {error}") from error


def record(context: Context, model: Path, frames: Sequence[Sequence[Int8Array]]) -> Recording:
    """Run frames on a free core of a board and return what went in and came out.

    Args:
        context: its driver decides which board that is.
        model: a compiled model for one core.
        frames: int8 (H, W, C) for each input of each frame, without padding.

    Raises:
        AxeleraError: the model does not load, the frames do not fit it, or a run fails.
    """
    connection = context.device_connect(None, 1)
    try:
        loaded = context.load_model(model)
        inputs, outputs = loaded.inputs(), loaded.outputs()
        given = [np.stack([frame[index] for frame in frames]) for index in range(len(inputs))]
        found = run_frames(context, connection, model, frames)
        device = connection.device
        return Recording(
            Path(model).resolve().name
            if Path(model).suffix != ".json"
            else Path(model).resolve().parent.name,
            _recorded("input", inputs, given),
            _recorded("output", outputs, found),
            {"board": device.name, "firmware": device.firmware_version},
        )
    finally:
        connection.release()


def run_frames(
    context: Context, connection: Connection, path: Path, frames: Sequence[Sequence[Int8Array]]
) -> list[Int8Array]:
    """Run frames of a model for one core; return its outputs without padding: int8 (frames, H, W, C) each.

    Raises:
        AxeleraError: the model does not load, the frames do not fit it, or a run fails.
    """
    model = context.load_model(path)
    inputs, outputs = model.inputs(), model.outputs()
    instance = connection.load_model_instance(model)
    try:
        results: list[list[Int8Array]] = [[] for _ in outputs]
        for frame in frames:
            buffers = [np.full(info.shape, _UNTOUCHED, np.int8) for info in outputs]
            instance.run(
                [pad(values[None], info) for values, info in zip(frame, inputs, strict=True)], buffers
            )
            for kept, info, buffer in zip(results, outputs, buffers, strict=True):
                kept.append(depad(buffer, info)[0])
    finally:
        instance.release()
    return [np.stack(kept) for kept in results]


_UNTOUCHED = 85
"""What output buffers hold before a run."""


def _recorded(what: str, infos: Sequence[TensorInfo], values: Sequence[Int8Array]) -> dict[str, Recorded]:
    names = [info.name or f"{what}_{index}" for index, info in enumerate(infos)]
    if len(set(names)) != len(names):
        names = [f"{what}_{index}" for index in range(len(names))]
    return {
        name: Recorded(value, float(info.scale), int(info.zero_point))
        for name, info, value in zip(names, infos, values, strict=True)
    }


def _row(name: str, tensor: Recorded) -> list[Any]:
    return [name, list(tensor.values.shape), float(tensor.scale), int(tensor.zero_point)]


def _read(stream: BinaryIO) -> Recording:
    if stream.readline(len(MAGIC)) != MAGIC:
        raise ValueError("it does not begin as one")
    content: Any = parse_json(stream.readline(JSON_FILE.size), JSON_FILE)
    sides = [
        {
            str(name): _tensor(stream, shape, scale, zero)
            for name, shape, scale, zero in content[side][:_MAX_TENSORS]
        }
        for side in ("inputs", "outputs")
    ]
    about = {str(key): str(value) for key, value in content["about"].items()}
    return Recording(str(content["model"]), sides[0], sides[1], about)


def _tensor(stream: BinaryIO, shape: Any, scale: Any, zero: Any) -> Recorded:
    sizes = tuple(int(size) for size in shape)
    if len(sizes) != 4 or min(sizes) < 1:
        raise ValueError(f"a tensor has the shape {sizes}, expected four sizes")
    if not 0 < float(scale) < math.inf or abs(int(zero)) > 1 << 20:
        raise ValueError(f"scale {scale!r} or zero point {zero!r} cannot be")
    count = math.prod(sizes)
    left = _left(stream)
    if count > left:
        raise ValueError(f"a tensor of {count} B, but {left} B are left")
    return Recorded(np.frombuffer(stream.read(count), np.int8).reshape(sizes), float(scale), int(zero))


def _left(stream: BinaryIO) -> int:
    here = stream.tell()
    end = stream.seek(0, 2)
    stream.seek(here)
    return end - here
