"""Running the float network on calibration data and keeping statistics instead of data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from axelera.compiler._errors import CalibrationError, ModelError
from axelera.compiler.lowering import Rescaling
from axelera.compiler.quantisation._histogram import Histogram

Feeds = Mapping[str, npt.NDArray[np.float32]]

_GROUP_BYTES = 256 << 20
"""Observed values held at once; larger networks are run in several parts per sample."""


@dataclass(slots=True)
class ChannelStatistics:
    """Per channel (axis 1) of a value: sum and count for the mean, minimum and maximum."""

    total: npt.NDArray[np.float64]
    count: int
    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]

    @property
    def largest(self) -> npt.NDArray[np.float64]:
        """Largest magnitude seen in each channel."""
        return np.maximum(np.abs(self.low), np.abs(self.high)).astype(np.float64)

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """Mean over all samples and positions."""
        return self.total / max(self.count, 1)


@dataclass(slots=True)
class Observations:
    """What calibration saw: a histogram per value, statistics per channel, the number of samples."""

    histograms: dict[str, Histogram] = field(default_factory=dict)
    channels: dict[str, ChannelStatistics] = field(default_factory=dict)
    count: int = 0


def session(model: onnx.ModelProto, what: str) -> onnxruntime.InferenceSession:
    """Return an ONNX Runtime session on the CPU.

    Raises:
        ModelError: ONNX Runtime refuses the graph.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["Pad_Fusion"],  # it moves a zero Pad into MaxPool, where padding never wins
        )
    except Exception as error:  # onnxruntime raises pybind exceptions without a common base
        raise ModelError(f"{what}: ONNX Runtime cannot run it: {error}") from error


def run_session(
    runner: onnxruntime.InferenceSession, names: Sequence[str] | None, feeds: Feeds, what: str
) -> list[npt.NDArray[Any]]:
    """Run a session on the inputs of one frame.

    Raises:
        ModelError: an operator fails on these inputs, as in a model whose parts do not fit together.
    """
    try:
        return list(runner.run(None if names is None else list(names), dict(feeds)))
    except Exception as error:  # onnxruntime raises pybind exceptions without a common base
        raise ModelError(f"{what}: ONNX Runtime failed while running it: {error}") from error


def exposing(model: onnx.ModelProto, values: Iterable[str]) -> onnx.ModelProto:
    """Return a copy of `model` with `values` as additional float outputs."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    present = {output.name for output in copy.graph.output} | {value.name for value in copy.graph.input}
    for name in values:
        if name not in present:
            copy.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    return copy


def observe(
    core: onnx.ModelProto,
    values: Sequence[str],
    per_channel: Iterable[str],
    samples: Iterable[Feeds],
    rescalings: Mapping[str, Rescaling] | None = None,
) -> Observations:
    """Run the float core on every sample and gather statistics of `values`.

    Memory does not grow with the number of samples: each one is reduced to histograms before the next is drawn.

    Args:
        core: float ONNX model of the chip's part.
        values: names to observe (inputs of the model included).
        per_channel: names whose channels are summarised one by one.
        samples: inputs of the core, one frame each.
        rescalings: how the channels (axis 1) of a value are changed before they are counted.

    Raises:
        CalibrationError: there are no samples, or a value is not finite.
    """
    inputs = {value.name for value in core.graph.input}
    channel_names = set(per_channel)
    wanted = sorted({*values, *channel_names})
    computed = [name for name in wanted if name not in inputs]
    runner = session(exposing(core, computed), "calibration")
    found = Observations({name: Histogram() for name in values})
    parts = _parts(runner, computed)
    changes = rescalings or {}
    for feeds in samples:
        for name in sorted(inputs & set(wanted)):
            _reduce(found, name, _scaled(feeds[name], changes.get(name)), name in channel_names)
        for part in parts:
            for name, array in zip(part, run_session(runner, part, feeds, "calibration"), strict=True):
                _reduce(found, name, _scaled(array, changes.get(name)), name in channel_names)
        found.count += 1
    if not found.count:
        raise CalibrationError(
            "the calibration data is empty: give at least one sample, 100 to 400 are usual"
        )
    return found


def _scaled(array: npt.NDArray[np.float32], change: Rescaling | None) -> npt.NDArray[np.float32]:
    return array if change is None else change.apply(array, 1).astype(np.float32, copy=False)


def _parts(runner: onnxruntime.InferenceSession, names: list[str]) -> list[list[str]]:
    """Part the observed values so that each part fits into the memory limit."""
    shapes = {output.name: output.shape for output in runner.get_outputs()}
    parts: list[list[str]] = [[]]
    size = 0
    for name in names:
        shape = shapes.get(name) or []
        bytes_ = 4 * math.prod(extent if isinstance(extent, int) else 1 for extent in shape)
        if parts[-1] and size + bytes_ > _GROUP_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(name)
        size += bytes_
    return [part for part in parts if part]


def _reduce(found: Observations, name: str, array: npt.NDArray[np.float32], by_channel: bool) -> None:
    if name in found.histograms:
        found.histograms[name].add(array, name)
    if not by_channel or array.ndim < 2:
        return
    rows = array.reshape(array.shape[1], -1)
    total, low, high = rows.sum(axis=1, dtype=np.float64), rows.min(axis=1), rows.max(axis=1)
    known = found.channels.get(name)
    if known is None:
        found.channels[name] = ChannelStatistics(total, rows.shape[1], low, high)
        return
    known.total += total
    known.count += rows.shape[1]
    np.minimum(known.low, low, out=known.low)
    np.maximum(known.high, high, out=known.high)
