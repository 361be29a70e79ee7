"""Running the float network on calibration data and keeping statistics instead of data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx

from axelera.compiler._errors import CalibrationError
from axelera.compiler.lowering import Rescaling
from axelera.compiler.quantisation._histogram import Histogram
from axelera.compiler.quantisation._segments import SegmentedSession
from axelera.compiler.quantisation._session import Feeds


@dataclass(slots=True)
class ChannelStatistics:
    """Per channel (axis 1) of a value: sum and count for the mean, minimum and maximum."""

    total: npt.NDArray[np.float64]
    count: int
    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]

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
    runner = SegmentedSession(core, computed, "calibration")
    found = Observations({name: Histogram() for name in values})
    changes = rescalings or {}
    for feeds in samples:
        for name in sorted(inputs & set(wanted)):
            _reduce(found, name, _scaled(feeds[name], changes.get(name)), name in channel_names)
        for name, array in runner.run(feeds):
            _reduce(found, name, _scaled(array, changes.get(name)), name in channel_names)
        found.count += 1
    if not found.count:
        raise CalibrationError(
            "the calibration data is empty: give at least one sample, 100 to 400 are usual"
        )
    return found


def _scaled(array: npt.NDArray[np.float32], change: Rescaling | None) -> npt.NDArray[np.float32]:
    return array if change is None else change.apply(array, 1).astype(np.float32, copy=False)


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
